"""
The forms that a line of the log can have.

Putting the time and the fields of an event into words takes Twisted as long as a
sixth of a request.  Here the time is put into words once a second, and a request
that has ended puts itself into words.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec
from attrs import define, field
from twisted.logger import LogEvent, eventAsText, formatEvent, formatTime

from antigravity_gw.journal import Served
from antigravity_gw.logs.levels import subsystem_of

PRIORITIES = {"debug": 7, "info": 6, "warn": 4, "error": 3, "critical": 2}
"""The levels as syslog and the journal count them."""

OURS = "antigravity_gw."
"""Where events come from whose values are known to be fit for the log."""

_ESCAPES = str.maketrans({"\n": "\\n", "\r": "\\r"})


class Form(Protocol):
    """Makes a line of an event; it is empty when that says nothing."""

    def __call__(self, event: LogEvent) -> str:
        """The line, with its end."""


def level_of(event: LogEvent) -> str:
    """The level of *event*; what comes without one is worth a note."""
    level = event.get("log_level")
    return "info" if level is None else str(level.name)


@define
class Seconds:
    """Puts the whole seconds of a time into words, each second once."""

    _in_words: Callable[[float], str]
    _second: int = field(default=-1, init=False)
    _words: str = field(default="", init=False)

    def of(self, when: float) -> str:
        """*when*, in POSIX seconds, without what is behind the point."""
        second = int(when)
        if second != self._second:
            self._second, self._words = second, self._in_words(float(second))
        return self._words


@define
class Text:
    """For people, as Twisted writes it: time, system, and what there is to say."""

    _seconds: Seconds = field(factory=lambda: Seconds(formatTime), init=False)

    def __call__(self, event: LogEvent) -> str:
        """The lines after the first, if there are any, are set in."""
        said = _said(event)
        if not said:
            return ""
        when = event.get("log_time")
        time = "-" if when is None else self._seconds.of(when)
        return f"{time} {said}\n"


@define
class Journal:
    """For systemd's journal: one line for each event, led by its priority."""

    def __call__(self, event: LogEvent) -> str:
        """The journal knows the time, and would take each line for an event."""
        said = _said(event, _ESCAPES)
        return f"<{PRIORITIES[level_of(event)]}>{said}\n" if said else ""


@define
class Json:
    """
    For programs: an object on each line.

    :ivar prioritised: whether the line is led by its priority, for the journal.
    """

    prioritised: bool = False
    _seconds: Seconds = field(
        factory=lambda: Seconds(
            lambda when: datetime.fromtimestamp(when, UTC).isoformat()[:-6]
        ),
        init=False,
    )

    def __call__(self, event: LogEvent) -> str:
        """What is there to say, and what is known about it by name."""
        told = self._told(event)
        if told is None:
            return ""
        lead = f"<{PRIORITIES[told['level']]}>" if self.prioritised else ""
        return f"{lead}{_encoded(told)}\n"

    def _told(self, event: LogEvent) -> dict[str, Any] | None:
        served, namespace = event.get("served"), event.get("log_namespace", "-")
        if isinstance(served, Served):
            message = f"{served.method} {served.path} {served.status or '-'}"
            return {**self._head(event, namespace, message), **served.facts()}
        message, failure = formatEvent(event), event.get("log_failure")
        if not message and failure is None:
            return None
        told = self._head(event, namespace, message)
        for name, value in _plain(event, namespace):
            told.setdefault(name, value)
        if failure is not None:
            told["traceback"] = failure.getTraceback()
        return told

    def _head(self, event: LogEvent, namespace: str, message: str) -> dict[str, Any]:
        """What every line has."""
        return {
            "time": self._time(event.get("log_time", 0.0)),
            "level": level_of(event),
            "subsystem": subsystem_of(namespace),
            "logger": namespace,
            "message": message,
        }

    def _time(self, when: float) -> str:
        return f"{self._seconds.of(when)}.{int(when % 1 * 1e6):06}Z"


FORMS: dict[str, Callable[[bool], Form]] = {
    "text": lambda is_journal: Text(),
    "json": Json,
    "journal": lambda is_journal: Journal(),
    "auto": lambda is_journal: Journal() if is_journal else Text(),
}
"""The forms by name; whether the journal reads what is written is asked of some."""


def _said(event: LogEvent, ends: dict[int, str] | None = None) -> str:
    """
    Where *event* comes from and what it says, with a traceback if it has one.

    :param ends: what to write for the ends of lines; None for setting in the next.
    """
    served = event.get("served")
    if isinstance(served, Served):
        system = f"{event['log_namespace']}#{event['log_level'].name}"
        line = f"[{system}] {served}"
        return line if line.isprintable() else line.translate(_ESCAPES)
    said = eventAsText(event, includeTimestamp=False)
    return said.replace("\n", "\n\t") if ends is None else said.translate(ends)


def _plain(event: LogEvent, namespace: str) -> Iterator[tuple[str, Any]]:
    """The values that *event* was given with its message, where it is ours."""
    if namespace.startswith(OURS):
        for name, value in event.items():
            is_plain = isinstance(value, str | int | float | bool)
            if is_plain and not name.startswith("log_"):
                yield name, value


def _encoded(told: dict[str, Any]) -> str:
    try:
        return msgspec.json.encode(told).decode()
    except (OverflowError, ValueError):  # an odd number, or half a character
        return json.dumps(told, separators=(",", ":"))
