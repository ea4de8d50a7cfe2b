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
        ("2m3s", 123.0),
        ("1h0m0s", 3600.0),
        ("812.5µs", 0.0008125),
        ("40ns", 4e-8),
        ("8784h", 366 * 86400.0),
        ({"seconds": 34, "nanos": 0}, 34.0),
        ({"seconds": 34, "nanos": 500_000_000}, 34.5),
        ({"seconds": "34"}, 34.0),
        ({"nanos": 500_000_000}, 0.5),
        ("-5s", None),
        ("1h-5s", None),
        ("NaNs", None),
        ("infs", None),
        ("1e3s", None),
        (" 5s", None),
        ("5s,", None),
        (".5s", None),
        ("8784h1s", None),
        ("9" * 400 + "s", None),
        ("5", None),
        ("", None),
        ("99999999999s", None),
        ({"seconds": "x"}, None),
        ({"seconds": -1}, None),
        ({"seconds": float("nan")}, None),
        ({"seconds": 10**400}, None),
        ({"seconds": [1]}, None),
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
    for found in (
        seconds(text),
        seconds_in_text(text),
        seconds_in_text(f"Please retry in {text}"),
        seconds_until(text, 0.0),
        seconds_of_header(text, 0.0),
    ):
        assert found is None or found >= 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Your quota will reset after 0s.", 0.0),
        ("Individual quota reached. Resets in 108h48m29s.", 391709.0),
        ("Please retry in 12.3s.", 12.3),
        ("please RETRY in 900MS", 0.9),
        ("It resets in 5s, or you retry in 7s.", 5.0),
        ("Try again in a moment.", None),
        ("Please retry in 5 minutes.", None),
        ("Please retry in 5months.", None),
        ("Please retry in -5s.", None),
        ("Please retry in 99999999999s.", None),
        ("reset" * 20_000, None),
        ("retry in " + "1" * 100_000, None),
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
        ("Thursday, 01-Jan-70 00:02:00 GMT", 60.0),
        ("Thu, 01 Jan 1970 00:02:00 -0000", 60.0),
        ("Thu, 01 Jan 1970 00:02:00", 60.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("0", 0.0),
        ("", None),
        ("1.5", None),
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
        ("1970-01-01T01:02:00+01:00", 60.0),
        ("1970-01-01T00:00:00Z", 0.0),
        ("9999-12-31T23:59:59Z", None),
        ("tomorrow", None),
        (12, None),
    ],
)
def test_moments(moment: object, expected: float | None) -> None:
    """A timestamp with or without fraction; one that has passed means now."""
    assert expected == pytest.approx(seconds_until(moment, now=60.0))
