"""Building the rooms from a configuration, and handing them to each other."""

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from attrs import define, evolve

from antigravity_gw.allowances import DAY, day_of
from antigravity_gw.config import Config, Loaded
from antigravity_gw.gateway import Gateway, Limits
from antigravity_gw.keys import StoredKey
from antigravity_gw.kind import Kinds
from antigravity_gw.means import Commons, make_catalog, make_kinds
from antigravity_gw.pool.choosing import Chooser, Strategy
from antigravity_gw.pool.consequences import Consequences, Rests
from antigravity_gw.pool.pool import AccountPool
from antigravity_gw.pool.preparing import Preparation
from antigravity_gw.pool.quotas import QuotaWatch
from antigravity_gw.pool.store import Store
from antigravity_gw.pool.tokens import Tokens
from antigravity_gw.pool.writer import StoreWriter
from antigravity_gw.upstream.endpoints import Endpoints
from antigravity_gw.web.admission import Limits as ClientLimits
from antigravity_gw.web.deadlines import Deadlines
from antigravity_gw.web.forms import Form
from antigravity_gw.web.guard import Guard, Mode
from antigravity_gw.web.models import Api
from antigravity_gw.web.operators import Operators
from antigravity_gw.web.site import GatewaySite, make_tree

QUOTAS_AFTER = 15.0
"""How long a daemon runs before it asks for quotas, in seconds."""


@define(eq=False)
class Wired:
    """
    All that serves, and can be wired anew while it does.

    :ivar site: what clients connect to.
    :ivar quotas: what looks after the accounts' quotas.
    """

    site: GatewaySite
    pool: AccountPool
    quotas: QuotaWatch
    _commons: Commons

    def rewire(self, loaded: Loaded, guard: Guard) -> None:
        """
        Go by another configuration.

        Requests under way go on as they began.  The accounts stay as they are,
        but that what was wrong with their OAuth clients may have been mended.

        :param guard: that of the new configuration, settled.
        """
        guard.take_up(self.site.guard.keys.stored)
        endpoints, reactor = _endpoints(loaded.config), self._commons.reactor
        kinds = make_kinds(loaded, endpoints, self._commons)
        self.pool.go_by(_pool(loaded, self.pool.writer, kinds, reactor))
        self.quotas.go_by(_quotas(loaded, self.pool))
        self.site.go_by(_site(loaded, guard, self.pool, endpoints, reactor))

    def take_up_keys(self, stored: Sequence[StoredKey]) -> None:
        """Let in whom the keys of the store belong to, and nobody they belonged to."""
        self.site.guard.take_up(stored)

    async def recall(
        self, tokens_since: Callable[[float], Awaitable[Mapping[str, int]]]
    ) -> None:
        """
        Let what clients have used of today's tokens outlive a restart.

        :param tokens_since: tells how many tokens each key has used since a moment,
            in POSIX seconds.
        """
        day = day_of(self._commons.reactor.seconds())
        self.site.allowances.seed(day, await tokens_since(day * DAY))


def wired(loaded: Loaded, store: Store, reactor: Any) -> Wired:
    """What serves *loaded*'s configuration; the accounts are yet to be taken up."""
    endpoints = _endpoints(loaded.config)
    commons = Commons.new(reactor)
    kinds = make_kinds(loaded, endpoints, commons)
    pool = _pool(loaded, StoreWriter(store), kinds, reactor)
    site = _site(loaded, make_guard(loaded), pool, endpoints, reactor)
    return Wired(site, pool, _quotas(loaded, pool), commons)


def make_gateway(loaded: Loaded, store: Store, reactor: Any) -> Gateway:
    """
    What asks Google, with nobody in front of it, as a trial of accounts wants it.

    The accounts are yet to be taken up.
    """
    endpoints = _endpoints(loaded.config)
    kinds = make_kinds(loaded, endpoints, Commons.new(reactor))
    pool = _pool(loaded, StoreWriter(store), kinds, reactor)
    return _gateway(loaded.config, pool, endpoints, reactor)


def _pool(
    loaded: Loaded, writer: StoreWriter, kinds: Kinds, reactor: Any
) -> AccountPool:
    settings = loaded.config.pool
    default = Rests()
    rests = Rests(
        quota=evolve(default.quota, first=settings.quota_rest_seconds),
        rate=evolve(default.rate, first=settings.rate_rest_seconds),
        refused=evolve(default.refused, first=settings.refused_rest_seconds),
        trouble=evolve(default.trouble, first=settings.trouble_rest_seconds),
    )
    tokens = Tokens(kinds, reactor, writer.learn)
    consequences = Consequences(writer, reactor.seconds, random.random, rests)
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
) -> GatewaySite:
    config = loaded.config
    gateway = _gateway(config, pool, endpoints, reactor)
    form = Form(config.http.stream_default)
    catalog = make_catalog(config)
    api = Api(gateway, catalog, form, new_id=lambda: str(uuid4()))
    return GatewaySite(
        make_tree(api, pool),
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
    )


def new_id() -> str:
    """An id that no other request has had; nothing hangs on nobody guessing it."""
    return f"{random.getrandbits(64):016x}"


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
    )


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


def _endpoints(config: Config) -> Endpoints:
    return Endpoints(config.upstream.avoid_seconds)
