"""Tests for ``antigravity-gw usage``: what people and programs read of usage."""

import csv
import io
import json
import resource
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import pytest
from helpers import Run
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.cli.charts import bar, chart, human
from antigravity_gw.cli.usage import harmless
from antigravity_gw.cli.words import WIDTH, columns
from antigravity_gw.journal import Served
from antigravity_gw.pool.store import Store
from antigravity_gw.record import Record
from antigravity_gw.times import DAY, HOUR
from antigravity_gw.usage.batch import Batch, Names
from antigravity_gw.usage.counts import Count, Line
from antigravity_gw.usage.periods import Period, moment, whole_hours
from antigravity_gw.usage.store import Signature, UsageStore
from antigravity_gw.wire.usage import Usage

NOW = time.time()
NOON = 1_800_014_400.0
ALICE = Count(2, 1, 1_234_567, 800, 200, 1_000_000)
BOB = Count(1, 0, 10, 20, 30, 0)


@pytest.fixture
def run(run: Run) -> Run:
    """Runs this command."""
    return partial(run, "usage")


@pytest.fixture
def store(tmp_path: Path) -> UsageStore:
    """What alice, bob and one without a key have used, just now or a while ago."""
    store, batch = UsageStore.open(tmp_path / "state"), Batch(Names())
    for key, account, model, ended, usage, ago in (
        ("alice", "1", "pro", "served", Usage(1_234_567, 800, 200, 1_000_000), 0.0),
        ("alice", "gone", "pro", "exhausted", None, 0.0),
        ("bob", "2", "flash", "client_left", Usage(10, 20, 30, 0), 0.0),
        ("", "2", "flash", "served", Usage(1, 1, 1, 1), 3.0 * DAY),
    ):
        batch.note(
            Served(
                key=key,
                account=account,
                model=model,
                ended=ended,
                usage=usage,
                began=NOW - ago,
            )
        )
    store.add(batch, Signature("x", 1), NOW)
    accounts = Store.open(tmp_path / "state")
    accounts.put(Record("1", "ada", "1//a"))
    accounts.put(Record("2", "=HYPERLINK(1)", "1//b"))
    return store


def rows(text: str) -> list[list[str]]:
    """The words of each line of a table."""
    return [line.split() for line in text.splitlines() if line]


# People


def test_a_table(run: Run, store: UsageStore) -> None:
    """Most tokens come first, a bar has the share, and the last line all of it."""
    status, out, _ = run("--since", "24h")
    said, head, alice, bob, total, *_ = rows(out)

    assert status == 0
    assert said[:4] == ["Usage", "by", "key", "from"]
    assert [head[0], *head[-2:]] == ["KEY", "TOKENS", "SHARE"]
    assert alice[:-1] == ["alice", "2", "1", "1.2M", "800", "200", "1.0M", "1.2M"]
    assert bob == ["bob", "1", "0", "10", "20", "30", "0", "60", "▏"]
    assert total == ["total", "3", "1", "1.2M", "820", "230", "1.0M", "1.2M"]


def test_names_in_the_table(run: Run, store: UsageStore) -> None:
    """Accounts are shown as their operator calls them; one that is gone by its id."""
    _, out, _ = run("--by", "account")
    _, _, ada, other, gone, *_ = rows(out)

    assert [ada[0], other[0], gone[0]] == ["ada", "=HYPERLINK(1)", "gone"]
    assert "(no key)" in run()[1]
    assert "(no key)" not in run("--since", "1h")[1]


@pytest.mark.parametrize(("by", "fewest"), [("hour", 73), ("day", 4)])
def test_a_course(run: Run, store: UsageStore, by: str, fewest: int) -> None:
    """Hours or days without a gap, the longest bar beside the most tokens."""
    _, out, _ = run("--by", by)
    table = [line for line in out.splitlines() if line[:2] == "20"]

    assert len(table) == fewest
    assert max(table, key=columns) == table[-1]


def test_nothing_yet(run: Run, tmp_path: Path) -> None:
    """Where nothing was used, that is said, and nothing is made."""
    status, out, err = run()

    assert (status, err) == (0, "")
    assert "No usage was stored yet: there is no" in out
    assert not (tmp_path / "state").exists()


def test_nothing_then(run: Run, store: UsageStore) -> None:
    """The same for a time in which nothing was."""
    status, out, _ = run("--since", "2020-01-01", "--until", "2020-01-02")

    assert status == 0
    assert out == "Nothing was used from 2020-01-01 00:00 to 2020-01-02 00:00 (1 d).\n"


def test_nothing_is_to_be_kept(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Who has switched it off is told why there is nothing."""
    monkeypatch.setenv("ANTIGRAVITY_GW_USAGE_KEEP_DAYS", "0")

    assert "usage.keep_days is 0" in " ".join(run()[1].split())


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("--since", "yesterday"), 2, "such as 30min, 24h, 7d or 4w"),
        (("--since", "1h", "--until", "2h"), 1, "later than --since"),
        (("--by", "colour"), 2, "invalid choice"),
        (("--json", "--csv"), 2, "not allowed with"),
    ],
)
def test_mistakes(run: Run, arguments: tuple[str, ...], status: int, told: str) -> None:
    """What cannot be understood is told with what could be."""
    found, _, err = run(*arguments)

    assert found == status
    assert told in " ".join(err.split())


def test_damage(run: Run, store: UsageStore) -> None:
    """A store that is damaged is told in a line, and left to the daemon."""
    store.path.write_bytes(b"no database" * 1000)
    status, _, err = run()

    assert status == 1
    assert "is damaged" in err
    assert store.path.read_bytes() == b"no database" * 1000


def test_accounts_that_cannot_be_read(run: Run, store: UsageStore) -> None:
    """Usage is shown all the same, by the ids of the accounts."""
    (store.directory / "accounts.sqlite3").write_bytes(b"no database" * 1000)
    status, out, err = run("--by", "account")

    assert status == 0
    assert "shown by their ids" in err
    assert [row[0] for row in rows(out)[2:5]] == ["1", "2", "gone"]


def test_while_the_daemon_writes(run: Run, store: UsageStore) -> None:
    """A write under way keeps nobody from reading what there was before it."""
    with closing(sqlite3.connect(store.path, isolation_level=None)) as db:
        db.execute("BEGIN")
        db.execute("DELETE FROM hour")
        sums = store.sums("key", 0.0)
        db.execute("ROLLBACK")

    assert sums["alice"] == ALICE
    assert rows(run()[1])[2][0] == "alice"


# Programs


def test_json(run: Run, store: UsageStore) -> None:
    """Exact numbers, the hours they are from, and accounts by id and name."""
    told = json.loads(run("--json", "--since", "24h")[1])
    since, until = (datetime.fromisoformat(told[at]) for at in ("from", "until"))
    accounts = json.loads(run("--json", "--by", "account")[1])["lines"]

    assert told["lines"][0] == {
        **{"key": "alice", "requests": 2, "errors": 1, "prompt": 1_234_567},
        **{"output": 800, "thoughts": 200, "cached": 1_000_000, "total": 1_235_567},
    }
    assert told["total"]["total"] == 1_235_627
    assert until - since in (timedelta(hours=24), timedelta(hours=25))
    assert [(a["account"], a["name"]) for a in accounts] == [
        ("1", "ada"),
        ("2", "=HYPERLINK(1)"),
        ("gone", None),
    ]


def test_csv(run: Run, store: UsageStore) -> None:
    """The same; and no name is taken for a formula."""
    _, out, _ = run("--csv", "--by", "account")
    head, *lines = csv.reader(io.StringIO(out))

    assert head == [
        *("account", "name", "requests", "errors", "prompt", "output", "thoughts"),
        *("cached", "total"),
    ]
    assert ",".join(lines[0]) == "1,ada,1,0,1234567,800,200,1000000,1235567"
    assert [line[:2] for line in lines[1:]] == [["2", "'=HYPERLINK(1)"], ["gone", ""]]


def test_nothing_for_programs(run: Run) -> None:
    """Programs find no lines, and nothing to stumble over."""
    assert json.loads(run("--json")[1])["lines"] == []
    assert run("--csv")[:2] == (
        0,
        "key,requests,errors,prompt,output,thoughts,cached,total\n",
    )


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1"])
def test_formulas(cell: str) -> None:
    """All that makes a formula gets a quote in front; names within do not."""
    assert harmless(cell) == f"'{cell}"
    assert harmless(f"a{cell}") == f"a{cell}"


# The rules

names = st.text(max_size=90) | st.sampled_from(["日本語" * 9, "a\u0301" * 50])
counts = st.builds(Count, *6 * [st.integers(0, 10**17)])


@given(
    st.lists(st.builds(Line, names, counts), min_size=1, max_size=5),
    st.booleans(),
    st.booleans(),
)
def test_eighty_columns(lines: list[Line], is_course: bool, plain: bool) -> None:
    """Whatever names and numbers there are, it fits, and no terminal obeys it."""
    table = list(chart("ACCOUNT", lines, is_course=is_course, plain=plain))

    assert max(map(columns, table)) <= WIDTH
    assert len(table) == len(lines) + 2
    assert all(row.isprintable() for row in table)


@given(st.integers(0, 10**20))
def test_numbers(number: int) -> None:
    """Five columns at most, and right to a twentieth."""
    text = human(number)
    units = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
    value = float(text.rstrip("kMGTPE")) * units.get(text[-1], 1.0)

    assert len(text) <= 5
    assert value == pytest.approx(number, rel=0.05)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.0k"),
        (99_949, "99.9k"),
        (99_960, "100k"),
        (999_499, "999k"),
        (999_500, "1.0M"),
        (1_234_567, "1.2M"),
        (10**22, "1e+22"),
    ],
)
def test_some_numbers(number: int, text: str) -> None:
    """Where one unit ends and the next begins."""
    assert human(number) == text


@given(st.integers(0, 10**9), st.integers(1, 10**9), st.integers(1, 40), st.booleans())
def test_bars(part: int, whole: int, room: int, plain: bool) -> None:
    """No longer than there is room, and to be seen if there is anything."""
    drawn = bar(part, whole, room, plain=plain)

    assert len(drawn) <= room
    assert bool(drawn) == bool(part)
    assert drawn.isascii() or not plain


@pytest.mark.parametrize(
    ("text", "then"),
    [
        ("30m", NOON - 1800),
        ("24h", NOON - DAY),
        ("7d", NOON - 7 * DAY),
        ("4w", NOON - 28 * DAY),
        ("999999w", 0.0),
        ("2027-01-15", datetime(2027, 1, 14, 23, tzinfo=UTC).timestamp()),
        ("2027-01-15T12:00:00Z", datetime(2027, 1, 15, 12, tzinfo=UTC).timestamp()),
        ("2027-01-15T12:00", datetime(2027, 1, 15, 11, tzinfo=UTC).timestamp()),
        ("0001-01-01", 0.0),
        ("9999-12-31", datetime(3000, 1, 1, tzinfo=UTC).timestamp()),
    ],
)
def test_moments(text: str, then: float) -> None:
    """How long ago, a date by the machine's clock, or a time as RFC 3339 has it."""
    zone = timezone(timedelta(hours=1))

    assert moment(text, NOON, zone) == then


@given(st.text(max_size=12))
def test_any_moment(text: str) -> None:
    """Whatever is said, it is a moment that calendars have, or a mistake."""
    then = NOON
    with suppress(ValueError):
        then = moment(text, NOON)

    assert 0.0 <= then <= 32_503_680_000.0


def test_whole_hours() -> None:
    """Hours count as a whole, at both ends."""
    assert whole_hours(NOON + 1, NOON + HOUR + 1) == Period(
        int(NOON), int(NOON) + 2 * HOUR
    )
    assert whole_hours(NOON, NOON + HOUR) == Period(int(NOON), int(NOON) + HOUR)


# A disk that is full


def shown_on_a_full_disk(state: Path) -> subprocess.CompletedProcess[str]:
    """The command, where not a byte can be written to any file."""
    command = Path(sys.executable).with_name("antigravity-gw")
    limit = (resource.RLIMIT_FSIZE, (0, 0))
    return subprocess.run(
        [command, "-s", state, "usage", "--by", "account", "--json"],
        env={"HOME": str(state), "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(*limit),
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(("is_running", "requests"), [(True, 3), (False, 4)])
def test_a_full_disk(store: UsageStore, is_running: bool, requests: int) -> None:
    """When it may matter most, it needs no room, whether or not the daemon runs."""
    with closing(sqlite3.connect(store.path)) as daemon:
        if is_running:  # and what it has just written is not in the database itself
            daemon.execute("DELETE FROM hour WHERE key = ''")
            daemon.commit()
        shown = shown_on_a_full_disk(store.directory)

        assert shown.returncode == 0, shown.stderr
        assert json.loads(shown.stdout)["total"]["requests"] == requests
