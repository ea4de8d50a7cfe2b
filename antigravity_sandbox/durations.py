"""Durations and instants in the spellings that Google uses."""

import re
from datetime import UTC, datetime

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_TERM = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")


def seconds_in(duration: str) -> float:
    """
    The seconds in a duration such as ``108h48m20.5s``, ``2.5s`` or ``900ms``.

    :raises ValueError: when it is not one.
    """
    terms = _TERM.findall(duration)
    if not terms or "".join(number + unit for number, unit in terms) != duration:
        raise ValueError(f"{duration!r} is not a duration such as '2.5s' or '1h30m'")
    return sum(float(number) * _UNITS[unit] for number, unit in terms)


def protobuf(seconds: float) -> str:
    """A duration as protobuf's JSON mapping has it: ``0.539477544s``."""
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"


def spoken(seconds: float) -> str:
    """A duration as Google's messages have it, in whole seconds: ``108h48m29s``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def timestamp(posix: float) -> str:
    """An instant given in POSIX seconds, in RFC 3339 to the second."""
    return datetime.fromtimestamp(posix, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
