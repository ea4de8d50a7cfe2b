"""Tests for ``antigravity_gw.pool.hold``."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.needs import Need
from antigravity_gw.pool.hold import ACCESS, EVERY_MODEL, Hold, Holds, Rest

QUOTA = Rest(60.0, 3600.0)
delays = st.none() | st.floats(0.0, 1e7)


def placed(holds: Holds, now: float, asked: float | None = None) -> Hold:
    """A hold on the model ``pro``."""
    hold = holds.place("pro", now, QUOTA, "out of quota", asked=asked)
    assert hold is not None
    return hold


@given(delays, st.integers(0, 10_000), st.floats(0.001, 1e5), st.floats(1.0, 1e5))
def test_length(
    asked: float | None, repeats: int, first: float, longest: float
) -> None:
    """Never shorter than asked or a second, never endless, and growing on repeats."""
    rest = Rest(first, longest)
    seconds = rest.seconds(asked, repeats)

    assert seconds >= max(1.0, asked or 0.0)
    assert seconds <= max(longest, 1.0, first if asked is None else asked)
    assert seconds <= rest.seconds(asked, repeats + 1)


@pytest.mark.parametrize(
    ("asked", "repeats", "seconds"),
    [
        (0.539, 0, 1.0),
        (0.539, 1, 2.0),
        (0.539, 20, 3600.0),
        (None, 0, 60.0),
        (None, 3, 480.0),
        (391609.8, 0, 391609.8),
        (391609.8, 5, 391609.8),
    ],
)
def test_lengths(asked: float | None, repeats: int, seconds: float) -> None:
    """A floor below, no cap on what upstream asks, a cap on what we add to it."""
    assert QUOTA.seconds(asked, repeats) == seconds


@given(st.floats(1.0, 1e6), st.floats(0.0, 1.0))
def test_jitter(asked: float, chance: float) -> None:
    """It makes a hold longer, never shorter, and never by much."""
    holds = Holds()
    hold = holds.place("pro", 0.0, QUOTA, "x", asked=asked, chance=chance)

    assert hold is not None
    assert asked <= hold.ends <= asked + min(asked / 10, 3.0) + 1e-6


def test_by_model() -> None:
    """A hold bars its own model; one on the account bars them all."""
    holds = Holds()
    placed(holds, now=0.0)
    assert (holds.bar("pro", 59.0), holds.bar("flash", 59.0)) == (True, False)
    assert not holds.bar("pro", 60.0)
    for whole in (EVERY_MODEL, ACCESS):
        holds.place(whole, 60.0, QUOTA, "x")
        assert holds.bar("flash", 61.0)
        assert holds.free_at("flash", 61.0) == 120.0


def test_one_tries() -> None:
    """When a hold is over one request tries, and the others stay away meanwhile."""
    holds = Holds()
    placed(holds, now=0.0)
    trial = holds.try_out("pro", 60.0)
    assert trial.keys == {"pro"}
    assert holds.bar("pro", 61.0)
    holds.tried(trial)
    assert not holds.bar("pro", 61.0)


def test_a_trial_that_shows_nothing() -> None:
    """A long answer does not keep everybody else away: after a while the next tries."""
    holds = Holds()
    placed(holds, now=0.0)
    holds.try_out("pro", 60.0)

    assert [holds.bar("pro", 60.0 + after) for after in (9.9, 10.0)] == [True, False]


def test_an_older_trial() -> None:
    """When one that has shown nothing for long ends, the one that followed goes on."""
    holds = Holds()
    placed(holds, now=0.0)
    first, second = (holds.try_out("pro", moment) for moment in (60.0, 70.0))
    holds.tried(first)
    assert holds.bar("pro", 71.0)
    holds.tried(second)

    assert not holds.bar("pro", 71.0)


def test_tried_in_vain() -> None:
    """What fails again is left alone for longer; since when it is out is kept."""
    holds = Holds()
    placed(holds, now=0.0)
    again = placed(holds, now=60.0)

    assert (again.since, again.ends, again.repeats) == (0.0, 180.0, 1)


def test_tried_well() -> None:
    """What is served is forgotten, and the next failure is a first one."""
    holds = Holds()
    placed(holds, now=0.0)
    assert list(holds.lift(60.0, EVERY_MODEL, "pro")) == ["pro"]
    assert holds.by_model == {}

    assert placed(holds, now=60.0).repeats == 0


def test_answers_to_older_questions() -> None:
    """What was asked before a hold began neither ends it nor makes it grow."""
    holds = Holds()
    first = placed(holds, now=0.0)
    assert holds.lift(1.0, "pro") == {}
    assert holds.place("pro", 0.5, QUOTA, "out of quota", asked=10.0) is None
    longer = placed(holds, now=1.0)

    assert (first.repeats, longer.repeats) == (0, 0)
    assert longer.ends == 61.0


def test_a_person_outweighs_time() -> None:
    """That somebody has to log in is not forgotten for a rate limit, however long."""
    holds = Holds()
    holds.place(EVERY_MODEL, 0.0, Rest(300.0, 300.0), "x", need=Need.VALIDATION)
    assert holds.place(EVERY_MODEL, 1.0, QUOTA, "y", asked=200.0) is None
    login = holds.place(EVERY_MODEL, 2.0, None, "z", need=Need.LOGIN)

    assert login is not None
    assert holds.free_at("pro", 2.0) == math.inf
    assert holds.place(EVERY_MODEL, 3.0, None, "z", need=Need.LOGIN) is None


def test_another_trouble() -> None:
    """What is out for another reason now is out since now."""
    holds = Holds()
    placed(holds, now=0.0)
    placed(holds, now=60.0)
    refused = holds.place("pro", 500.0, QUOTA, "x", need=Need.ENTITLEMENT)

    assert refused is not None
    assert (refused.since, refused.repeats, refused.ends) == (500.0, 0, 560.0)


def test_a_long_rest_is_not_shortened() -> None:
    """Not by anything that is the matter besides."""
    holds = Holds()
    placed(holds, now=0.0, asked=1e6)
    refused = holds.place("pro", 1.0, Rest(300.0, 300.0), "x", need=Need.ENTITLEMENT)

    assert refused is not None
    assert (refused.need, refused.ends) == (Need.ENTITLEMENT, 1e6)


def test_forgiven() -> None:
    """What the operator may have mended is tried at once, the rest is not."""
    holds = Holds()
    holds.place(ACCESS, 0.0, QUOTA, "x", need=Need.CLIENT)
    placed(holds, now=0.0)
    holds.forgive(Need.CLIENT)

    assert list(holds.by_model) == ["pro"]


@pytest.mark.parametrize("need", Need)
def test_what_only_the_operator_ends(need: Need) -> None:
    """Whatever else fails, it is not replaced by something that is tried again."""
    holds = Holds()
    holds.place(EVERY_MODEL, 0.0, None, "terms", need=Need.SUSPENDED)
    holds.place(EVERY_MODEL, 1.0, Rest(300.0, 300.0), "x", need=need)

    assert holds.free_at("pro", 1.0) == math.inf
    assert holds.by_model[EVERY_MODEL] == Hold("terms", 0.0, None, Need.SUSPENDED)


def test_a_clock_that_is_set_back() -> None:
    """By a day: the hold is over.  By some seconds: it is not."""
    holds = Holds()
    placed(holds, now=1e6)
    assert holds.bar("pro", 1e6 - 5.0)
    assert not holds.bar("pro", 1e6 - 86400.0)
    holds.place("flash", 1e6, None, "x", need=Need.SUSPENDED)

    assert holds.bar("flash", 1e6 - 86400.0)


def test_placed_by_a_clock_that_was_set_back() -> None:
    """A hold that follows one of the future is in force all the same."""
    holds = Holds()
    holds.place("pro", 1e6, QUOTA, "x", need=Need.CLIENT)
    holds.place("pro", 1e6 - 86400.0, QUOTA, "x", need=Need.CLIENT)

    assert holds.bar("pro", 1e6 - 86400.0)
    assert holds.free_at("pro", 1e6 - 86400.0) < 1e6 - 80_000.0


def test_long_over() -> None:
    """A hold of yesterday is forgotten, so that their number does not grow."""
    holds = Holds()
    placed(holds, now=0.0)
    holds.place("flash", 0.0, None, "x", need=Need.SUSPENDED)
    assert holds.forget(86_460.0) == []
    assert holds.forget(86_461.0) == ["pro"]

    assert list(holds.by_model) == ["flash"]


def test_links_are_not_shown() -> None:
    """A link tells whose account it is, so it reaches no log by way of a repr."""
    assert "secret" not in repr(Hold("x", 0.0, link="https://secret.example/"))


@given(
    st.lists(
        st.tuples(st.floats(0.0, 1e5), st.sampled_from(["fail", "serve"]), delays),
        max_size=30,
    )
)
def test_every_hold_that_passes_ends(
    history: list[tuple[float, str, float | None]],
) -> None:
    """Whatever happens, there is a moment at which the account may be tried."""
    holds, now = Holds(), 0.0
    for wait, what, asked in history:
        now += wait
        if holds.bar("pro", now):
            continue
        trial = holds.try_out("pro", now)
        if what == "fail":
            placed(holds, now, asked)
        else:
            holds.lift(now, EVERY_MODEL, "pro")
        holds.tried(trial)

    free_at = holds.free_at("pro", now)
    assert free_at < math.inf
    assert not holds.bar("pro", free_at)
