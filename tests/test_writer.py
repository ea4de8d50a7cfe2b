"""Tests for ``antigravity_gw.pool.writer``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import now
from twisted.internet.defer import Deferred

from antigravity_gw.database import StoreError
from antigravity_gw.pool.hold import Hold
from antigravity_gw.pool.learnt import Change, held, rotated
from antigravity_gw.pool.store import Store
from antigravity_gw.pool.writer import StoreWriter
from antigravity_gw.record import Record


class Thread:
    """Does what it is given when the test says so."""

    def __init__(self) -> None:
        self.work: list[
            tuple[Callable[..., None], tuple[Any, ...], Deferred[None]]
        ] = []
        self.done = 0

    def run(self, function: Callable[..., None], *arguments: Any) -> Deferred[None]:
        """Take some work."""
        self.work.append((function, arguments, Deferred()))
        return self.work[-1][2]

    def go(self) -> None:
        """Do all of it."""
        while self.work:
            function, arguments, done = self.work.pop(0)
            function(*arguments)
            self.done += 1
            done.callback(None)

    def fail(self) -> None:
        """Do not, since the disk is full."""
        self.work.pop(0)[2].errback(StoreError("disk full"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with one account, whose refresh token is n0."""
    store = Store.open(tmp_path)
    store.put(Record("1", "ada", "n0"))
    return store


def new(token: str) -> Change:
    """The refresh token has been replaced; they are numbered."""
    return rotated("1", f"n{int(token[1:]) - 1}", token)


def cooling(model: str, until: float) -> Change:
    """The account cools."""
    return held("1", 1, model, Hold("x", 0.0, until))


def on_disk(store: Store) -> str:
    """The refresh token that is stored."""
    return store.accounts()[0].record.credential


def test_it_is_on_disk_when_it_says_so(store: Store) -> None:
    """Not before."""
    thread = Thread()
    learnt = StoreWriter(store, thread.run).learn(new("n1"))
    assert not learnt.called
    thread.go()

    assert now(learnt) is True
    assert on_disk(store) == "n1"


def test_what_piles_up_is_written_at_once(store: Store) -> None:
    """In one transaction, in order, and only the last word on each matter."""
    thread = Thread()
    writer = StoreWriter(store, thread.run)
    learnt = [writer.learn(new(f"n{n}")) for n in range(1, 100)]
    learnt += [writer.learn(cooling(m, u)) for u in range(9) for m in ("pro", "flash")]
    thread.go()

    assert all(each.called for each in learnt)
    assert thread.done == 2
    assert on_disk(store) == "n99"
    assert {h.until for h in store.accounts()[0].holds.values()} == {8.0}


def test_a_retry_and_something_newer(store: Store) -> None:
    """What is newer is not undone when something older is tried again."""
    thread = Thread()
    writer = StoreWriter(store, thread.run)
    failed = writer.learn(new("n1"))
    writer.learn(cooling("pro", 5.0))
    thread.fail()
    writer.learn(new("n2"))
    assert now(failed) is False
    thread.fail()
    writer.retry()
    thread.go()

    assert on_disk(store) == "n2"
    assert list(store.accounts()[0].holds) == ["pro"]
    writer.retry()
    assert thread.work == []


def test_newer_while_older_is_under_way(store: Store) -> None:
    """A failure does not put what is older over what came in the meantime."""
    thread = Thread()
    writer = StoreWriter(store, thread.run)
    writer.learn(new("n1"))
    writer.learn(new("n2"))
    thread.fail()
    thread.go()
    writer.retry()
    thread.go()

    assert on_disk(store) == "n2"


def test_bad_disks_are_told_once(store: Store, logged: list[dict[str, Any]]) -> None:
    """And so is that they are well again; retries do not pile up."""
    thread = Thread()
    writer = StoreWriter(store, thread.run)
    writer.learn(new("n1"))
    for _ in range(5):
        thread.fail()
        writer.retry()
        writer.retry()
    assert len(thread.work) == 1
    thread.go()
    writer.learn(new("n2"))
    thread.go()

    assert len([e for e in logged if "error" in e]) == 1
    assert "stored again" in str(logged[-1])
    assert on_disk(store) == "n2"


def test_a_new_login_is_not_overwritten(store: Store) -> None:
    """What the operator stored meanwhile stays."""
    thread = Thread()
    writer = StoreWriter(store, thread.run)
    writer.learn(new("n1"))
    store.put(Record("1", "ada", "login"))
    thread.go()

    assert on_disk(store) == "login"


def test_flushed(store: Store) -> None:
    """At the end one can wait for what is under way, or hear that there is nothing."""
    thread = Thread()
    writer = StoreWriter(store, thread.run)
    assert now(writer.flushed()) is True
    writer.learn(new("n1"))
    flushed = writer.flushed()
    assert not flushed.called
    thread.go()

    assert now(flushed) is True
