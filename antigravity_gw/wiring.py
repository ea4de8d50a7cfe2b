"""Building the rooms from a configuration, and handing them to each other."""

from typing import Any
from uuid import uuid4

from twisted.web.client import Agent, HTTPConnectionPool, _HTTP11ClientFactory

from antigravity_gw import USER_AGENT
from antigravity_gw.catalog import Catalog
from antigravity_gw.config import Config, Loaded
from antigravity_gw.gateway import Gateway, Limits
from antigravity_gw.pool.pool import AccountPool, Rests
from antigravity_gw.pool.store import Store
from antigravity_gw.pool.tokens import Tokens
from antigravity_gw.pool.writer import StoreWriter
from antigravity_gw.upstream.client import Patience, Upstream, make_http
from antigravity_gw.upstream.endpoints import Endpoints
from antigravity_gw.upstream.projects import Projects
from antigravity_gw.web.forms import Form
from antigravity_gw.web.guard import Guard, Mode
from antigravity_gw.web.models import Api
from antigravity_gw.web.site import GatewaySite, make_tree

KEPT_CONNECTIONS = 100
KEPT_SECONDS = 60.0
"""How many idle connections to keep to each of Google's hosts, and how long."""


def wired(
    loaded: Loaded, store: Store, reactor: Any
) -> tuple[GatewaySite, AccountPool]:
    """The site that serves *loaded*'s configuration, and the pool behind it."""
    config = loaded.config
    upstream = _upstream(config, reactor)
    endpoints = _endpoints(config)
    pool = _pool(loaded, store, upstream, endpoints, reactor)
    catalog = Catalog(
        config.models.serve, config.models.aliases, config.models.image_models
    )
    gateway = _gateway(config, pool, upstream, endpoints, catalog, reactor)
    form = Form(config.http.stream_default)
    api = Api(gateway, catalog, form, new_id=lambda: str(uuid4()))
    site = GatewaySite(
        make_tree(api, pool),
        _guard(loaded),
        reactor,
        body_limit=config.limits.body_bytes,
        idle=config.http.keep_alive_seconds,
        default_form=form,
    )
    return site, pool


def _pool(
    loaded: Loaded,
    store: Store,
    upstream: Upstream,
    endpoints: Endpoints,
    reactor: Any,
) -> AccountPool:
    rests = loaded.config.pool
    writer = StoreWriter(store)
    tokens = Tokens(
        post=upstream.post_form,
        now=reactor.seconds,
        client=loaded.oauth_client(),
        save_rotated=writer.rotate,
    )
    return AccountPool(
        store=store,
        writer=writer,
        tokens=tokens,
        clock=reactor,
        find_project=Projects(upstream, endpoints).find,
        rests=Rests(
            quota=rests.quota_rest_seconds,
            refused=rests.refused_rest_seconds,
            trouble=rests.trouble_rest_seconds,
        ),
    )


def _gateway(
    config: Config,
    pool: AccountPool,
    upstream: Upstream,
    endpoints: Endpoints,
    catalog: Catalog,
    reactor: Any,
) -> Gateway:
    return Gateway(
        pool=pool,
        upstream=upstream,
        endpoints=endpoints,
        limits=Limits(
            attempts=config.upstream.attempts,
            total=config.timeouts.total_seconds,
            whole=config.timeouts.whole_answer_seconds,
            first_event=config.timeouts.first_event_seconds,
            idle=config.timeouts.idle_seconds,
        ),
        clock=reactor,
        user_agent=USER_AGENT,
        is_image_model=catalog.makes_images,
    )


def _guard(loaded: Loaded) -> Guard:
    http = loaded.config.http
    return Guard(
        mode=Mode(loaded.config.auth.mode),
        keys=loaded.key_ring(),
        hosts=frozenset(host.lower() for host in http.hosts),
        origins=frozenset(http.cors_origins),
    )


def _endpoints(config: Config) -> Endpoints:
    bases = tuple(url.rstrip("/") for url in config.upstream.endpoints)
    return Endpoints(bases, config.upstream.avoid_seconds)


class _QuietConnections(_HTTP11ClientFactory):
    """Connections to upstream that do not log each coming and going."""

    noisy = False


def _upstream(config: Config, reactor: Any) -> Upstream:
    connections: Any = HTTPConnectionPool(reactor)
    connections.maxPersistentPerHost = KEPT_CONNECTIONS
    connections.cachedConnectionTimeout = KEPT_SECONDS
    connections.retryAutomatically = False
    connections._factory = _QuietConnections
    agent = Agent(
        reactor,
        connectTimeout=config.timeouts.connect_seconds,
        pool=connections,
    )
    return Upstream(
        http=make_http(agent),
        clock=reactor,
        patience=Patience(
            token=config.timeouts.token_seconds,
            lookup=config.timeouts.lookup_seconds,
        ),
        user_agent=USER_AGENT,
        token_url=config.oauth.token_url,
        answer_limit=config.limits.answer_bytes,
    )
