"""Tests for ``antigravity_gw.web.alarm`` and ``antigravity_gw.web.deadlines``."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from antigravity_gw.web.alarm import Alarm
from antigravity_gw.web.deadlines import SLOWEST, Deadlines

MIB = 2**20


def test_putting_off() -> None:
    """An alarm that is put off with every request costs a timer once in a while."""
    clock, rung = Clock(), list[float]()
    alarm = Alarm(clock, lambda: rung.append(clock.seconds()))
    for _ in range(1000):
        alarm.set(inf)
        alarm.set(clock.seconds() + 75)
        assert len(clock.getDelayedCalls()) == 1
        clock.advance(0.5)
    clock.pump([0.5] * 200)

    assert rung == [574.5]
    assert clock.getDelayedCalls() == []


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 9)), max_size=20))
def test_on_time(settings: list[tuple[int, int]]) -> None:
    """It rings when it was last set to, not before and not after, and once."""
    clock, rung, due = Clock(), list[float](), inf
    expected = list[float]()
    alarm = Alarm(clock, lambda: rung.append(clock.seconds()))
    for seconds, wait in [*settings, (1, 1)]:
        due = clock.seconds() + seconds
        alarm.set(due)
        for _ in range(wait):
            clock.advance(1)
            if due == clock.seconds():
                expected.append(due)

    assert rung == expected


def test_stopping() -> None:
    """Nothing is left of one that is stopped."""
    clock = Clock()
    alarm = Alarm(clock, lambda: None)
    alarm.set(3)
    alarm.stop()
    alarm.stop()

    assert clock.getDelayedCalls() == []


def test_slow_but_honest() -> None:
    """32 MiB over a line of 1 Mbit/s, which takes four and a half minutes, are fine."""
    deadlines, size, now = Deadlines(), 0, 0.0
    while size < 32 * MIB:
        end = deadlines.body_end(0.0, now, size)
        now += 1.0
        size += 125_000

        assert now < end


def test_silence_and_dribble() -> None:
    """A pause has its limit, and the whole at one byte a second as well."""
    deadlines = Deadlines(body=30.0)

    assert deadlines.body_end(0.0, 100.0, MIB) == 130.0
    assert deadlines.body_end(0.0, 29.0, 29) == 30.0 + 29 / SLOWEST
