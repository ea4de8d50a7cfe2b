"""Tests for ``antigravity_gw.usage``: what is counted, and what becomes of it."""

import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from attrs import define, field
from helpers import now
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, execute, fail
from twisted.internet.task import Clock
from world import STREAM, WHOLE, Reply, World

from antigravity_gw.database import StoreError
from antigravity_gw.journal import CLIENT_LEFT, FIRST_BOUNDS, SERVED, Served
from antigravity_gw.pool.store import Store
from antigravity_gw.times import DAY, HOUR
from antigravity_gw.usage.batch import Batch, Names
from antigravity_gw.usage.counts import (
    OTHER,
    Count,
    Line,
    Minute,
    ranked,
    title,
)
from antigravity_gw.usage.ledger import Keeping, Ledger
from antigravity_gw.usage.store import Signature, UsageStore
from antigravity_gw.wire.usage import Usage

NOON = 1_800_014_400.0
"""The beginning of an hour."""

USAGE = Usage(prompt=100, output=10, thoughts=5, cached=60)
ONE = Count(1, 0, 100, 10, 5, 60)


def served(**more: Any) -> Served:
    """A request that has ended well at noon, after a second."""
    given = {"began": NOON, "seconds": 1.0, "first": NOON + 0.3, "model": "pro"}
    given |= {"key": "alice", "account": "1", "usage": USAGE}
    return Served(**(given | more))


@define
class Disk:
    """Runs what goes to the disk, which may fail before it does or after."""

    fails: str = ""
    asked: int = 0
    held: list[Callable[[], None]] = field(factory=list)

    def run(self, function: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
        """Do it, or not."""
        self.asked += 1
        if self.fails == "hangs":
            done: Deferred[Any] = Deferred()
            self.held.append(lambda: done.callback(function(*arguments)))
            return done
        if self.fails == "before":
            return fail(StoreError("the disk is full"))
        result: Deferred[Any] = execute(function, *arguments)
        if self.fails == "after":
            result.addCallback(lambda _: fail(StoreError("the disk is failing")))
        return result


@pytest.fixture
def disk() -> Disk:
    """One that works."""
    return Disk()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock, disk: Disk) -> Ledger:
    """One with nothing in it, at noon."""
    clock.advance(NOON)
    return make_ledger(tmp_path / "state", clock, disk)


def make_ledger(
    folder: Path, clock: Clock, disk: Disk, days: int = 90, seconds: float = 5.0
) -> Ledger:
    """One that goes on with what is in *folder*."""
    ledger = Ledger(folder, clock, Keeping(days, seconds), disk.run)
    ledger.flushed()
    return ledger


def lines(ledger: Ledger, by: Any = "key", since: float = 0.0) -> dict[str, Count]:
    """What there is, by name."""
    return {line.name: line.count for line in now(ledger.lines(by, since))}


def stored(folder: Path, by: str = "key") -> dict[str, Count]:
    """What is on disk."""
    return UsageStore.open(folder, create=False).sums(by, 0.0)


# What is counted


@pytest.mark.parametrize(
    ("ended", "errors"),
    [
        (SERVED, 0),
        (CLIENT_LEFT, 0),
        ("write_timeout", 0),
        ("exhausted", 1),
        ("upstream_timeout", 1),
    ],
)
def test_errors(ledger: Ledger, ended: str, errors: int) -> None:
    """A client that breaks off has made a request, no error; its tokens count."""
    ledger.note(served(ended=ended))

    assert lines(ledger) == {"alice": Count(1, errors, 100, 10, 5, 60)}


def test_what_is_no_usage(ledger: Ledger) -> None:
    """A request that has not come as far as a model counts nowhere."""
    ledger.note(served(model="", usage=None, ended="unauthenticated"))

    assert lines(ledger) == {}
    assert ledger.minutes(0.0) == []


def test_told_apart(ledger: Ledger) -> None:
    """By key, by account asked last and by model; most tokens come first."""
    for key, account, model in (
        ("", "1", "pro"),
        ("bob", "2", "flash"),
        ("bob", "", "pro"),
    ):
        ledger.note(served(key=key, account=account, model=model))

    assert now(ledger.lines("key", 0.0)) == [
        Line("bob", ONE + ONE),
        Line("", ONE),
    ]
    assert lines(ledger, "account") == dict.fromkeys(("1", "2", ""), ONE)
    assert lines(ledger, "model") == {"pro": ONE + ONE, "flash": ONE}
    assert now(ledger.tokens_since(0.0)) == {"bob": 230, "": 115}


def test_names_of_nobody() -> None:
    """People read of a request without a key that it had none."""
    assert [title("key", ""), title("account", ""), title("key", "bob")] == [
        "(no key)",
        "(no account)",
        "bob",
    ]


def test_it_counts_when_it_ends(ledger: Ledger) -> None:
    """A stream that lasts for two hours counts in the hour in which it ends."""
    ledger.note(served(began=NOON - 10.0, seconds=7230.0))

    assert lines(ledger, since=NOON + 2 * HOUR) == {"alice": ONE}


def test_since(ledger: Ledger) -> None:
    """An hour counts as a whole, be it stored or not."""
    for hour in range(3):
        ledger.note(served(began=NOON + hour * HOUR, seconds=1.0))
    since = [
        lines(ledger, since=NOON + at).get("alice", Count()).requests
        for at in (0.0, HOUR - 1, HOUR, 2 * HOUR + 1, 3 * HOUR)
    ]
    now(ledger.flushed())

    assert since == [3, 3, 2, 1, 0]
    assert since == [
        lines(ledger, since=NOON + at).get("alice", Count()).requests
        for at in (0.0, HOUR - 1, HOUR, 2 * HOUR + 1, 3 * HOUR)
    ]


def test_served_by_the_gateway(tmp_path: Path) -> None:
    """What the gateway answers counts, whole or streamed; lists and errors do not."""
    world = World(tmp_path / "accounts")
    ledger = Ledger(tmp_path, world.clock, Keeping(90, 5.0), execute)
    world.site.witnesses = [ledger.note]
    metadata = b'"usageMetadata":{"promptTokenCount":7,"candidatesTokenCount":2}'
    counted = WHOLE.body.replace(b'{"response": {', b'{"response": {%b,' % metadata)
    events = STREAM.body.replace(b'{"response": {', b'{"response": {%b,' % metadata)
    for reply, ask in (
        (Reply(body=counted), world.generate),
        (Reply(body=events), world.stream),
        (Reply(400, b'{"error":{"code":400,"message":"no"}}'), world.generate),
        (WHOLE, partial(world.generate, b"nonsense")),
        (WHOLE, partial(world.get, "/v1beta/models")),
    ):
        world.google.script = [reply]
        ask()

    assert lines(ledger) == {"": Count(3, 1, 14, 4)}
    assert lines(ledger, "account") == {"a": Count(3, 1, 14, 4)}


# What is bounded


def test_models_of_one_key(ledger: Ledger) -> None:
    """A client that makes up names fills no disk, and hides no other client's."""
    for number in range(1000):
        ledger.note(served(key="mallory", model=f"m{number}"))
    ledger.note(served(model="pro"))
    now(ledger.flushed())
    for number in range(1000):
        ledger.note(served(key="mallory", model=f"n{number}"))
    found = lines(ledger, "model")

    assert len(found) == 64 + 2
    assert found[OTHER].requests == 2000 - 64
    assert found["pro"] == ONE


def test_the_next_hour_has_other_models(ledger: Ledger) -> None:
    """The bound is for one hour, so that a new model is seen soon."""
    for number in range(1000):
        ledger.note(served(model=f"m{number}"))
    ledger.note(served(model="new", seconds=float(HOUR)))

    assert lines(ledger, "model")["new"] == ONE


def test_a_batch_that_grows() -> None:
    """It takes so many places and then a few more; what is in it still adds up."""
    batch = Batch(Names(most=10**6), most=100)
    for number in range(1000):
        hours = 3600.0 * (number % 7)
        key, account = "ab"[number % 2], f"{number % 5}"
        batch.note(served(key=key, account=account, model=f"{number}", seconds=hours))

    assert len(batch.hours) <= 100 + 2
    assert sum(c.requests for c in batch.sums("key", 0.0).values()) == 1000


# What becomes of it


def test_it_is_written_soon(ledger: Ledger, clock: Clock, disk: Disk) -> None:
    """All of some seconds goes in one transaction; without any, nothing is done."""
    before = disk.asked
    clock.advance(3600.0)
    assert disk.asked == before
    for _ in range(100):
        ledger.note(served())
    clock.advance(4.9)
    assert disk.asked == before
    clock.advance(0.2)
    file = ledger.directory / "usage.sqlite3"

    assert stored(ledger.directory)["alice"].requests == 100
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_accounts_are_not_read_again(ledger: Ledger) -> None:
    """Usage has a file of its own: writing it is no news of accounts."""
    accounts = Store.open(ledger.directory)
    accounts.has_changed()
    ledger.note(served())
    now(ledger.flushed())

    assert not accounts.has_changed()
    accounts.close()


def test_no_usage_no_file(ledger: Ledger) -> None:
    """Before anything was used there is nothing on disk."""
    assert lines(ledger) == {}
    assert now(ledger.flushed()) is True
    assert not ledger.directory.exists()


def test_read_while_it_is_written(ledger: Ledger, clock: Clock, disk: Disk) -> None:
    """Whoever asks then waits, and nothing is counted twice."""
    ledger.note(served())
    disk.fails = "hangs"
    clock.advance(5.0)
    ledger.note(served())
    asked = Deferred.fromCoroutine(ledger.lines("key", 0.0))
    assert not asked.called
    disk.fails = ""
    while disk.held:
        disk.held.pop()()

    assert now(asked) == [Line("alice", ONE + ONE)]


def test_bad_disks_are_told_once(
    ledger: Ledger, clock: Clock, disk: Disk, logged: list[dict[str, Any]]
) -> None:
    """Usage stays in memory and is complete; it is stored when the disk is well."""
    disk.fails = "before"
    for _ in range(5):
        ledger.note(served())
        clock.advance(5.0)
    assert "the disk is full" in ledger.trouble
    disk.fails = ""
    assert lines(ledger)["alice"].requests == 5
    clock.advance(5.0)
    told = [e["log_format"] for e in logged]

    assert stored(ledger.directory)["alice"].requests == 5
    assert [text[:29] for text in told] == [
        "usage cannot be stored or rea",
        "usage is stored again",
    ]


def test_bad_disks_that_are_only_read(
    ledger: Ledger, clock: Clock, disk: Disk, logged: list[dict[str, Any]]
) -> None:
    """Who asks is told, and nobody else has to come for it to be over."""
    ledger.note(served())
    now(ledger.flushed())
    disk.fails = "before"
    for _ in range(3):
        with pytest.raises(StoreError):
            lines(ledger)
        clock.advance(5.0)
    assert "the disk is full" in ledger.trouble
    disk.fails = ""
    clock.advance(5.0)

    assert ledger.trouble == ""
    assert [e["log_format"][:21] for e in logged] == [
        "usage cannot be store",
        "usage is stored again",
    ]
    assert clock.getDelayedCalls() == []


def test_stored_although_it_seemed_to_fail(
    ledger: Ledger, clock: Clock, disk: Disk
) -> None:
    """A disk that fails after all is written has no request counted twice."""
    ledger.note(served())
    now(ledger.flushed())
    ledger.note(served())
    disk.fails = "after"
    clock.advance(5.0)
    ledger.note(served())
    disk.fails = ""
    assert lines(ledger)["alice"].requests == 3
    clock.advance(5.0)

    assert stored(ledger.directory)["alice"].requests == 3


def test_the_end(ledger: Ledger, clock: Clock) -> None:
    """What came last is written, and no timer is left."""
    ledger.note(served())
    now(ledger.close())

    assert stored(ledger.directory) == {"alice": ONE}
    assert clock.getDelayedCalls() == []


def test_the_end_with_a_bad_disk(
    ledger: Ledger, clock: Clock, disk: Disk, logged: list[dict[str, Any]]
) -> None:
    """That usage is lost is said."""
    disk.fails = "before"
    ledger.note(served())
    now(ledger.close())

    assert "is lost" in logged[-1]["log_format"]
    assert clock.getDelayedCalls() == []


def damage(file: Path) -> None:
    """Leave no page of it as it was."""
    for end in ("-wal", "-shm"):
        file.with_name(file.name + end).unlink(missing_ok=True)
    file.write_bytes(b"no database at all" * 1000)


@pytest.mark.parametrize("restarts", [False, True])
def test_damage(
    ledger: Ledger,
    clock: Clock,
    disk: Disk,
    logged: list[dict[str, Any]],
    restarts: bool,
) -> None:
    """A store that is unreadable is put aside and begun anew, and that is said."""
    ledger.note(served())
    now(ledger.flushed())
    file = ledger.directory / "usage.sqlite3"
    damage(file)
    if restarts:
        ledger = make_ledger(ledger.directory, clock, disk)
    ledger.note(served(key="bob"))
    now(ledger.flushed())
    (copy,) = ledger.directory.glob("usage.sqlite3.unreadable-*")
    (told,) = [e for e in logged if "COUNTED ANEW" in e["log_format"]]

    assert lines(ledger) == {"bob": ONE}
    assert copy.read_bytes().startswith(b"no database at all")
    assert copy.name in told["error"]
    assert ledger.trouble == ""


def test_a_newer_schema(ledger: Ledger, logged: list[dict[str, Any]]) -> None:
    """A store of a newer version is left alone; that it cannot be read is told."""
    now(ledger.flushed())
    UsageStore.open(ledger.directory)
    with closing(sqlite3.connect(ledger.directory / "usage.sqlite3")) as db:
        db.execute("PRAGMA user_version = 99")
    ledger.note(served())

    assert now(ledger.flushed()) is False
    assert "upgrade antigravity-gw" in ledger.trouble
    with pytest.raises(StoreError, match="upgrade"):
        lines(ledger)
    assert len(ledger.minutes(0.0)) == 1
    assert len([e for e in logged if "cannot be stored" in e["log_format"]]) == 1


def test_the_file_is_deleted(ledger: Ledger, logged: list[dict[str, Any]]) -> None:
    """A running daemon makes another, loses nothing and complains of nothing."""
    ledger.note(served())
    now(ledger.flushed())
    for part in ledger.directory.iterdir():
        part.unlink()
    ledger.note(served(key="bob"))

    assert now(ledger.flushed()) is True
    assert stored(ledger.directory) == lines(ledger) == {"bob": ONE}
    assert logged == []


def test_the_file_is_deleted_and_nothing_comes(ledger: Ledger) -> None:
    """Who only looks then makes none, and sees that there is nothing."""
    ledger.note(served())
    now(ledger.flushed())
    for part in ledger.directory.iterdir():
        part.unlink()

    assert lines(ledger) == {}
    assert ledger.trouble == ""
    assert list(ledger.directory.iterdir()) == []


def test_what_is_old_is_forgotten(tmp_path: Path, clock: Clock, disk: Disk) -> None:
    """After so many days, when an hour of which all is older is looked at."""
    clock.advance(NOON)
    ledger = make_ledger(tmp_path, clock, disk, days=2)
    ledger.note(served())
    now(ledger.flushed())
    clock.advance(2 * DAY)
    ledger.note(served(key="bob", began=clock.seconds()))
    now(ledger.flushed())
    assert sorted(lines(ledger)) == ["alice", "bob"]
    clock.advance(2 * HOUR)
    ledger.note(served(key="bob", began=clock.seconds()))
    now(ledger.flushed())

    assert list(lines(ledger)) == ["bob"]


def test_a_clock_far_ahead(tmp_path: Path, clock: Clock, disk: Disk) -> None:
    """What it costs is some days, not months; when it is right again, all goes on."""
    clock.advance(NOON)
    ledger = make_ledger(tmp_path, clock, disk)
    for days in range(90):
        ledger.note(served(key=f"{days}", began=NOON - days * DAY))
    now(ledger.flushed())
    clock.advance(1000 * DAY)
    for _ in range(2):
        ledger.note(served(key="ahead", began=clock.seconds()))
        clock.advance(HOUR)
        now(ledger.flushed())
    clock.rightNow = NOON
    ledger.note(served(key="behind"))
    now(ledger.flushed())
    left = set(lines(ledger))

    assert {f"{days}" for days in range(80)} | {"ahead", "behind"} <= left
    assert "89" not in left
    clock.advance(20 * DAY)
    for _ in range(9):
        ledger.note(served(key="later", began=clock.seconds()))
        clock.advance(HOUR)
        now(ledger.flushed())

    assert "70" not in lines(ledger)
    assert "69" in lines(ledger)


def test_nothing_is_kept(tmp_path: Path, clock: Clock, disk: Disk) -> None:
    """With 0 days nothing is written, and what is in memory goes after a day."""
    clock.advance(NOON)
    ledger = make_ledger(tmp_path / "state", clock, disk, days=0)
    ledger.note(served())
    clock.advance(5.0)
    assert lines(ledger) == {"alice": ONE}
    assert len(ledger.minutes(0.0)) == 1
    clock.advance(DAY + 2 * HOUR)
    ledger.note(served(key="bob", began=clock.seconds()))
    clock.advance(5.0)
    assert lines(ledger) == {"bob": ONE}
    assert not ledger.directory.exists()
    ledger.keeping = Keeping(1, 5.0)
    clock.advance(5.0)
    ledger.note(served(key="bob", began=clock.seconds()))
    clock.advance(5.0)

    assert stored(ledger.directory)["bob"].requests == 2


# The minutes


def test_minutes(ledger: Ledger) -> None:
    """Each has how many, how many failed, tokens, and how soon answers began."""
    first = [0] * (len(FIRST_BOUNDS) + 1)
    ledger.note(served())
    ledger.note(served(began=NOON - 100.0, first=NOON + 99.0, seconds=200.0))
    ledger.note(served(first=None, ended="exhausted", seconds=101.0, usage=None))

    assert ledger.minutes(0.0) == [
        Minute(int(NOON), 1, 0, 115, (0, 0, 0, 1, *first[4:])),
        Minute(int(NOON) + 60, 2, 1, 115, (*first[1:], 1)),
    ]


def test_minutes_survive(ledger: Ledger, clock: Clock, disk: Disk) -> None:
    """A restart in the middle of one changes nothing; a day later it is over."""
    ledger.note(served())
    now(ledger.close())
    before = ledger.minutes(0.0)
    again = make_ledger(ledger.directory, clock, disk)
    assert again.minutes(0.0) == before
    again.note(served())
    now(again.flushed())
    third = make_ledger(ledger.directory, clock, disk)

    assert third.minutes(0.0) == again.minutes(0.0)
    assert [minute.requests for minute in third.minutes(0.0)] == [2]
    clock.advance(DAY + 61)
    assert third.minutes(0.0) == []


# All of it


requests = st.builds(
    served,
    key=st.sampled_from(["", "a", "b"]),
    account=st.sampled_from(["", "1", "2"]),
    model=st.sampled_from(["pro", "flash", "x"]),
    ended=st.sampled_from([SERVED, CLIENT_LEFT, "exhausted"]),
    seconds=st.floats(0.0, 3.0 * HOUR),
    usage=st.none() | st.builds(Usage, *4 * [st.integers(0, 10**9)]),
)
steps = st.one_of(
    requests, st.sampled_from(["works", "before", "after", "restart"]), st.floats(0, 20)
)


@settings(max_examples=30)
@given(st.lists(steps, max_size=40))
def test_it_adds_up(history: list[Any]) -> None:
    """However it is spread over batches, failures and restarts, nothing is lost."""
    noted: list[Served] = []
    clock, disk = Clock(), Disk()
    clock.advance(NOON)
    with TemporaryDirectory() as folder:
        ledger = make_ledger(Path(folder), clock, disk)
        for step in history:
            if isinstance(step, Served):
                noted.append(step)
                ledger.note(step)
            elif isinstance(step, float):
                clock.advance(step)
            elif step == "restart":
                disk.fails = ""
                now(ledger.close())
                ledger = make_ledger(Path(folder), clock, disk)
            else:
                disk.fails = step.removeprefix("works")
        disk.fails = ""
        for by in ("key", "account", "model"):
            expected: dict[str, Count] = {}
            for each in noted:
                u = each.usage or Usage()
                failed = each.ended == "exhausted"
                count = Count(1, failed, u.prompt, u.output, u.thoughts, u.cached)
                name = getattr(each, by)
                expected[name] = expected.get(name, Count()) + count
            assert now(ledger.lines(by, 0.0)) == ranked(expected)
            now(ledger.flushed())
            assert stored_or_none(Path(folder), by) == expected
        assert sum(m.requests for m in ledger.minutes(0.0)) == len(noted)


def stored_or_none(folder: Path, by: str) -> dict[str, Count]:
    """What is on disk, if anything is."""
    return stored(folder, by) if (folder / "usage.sqlite3").exists() else {}


def test_batches_have_numbers(tmp_path: Path) -> None:
    """The same batch again adds nothing; another writer's does."""
    store, batch = UsageStore.open(tmp_path), Batch(Names())
    batch.note(served())
    for signature in (Signature("x", 1), Signature("x", 1), Signature("y", 1)):
        store.add(batch, signature, NOON)

    assert stored(tmp_path) == {"alice": ONE + ONE}
