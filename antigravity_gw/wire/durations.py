"""How long upstream asks us to wait, in all the ways it says so."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|µs|ns|h|m|s)")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")
# The lengths are bounded because a message may repeat what a client sent.
_IN_TEXT = re.compile(
    r"(?:reset|retry)\w{0,9}(?: \w{1,9})? (?:after|in) "
    rf"((?:{_PART.pattern})+)(?!\w)",
    re.IGNORECASE,
)
LONGEST = 366 * 86400.0
"""A delay beyond this, in seconds, is taken for a mistake."""


def seconds(value: object) -> float | None:
    """
    A delay as Google spells it: ``"0.5s"``, ``"900ms"``, ``"108h48m20.79s"``,
    or ``{"seconds": 34, "nanos": 0}``.

    :returns: seconds, or None for what is no delay, is negative or is absurd.
    """
    if isinstance(value, Mapping):
        whole, nanos = value.get("seconds", 0), value.get("nanos", 0)
        try:
            return _sane(float(whole) + float(nanos) / 1e9)
        except (TypeError, ValueError, OverflowError):
            return None
    if not isinstance(value, str) or not _WHOLE.fullmatch(value):
        return None
    return _sane(sum(float(n) * _UNITS[unit] for n, unit in _PART.findall(value)))


def seconds_until(value: object, now: float) -> float | None:
    """
    How far away an RFC 3339 timestamp is.

    :param now: POSIX seconds.
    :returns: seconds, 0.0 for a moment that has passed, or None.
    """
    if not isinstance(value, str):
        return None
    try:
        return _until(datetime.fromisoformat(value), now)
    except (ValueError, OverflowError):
        return None


def seconds_of_header(value: str, now: float) -> float | None:
    """``Retry-After``: seconds, or an HTTP date (RFC 9110, section 10.2.3)."""
    if value.isascii() and value.isdigit():
        return _sane(float(value)) if len(value) < 12 else None
    try:
        return _until(parsedate_to_datetime(value), now)
    except (ValueError, OverflowError):
        return None


def seconds_in_text(text: str) -> float | None:
    """The delay named in a message, such as ``Please retry in 12.3s.``"""
    found = _IN_TEXT.search(text)
    return seconds(found[1].lower()) if found else None


def _until(moment: datetime, now: float) -> float | None:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)  # never the zone we happen to run in
    return _sane(max(0.0, moment.timestamp() - now))


def _sane(delay: float) -> float | None:
    return delay if 0.0 <= delay <= LONGEST else None
