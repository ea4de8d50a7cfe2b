"""Tests for ``antigravity_gw.accepting``: a real port, and a kernel that says no."""

import errno
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.tcp import Port

from antigravity_gw.accepting import EXHAUSTED, PAUSE, SAID_EVERY, make_patient


class Reactor(Clock):
    """Time, and who wants to know that somebody is at the door."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: set[Any] = set()

    def addReader(self, reader: Any) -> None:
        """It does."""
        self.readers.add(reader)

    def removeReader(self, reader: Any) -> None:
        """It does not any more."""
        self.readers.discard(reader)

    def removeWriter(self, writer: Any) -> None:
        """Nobody writes here."""


class Listener:
    """A listening socket that cannot accept, or can."""

    def __init__(self, listener: Any) -> None:
        self._listener = listener
        self.trouble = 0
        self.asked = 0

    def accept(self) -> Any:
        """Fail as the kernel does, if there is trouble."""
        self.asked += 1
        if self.trouble:
            raise OSError(self.trouble, os.strerror(self.trouble))
        return self._listener.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._listener, name)


class House:
    """A port, with somebody at the door."""

    def __init__(self) -> None:
        self.reactor = Reactor()
        self.came_in: list[Protocol] = []
        factory = Factory.forProtocol(Protocol)
        factory.buildProtocol = self.build  # type: ignore[method-assign]
        factory.noisy = False
        self.port = Port(0, factory, interface="127.0.0.1", reactor=self.reactor)
        self.port.startListening()
        self.listener = Listener(self.port.socket)
        self.port.socket = self.listener
        make_patient(self.port, self.reactor)
        self.guest = socket.create_connection(self.port.socket.getsockname())

    def build(self, address: object) -> Protocol:
        """Somebody comes in."""
        self.came_in.append(Protocol())
        return self.came_in[-1]

    def close(self) -> None:
        """Everybody goes."""
        for guest in self.came_in:
            guest.transport.abortConnection()  # type: ignore[union-attr]
        self.port.stopListening()
        self.reactor.advance(0)
        self.guest.close()


@pytest.fixture
def house() -> Iterator[House]:
    """A port, with somebody at the door."""
    house = House()
    yield house
    house.close()


def complaints(logged: list[dict[str, Any]]) -> list[str]:
    """Why nobody could be accepted, as logged."""
    return [e["why"] for e in logged if "PatientSocket" in e["log_namespace"]]


@pytest.mark.parametrize("trouble", EXHAUSTED)
def test_no_descriptors(
    house: House, trouble: int, logged: list[dict[str, Any]]
) -> None:
    """It stops looking for a while; who waits gets in when there is room again."""
    house.listener.trouble = trouble
    house.port.doRead()
    assert house.listener.asked == 1
    assert house.port not in house.reactor.readers
    house.listener.trouble = 0
    house.reactor.advance(PAUSE)
    assert house.port in house.reactor.readers
    house.port.doRead()

    assert len(house.came_in) == 1
    assert complaints(logged) == [os.strerror(trouble)]


def test_no_flood(house: House, logged: list[dict[str, Any]]) -> None:
    """However long it lasts, it is said now and then only, and nothing else is."""
    house.listener.trouble = errno.EMFILE
    before = len(logged)
    for _ in range(int(SAID_EVERY / PAUSE)):
        house.port.doRead()
        house.reactor.advance(PAUSE)
    assert len(logged) - before == 1
    house.port.doRead()

    assert len(complaints(logged)) == 2
    assert len(logged) - before == 2


def test_other_errors(house: House, logged: list[dict[str, Any]]) -> None:
    """They are Twisted's affair: a client that left before it was let in, for one."""
    house.listener.trouble = errno.ECONNABORTED
    house.port.doRead()

    assert house.port in house.reactor.readers
    assert complaints(logged) == []


def test_closed_meanwhile(house: House) -> None:
    """A port that was closed in the pause stays closed."""
    house.listener.trouble = errno.EMFILE
    house.port.doRead()
    house.port.stopListening()
    house.reactor.advance(PAUSE)

    assert house.port not in house.reactor.readers
