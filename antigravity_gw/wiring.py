"""Building the rooms from a configuration, and handing them to each other."""

import secrets
from typing import Any

from attrs import define, field, frozen

from antigravity_gw.admin.actions import Actions
from antigravity_gw.admin.api import Office, make_api
from antigravity_gw.admin.files import read_files
from antigravity_gw.admin.pages import Page
from antigravity_gw.admin.session import Sessions
from antigravity_gw.admin.trials import Turns
from antigravity_gw.admin.view import View
from antigravity_gw.admin.watchers import Watchers
from antigravity_gw.books import Books
from antigravity_gw.config import Config
from antigravity_gw.fronting import make_bodies, make_guard, make_scraped, make_site
from antigravity_gw.loading import Loaded
from antigravity_gw.making import make_endpoints, make_pool, make_trial
from antigravity_gw.means import Commons, make_catalog, make_kinds
from antigravity_gw.metrics.collector import Counting
from antigravity_gw.metrics.present import Present
from antigravity_gw.pool.pool import AccountPool
from antigravity_gw.pool.quotas import QuotaWatch
from antigravity_gw.pool.store import Store
from antigravity_gw.pool.watch import StoreWatch
from antigravity_gw.pool.writer import StoreWriter
from antigravity_gw.states import headcount, state_of
from antigravity_gw.upstream.endpoints import Endpoints
from antigravity_gw.upstream.threads import Threads
from antigravity_gw.usage.ledger import Keeping, Ledger
from antigravity_gw.web.guard import Guard
from antigravity_gw.web.site import GatewaySite

QUOTAS_AFTER = 15.0
"""How long a daemon runs before it asks for quotas, in seconds."""


@frozen
class Seen:
    """
    What the page for operators shows, and to whom, whatever the settings.

    :ivar watchers: those who look at it.
    :ivar turns: whose account may be tested.
    """

    view: View
    watchers: Watchers
    sessions: Sessions
    turns: Turns = field(factory=Turns)


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
        self.pool.go_by(make_pool(loaded, self.pool.writer, kinds, reactor))
        self.quotas.go_by(_quotas(loaded, self.pool))
        self.books.ledger.keeping = _keeping(loaded.config)
        site = make_site(loaded, guard, self.pool, endpoints, reactor, self.books)
        self.furnish(site, loaded)
        self.site.go_by(site)
        self.site.bodies = make_bodies(loaded, self.pool, self._scribe)
        self.scraped.go_by(make_scraped(guard.hosts, reactor, self.books.counting))
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
        actions = Actions(self.pool, store, self.watch, trial, catalog, seen.turns)
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
        told = headcount(state_of(each.known(), now) for each in self.pool.accounts)
        return f"{told}; connections: {len(connections)}, requests: {connections.busy}"


def wired(loaded: Loaded, store: Store, reactor: Any) -> Wired:
    """What serves *loaded*'s configuration; the accounts are yet to be taken up."""
    counting = Counting()
    tell = counting.meters.hear
    endpoints = make_endpoints(loaded.config, tell)
    commons = Commons.new(reactor)
    kinds = make_kinds(loaded, endpoints, commons)
    pool = make_pool(loaded, StoreWriter(store), kinds, reactor, tell)
    ledger = Ledger(store.directory, reactor, _keeping(loaded.config))
    books = Books(counting, ledger)
    guard = make_guard(loaded)
    site = make_site(loaded, guard, pool, endpoints, reactor, books)
    scribe = Threads(reactor, most=1)
    site.bodies = make_bodies(loaded, pool, scribe)
    counting.look_at(Present(pool, site, endpoints, ledger))
    house = Wired(
        site,
        pool,
        _quotas(loaded, pool),
        books,
        make_scraped(guard.hosts, reactor, counting),
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


def _quotas(loaded: Loaded, pool: AccountPool) -> QuotaWatch:
    every = loaded.config.pool.quota_check_seconds
    return QuotaWatch(pool, every, begins=pool.now() + QUOTAS_AFTER)


def _keeping(config: Config) -> Keeping:
    return Keeping(config.usage.keep_days, config.usage.write_seconds)
