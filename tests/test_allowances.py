"""Tests for ``antigravity_gw.allowances``: what counts, and when it is over."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.allowances import Allowances, day_of
from antigravity_gw.errors import Busy, TokensSpent, TooManyPerMinute
from antigravity_gw.journal import Served
from antigravity_gw.keys import Allowance, Key
from antigravity_gw.times import DAY, MINUTE
from antigravity_gw.wire.usage import Usage

NOON = 20_000 * DAY + DAY / 2


def key(name: str = "ann", **limits: int) -> Key:
    """The key of a client."""
    return Key.of(name, b"secret", Allowance(**limits))


def spent(name: str, tokens: int, ended: float = NOON) -> Served:
    """A request whose answer has cost so much."""
    usage = Usage(prompt=tokens // 2, output=tokens - tokens // 2, cached=1)
    return Served(key=name, began=ended - 1.0, seconds=1.0, usage=usage)


def wait(allowances: Allowances, asking: Key, now: float) -> float:
    """How long a client is told to wait; 0 when it is let in."""
    try:
        allowances.admit(asking, now)
    except Busy as error:
        return error.retry_after
    return 0.0


pauses = st.lists(st.floats(0.0, 40.0), max_size=60)


@given(pauses, st.integers(1, 5))
def test_never_more(pauses: list[float], most: int) -> None:
    """In no 60 seconds, wherever they begin, are more let in than the key allows."""
    allowances, now, times = Allowances(), NOON, []
    for pause in pauses:
        now += pause
        if not wait(allowances, key(requests_per_minute=most), now):
            times.append(now)

    for start in times:
        assert sum(start <= time < start + MINUTE for time in times) <= most


@given(pauses, st.integers(1, 5))
def test_never_fewer(pauses: list[float], most: int) -> None:
    """None is refused while fewer than that were let in during the last 60 seconds."""
    allowances, now, times = Allowances(), NOON, []
    for pause in pauses:
        now += pause
        lately = sum(now < time + MINUTE for time in times)
        is_in = not wait(allowances, key(requests_per_minute=most), now)
        assert is_in == (lately < most)
        times += [now] * is_in


@given(pauses, st.integers(1, 5))
def test_when_it_is_over(pauses: list[float], most: int) -> None:
    """Who is refused is let in at the moment it is told, and not any sooner."""
    asking, now, allowances = key(requests_per_minute=most), NOON, Allowances()
    for pause in pauses:
        now += pause
        try:
            allowances.admit(asking, now)
        except TooManyPerMinute as error:
            over = now + error.retry_after
            assert wait(allowances, asking, math.nextafter(over, 0.0))
            now += error.seconds()  # as Retry-After says it
            assert not wait(allowances, asking, now)


@given(st.floats(0.0, DAY - 0.001))
def test_when_the_day_is_over(time: float) -> None:
    """Tokens come back at midnight in UTC, and that is when it is told."""
    allowances, asking, now = Allowances(), key(tokens_per_day=9), 20_000 * DAY + time
    allowances.note(spent("ann", 9, now))
    with pytest.raises(TokensSpent) as caught:
        allowances.admit(asking, now)
    over = now + caught.value.seconds()

    assert not wait(allowances, asking, over)
    assert day_of(over) == 20_001
    assert over < 20_001 * DAY + 1.0


def test_tokens() -> None:
    """Prompt, answer and thoughts count, what was cached of the prompt only once."""
    allowances, asking = Allowances(), key(tokens_per_day=10)
    usage = Usage(prompt=3, output=2, thoughts=4, cached=3)
    allowances.note(Served(key="ann", began=NOON, usage=usage))
    assert allowances.tokens("ann", NOON) == 9
    assert not wait(allowances, asking, NOON)
    allowances.note(spent("ann", 100))
    with pytest.raises(TokensSpent, match=r"its 10 tokens of today.*43200 s"):
        allowances.admit(asking, NOON)

    assert not wait(allowances, key("bob", tokens_per_day=10), NOON)
    assert not wait(allowances, key("ann"), NOON)


def test_whose_tokens_are_nobodys() -> None:
    """An answer that does not say what it cost, or has no key, is on no account."""
    allowances = Allowances()
    allowances.note(Served(key="ann", began=NOON))
    allowances.note(spent("", 100))

    assert (allowances.tokens("ann", NOON), allowances.tokens("", NOON)) == (0, 0)


def test_no_limits() -> None:
    """A key without limits may do what it likes."""
    allowances = Allowances()
    allowances.note(spent("ann", 10**9))

    assert not any(wait(allowances, key(), NOON) for _ in range(1000))


def test_each_by_itself() -> None:
    """What one client does is no other's affair; names are what counts."""
    allowances = Allowances()
    assert not wait(allowances, key("ann", requests_per_minute=1), NOON)
    assert not wait(allowances, key("bob", requests_per_minute=1), NOON)
    another = Key.of("ann", b"another", Allowance(requests_per_minute=1))

    assert wait(allowances, another, NOON)


def test_new_limits() -> None:
    """A limit that is lowered holds for what was let in already."""
    allowances = Allowances()
    for second in range(5):
        assert not wait(allowances, key(requests_per_minute=5), NOON + second)
    lower = key(requests_per_minute=2)

    assert wait(allowances, lower, NOON + 10) == MINUTE + 3 - 10
    assert not wait(allowances, lower, NOON + MINUTE + 3)


def test_what_is_refused_does_not_count() -> None:
    """Who asks too often has to wait no longer for it."""
    allowances, asking = Allowances(), key(requests_per_minute=1)
    allowances.admit(asking, NOON)

    assert [wait(allowances, asking, NOON + s) for s in (10, 20, 59)] == [50, 40, 1]
    assert not wait(allowances, asking, NOON + MINUTE)


def test_a_clock_that_is_set_back() -> None:
    """Nobody waits for it to catch up."""
    allowances, asking = Allowances(), key(requests_per_minute=1, tokens_per_day=5)
    allowances.admit(asking, NOON)
    allowances.note(spent("ann", 5))

    assert not wait(allowances, asking, NOON - DAY)


def test_a_clock_that_is_set_back_over_midnight() -> None:
    """What was used of the day that has begun is not forgotten for that."""
    allowances, midnight = Allowances(), 20_000 * DAY
    allowances.note(spent("ann", 5, midnight + 1.0))
    allowances.note(spent("ann", 3, midnight - 9.0))

    assert allowances.tokens("ann", midnight + 2.0) == 8
    allowances.note(spent("ann", 1, midnight - 2 * DAY))
    assert allowances.tokens("ann", midnight - 2 * DAY) == 1


def test_seed() -> None:
    """What was used before counts, once, and only on the day it was used."""
    allowances = Allowances()
    allowances.note(spent("ann", 5))
    allowances.seed(day_of(NOON), {"ann": 20, "bob": 7})
    allowances.seed(day_of(NOON), {"ann": 20})
    allowances.seed(day_of(NOON) - 1, {"ann": 1000})
    allowances.note(spent("ann", 5))

    assert allowances.tokens("ann", NOON) == 25
    assert allowances.tokens("bob", NOON) == 7
    assert allowances.tokens("ann", NOON + DAY) == 0
    allowances.note(spent("ann", 1, NOON + DAY))
    assert allowances.tokens("ann", NOON + DAY) == 1
