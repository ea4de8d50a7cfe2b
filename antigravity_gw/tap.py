"""
``twistd antigravity-gw``: its options, and the wiring of the daemon.

The only module where all rooms meet.  It opens nothing before the service
starts, since twistd may yet fork.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from twisted.application.internet import TimerService
from twisted.application.service import IService, MultiService
from twisted.python import usage
from twisted.web.client import Agent, HTTPConnectionPool, _HTTP11ClientFactory

from antigravity_gw import USER_AGENT
from antigravity_gw.catalog import Catalog
from antigravity_gw.config import Config, Loaded, load
from antigravity_gw.embedded import Embedded
from antigravity_gw.gateway import Gateway, Limits
from antigravity_gw.listening import Listeners, Refused, check_endpoints
from antigravity_gw.pool.account import Need
from antigravity_gw.pool.pool import AccountPool, Rests
from antigravity_gw.pool.store import Store, StoreError
from antigravity_gw.pool.tokens import Tokens
from antigravity_gw.pool.watch import StoreWatch
from antigravity_gw.pool.writer import StoreWriter
from antigravity_gw.settings import ConfigError
from antigravity_gw.upstream.client import Patience, Upstream, make_http
from antigravity_gw.upstream.endpoints import Endpoints
from antigravity_gw.upstream.projects import Projects
from antigravity_gw.web.forms import Form
from antigravity_gw.web.guard import Guard, Mode
from antigravity_gw.web.models import Api
from antigravity_gw.web.site import GatewaySite, make_tree

STORE_CHECK = 1.0
"""How often to look whether the command line has changed the store, in seconds."""

KEPT_CONNECTIONS = 100
KEPT_SECONDS = 60.0
"""How many idle connections to keep to each of Google's hosts, and how long."""


class Options(usage.Options):
    """The options of ``twistd antigravity-gw``."""

    synopsis = "[options]"
    longdesc = (
        "Serves the native Gemini API from a pool of accounts. Settings come from "
        "options, then ANTIGRAVITY_GW_* variables, then the configuration file."
    )
    optParameters = [
        ["config", "c", None, "The configuration file (TOML)."],
        ["state-dir", "s", None, "The directory where the accounts are kept."],
    ]
    optFlags = [
        ["sandbox", None, "Try it out: answers come from a simulated Google."],
        ["check", None, "Check the configuration, say what is wrong, and exit."],
        ["insecure", None, "Listen beyond this machine even with auth.mode = 'off'."],
    ]

    def __init__(self) -> None:
        super().__init__()
        self._listen: list[str] = []

    def opt_listen(self, endpoint: str) -> None:
        """A Twisted endpoint to listen on; may be given several times."""
        self._listen.append(endpoint)

    opt_l = opt_listen

    def postOptions(self) -> None:
        """Load the configuration, which is where mistakes come to light."""
        options: dict[str, Any] = {}
        if self._listen:
            options["listen"] = self._listen
        if self["state-dir"] is not None:
            options["state_dir"] = self["state-dir"]
        if self["sandbox"] and "state_dir" in options:
            raise usage.UsageError("--sandbox has a state directory of its own")
        self.loaded = loaded_or_refused(self["config"], options)
        if self["check"]:
            print(f"antigravity-gw: the configuration is good ({self.loaded.path})")
            raise SystemExit(0)
        self._without_pidfile()

    def _without_pidfile(self) -> None:
        """In the foreground, leave no twistd.pid in whatever directory this is."""
        parent = self.parent
        if parent and parent["nodaemon"] and parent["pidfile"] == "twistd.pid":
            parent["pidfile"] = ""


def loaded_or_refused(file: str | None, options: dict[str, Any]) -> Loaded:
    """
    The configuration, with what it refers to read as well.

    :raises Refused: naming every mistake.
    """
    from twisted.internet import reactor

    try:
        loaded = load(file, os.environ, options)
        problems = check_endpoints(reactor, loaded.config.listen)
        for reads in (loaded.key_ring, loaded.oauth_client):
            problems += _problems_of(reads)
    except ConfigError as error:
        problems = error.problems
    if problems:
        raise Refused("\nantigravity-gw: ".join(problems))
    return loaded


def _problems_of(reads: Callable[[], object]) -> list[str]:
    try:
        reads()
    except ConfigError as error:
        return error.problems
    return []


class Daemon(MultiService):
    """
    All services of the daemon.

    :param twistd: the options of twistd itself.
    """

    def __init__(self, twistd: Mapping[str, Any]) -> None:
        super().__init__()
        self._twistd = twistd

    def privilegedStartService(self) -> None:
        """
        Open what needs opening.

        In the background, the process that was started in the foreground still
        waits for word; twistd sends none when the daemon exits by itself.

        :raises Refused: when the daemon cannot run.
        """
        try:
            super().privilegedStartService()
        except Refused as refused:
            pipe = self._twistd.get("statusPipe")
            if pipe is not None:
                os.write(pipe, f"1 {refused}".encode("ascii", "replace")[:100])
            raise


def makeService(options: Options) -> IService:
    """
    The daemon, wired.

    :raises Refused: when it cannot run, saying why.
    """
    from twisted.internet import reactor

    service = Daemon(options.parent or {})
    loaded = options.loaded
    sandbox = Embedded(reactor) if options["sandbox"] else None
    if sandbox is not None:
        loaded = sandbox.loaded(loaded)
    store = _opened(loaded)
    if sandbox is not None:
        sandbox.add_accounts(store)
        sandbox.setServiceParent(service)
    _assemble(
        loaded,
        store,
        service,
        reactor,
        insecure=bool(options["insecure"]),
        simulated_by=sandbox.url if sandbox else None,
    )
    return service


def _assemble(
    loaded: Loaded,
    store: Store,
    service: MultiService,
    reactor: Any,
    *,
    insecure: bool,
    simulated_by: str | None,
) -> None:
    """Build the rooms and hand them to each other."""
    config = loaded.config
    upstream = _upstream(config, reactor)
    endpoints = Endpoints(
        tuple(url.rstrip("/") for url in config.upstream.endpoints),
        config.upstream.avoid_seconds,
    )
    writer = StoreWriter(store)
    pool = AccountPool(
        store=store,
        writer=writer,
        tokens=Tokens(
            post=upstream.post_form,
            now=reactor.seconds,
            client=loaded.oauth_client(),
            save_rotated=writer.rotate,
        ),
        find_project=Projects(upstream, endpoints).find,
        now=reactor.seconds,
        rests=Rests(
            quota=config.pool.quota_rest_seconds,
            refused=config.pool.refused_rest_seconds,
            trouble=config.pool.trouble_rest_seconds,
        ),
    )
    catalog = Catalog(
        config.models.serve, config.models.aliases, config.models.image_models
    )
    gateway = Gateway(
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
    api = Api(
        gateway, catalog, Form(config.http.stream_default), new_id=lambda: str(uuid4())
    )
    guard = Guard(
        mode=Mode(config.auth.mode),
        keys=loaded.key_ring(),
        hosts=frozenset(host.lower() for host in config.http.hosts),
        origins=frozenset(config.http.cors_origins),
    )
    site = GatewaySite(
        make_tree(api, pool),
        guard,
        reactor,
        body_limit=config.limits.body_bytes,
        idle=config.http.keep_alive_seconds,
    )
    TimerService(STORE_CHECK, StoreWatch(pool)).setServiceParent(service)
    Listeners(
        reactor,
        config.listen,
        site,
        guard,
        insecure=insecure,
        simulated_by=simulated_by,
    ).setServiceParent(service)


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


def _opened(loaded: Loaded) -> Store:
    try:
        store = Store.open(loaded.state_directory().absolute())
        # What the operator may have mended by a new configuration gets a chance.
        store.lift_blocks(Need.CLIENT, Need.PROJECT)
    except StoreError as error:
        raise Refused(error.message) from None
    return store
