"""
``twistd antigravity-gw``: its options, and the services it runs.

Nothing is opened before the services start, since twistd may yet fork.
"""

import gc
import os
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

from twisted.application.service import IService
from twisted.python import usage

from antigravity_gw.bookkeeping import Bookkeeping, Writing
from antigravity_gw.checking import Misconfigured, checked, good_news
from antigravity_gw.daemon import Daemon, Repeating
from antigravity_gw.database import StoreError
from antigravity_gw.descriptors import Descriptors
from antigravity_gw.draining import Draining, Signals
from antigravity_gw.embedded import Embedded
from antigravity_gw.keys import StoredKey
from antigravity_gw.listening import CannotStart, Listeners
from antigravity_gw.loading import Loaded
from antigravity_gw.logs.lines import Log
from antigravity_gw.logs.places import NoSuchPlace, opened
from antigravity_gw.making import make_manner
from antigravity_gw.metrics.lag import LagWatch
from antigravity_gw.metrics.listening import MetricsListeners
from antigravity_gw.notifying import Notifying
from antigravity_gw.pool.account import Known
from antigravity_gw.pool.clientkeys import ClientKeys
from antigravity_gw.pool.store import Store
from antigravity_gw.reloading import Reloading
from antigravity_gw.steadying import Steadying
from antigravity_gw.wiring import wired

STORE_CHECK = 1.0
"""How often to look whether the command line has changed the store, in seconds."""

QUOTA_CHECK = 30.0
"""How often to look whether an account's quota is to be asked for, in seconds."""


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
        self._options = options
        try:
            self.loaded = self.load()
        except Misconfigured as refused:
            print(refused, file=sys.stderr)
            raise SystemExit(os.EX_CONFIG) from None
        if self["check"]:
            print(good_news(self.loaded))
            raise SystemExit(0)
        self._without_pidfile()

    def load(self) -> Loaded:
        """
        The configuration as it is now.

        :raises Misconfigured: naming every mistake in it.
        """
        return checked(self["config"], os.environ, self._options)

    def _without_pidfile(self) -> None:
        """In the foreground, leave no twistd.pid in whatever directory this is."""
        parent = self.parent
        if parent and parent["nodaemon"] and parent["pidfile"] == "twistd.pid":
            parent["pidfile"] = ""


def settle() -> None:
    """
    Have the garbage collector pass over what lives as long as the daemon.

    It also looks less often than it would: what a request leaves behind is freed
    without it, but for the frames of errors.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)


def makeService(options: Options) -> IService:
    """
    The daemon, wired.

    :raises CannotStart: when it cannot run, saying why.
    """
    from twisted.internet import reactor

    os.umask(0o077)  # twistd has its own, but opens its log before
    twistd: Mapping[str, Any] = options.parent or {}
    log = _log_of(twistd, options.loaded)
    service = Daemon(twistd, log)
    load, simulated_by = options.load, None
    if options["sandbox"]:
        sandbox = Embedded(reactor)
        sandbox.setServiceParent(service)
        load, simulated_by = lambda: sandbox.loaded(options.load()), sandbox.url
    loaded = load()
    store, accounts, keys = _opened(loaded)
    house = wired(loaded, store, reactor)
    house.watch.take_up(accounts, keys)
    handed_over = _handed_over(os.environ)
    listeners = Listeners(
        reactor,
        loaded.config.listen,
        house.site,
        house.site.guard,
        insecure=bool(options["insecure"]),
        simulated_by=simulated_by,
        handed_over=handed_over,
    )
    connections = house.site.connections
    descriptors = Descriptors(loaded.config.limits, connections)
    scrapers = MetricsListeners(
        reactor,
        loaded.config.metrics.listen,
        house.scraped,
        house.scraped.guard,
        handed_over,
    )
    notifying = Notifying(reactor, os.environ, house.standing)
    reloading = Reloading(
        reactor, load, loaded, house, listeners, descriptors, log, notifying
    )
    draining = Draining(
        reactor,
        connections,
        grace=lambda: reloading.config.http.drain_seconds,
        log_totals=house.site.log_totals,
    )
    for part in (
        Steadying(reactor),
        descriptors,
        Writing(house.pool.writer),
        Bookkeeping(reactor, house.books.ledger, house.site.allowances),
        Repeating(STORE_CHECK, house.watch.look),
        Repeating(QUOTA_CHECK, house.quotas.look),
        LagWatch(reactor, house.books.counting.meters.lag),
        Signals(reactor, draining),
        scrapers,  # how the end goes can be watched
        draining,
        listeners,
        reloading,
        notifying,
    ):
        part.setServiceParent(service)
    reactor.callWhenRunning(settle)
    reactor.callWhenRunning(house.warn)
    return service


def _log_of(twistd: Mapping[str, Any], loaded: Loaded) -> Log:
    """The log, wherever twistd was told to write it."""
    try:
        return opened(twistd, os.environ, make_manner(loaded.config))
    except NoSuchPlace as error:
        raise CannotStart(str(error)) from None


def _handed_over(environ: MutableMapping[str, str]) -> tuple[str, ...]:
    """The names of the sockets that systemd has opened, which are not for children."""
    names = environ.pop("LISTEN_FDNAMES", "")
    if "LISTEN_PID" in environ:  # Twisted takes it out when the sockets are for us
        return ()
    return tuple(filter(None, names.split(":")))


def _opened(loaded: Loaded) -> tuple[Store, list[Known], list[StoredKey]]:
    """The store, and the accounts and keys in it."""
    try:
        store = Store.open(loaded.state_directory().absolute())
        # What the operator may have mended by a new configuration gets a chance.
        store.trust_clients()
        return store, store.accounts(), ClientKeys(store).all()
    except StoreError as error:
        raise CannotStart(error.message) from None
