"""Tests for ``antigravity_sandbox.durations``."""

import pytest

from antigravity_sandbox.durations import (
    compound,
    protobuf,
    seconds_in,
    spoken,
    timestamp,
)


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        ("0s", 0.0),
        ("900ms", 0.9),
        ("2.5s", 2.5),
        ("68940s", 68940.0),
        ("108h48m20.5s", 108 * 3600 + 48 * 60 + 20.5),
    ],
)
def test_read(duration: str, seconds: float) -> None:
    """All of Google's spellings are read."""
    assert seconds == pytest.approx(seconds_in(duration))


@pytest.mark.parametrize("text", ["", "5", "s", "-1s", "1s ", "1x", "nans"])
def test_not_a_duration(text: str) -> None:
    """What is not a duration is refused."""
    with pytest.raises(ValueError, match="is not a duration"):
        seconds_in(text)


def test_written() -> None:
    """Durations are written as protobuf does, and as messages do."""
    assert protobuf(0.539477544) == "0.539477544s"
    assert protobuf(40.0) == "40s"
    assert spoken(108 * 3600 + 48 * 60 + 29.7) == "108h48m29s"
    assert [spoken(0.5), spoken(65)] == ["0s", "1m5s"]


@pytest.mark.parametrize(
    ("seconds", "duration"),
    [
        (0.0, "0s"),
        (0.539477544, "539.477544ms"),
        (2.5, "2.5s"),
        (59.99999999999, "1m0s"),
        (3600.0, "1h0m0s"),
        (391700.795762633, "108h48m20.795762633s"),
    ],
)
def test_compound(seconds: float, duration: str) -> None:
    """Durations are written as the metadata of errors has them."""
    assert duration == compound(seconds)
    assert seconds_in(duration) == pytest.approx(seconds)


def test_timestamp() -> None:
    """Instants are in UTC."""
    assert timestamp(60) == "1970-01-01T00:01:00Z"
