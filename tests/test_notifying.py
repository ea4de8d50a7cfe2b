"""Tests for ``antigravity_gw.notifying``, over a real socket but in no real time."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock

from antigravity_gw.notifying import ENDING, LOOK, MORE_TIME, REFUSED, Notifying

ALIVE = ["WATCHDOG=1"]


class Reactor(Clock):
    """A clock that runs when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[Callable[[], None]] = []

    def callWhenRunning(self, function: Callable[..., None], *args: Any) -> None:
        """It does not yet."""
        self._waiting.append(lambda: function(*args))

    def run(self) -> None:
        """Now it does."""
        for function in self._waiting:
            function()


class Manager:
    """As much of a service manager as listens."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(address)

    def heard(self) -> list[list[str]]:
        """The messages that have come since the last call, in lines."""
        messages = []
        while True:
            try:
                messages.append(self.socket.recv(4096).decode().split("\n"))
            except BlockingIOError:
                return messages


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    """A service manager that listens at ``notify`` in the test's folder."""
    manager = Manager(str(tmp_path / "notify"))
    yield manager
    manager.socket.close()


class Told:
    """A daemon that tells how it is, and how it is."""

    def __init__(self, address: object, **environ: str) -> None:
        self.environ = {"NOTIFY_SOCKET": str(address), **environ}
        self.standing = "fine"
        self.reactor = Reactor()
        self.service = Notifying(
            self.reactor, self.environ, lambda: self.standing, lambda: 12.5
        )
        self.service.startService()

    def wait(self, seconds: float) -> None:
        """Let time pass, as a reactor would."""
        for _ in range(int(seconds * 2)):
            self.reactor.advance(0.5)


@pytest.fixture
def told(manager: Manager, tmp_path: Path) -> Told:
    """A daemon that the manager hears."""
    return Told(tmp_path / "notify")


def test_ready(told: Told, manager: Manager) -> None:
    """It is when all have started and the reactor runs, and not before."""
    assert manager.heard() == []
    told.reactor.run()

    assert manager.heard() == [["READY=1", "STATUS=fine"]]
    assert told.environ == {}


def test_status(told: Told, manager: Manager) -> None:
    """How it is, is told when that has changed, and not again and again."""
    told.reactor.run()
    manager.heard()
    told.wait(3 * LOOK)
    assert manager.heard() == []
    told.standing = "busy"
    told.wait(3 * LOOK)

    assert manager.heard() == [["STATUS=busy"]]


def test_watchdog(manager: Manager, tmp_path: Path) -> None:
    """The reactor shows that it is alive twice in the time it has for that."""
    told = Told(tmp_path / "notify", WATCHDOG_USEC="3000000")
    told.wait(10.0)
    assert manager.heard() == []
    told.reactor.run()
    assert manager.heard() == [["READY=1", "STATUS=fine"]]
    told.wait(3.0)

    assert manager.heard() == [ALIVE, ALIVE]


def test_no_watchdog(told: Told, manager: Manager) -> None:
    """Nothing of the kind is said when nobody asks for it."""
    told.reactor.run()
    told.wait(100.0)

    assert ALIVE not in manager.heard()


def test_reload(told: Told, manager: Manager) -> None:
    """It is told when it begins, with the time, and when it is over."""
    told.reactor.run()
    manager.heard()
    told.service.reloading()
    told.service.reloaded(is_taken_up=True)

    assert manager.heard() == [
        ["RELOADING=1", "MONOTONIC_USEC=12500000", "STATUS=fine"],
        ["READY=1", "STATUS=fine"],
    ]


def test_reload_that_is_refused(told: Told, manager: Manager) -> None:
    """The daemon is ready all the same; the status says so until one is taken up."""
    told.reactor.run()
    told.service.reloading()
    told.service.reloaded(is_taken_up=False)
    told.wait(LOOK)
    assert manager.heard()[2:] == [["READY=1", f"STATUS=fine; {REFUSED}"]]
    told.standing = "busy"
    told.wait(LOOK)
    assert manager.heard() == [[f"STATUS=busy; {REFUSED}"]]
    told.service.reloaded(is_taken_up=True)

    assert manager.heard() == [["READY=1", "STATUS=busy"]]


def test_end(told: Told, manager: Manager) -> None:
    """It is told at once, and as long as it takes more time is asked for."""
    told.reactor.run()
    manager.heard()
    told.service.stopService()
    more = f"EXTEND_TIMEOUT_USEC={int(MORE_TIME * 1_000_000)}"
    assert manager.heard() == [["STOPPING=1", more, f"STATUS={ENDING}; fine"]]
    told.wait(3 * LOOK)

    assert manager.heard() == [[more, f"STATUS={ENDING}; fine"]] * 3


def test_abstract_address() -> None:
    """The manager may listen where there is no file."""
    name = f"antigravity-gw-test-{id(object())}"
    manager, told = Manager(f"\0{name}"), Told(f"@{name}")
    told.reactor.run()

    assert manager.heard() == [["READY=1", "STATUS=fine"]]
    manager.socket.close()


def said(logged: list[dict[str, Any]]) -> list[str]:
    """What was logged."""
    return [str(event["log_format"]).format(**event) for event in logged]


def test_nobody_listens(
    told: Told, manager: Manager, tmp_path: Path, logged: list[dict[str, Any]]
) -> None:
    """The daemon runs on, says so once, and reports what matters when it can."""
    manager.socket.close()
    told.reactor.run()
    told.wait(10 * LOOK)
    told.service.reloading()
    told.service.reloaded(is_taken_up=True)
    (line,) = said(logged)
    assert "systemd cannot be told" in line
    assert f"NOTIFY_SOCKET={tmp_path}/notify: Connection refused" in line
    (tmp_path / "notify").unlink()
    back = Manager(str(tmp_path / "notify"))
    told.standing = "busy"
    told.wait(LOOK)

    assert [message[0] for message in back.heard()] == [
        *("READY=1", "RELOADING=1", "READY=1", "STATUS=busy")
    ]
    assert len(logged) == 1
    back.socket.close()


@pytest.mark.parametrize("address", ["vsock:2:1234", "/" + 200 * "x", "/no/such"])
def test_addresses_that_cannot_be(address: str, logged: list[dict[str, Any]]) -> None:
    """They are told once, and are no reason not to run."""
    told = Told(address)
    told.reactor.run()
    told.wait(10 * LOOK)
    told.service.stopService()

    assert len(logged) == 1
    assert address in said(logged)[0]


def test_a_manager_that_is_busy(
    told: Told, manager: Manager, logged: list[dict[str, Any]]
) -> None:
    """Nobody waits for it: what matters is said again later, the rest is not."""
    told.reactor.run()
    for number in range(2000):
        told.standing = f"{number}"
        told.wait(LOOK)
    told.service.stopService()
    heard = manager.heard()
    assert heard[0] == ["READY=1", "STATUS=fine"]
    assert len(heard) < 2000
    told.wait(LOOK)

    assert [message[0][:8] for message in manager.heard()] == ["STOPPING", "EXTEND_T"]
    assert logged == []


def test_nobody_supervises() -> None:
    """Started by hand, the daemon has nobody to tell, and tells nobody."""
    service = Notifying(Reactor(), {}, lambda: "fine")
    service.startService()
    service.reloading()
    service.reloaded(is_taken_up=True)

    assert service.stopService() is None
