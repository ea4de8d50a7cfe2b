"""Building the rooms from a configuration, and handing them to each other."""

import random
import secrets
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from attrs import define, evolve, field, frozen
from twisted.web.resource import Resource

from antigravity_gw.admin.actions import Actions
from antigravity_gw.admin.api import Office, make_api
from antigravity_gw.admin.failures import Failures
from antigravity_gw.admin.files import read_files
from antigravity_gw.admin.pages import Page
from antigravity_gw.admin.session import Sessions
from antigravity_gw.admin.view import View
from antigravity_gw.admin.watchers import Watchers
from antigravity_gw.allowances import DAY, day_of
from antigravity_gw.config import Config, Loaded
from antigravity_gw.gateway import Gateway, Limits
from antigravity_gw.happenings import Listener, unheard
from antigravity_gw.journal import Witness
from antigravity_gw.keys import KeyRing, StoredKey
from antigravity_gw.kind import Kinds
from antigravity_gw.logs.bodies import Bodies, BodiesFile
from antigravity_gw.logs.levels import Levels
from antigravity_gw.logs.lines import Manner
from antigravity_gw.means import Commons, make_catalog, make_kinds
from antigravity_gw.metrics.collector import Counting
from antigravity_gw.metrics.door import OpenDoor
from antigravity_gw.metrics.page import MetricsPage
from antigravity_gw.metrics.present import Present
from antigravity_gw.pool.account import Known
from antigravity_gw.pool.choosing import Chooser, Strategy
from antigravity_gw.pool.consequences import Consequences, Rests
from antigravity_gw.pool.pool import AccountPool
from antigravity_gw.pool.preparing import Preparation
from antigravity_gw.pool.quotas import QuotaWatch
from antigravity_gw.pool.store import Store
from antigravity_gw.pool.tokens import Tokens
from antigravity_gw.pool.watch import StoreWatch
from antigravity_gw.pool.writer import StoreWriter
from antigravity_gw.states import headcount, state_of
from antigravity_gw.trial import LONGEST, Trial
from antigravity_gw.upstream.endpoints import Endpoints
from antigravity_gw.upstream.threads import Threads
from antigravity_gw.usage.ledger import Keeping, Ledger
from antigravity_gw.web.admission import Limits as ClientLimits
from antigravity_gw.web.deadlines import Deadlines
from antigravity_gw.web.forms import Form
from antigravity_gw.web.guard import Guard, Mode
from antigravity_gw.web.models import Api
from antigravity_gw.web.operators import Operators
from antigravity_gw.web.resource import Branch
from antigravity_gw.web.site import GatewaySite, make_tree
from antigravity_gw.web.status import Health

MOST_SCRAPERS = 100
"""So many connections there may be where there are metrics and nothing else."""

QUOTAS_AFTER = 15.0
"""How long a daemon runs before it asks for quotas, in seconds."""


@frozen
class Books:
    """
    What keeps account of all requests, whatever the settings.

    :ivar counting: for Prometheus.
    :ivar ledger: for who wants to know who used what.
    :ivar failures: for who wants to know what went wrong.
    """

    counting: Counting
    ledger: Ledger
    failures: Failures = field(factory=Failures)

    @property
    def witnesses(self) -> Sequence[Witness]:
        """Who is told of each request that has ended."""
        return self.counting.meters.note, self.ledger.note, self.failures.note


@frozen
class Seen:
    """
    What the page for operators shows, and to whom, whatever the settings.

    :ivar watchers: those who look at it.
    """

    view: View
    watchers: Watchers
    sessions: Sessions


@define(eq=False)
class Wired:
    """
    All that serves, and can be wired anew while it does.

    :ivar site: what clients connect to.
    :ivar quotas: what looks after the accounts' quotas.
    :ivar books: what keeps account of all requests.
    :ivar scraped: where there are metrics and nothing else.
    :ivar endpoints: knows which of Google's hosts are failing.
    :ivar watch: what keeps the pool in step with the store.
    """

    site: GatewaySite
    pool: AccountPool
    quotas: QuotaWatch
    books: Books
    scraped: GatewaySite
    endpoints: Endpoints
    watch: StoreWatch
    _seen: Seen
    _commons: Commons
    _scribe: Threads

    def rewire(self, loaded: Loaded, guard: Guard) -> None:
        """
        Go by another configuration.

        Requests under way go on as they began.  The accounts stay as they are,
        but that what was wrong with their OAuth clients may have been mended.

        :param guard: that of the new configuration, settled.
        """
        guard.take_up(self.site.guard.keys.stored)
        endpoints, reactor = self.endpoints, self._commons.reactor
        endpoints.avoid_seconds = loaded.config.upstream.avoid_seconds
        kinds = make_kinds(loaded, endpoints, self._commons)
        self.pool.go_by(_pool(loaded, self.pool.writer, kinds, reactor))
        self.quotas.go_by(_quotas(loaded, self.pool))
        self.books.ledger.keeping = _keeping(loaded.config)
        site = _site(loaded, guard, self.pool, endpoints, reactor, self.books)
        self.furnish(site, loaded)
        self.site.go_by(site)
        self.site.bodies = _bodies(loaded, self.pool, self._scribe)
        self.scraped.go_by(_scraped(loaded, reactor, self.books.counting))
        self.warn()

    def furnish(self, site: GatewaySite, loaded: Loaded) -> None:
        """Put the page for operators into *site*'s tree, if it is wanted."""
        seen, store, commons = self._seen, self.watch.store, self._commons
        seen.watchers.end()  # who may watch is asked anew
        if not loaded.config.admin.page:
            return
        models = tuple(model.name for model in loaded.config.models.serve)
        usual = next(iter(models), "")
        trial = make_trial(loaded, store, commons.reactor, usual, commons)
        catalog = make_catalog(loaded.config)
        actions = Actions(self.pool, store, self.watch, trial, catalog)
        office = Office(seen.view, actions, seen.watchers, seen.sessions, models)
        page = Page(read_files())
        page.putChild(b"api", make_api(office))
        site.resource.putChild(b"admin", page)

    def warn(self) -> None:
        """Say what an operator should not forget to turn off."""
        if self.site.bodies is not None:
            self.site.bodies.warn()

    def standing(self) -> str:
        """How it is, in one line for the operator: numbers, and no names."""
        connections, now = self.site.connections, self.pool.now()
        known = (Known(a.record, a.holds.by_model) for a in self.pool.accounts)
        told = headcount(state_of(each, now) for each in known)
        return f"{told}; connections: {len(connections)}, requests: {connections.busy}"

    def take_up_keys(self, stored: Sequence[StoredKey]) -> None:
        """Let in whom the keys of the store belong to, and nobody they belonged to."""
        self.site.guard.take_up(stored)

    async def recall(self) -> None:
        """Let what clients have used of today's tokens outlive a restart."""
        day = day_of(self._commons.reactor.seconds())
        tokens = await self.books.ledger.tokens_since(day * DAY)
        self.site.allowances.seed(day, tokens)


def wired(loaded: Loaded, store: Store, reactor: Any) -> Wired:
    """What serves *loaded*'s configuration; the accounts are yet to be taken up."""
    counting = Counting()
    tell = counting.meters.hear
    endpoints = _endpoints(loaded.config, tell)
    commons = Commons.new(reactor)
    kinds = make_kinds(loaded, endpoints, commons)
    pool = _pool(loaded, StoreWriter(store), kinds, reactor, tell)
    ledger = Ledger(store.directory, reactor, _keeping(loaded.config))
    books = Books(counting, ledger)
    site = _site(loaded, make_guard(loaded), pool, endpoints, reactor, books)
    scribe = Threads(reactor, most=1)
    site.bodies = _bodies(loaded, pool, scribe)
    counting.look_at(Present(pool, site, endpoints))
    house = Wired(
        site,
        pool,
        _quotas(loaded, pool),
        books,
        _scraped(loaded, reactor, counting),
        endpoints,
        # At SIGHUP the site gets another guard.
        StoreWatch(pool, store, lambda keys: site.guard.take_up(keys)),
        _seen(pool, site, books, reactor),
        commons,
        scribe,
    )
    house.furnish(site, loaded)
    return house


def _seen(pool: AccountPool, site: GatewaySite, books: Books, reactor: Any) -> Seen:
    view = View(pool, site, books.failures, books.ledger, reactor.seconds())
    watchers = Watchers(reactor, view.encoded, lambda: site.connections.is_draining)
    return Seen(view, watchers, Sessions(secrets.token_bytes(32)))


def make_trial(
    loaded: Loaded,
    store: Store,
    reactor: Any,
    model: str,
    commons: Commons | None = None,
) -> Trial:
    """
    What asks one account at a time, in a pool of its own.

    :param model: as a client would name it.
    :param commons: those of a daemon that runs; None for new ones.
    :raises ConfigError: when the OAuth client's secret is not to be had.
    """
    endpoints = _endpoints(loaded.config)
    kinds = make_kinds(loaded, endpoints, commons or Commons.new(reactor))
    pool = _pool(loaded, StoreWriter(store), kinds, reactor)
    gateway = _gateway(loaded.config, pool, endpoints, reactor)
    limits = evolve(gateway.limits, total=LONGEST, whole=LONGEST, patience=0.0)
    resolved = make_catalog(loaded.config).resolve(model)
    return Trial(evolve(gateway, limits=limits), store, resolved)


def _pool(
    loaded: Loaded,
    writer: StoreWriter,
    kinds: Kinds,
    reactor: Any,
    tell: Listener = unheard,
) -> AccountPool:
    settings = loaded.config.pool
    default = Rests()
    rests = Rests(
        quota=evolve(default.quota, first=settings.quota_rest_seconds),
        rate=evolve(default.rate, first=settings.rate_rest_seconds),
        refused=evolve(default.refused, first=settings.refused_rest_seconds),
        trouble=evolve(default.trouble, first=settings.trouble_rest_seconds),
    )
    tokens = Tokens(kinds, reactor, writer.learn, tell)
    consequences = Consequences(writer, reactor.seconds, random.random, rests, tell)
    return AccountPool(
        clock=reactor,
        writer=writer,
        tokens=tokens,
        kinds=kinds,
        preparation=Preparation(tokens, kinds, consequences, reactor),
        consequences=consequences,
        chooser=Chooser(Strategy(settings.strategy)),
    )


def _quotas(loaded: Loaded, pool: AccountPool) -> QuotaWatch:
    every = loaded.config.pool.quota_check_seconds
    return QuotaWatch(pool, every, begins=pool.now() + QUOTAS_AFTER)


def _site(
    loaded: Loaded,
    guard: Guard,
    pool: AccountPool,
    endpoints: Endpoints,
    reactor: Any,
    books: Books,
) -> GatewaySite:
    config, counting = loaded.config, books.counting
    meters = counting.meters
    meters.models.known = _named_models(config)
    gateway = _gateway(config, pool, endpoints, reactor)
    form = Form(config.http.stream_default)
    catalog = make_catalog(config)
    api = Api(gateway, catalog, form, new_id=lambda: str(uuid4()))
    return GatewaySite(
        make_tree(api, pool, _others(config, reactor, counting)),
        guard,
        reactor,
        limits=_client_limits(config),
        deadlines=Deadlines(
            head=config.http.head_seconds,
            body=config.http.body_seconds,
            write=config.http.write_seconds,
            idle=config.http.keep_alive_seconds,
        ),
        default_form=form,
        new_id=new_id,
        resolve=catalog.resolve,
        witnesses=books.witnesses,
        tell=meters.hear,
    )


def _named_models(config: Config) -> frozenset[str]:
    """The models that the configuration has a name for."""
    listed = (model.name for model in config.models.serve)
    return frozenset((*listed, *config.models.aliases.values()))


def _others(config: Config, reactor: Any, counting: Counting) -> dict[bytes, Resource]:
    """What there is besides the API, for operators."""
    if not config.metrics.enabled:
        return {}
    return {b"metrics": MetricsPage(counting.registry, reactor)}


def _scraped(loaded: Loaded, reactor: Any, counting: Counting) -> GatewaySite:
    """A site for those who want to know how it is, and nothing else."""
    tree = Branch()
    tree.putChild(b"healthz", Health())
    tree.putChild(b"metrics", MetricsPage(counting.registry, reactor))
    site = GatewaySite(
        tree,
        OpenDoor(Mode.OFF, KeyRing(), hosts=make_guard(loaded).hosts),
        reactor,
        limits=ClientLimits(),
        deadlines=Deadlines(),
        default_form=Form.SSE,
        new_id=new_id,
    )
    site.connections.limit = MOST_SCRAPERS
    return site


def new_id() -> str:
    """An id that no other request has had; nothing hangs on nobody guessing it."""
    return f"{random.getrandbits(64):016x}"


def _keeping(config: Config) -> Keeping:
    return Keeping(config.usage.keep_days, config.usage.write_seconds)


def _client_limits(config: Config) -> ClientLimits:
    limits = config.limits
    return ClientLimits(
        head_bytes=limits.head_bytes,
        body_bytes=limits.body_bytes,
        bodies_bytes=limits.bodies_bytes,
        requests=limits.requests,
        streams_per_key=limits.streams_per_key,
    )


def _gateway(
    config: Config, pool: AccountPool, endpoints: Endpoints, reactor: Any
) -> Gateway:
    return Gateway(
        pool=pool,
        endpoints=endpoints,
        limits=Limits(
            attempts=config.upstream.attempts,
            total=config.timeouts.total_seconds,
            whole=config.timeouts.whole_answer_seconds,
            headers=config.timeouts.headers_seconds,
            first_event=config.timeouts.first_event_seconds,
            idle=config.timeouts.idle_seconds,
            stream=config.timeouts.stream_seconds,
            patience=config.pool.wait_seconds,
        ),
        clock=reactor,
        tells=_levels(config).lets_through(Gateway.__module__, "debug"),
    )


def _bodies(loaded: Loaded, pool: AccountPool, scribe: Threads) -> Bodies | None:
    settings, path = loaded.config.log, loaded.bodies_file()
    if path is None:
        return None
    file = BodiesFile(path, settings.bodies_file_bytes)
    return Bodies(file, settings.bodies_bytes, pool.secrets, scribe.run)


def make_manner(config: Config) -> Manner:
    """How the log is written."""
    return Manner(config.log.format, _levels(config))


def _levels(config: Config) -> Levels:
    return Levels(config.log.level, config.log.by_subsystem())


def make_guard(loaded: Loaded) -> Guard:
    """Who may call; it is yet to be told where callers can come from."""
    http = loaded.config.http
    return Guard(
        mode=Mode(loaded.config.auth.mode),
        keys=loaded.key_ring(),
        hosts=frozenset(host.lower() for host in http.hosts),
        origins=frozenset(http.cors_origins),
        operators=Operators(loaded.operator_ring()),
    )


def _endpoints(config: Config, tell: Listener = unheard) -> Endpoints:
    return Endpoints(config.upstream.avoid_seconds, tell)
