"""The usage in its database, which has no secrets in it and changes all the time."""

import sqlite3
from collections.abc import Iterable

from attrs import define, frozen

from antigravity_gw.database import Database
from antigravity_gw.journal import FIRST_BOUNDS
from antigravity_gw.times import DAY
from antigravity_gw.usage.batch import Batch
from antigravity_gw.usage.counts import Count
from antigravity_gw.usage.schema import STEPS

MINUTES_KEPT = 2 * DAY
"""How long the minutes are kept, in seconds."""

PRUNED_AT_ONCE = 3 * DAY
"""So much of what there is may be forgotten at a time, in seconds."""

_HOUR = """
INSERT INTO hour VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET requests = requests + excluded.requests,
    errors = errors + excluded.errors, prompt = prompt + excluded.prompt,
    output = output + excluded.output, thoughts = thoughts + excluded.thoughts,
    cached = cached + excluded.cached
"""

_MINUTE = """
INSERT INTO minute VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET requests = requests + excluded.requests,
    errors = errors + excluded.errors, tokens = tokens + excluded.tokens
"""

_FIRST = """
INSERT INTO first VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET answers = answers + excluded.answers
"""

_WRITER = """
INSERT INTO writer VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET batch = excluded.batch, wrote = excluded.wrote
"""

_SUMS = """
SELECT {column}, sum(requests), sum(errors), sum(prompt), sum(output),
    sum(thoughts), sum(cached)
FROM hour WHERE start >= ? AND start < ? GROUP BY 1
"""

_COLUMNS = {"key": "key", "account": "account", "model": "model", "hour": "start"}

ALWAYS = 2.0**62
"""Later than everything, in POSIX seconds."""


@frozen
class Signature:
    """
    Tells one batch from all others.

    :ivar writer: who wrote it.
    :ivar number: of its batches, which are numbered from 1.
    """

    writer: str
    number: int


@define
class UsageStore(Database):
    """The usage in one state directory."""

    FILE_NAME = "usage.sqlite3"
    TITLE = "usage store"
    STEPS = STEPS
    WHEN_DAMAGED = "The daemon begins a new one by itself when it next uses it"

    def add(self, batch: Batch, signature: Signature, now: float) -> None:
        """
        Count what is in *batch*, all of it; but only once.

        One that was stored although that seemed to have failed is not counted
        again.
        """
        with self.transaction() as db:
            if _newest(db, signature.writer) >= signature.number:
                return
            db.executemany(_HOUR, ((*p, *n) for p, n in batch.hours.items()))
            db.executemany(_MINUTE, ((m, *n[:3]) for m, n in batch.minutes.items()))
            db.executemany(_FIRST, _firsts(batch))
            db.execute(_WRITER, (signature.writer, signature.number, now))

    def has(self, signature: Signature) -> bool:
        """Whether that batch is counted here."""
        with self.connection() as db:
            return _newest(db, signature.writer) >= signature.number

    def sums(self, by: str, since: float, until: float = ALWAYS) -> dict[str, Count]:
        """
        What the hours came to that begin between these moments.

        :param by: ``key``, ``account``, ``model``, or ``hour`` for their starts.
        """
        query = _SUMS.format(column=_COLUMNS[by])
        with self.connection() as db:
            return {
                str(name): Count(*numbers)
                for name, *numbers in db.execute(query, (since, until))
            }

    def minutes(self, since: float) -> dict[int, list[int]]:
        """The minutes that began then or later, as a :class:`Batch` has them."""
        none = [0] * (len(FIRST_BOUNDS) + 1)
        with self.connection() as db:
            db.execute("BEGIN")
            found = {
                start: [*numbers, *none]
                for start, *numbers in db.execute(
                    "SELECT * FROM minute WHERE start >= ?", (since,)
                )
            }
            for start, number, answers in db.execute(
                "SELECT * FROM first WHERE minute >= ?", (since,)
            ):
                if start in found and number <= len(FIRST_BOUNDS):
                    found[start][3 + number] = answers
        return found

    def prune(self, hours: float, now: float) -> None:
        """
        Forget the hours that began before *hours*, and old minutes.

        However old they are, no more than the oldest few days of the hours go at
        a time, so that a clock which is far ahead for a while does not cost them all.
        """
        minutes = now - MINUTES_KEPT
        with self.transaction() as db:
            (oldest,) = db.execute("SELECT min(start) FROM hour").fetchone()
            if oldest is not None:
                until = min(hours, oldest + PRUNED_AT_ONCE)
                db.execute("DELETE FROM hour WHERE start < ?", (until,))
            db.execute("DELETE FROM minute WHERE start < ?", (minutes,))
            db.execute("DELETE FROM first WHERE minute < ?", (minutes,))
            db.execute("DELETE FROM writer WHERE wrote < ?", (minutes,))


def _newest(db: sqlite3.Connection, writer: str) -> int:
    """The number of the last batch of *writer*; 0 if there is none."""
    row = db.execute("SELECT batch FROM writer WHERE id = ?", (writer,)).fetchone()
    return int(row[0]) if row else 0


def _firsts(batch: Batch) -> Iterable[tuple[int, int, int]]:
    """The classes of time to the first event that have something in them."""
    for start, numbers in batch.minutes.items():
        for number, answers in enumerate(numbers[3:]):
            if answers:
                yield start, number, answers
