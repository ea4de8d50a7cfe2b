"""Tests for ``antigravity_gw.journal`` and the gaps it holds."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.gaps import BOUNDS, Gaps
from antigravity_gw.journal import Served
from antigravity_gw.wire.usage import Usage


def test_facts() -> None:
    """Programs are told all that is known, and nothing that is not."""
    served = Served(
        id="r1",
        method="POST",
        path="/x",
        began=100.0,
        asked="fast",
        model="flash",
        account="a1",
        kind="vertex",
        attempts=2,
        received=10,
        sent=20,
        events=3,
        first=100.25,
        usage=Usage(prompt=5, output=6, thoughts=7, cached=1),
        status=200,
        seconds=1.5,
    )

    assert served.facts() == {
        "id": "r1",
        "method": "POST",
        "path": "/x",
        "status": 200,
        "model": "fast",
        "upstream_model": "flash",
        "kind": "vertex",
        "account": "a1",
        "attempts": 2,
        "received": 10,
        "sent": 20,
        "events": 3,
        "first_event_seconds": 0.25,
        "seconds": 1.5,
        "prompt_tokens": 5,
        "output_tokens": 6,
        "thought_tokens": 7,
        "cached_tokens": 1,
        "ended": "served",
    }
    assert str(served) == (
        "POST /x 200 20 B 1.500 s model=fast as=flash kind=vertex account=a1 "
        "attempts=2 events=3 first=0.250 tokens=5+13 id=r1"
    )


def test_the_first_reason_counts() -> None:
    """How a request ended is said by who knew first."""
    served = Served()
    assert served.is_well
    served.fail("exhausted", "all cool")
    served.fail("client_left", "the client left")

    assert (served.ended, served.trouble) == ("exhausted", "all cool")
    assert not served.is_well


@pytest.mark.parametrize(
    ("ended", "status", "is_error", "is_trouble"),
    [
        ("served", 200, False, False),
        ("client_left", 0, False, False),
        ("write_timeout", 200, False, False),
        ("too_far_ahead", 200, False, False),
        ("bad_request", 400, True, False),
        ("exhausted", 429, True, True),
        ("broken_answer", 200, True, True),
    ],
)
def test_what_is_an_error(
    ended: str, status: int, is_error: bool, is_trouble: bool
) -> None:
    """What its client broke off is none; what it did wrong is no operator's trouble."""
    served = Served(ended=ended, status=status)

    assert (served.is_error, served.is_trouble) == (is_error, is_trouble)


@given(st.lists(st.floats(-200, 200)))
def test_gaps(gaps: list[float]) -> None:
    """Each is in the class that ends at it, or above; a clock set back makes none."""
    found = Gaps()
    for gap in gaps:
        found.add(gap)

    upto = list(accumulate(found.counts))
    assert upto[:-1] == [sum(gap <= bound for gap in gaps) for bound in BOUNDS]
    assert (upto[-1], found.total) == (len(gaps), sum(gap for gap in gaps if gap > 0))
