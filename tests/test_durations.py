"""Tests for ``antigravity_gw.wire.durations``."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.wire.durations import (
    seconds,
    seconds_in_text,
    seconds_of_header,
    seconds_until,
)


@pytest.mark.parametrize(
    ("spelled", "expected"),
    [
        ("0.539477544s", 0.539477544),
        ("539.477544ms", 0.539477544),
        ("900ms", 0.9),
        ("68940s", 68940.0),
        ("391609.795762632s", 391609.795762632),
        ("108h48m20.795762633s", 391700.795762633),
        ("156h14m36.752463453s", 562476.752463453),
        ("0s", 0.0),
        ({"seconds": 34, "nanos": 500_000_000}, 34.5),
        ({"seconds": "34"}, 34.0),
        ("-5s", None),
        ("NaNs", None),
        ("5", None),
        ("", None),
        ("99999999999s", None),
        ({"seconds": "x"}, None),
        ({"seconds": -1}, None),
        ({"seconds": float("nan")}, None),
        (None, None),
        (7, None),
    ],
)
def test_delays(spelled: object, expected: float | None) -> None:
    """Every spelling seen is read; nonsense, negative and absurd ones are not."""
    assert expected == pytest.approx(seconds(spelled))


@given(st.text())
def test_any_text(text: str) -> None:
    """No text is so odd that looking for a delay in it fails."""
    for found in (seconds(text), seconds_in_text(text), seconds_until(text, 0.0)):
        assert found is None or found >= 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Your quota will reset after 0s.", 0.0),
        ("Individual quota reached. Resets in 108h48m29s.", 391709.0),
        ("Please retry in 12.3s.", 12.3),
        ("Try again in a moment.", None),
    ],
)
def test_in_text(text: str, expected: float | None) -> None:
    """A delay is found in the sentences Google is known to use."""
    assert expected == seconds_in_text(text)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("120", 120.0),
        ("Thu, 01 Jan 1970 00:02:00 GMT", 60.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("-1", None),
        ("soon", None),
        ("Mon, 1 Jan 2020 99999999999999999999:0:0 GMT", None),
        ("9" * 400, None),
    ],
)
def test_headers(header: str, expected: float | None) -> None:
    """Retry-After is seconds or a date."""
    assert expected == seconds_of_header(header, now=60.0)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("1970-01-01T00:02:00Z", 60.0),
        ("1970-01-01T00:02:00.123456789Z", 60.123456),
        ("1970-01-01T00:02:00", 60.0),
        ("1970-01-01T00:00:00Z", 0.0),
        ("tomorrow", None),
        (12, None),
    ],
)
def test_moments(moment: object, expected: float | None) -> None:
    """A timestamp with or without fraction; one that has passed means now."""
    assert expected == pytest.approx(seconds_until(moment, now=60.0))
