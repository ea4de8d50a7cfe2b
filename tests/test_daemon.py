"""Tests for ``antigravity_gw.daemon``: the order in which it ends."""

from typing import Any

from helpers import now
from twisted.application.service import Service
from twisted.internet.defer import Deferred

from antigravity_gw.daemon import Daemon


class Part(Service):
    """Ends when the test says so."""

    def __init__(self, name: str, ending: list[str]) -> None:
        self.called = name
        self._ending = ending
        self.ended: Deferred[None] = Deferred()

    def stopService(self) -> Deferred[None]:
        """Begin to end."""
        self._ending.append(self.called)
        return self.ended


class Broken(Service):
    """Cannot even end."""

    def stopService(self) -> None:
        """Fail to."""
        raise ZeroDivisionError


def test_the_last_to_start_is_the_first_to_stop() -> None:
    """Each is waited for: nothing is taken away from those that still serve."""
    daemon, ending = Daemon({}), list[str]()
    google, listeners = Part("google", ending), Part("listeners", ending)
    for part in (google, listeners):
        part.setServiceParent(daemon)
    daemon.startService()
    stopped = daemon.stopService()
    assert ending == ["listeners"]
    listeners.ended.callback(None)
    assert ending == ["listeners", "google"]
    assert not stopped.called
    google.ended.callback(None)

    assert now(stopped) is None


def test_a_part_that_cannot_stop(logged: list[dict[str, Any]]) -> None:
    """It is told of, and the others are stopped all the same."""
    daemon, ending = Daemon({}), list[str]()
    google = Part("google", ending)
    for part in (google, Broken()):
        part.setServiceParent(daemon)
    daemon.startService()
    google.ended.callback(None)

    assert now(daemon.stopService()) is None
    assert ending == ["google"]
    assert logged.pop()["log_failure"].check(ZeroDivisionError)
