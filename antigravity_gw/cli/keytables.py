"""Clients' keys as people and programs read them.  No I/O, no clock."""

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import frozen

from antigravity_gw.cli.tables import GAP, Moment
from antigravity_gw.cli.words import (
    ago,
    columns,
    padded,
    paragraph,
    shortened,
    span,
)
from antigravity_gw.keys import Allowance, StoredKey
from antigravity_gw.objects import timestamp

KEYS = "antigravity-gw keys"
"""What the commands about keys begin with."""

CONFIGURED = "auth.keys"
"""Stands for the age of a key that the configuration has."""

LONGEST_NAME = 24
"""A key's name is shortened to so many columns."""


@frozen
class Listed:
    """
    A key, as far as it is shown.

    :ivar stored: what the store has of it; None for one of the configuration.
    :ivar is_shadowed: whether the configuration has another of its name, which is
        the one that counts.
    """

    name: str
    allowance: Allowance
    expires: float | None
    stored: StoredKey | None = None
    is_shadowed: bool = False

    @classmethod
    def of(cls, key: StoredKey, *, is_shadowed: bool) -> "Listed":
        """One of the store."""
        return cls(key.name, key.allowance, key.expires, key, is_shadowed)

    def state(self, now: float) -> str:
        """Whether it lets its client in, in a word."""
        if self.is_shadowed:
            return "shadowed"
        expired = self.expires is not None and self.expires <= now
        return "expired" if expired else "works"

    def old_until(self, now: float) -> float | None:
        """Until when its client may also use the key it had before, if it still may."""
        until = self.stored.old_until if self.stored else None
        return until if until is not None and until > now else None


def key_listing(keys: Sequence[Listed], moment: Moment) -> Iterator[str]:
    """The lines of a table of all keys, and what it means."""
    names = [shortened(key.name, LONGEST_NAME) for key in keys]
    ages = [_age(key, moment) for key in keys]
    states = [key.state(moment.now) for key in keys]
    widths = [
        max(map(columns, (title, *cells)))
        for title, cells in (("KEY", names), ("STATE", states), ("MADE", ages))
    ]
    for number, key in enumerate(keys):
        if number == 0:
            yield _row(("KEY", "STATE", "MADE"), widths) + "LIMITS"
        head = _row((names[number], states[number], ages[number]), widths)
        yield from paragraph(_limits(key, moment), head)
    yield ""
    yield from paragraph(_summary(states))


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    padding = zip(cells, widths, strict=True)
    return "".join(padded(cell, width) + GAP for cell, width in padding)


def _age(key: Listed, moment: Moment) -> str:
    return ago(key.stored.made, moment.now) if key.stored else CONFIGURED


def _limits(key: Listed, moment: Moment) -> str:
    """What a key may do, in a line."""
    allowance, now = key.allowance, moment.now
    told = []
    if allowance.requests_per_minute is not None:
        told.append(f"{allowance.requests_per_minute} requests per minute")
    if allowance.streams is not None:
        told.append(f"{allowance.streams or 'any number of'} streams")
    if allowance.tokens_per_day is not None:
        told.append(f"{allowance.tokens_per_day} tokens per day")
    if allowance.models:
        told.append(f"only {', '.join(allowance.models)}")
    if key.expires is not None and key.expires > now:
        left = span(key.expires - now)
        told.append(f"until {moment.clock(key.expires)} (in {left})")
    elif key.expires is not None:
        told.append(f"until {moment.clock(key.expires)}")
    until = key.old_until(now)
    if until is not None:
        told.append(f"its old key until {moment.clock(until)}")
    return "; ".join(told) or "none"


def _summary(states: Sequence[str]) -> str:
    """What the table means, for people who have never seen it."""
    count = f"{len(states)} key{'s' * (len(states) != 1)}"
    parts = [f"{states.count('works') or 'none'} let in"]
    parts += [
        f"{states.count(word)} {word}"
        for word in ("expired", "shadowed")
        if word in states
    ]
    told = f"{count}: {', '.join(parts)}."
    if "shadowed" in states:
        told += (
            " A key of the store is shadowed, and lets nobody in, while auth.keys has "
            f"one of its name; '{KEYS} revoke NAME' forgets it."
        )
    return f"{told} '{KEYS} set NAME' changes what one may do."


def key_object(key: Listed, now: float) -> dict[str, Any]:
    """All that is known of a key, for programs."""
    allowance, stored = key.allowance, key.stored
    return {
        "name": key.name,
        "state": key.state(now),
        "kept_in": "store" if stored else CONFIGURED,
        "requests_per_minute": allowance.requests_per_minute,
        "streams": allowance.streams,
        "tokens_per_day": allowance.tokens_per_day,
        "models": list(allowance.models),
        "expires": timestamp(key.expires),
        "made": timestamp(stored.made if stored else None),
        "key_made": timestamp(stored.given if stored else None),
        "old_key_until": timestamp(key.old_until(now)),
    }
