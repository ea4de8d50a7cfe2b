"""What clients connect to, made as a configuration says."""

import random
from typing import Any
from uuid import uuid4

from twisted.web.resource import Resource

from antigravity_gw.books import Books
from antigravity_gw.config import Config
from antigravity_gw.keys import KeyRing
from antigravity_gw.loading import Loaded
from antigravity_gw.logs.bodies import Bodies, BodiesFile
from antigravity_gw.making import make_gateway
from antigravity_gw.means import make_catalog
from antigravity_gw.metrics.collector import Counting
from antigravity_gw.metrics.door import OpenDoor
from antigravity_gw.metrics.page import MetricsPage
from antigravity_gw.pool.pool import AccountPool
from antigravity_gw.upstream.endpoints import Endpoints
from antigravity_gw.upstream.threads import Threads
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


def make_site(
    loaded: Loaded,
    guard: Guard,
    pool: AccountPool,
    endpoints: Endpoints,
    reactor: Any,
    books: Books,
) -> GatewaySite:
    """What clients are served by; what is counted goes by the names of its models."""
    config, counting = loaded.config, books.counting
    meters = counting.meters
    meters.models.known = _named_models(config)
    gateway = make_gateway(config, pool, endpoints, reactor)
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
        names_of=catalog.names_of,
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


def make_scraped(
    hosts: frozenset[str], reactor: Any, counting: Counting
) -> GatewaySite:
    """
    A site for those who want to know how it is, and nothing else.

    :param hosts: names that ``Host`` may have, as :class:`.Guard` has them.
    """
    tree = Branch()
    tree.putChild(b"healthz", Health())
    tree.putChild(b"metrics", MetricsPage(counting.registry, reactor))
    site = GatewaySite(
        tree,
        OpenDoor(Mode.OFF, KeyRing(), hosts=hosts),
        reactor,
        limits=ClientLimits(body_bytes=0),  # who needs no key takes up no room
        deadlines=Deadlines(),
        default_form=Form.SSE,
        new_id=new_id,
    )
    site.connections.limit = MOST_SCRAPERS
    return site


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


def make_bodies(loaded: Loaded, pool: AccountPool, scribe: Threads) -> Bodies | None:
    """What records bodies, if that is wanted."""
    settings, path = loaded.config.log, loaded.bodies_file()
    if path is None:
        return None
    file = BodiesFile(path, settings.bodies_file_bytes)
    return Bodies(file, settings.bodies_bytes, pool.secrets, scribe.run)
