"""Tests for the rules of ``antigravity_gw.admin``."""

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.admin.failures import FEW, MOST, Failures
from antigravity_gw.admin.plots import RANGES, columns, pace, quantile
from antigravity_gw.admin.session import Sessions, is_from_elsewhere
from antigravity_gw.admin.snapshot import (
    MOST_REQUESTS,
    Live,
    Portraits,
    account_shown,
    requests_shown,
    states_counted,
)
from antigravity_gw.admin.trials import EVERY, TooManyTests, Turns
from antigravity_gw.journal import CLIENT_LEFT, FIRST_BOUNDS, Served
from antigravity_gw.needs import Need
from antigravity_gw.pool.account import Account
from antigravity_gw.pool.hold import EVERY_MODEL, Hold, Holds
from antigravity_gw.record import Record
from antigravity_gw.usage.counts import Minute
from antigravity_gw.wire.companion import Remaining

NOON = 1_800_014_400.0
CLASSES = len(FIRST_BOUNDS) + 1


def minute(start: float, requests: int = 1, errors: int = 0, **firsts: int) -> Minute:
    """A minute in which answers began within the classes of these numbers."""
    classes = [firsts.get(f"c{n}", 0) for n in range(CLASSES)]
    return Minute(int(start), requests, errors, 100 * requests, tuple(classes))


# Plots


def test_columns() -> None:
    """Every step that is over is there, whether anything happened in it or not."""
    told = columns([minute(NOON - 60, 2, 1), minute(NOON, 9)], RANGES["hour"], NOON + 5)

    assert told["start"] == list(range(int(NOON) - 3600, int(NOON), 60))
    assert told["requests"] == [0] * 59 + [2]
    assert told["errors"] == [0] * 59 + [1]
    assert told["tokens"] == [0] * 59 + [200]
    assert told["first_p50"] == [None] * 60


def test_columns_of_a_day() -> None:
    """Minutes are told together in the five that they belong to."""
    minutes = [minute(NOON - 300 + 60 * n, n, c0=1) for n in range(5)]
    told = columns(minutes, RANGES["day"], NOON)

    assert (told["step"], len(RANGES)) == (300, 2)
    assert told["requests"] == [0] * 287 + [10]


@given(st.lists(st.integers(0, 50), min_size=CLASSES, max_size=CLASSES))
def test_quantiles(firsts: list[int]) -> None:
    """More than half is never faster than half, and none is beyond the classes."""
    half, most = quantile(firsts, 0.5), quantile(firsts, 0.95)

    if not any(firsts):
        assert (half, most) == (None, None)
    else:
        assert half is not None
        assert most is not None
        assert 0 < half <= most <= FIRST_BOUNDS[-1]


def test_a_quantile() -> None:
    """It is read off a straight line through its class."""
    assert quantile([0, 0, 10, *[0] * (CLASSES - 3)], 0.5) == 0.175
    assert quantile([*[0] * (CLASSES - 1), 3], 0.5) == FIRST_BOUNDS[-1]


def test_pace() -> None:
    """Of the minute before counts what is less than a minute ago."""
    minutes = [minute(NOON - 120, 99), minute(NOON - 60, 8), minute(NOON, 3)]

    assert pace(minutes, NOON + 45) == {"requests": 5.0, "errors": 0, "tokens": 500.0}


# Failures


def failed(ended: str, model: str = "", began: float = 0.0) -> Served:
    """A request that has ended so."""
    return Served(ended=ended, model=model, began=began)


def test_strangers_push_nothing_out() -> None:
    """However many knock without a key, what clients have met with is remembered."""
    failures = Failures()
    failures.note(failed("unreachable", "pro"))
    failures.note(evolve(failed("too_many_per_minute"), key="ann"))
    for n in range(2 * MOST):
        failures.note(failed("unauthenticated", began=1.0 + n))
    told = failures.latest()

    assert len(told) == FEW + 2
    assert told[0].began == 2 * MOST
    assert {"unreachable", "too_many_per_minute"} < {served.ended for served in told}


def test_what_is_no_failure() -> None:
    """Well is well; who only looked has left; a browser has yet to ask for a key."""
    failures = Failures()
    for served in (
        failed("served", "pro"),
        failed(CLIENT_LEFT),
        failed("no_operator"),
    ):
        failures.note(served)

    assert failures.latest() == []
    failures.note(failed(CLIENT_LEFT, "pro"))
    assert len(failures.latest()) == 1


# Sessions


def test_tokens() -> None:
    """Each operator has another, and each process."""
    sessions = Sessions(b"a")

    assert sessions.knows("root", sessions.token("root"))
    assert not sessions.knows("other", sessions.token("root"))
    assert not sessions.knows("root", Sessions(b"b").token("root"))
    assert not sessions.knows("root", "")
    assert "b'a'" not in repr(sessions)


@pytest.mark.parametrize(
    ("fetch_site", "origin", "is_elsewhere"),
    [
        (None, None, False),
        ("same-origin", None, False),
        ("none", None, False),
        ("cross-site", None, True),
        ("same-site", "http://gw:1", True),
        ("", "http://gw:1", True),
        (None, "http://gw:1", False),
        (None, "http://GW:1", False),
        (None, "http://gw:2", True),
        (None, "null", True),
        (None, "", True),
        ("same-origin", "https://behind.proxy", False),
    ],
)
def test_elsewhere(
    fetch_site: str | None, origin: str | None, is_elsewhere: bool
) -> None:
    """What the browser says counts, and else the origin."""
    assert is_from_elsewhere(fetch_site, origin, "gw:1") is is_elsewhere


# Tests of accounts


def test_turns() -> None:
    """One at a time, and each once in a while; what is long ago is forgotten."""
    turns = Turns()
    turns.take("a", NOON)
    with pytest.raises(TooManyTests):
        turns.take("b", NOON)
    turns.end("a", NOON + 1)
    with pytest.raises(TooManyTests) as caught:
        turns.take("a", NOON + 2)
    turns.take("b", NOON + 2)
    turns.end("b", NOON + 3)
    turns.take("a", NOON + 1 + EVERY)

    assert caught.value.retry_after == EVERY - 1
    assert "a" not in turns._ended


# Snapshots


def account(id: str, name: str = "", **holds: Hold) -> Account:
    """An account in the pool."""
    record = Record(id, name or id, "1//hush", project="hush-project")
    return Account(record, holds=Holds(dict(holds)), project="hush-found")


def test_accounts_that_need_somebody_come_first() -> None:
    """Then those that cool, then those that serve, by name."""
    cooling = Hold("too often", NOON, NOON + 9)
    needy = Hold("expired", NOON, None, Need.LOGIN)
    accounts = [
        account("b"),
        account("A"),
        account("c", **{EVERY_MODEL: cooling}),
        account("d", **{EVERY_MODEL: needy}),
        account("e", pro=cooling),
    ]
    shown = Portraits().of(accounts, NOON)

    assert [a["id"] for a in shown] == ["d", "c", "A", "b", "e"]
    assert shown[-1]["title"] == "cooling (1 model)"
    assert states_counted(shown) == {"needs login": 1, "cooling": 1, "serving": 3}


def test_portraits() -> None:
    """Whatever changes about an account, be it time alone, is seen."""
    portraits, one = Portraits(), account("a")

    def seen(now: float = NOON) -> tuple[Any, ...]:
        (shown,) = portraits.of([one], now)
        fraction = shown["quota"][0]["fraction"] if shown["quota"] else None
        return shown["state"], shown["name"], shown["serving"], fraction

    assert seen() == ("serving", "a", 0, None)
    one.serving = 3
    assert seen() == ("serving", "a", 3, None)
    one.holds.by_model[EVERY_MODEL] = Hold("too often", NOON, NOON + 9)
    assert seen() == ("cooling", "a", 3, None)
    assert seen(NOON + 9) == ("serving", "a", 3, None)
    one.quota = {"pro": Remaining(0.5, None)}
    assert seen(NOON + 9) == ("serving", "a", 3, 0.5)
    one.record = evolve(one.record, name="b", disabled=NOON)
    assert seen(NOON + 9) == ("disabled", "b", 3, 0.5)
    assert portraits.of([], NOON) == []


def test_a_portrait_is_kept() -> None:
    """An account that has not changed costs next to nothing to show again."""
    portraits, one = Portraits(), account("a", pro=Hold("x", NOON, NOON + 9))
    (first,), (second,) = portraits.of([one], NOON), portraits.of([one], NOON + 5)

    assert first["cooling"] is second["cooling"]


def test_what_is_not_shown() -> None:
    """No credential and no project is among what is told of an account."""
    assert "hush" not in str(account_shown(account("a"), NOON))


def test_many_requests() -> None:
    """All are counted, and the oldest are shown."""
    lives = [Live(Served(id=str(n), began=NOON - n), n) for n in range(500)]
    told = requests_shown(lives)

    assert (told["count"], len(told["oldest"])) == (500, MOST_REQUESTS)
    assert told["oldest"][0]["id"] == "499"
