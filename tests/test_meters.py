"""Tests for what is counted of requests, and how its size is bounded."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.errors import GatewayError
from antigravity_gw.gaps import Gaps
from antigravity_gw.happenings import Avoided, Cooled, Rejected
from antigravity_gw.journal import CLIENT_LEFT, FIRST_BOUNDS, SERVED, Served
from antigravity_gw.metrics.histogram import Histogram
from antigravity_gw.metrics.meters import (
    ABANDONED,
    ANSWERED,
    DURATION_BOUNDS,
    MOST_KEYS,
    MOST_MODELS,
    Meters,
)
from antigravity_gw.metrics.names import OTHER, FewNames
from antigravity_gw.wire.usage import Usage

OURS = frozenset({"pro", "flash"})
KINDS = ["", "code_assist", "gemini_api_key", "vertex"]


def errors(of: type[GatewayError] = GatewayError) -> list[type[GatewayError]]:
    """All there are."""
    return [e for each in of.__subclasses__() for e in (each, *errors(each))]


ENDS = sorted({SERVED, CLIENT_LEFT, *(error.word() for error in errors())})

numbers = st.integers(0, 10**9)
usages = st.none() | st.builds(Usage, numbers, numbers, numbers, numbers)
requests = st.builds(
    Served,
    id=st.text(max_size=20),
    key=st.sampled_from(["", "alice", "bob"]),
    method=st.text(max_size=10),
    path=st.text(max_size=20),
    asked=st.text(max_size=10),
    model=st.text(max_size=8) | st.sampled_from(sorted(OURS)),
    streams=st.booleans(),
    kind=st.sampled_from(KINDS),
    received=numbers,
    sent=numbers,
    events=numbers,
    status=st.sampled_from([0, 200, 400, 404, 429, 500, 503]),
    seconds=st.floats(0, 1000),
    usage=usages,
    ended=st.sampled_from(ENDS),
)


@given(st.lists(requests))
def test_nothing_is_lost(ended: list[Served]) -> None:
    """All numbers together are those of all requests, whatever they are sorted by."""
    meters = Meters()
    for served in ended:
        meters.note(served)

    rows = meters.rows.values()
    spent = [served.usage or Usage() for served in ended]
    assert sum(row.requests for row in rows) == len(ended)
    for name in ("received", "sent", "events"):
        assert sum(getattr(r, name) for r in rows) == sum(
            getattr(served, name) for served in ended
        )
    for name in ("prompt", "output", "thoughts", "cached"):
        assert sum(getattr(r, name) for r in rows) == sum(
            getattr(usage, name) for usage in spent
        )
    timed = sum(sum(t.duration.counts) for t in meters.timings.values())
    assert timed == sum(served.model != "" for served in ended)


@given(st.lists(requests, max_size=30), st.integers(0, 5))
def test_clients_cannot_make_it_grow(ended: list[Served], most: int) -> None:
    """Whatever they name, say and do, there are only so many labels."""
    meters = Meters(models=FewNames(most, OURS))
    for number, served in enumerate(ended):
        meters.note(served)
        served.model = f"{served.model}{number}"
        meters.note(served)

    models = {place.model for place in meters.rows}
    assert len(models - OURS - {"", OTHER}) <= most
    assert {place.outcome for place in meters.rows} <= set(ENDS)
    assert {place.kind for place in meters.rows} <= set(KINDS)
    assert {place.hundreds for place in meters.rows} <= {0, 2, 4, 5}
    assert set(meters.timings) <= {(kind, s) for kind in KINDS for s in (False, True)}


def test_a_flood_of_names() -> None:
    """Models that are not served take no name away from those that are."""
    meters = Meters(models=FewNames(MOST_MODELS, OURS))
    for number in range(10 * MOST_MODELS):
        meters.note(Served(model=f"no-{number}", status=404, ended="passed"))
    meters.note(Served(model="brand-new", status=200))
    meters.note(Served(model="pro", status=503, ended="exhausted"))

    assert {place.model for place in meters.rows} == {OTHER, "brand-new", "pro"}


def test_many_keys() -> None:
    """Keys that come and go are not named forever, either."""
    meters = Meters()
    for number in range(MOST_KEYS + 10):
        meters.note(Served(key=f"key-{number}"))

    assert len({place.key for place in meters.rows}) == MOST_KEYS + 1
    assert sum(row.requests for row in meters.rows.values()) == MOST_KEYS + 10


def test_the_clock_is_set_back() -> None:
    """What has ended before it began was short, and no sum gets smaller."""
    histogram = Histogram((0.1, 1.0))
    for seconds in (0.5, -3600.0):
        histogram.note(seconds)

    assert (histogram.counts, histogram.total) == ([1, 1, 0], 0.5)


@pytest.mark.parametrize(
    ("served", "expected"),
    [
        (Served(kind="vertex"), {}),
        (
            Served(kind="vertex", attempts=1, first=1.0),
            {("vertex", ANSWERED): 1},
        ),
        (
            Served(kind="vertex", attempts=1, ended=CLIENT_LEFT),
            {("vertex", ABANDONED): 1},
        ),
        (
            Served(
                kind="vertex",
                attempts=3,
                failures=[("code_assist", "quota"), ("code_assist", "quota")],
                first=1.0,
            ),
            {("code_assist", "quota"): 2, ("vertex", ANSWERED): 1},
        ),
        (
            Served(kind="vertex", attempts=1, failures=[("vertex", "request")]),
            {("vertex", "request"): 1},
        ),
    ],
)
def test_attempts(served: Served, expected: dict[tuple[str, str], int]) -> None:
    """Each call upstream is counted once, under the account that was asked."""
    meters = Meters()
    meters.note(served)

    assert meters.attempts == expected


def test_timings() -> None:
    """Streams and whole answers are told apart; gaps are those of the streams."""
    meters, gaps = Meters(), Gaps()
    gaps.add(0.3)
    gaps.add(0.01)
    stream = Served(
        model="pro", kind="vertex", streams=True, began=10.0, first=10.2, seconds=4.0
    )
    stream.gaps = gaps
    meters.note(stream)
    meters.note(Served(model="pro", kind="vertex", began=0.0, seconds=1000.0))
    meters.note(Served(path="/healthz", seconds=1.0))

    live, whole = meters.timings["vertex", True], meters.timings["vertex", False]
    assert len(meters.timings) == 2
    assert live.first.counts[FIRST_BOUNDS.index(0.25)] == sum(live.first.counts) == 1
    assert live.duration.counts[DURATION_BOUNDS.index(5.0)] == 1
    assert whole.duration.counts[-1] == 1
    assert sum(whole.first.counts) == 0
    assert (live.gaps.counts, live.gaps.total) == (gaps.counts, gaps.total)


@given(st.lists(st.floats(0, 10)))
def test_histogram(durations: list[float]) -> None:
    """A bucket holds what took so long at most; the last one holds all."""
    histogram = Histogram((0.5, 2.0))
    for each in durations:
        histogram.note(each)

    half, two, all_ = histogram.buckets()
    assert half == ("0.5", sum(each <= 0.5 for each in durations))
    assert two == ("2.0", sum(each <= 2.0 for each in durations))
    assert all_ == ("+Inf", len(durations))
    assert histogram.total == sum(durations)
    assert list(accumulate(histogram.counts))[-1] == len(durations)


def test_happenings() -> None:
    """What happens beside the requests is counted by what it is."""
    meters = Meters()
    for each in (Rejected("x"), Rejected("x"), Cooled("x", "y"), Avoided("x", "y")):
        meters.hear(each)

    assert meters.happenings(Rejected) == [(Rejected("x"), 2)]
    assert meters.happenings(Cooled) == [(Cooled("x", "y"), 1)]
