"""
``twistd antigravity-gw``: its options, and the services it runs.

Nothing is opened before the services start, since twistd may yet fork.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.application.internet import TimerService
from twisted.application.service import IService, MultiService
from twisted.python import usage

from antigravity_gw.checking import checked, good_news
from antigravity_gw.config import Loaded
from antigravity_gw.embedded import Embedded
from antigravity_gw.listening import CannotStart, Listeners
from antigravity_gw.pool.account import Need
from antigravity_gw.pool.store import Store, StoreError
from antigravity_gw.pool.watch import StoreWatch
from antigravity_gw.wiring import wired

STORE_CHECK = 1.0
"""How often to look whether the command line has changed the store, in seconds."""


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
        self.loaded = checked(self["config"], os.environ, options)
        if self["check"]:
            print(good_news(self.loaded))
            raise SystemExit(0)
        self._without_pidfile()

    def _without_pidfile(self) -> None:
        """In the foreground, leave no twistd.pid in whatever directory this is."""
        parent = self.parent
        if parent and parent["nodaemon"] and parent["pidfile"] == "twistd.pid":
            parent["pidfile"] = ""


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
        waits for word; twistd sends none when the daemon exits by itself, and
        leaves its pid file behind.

        :raises CannotStart: when the daemon cannot run.
        """
        try:
            super().privilegedStartService()
        except CannotStart as refused:
            pipe, pidfile = map(self._twistd.get, ("statusPipe", "pidfile"))
            if pipe is not None:
                os.write(pipe, f"1 {refused}".encode("ascii", "replace")[:100])
            if pidfile:
                Path(pidfile).unlink(missing_ok=True)
            raise


def makeService(options: Options) -> IService:
    """
    The daemon, wired.

    :raises CannotStart: when it cannot run, saying why.
    """
    from twisted.internet import reactor

    service = Daemon(options.parent or {})
    loaded = options.loaded
    simulated_by = None
    if options["sandbox"]:
        sandbox = Embedded(reactor)
        sandbox.setServiceParent(service)
        loaded, simulated_by = sandbox.loaded(loaded), sandbox.url
    store = _opened(loaded)
    site, pool = wired(loaded, store, reactor)
    TimerService(STORE_CHECK, StoreWatch(pool).look).setServiceParent(service)
    Listeners(
        reactor,
        loaded.config.listen,
        site,
        site.guard,
        insecure=bool(options["insecure"]),
        simulated_by=simulated_by,
    ).setServiceParent(service)
    return service


def _opened(loaded: Loaded) -> Store:
    try:
        store = Store.open(loaded.state_directory().absolute())
        # What the operator may have mended by a new configuration gets a chance.
        store.lift_blocks(Need.CLIENT, Need.PROJECT)
    except StoreError as error:
        raise CannotStart(error.message) from None
    return store
