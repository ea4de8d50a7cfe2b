"""Tests for ``antigravity_gw.upstream.threads``."""

from queue import SimpleQueue
from threading import Event, current_thread
from threading import enumerate as threads
from typing import Any

from helpers import now

from antigravity_gw.upstream.threads import Threads


class Reactor:
    """Keeps what is called from threads until it is looked for."""

    def __init__(self) -> None:
        self.called: SimpleQueue[tuple[Any, ...]] = SimpleQueue()

    def callFromThread(self, *call: Any) -> None:
        """Take a call."""
        self.called.put(call)

    def turn(self) -> None:
        """Wait for a call, and make it."""
        function, *arguments = self.called.get(timeout=10.0)
        function(*arguments)


def test_elsewhere() -> None:
    """A job is done in a thread that the end of the process does not wait for."""
    reactor = Reactor()
    result = Threads(reactor).run(current_thread)
    reactor.turn()

    thread = now(result)
    assert thread in threads()
    assert thread.daemon


def test_failure() -> None:
    """What it raises is what the Deferred fails with."""
    reactor = Reactor()
    result = Threads(reactor).run(lambda: 1 / 0)
    reactor.turn()
    failures: list[Any] = []
    result.addErrback(failures.append)

    assert failures[0].check(ZeroDivisionError)


def test_one_that_is_given_up() -> None:
    """It is not begun when its turn comes; one that hangs holds up no reactor."""
    reactor, gate, done = Reactor(), Event(), []
    jobs = Threads(reactor, most=1)
    first = jobs.run(gate.wait)
    second = jobs.run(lambda: done.append("second"))
    third = jobs.run(lambda: done.append("third"))
    second.addErrback(lambda _: None)
    second.cancel()
    gate.set()
    reactor.turn()
    reactor.turn()

    assert now(first) is True
    assert third.called
    assert done == ["third"]
