"""From when to when, as people say it.  No clock: *now* is an argument."""

from datetime import datetime, tzinfo

from attrs import frozen

from antigravity_gw.times import HOUR, length_of

LATEST = 32_503_680_000.0
"""The year 3000: later moments make no difference, and calendars end."""

EXPECTED = (
    "expected how long ago, such as 30min, 24h, 7d or 4w, a date such as 2026-11-01, "
    "or a time such as 2026-11-01T12:00:00Z"
)


@frozen
class Period:
    """
    Some whole hours, in POSIX seconds.

    :ivar until: when the last of them ends.
    """

    since: int
    until: int


def moment(text: str, now: float, zone: tzinfo | None = None) -> float:
    """
    When *text* says, in POSIX seconds.

    :param zone: that of dates and of times without one; None for this machine's.
    :raises ValueError: when it says nothing that can be understood.
    """
    length = length_of(text)
    if length is not None:
        return max(0.0, now - length)
    try:
        said = datetime.fromisoformat(text)
        if said.tzinfo is None and zone is not None:
            said = said.replace(tzinfo=zone)
        return min(max(0.0, said.timestamp()), LATEST)
    except (ValueError, OverflowError, OSError):
        raise ValueError(EXPECTED) from None


def whole_hours(since: float, until: float) -> Period:
    """The hours in which there is anything of that time."""
    return Period(int(since // HOUR) * HOUR, int(-(-until // HOUR)) * HOUR)
