"""SIGHUP: reading the configuration again, without letting go of anybody."""

import signal
from collections.abc import Callable
from operator import attrgetter
from typing import Any, Protocol

from twisted.application.service import Service
from twisted.logger import Logger

from antigravity_gw.config import Config
from antigravity_gw.descriptors import Descriptors
from antigravity_gw.fronting import make_guard
from antigravity_gw.listening import CannotStart, Listeners
from antigravity_gw.loading import Loaded
from antigravity_gw.logs.lines import Log
from antigravity_gw.making import make_manner
from antigravity_gw.wiring import Wired

FIXED = ("listen", "state_dir", "metrics.listen")
"""Settings that a running daemon cannot change."""


class Onlooker(Protocol):
    """Who is told of it."""

    def reloading(self) -> None:
        """The configuration is about to be read again."""

    def reloaded(self, is_taken_up: bool) -> None:
        """It was, and is in force now, or is not."""


class Reloading(Service):
    """
    Takes up a new configuration when the operator says so.

    One that is wrong in any way is refused as a whole, and the daemon goes on
    by the old one.

    :param load: reads the configuration as it is now.
    :param loaded: the one the daemon was started with.
    :param onlooker: is told before and after.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        load: Callable[[], Loaded],
        loaded: Loaded,
        house: Wired,
        listeners: Listeners,
        descriptors: Descriptors,
        log: Log,
        onlooker: Onlooker,
    ) -> None:
        self._reactor = reactor
        self._load = load
        self._loaded = loaded
        self._started = loaded.config
        self._house = house
        self._listeners = listeners
        self._descriptors = descriptors
        self._lines = log
        self._onlooker = onlooker

    @property
    def config(self) -> Config:
        """The configuration that is in force."""
        return self._loaded.config

    def startService(self) -> None:
        """Listen for SIGHUP."""
        super().startService()
        signal.signal(
            signal.SIGHUP, lambda *_: self._reactor.callFromThread(self.reload)
        )

    def stopService(self) -> None:
        """A late SIGHUP ends nothing that is about to end anyway."""
        super().stopService()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def reload(self) -> None:
        """Take up the configuration as it is now, or say why not."""
        before = self._loaded
        self._onlooker.reloading()
        try:
            self._reload()
        finally:  # whatever has happened, the daemon goes on
            self._onlooker.reloaded(self._loaded is not before)

    def _reload(self) -> None:
        try:
            loaded = self._load()
            if loaded.config == Config() != self._loaded.config:
                raise CannotStart(f"{loaded.path} says nothing any more")
            guard = make_guard(loaded)
            self._listeners.settle(guard)
        except CannotStart as refused:
            self._log.error(
                "the configuration is not taken up, the old one stays in force: {why}",
                why=str(refused).removeprefix("antigravity-gw: "),
            )
            return
        for setting in FIXED:
            said = attrgetter(setting)
            if said(loaded.config) != said(self._started):
                self._log.warn("a new {setting} takes a restart", setting=setting)
        self._house.rewire(loaded, guard)
        self._descriptors.go_by(loaded.config.limits)
        self._lines.go_by(make_manner(loaded.config))
        self._loaded = loaded
        self._log.info("the configuration was read again: {path}", path=loaded.path)
