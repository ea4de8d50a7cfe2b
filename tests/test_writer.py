"""Tests for ``antigravity_gw.pool.writer``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import now
from twisted.internet.defer import Deferred

from antigravity_gw.pool.account import Record
from antigravity_gw.pool.store import Store, StoreError
from antigravity_gw.pool.writer import StoreWriter


class Thread:
    """Does what it is given when the test says so."""

    def __init__(self) -> None:
        self.work: list[
            tuple[Callable[..., None], tuple[Any, ...], Deferred[None]]
        ] = []

    def run(self, function: Callable[..., None], *arguments: Any) -> Deferred[None]:
        """Take some work."""
        self.work.append((function, arguments, Deferred()))
        return self.work[-1][2]

    def go(self) -> None:
        """Do the first of it."""
        function, arguments, done = self.work.pop(0)
        function(*arguments)
        done.callback(None)

    def fail(self) -> None:
        """Do not, since the disk is full."""
        self.work.pop(0)[2].errback(StoreError("disk full"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with one account, whose refresh token is n0."""
    store = Store.open(tmp_path)
    store.put(Record("1", "ada", "n0", None, None, 1.0))
    return store


def on_disk(store: Store) -> str:
    """The refresh token that is stored."""
    return store.records()[0].refresh_token


def test_rotations_follow_each_other(store: Store) -> None:
    """One that comes while another is being stored begins where that one ends."""
    thread = Thread()
    writer = StoreWriter(store, thread.run)
    first = writer.rotate("1", "n0", "n1")
    second = writer.rotate("1", "n1", "n2")
    while thread.work:
        thread.go()

    assert now(first) is now(second) is None
    assert on_disk(store) == "n2"


def test_a_retry_and_another_rotation(store: Store) -> None:
    """Nor is one lost that comes while an older one is tried again."""
    thread = Thread()
    writer = StoreWriter(store, thread.run)
    failed = writer.rotate("1", "n0", "n1")
    thread.fail()
    assert now(failed) is None
    assert writer.with_rotation(store.records()[0]).refresh_token == "n1"
    writer.retry()
    writer.rotate("1", "n1", "n2")
    while thread.work:
        thread.go()

    assert on_disk(store) == "n2"
    writer.retry()
    assert thread.work == []


def test_bad_disks_are_told_once(store: Store, logged: list[dict[str, Any]]) -> None:
    """Trying again in vain is not told every time, and goes on one at a time."""
    thread = Thread()
    writer = StoreWriter(store, thread.run)
    writer.rotate("1", "n0", "n1")
    for _ in range(5):
        thread.fail()
        writer.retry()
        writer.retry()
    assert len(thread.work) == 1
    assert writer._lock.waiting == []
    thread.go()

    assert len([e for e in logged if "error" in e]) == 1
    assert on_disk(store) == "n1"


def test_a_new_login_is_not_overwritten(store: Store) -> None:
    """What the operator stored meanwhile stays."""
    thread = Thread()
    writer = StoreWriter(store, thread.run)
    writer.rotate("1", "n0", "n1")
    store.put(Record("1", "ada", "login", None, None, 1.0))
    thread.go()

    assert on_disk(store) == "login"
    assert writer.with_rotation(store.records()[0]).refresh_token == "login"
