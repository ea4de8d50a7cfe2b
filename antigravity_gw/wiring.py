"""Building the rooms from a configuration, and handing them to each other."""

import random
from typing import Any
from uuid import uuid4

from attrs import define, evolve, frozen

from antigravity_gw import USER_AGENT
from antigravity_gw.catalog import Catalog
from antigravity_gw.config import Config, Loaded
from antigravity_gw.gateway import Gateway, Limits
from antigravity_gw.pool.choosing import Chooser, Strategy
from antigravity_gw.pool.consequences import Consequences, Rests
from antigravity_gw.pool.pool import AccountPool
from antigravity_gw.pool.preparing import Preparation
from antigravity_gw.pool.quotas import QuotaWatch
from antigravity_gw.pool.store import Store
from antigravity_gw.pool.tokens import Tokens
from antigravity_gw.pool.writer import StoreWriter
from antigravity_gw.upstream.client import Patience, Upstream
from antigravity_gw.upstream.endpoints import Endpoints
from antigravity_gw.upstream.http import Connections, make_client
from antigravity_gw.upstream.projects import Projects
from antigravity_gw.upstream.quotas import Quotas
from antigravity_gw.web.admission import Limits as ClientLimits
from antigravity_gw.web.deadlines import Deadlines
from antigravity_gw.web.forms import Form
from antigravity_gw.web.guard import Guard, Mode
from antigravity_gw.web.models import Api
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
    _reactor: Any
    _connections: Any

    def rewire(self, loaded: Loaded, guard: Guard) -> None:
        """
        Go by another configuration.

        Requests under way go on as they began.  The accounts stay as they are,
        but that what was wrong with their OAuth clients may have been mended.

        :param guard: that of the new configuration, settled.
        """
        google = _google(loaded.config, self._reactor, self._connections)
        self.pool.go_by(_pool(loaded, self.pool.writer, google, self._reactor))
        self.quotas.go_by(_quotas(loaded, self.pool, google))
        self.site.go_by(_site(loaded, guard, self.pool, google, self._reactor))


def wired(loaded: Loaded, store: Store, reactor: Any) -> Wired:
    """What serves *loaded*'s configuration; the accounts are yet to be taken up."""
    connections = Connections(reactor)
    google = _google(loaded.config, reactor, connections)
    pool = _pool(loaded, StoreWriter(store), google, reactor)
    site = _site(loaded, make_guard(loaded), pool, google, reactor)
    return Wired(site, pool, _quotas(loaded, pool, google), reactor, connections)


def make_gateway(loaded: Loaded, store: Store, reactor: Any) -> Gateway:
    """
    What asks Google, with nobody in front of it, as a trial of accounts wants it.

    The accounts are yet to be taken up.
    """
    google = _google(loaded.config, reactor, Connections(reactor))
    pool = _pool(loaded, StoreWriter(store), google, reactor)
    return _gateway(loaded.config, pool, google, make_catalog(loaded.config), reactor)


def make_catalog(config: Config) -> Catalog:
    """The models there are."""
    models = config.models
    return Catalog(models.serve, models.aliases, models.image_models)


@frozen
class Google:
    """The two that are asked for anything Google knows."""

    upstream: Upstream
    endpoints: Endpoints


def _pool(
    loaded: Loaded, writer: StoreWriter, google: Google, reactor: Any
) -> AccountPool:
    settings = loaded.config.pool
    default = Rests()
    rests = Rests(
        quota=evolve(default.quota, first=settings.quota_rest_seconds),
        rate=evolve(default.rate, first=settings.rate_rest_seconds),
        refused=evolve(default.refused, first=settings.refused_rest_seconds),
        trouble=evolve(default.trouble, first=settings.trouble_rest_seconds),
    )
    projects = Projects(
        google.upstream,
        google.endpoints,
        reactor,
        onboarding=loaded.config.timeouts.onboarding_seconds,
    )
    tokens = Tokens(
        google.upstream.post_form, reactor, loaded.oauth_client(), writer.learn
    )
    consequences = Consequences(writer, reactor.seconds, random.random, rests)
    return AccountPool(
        clock=reactor,
        writer=writer,
        tokens=tokens,
        preparation=Preparation(tokens, projects.find, consequences, reactor),
        consequences=consequences,
        chooser=Chooser(Strategy(settings.strategy)),
    )


def _quotas(loaded: Loaded, pool: AccountPool, google: Google) -> QuotaWatch:
    find = Quotas(google.upstream, google.endpoints).find
    every = loaded.config.pool.quota_check_seconds
    return QuotaWatch(pool, find, every, begins=pool.now() + QUOTAS_AFTER)


def _site(
    loaded: Loaded, guard: Guard, pool: AccountPool, google: Google, reactor: Any
) -> GatewaySite:
    config = loaded.config
    catalog = make_catalog(config)
    gateway = _gateway(config, pool, google, catalog, reactor)
    form = Form(config.http.stream_default)
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
    )


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
    config: Config, pool: AccountPool, google: Google, catalog: Catalog, reactor: Any
) -> Gateway:
    return Gateway(
        pool=pool,
        upstream=google.upstream,
        endpoints=google.endpoints,
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
        user_agent=USER_AGENT,
        is_image_model=catalog.makes_images,
    )


def make_guard(loaded: Loaded) -> Guard:
    """Who may call; it is yet to be told where callers can come from."""
    http = loaded.config.http
    return Guard(
        mode=Mode(loaded.config.auth.mode),
        keys=loaded.key_ring(),
        hosts=frozenset(host.lower() for host in http.hosts),
        origins=frozenset(http.cors_origins),
    )


def _google(config: Config, reactor: Any, connections: Any) -> Google:
    upstream = Upstream(
        http=make_client(reactor, connections, config.timeouts.connect_seconds),
        clock=reactor,
        patience=Patience(
            token=config.timeouts.token_seconds,
            lookup=config.timeouts.lookup_seconds,
        ),
        user_agent=USER_AGENT,
        token_url=config.oauth.token_url,
        answer_limit=config.limits.answer_bytes,
    )
    bases = tuple(url.rstrip("/") for url in config.upstream.endpoints)
    return Google(upstream, Endpoints(bases, config.upstream.avoid_seconds))
