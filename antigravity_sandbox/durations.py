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


def read_duration(value: object) -> str:
    """
    A duration as JSON says it, its spelling kept.

    :raises ValueError: when it is not one.
    """
    if not isinstance(value, str):
        raise ValueError("must be a duration such as '2.5s' or '1h30m'")
    seconds_in(value)
    return value


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


def compound(seconds: float) -> str:
    """A duration as the metadata of errors has it: ``1h0m20.5s``, ``539.477544ms``."""
    if 0 < seconds < 1:
        return f"{seconds * 1000:.6f}".rstrip("0").rstrip(".") + "ms"
    minutes, nanoseconds = divmod(round(seconds * 1e9), 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    rest = protobuf(nanoseconds / 1e9)
    if hours:
        return f"{hours}h{minutes}m{rest}"
    return f"{minutes}m{rest}" if minutes else rest


def timestamp(posix: float) -> str:
    """An instant given in POSIX seconds, in RFC 3339 to the second."""
    return datetime.fromtimestamp(posix, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
