"""Tests for ``antigravity_gw.times``."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.times import DAY, HOUR, MINUTE, length_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("30m", 30 * MINUTE),
        ("30min", 30 * MINUTE),
        ("24h", 24 * HOUR),
        ("90d", 90 * DAY),
        ("4w", 28 * DAY),
        ("0d", 0),
    ],
)
def test_lengths(text: str, seconds: int) -> None:
    """They are said in the same way wherever the command line takes one."""
    assert length_of(text) == seconds


@given(st.text(max_size=8) | st.sampled_from(["", "7", "d", "-7d", "7 d", "1y", "٣d"]))
def test_what_is_no_length(text: str) -> None:
    """Nothing but digits of ours and a unit is one."""
    units = ("s", "m", "min", "h", "d", "w")
    digits = {text.removesuffix(unit) for unit in units if text.endswith(unit)}

    if not any(d.isascii() and d.isdigit() for d in digits):
        assert length_of(text) is None
