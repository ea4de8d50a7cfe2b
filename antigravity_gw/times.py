"""Lengths of time, as people write them."""

import re

MINUTE, HOUR, DAY = 60, 3600, 86_400

_LENGTH = re.compile(r"(\d{1,6})(s|m|min|h|d|w)", re.ASCII)
_UNITS = {"s": 1, "m": MINUTE, "min": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}


def length_of(text: str) -> int | None:
    """The seconds in ``30min``, ``24h`` or the like; None if *text* is no length."""
    found = _LENGTH.fullmatch(text)
    return int(found[1]) * _UNITS[found[2]] if found else None
