"""
The log of a daemon in the foreground: as twistd writes it, but at less cost.

Putting the time and the fields of an event into words takes Twisted as long as a
sixth of a request.  Here the time is put into words once a second, and a request
that has ended puts itself into words.
"""

import sys
from typing import TextIO

from twisted.logger import (
    ILogObserver,
    LogEvent,
    formatEventAsClassicLogText,
    formatTime,
)
from zope.interface import implementer


def to_standard_output() -> ILogObserver:
    """For twistd, which calls it by its name."""
    return LineLog(sys.stdout)


@implementer(ILogObserver)
class LineLog:
    """Writes each event to a file, and does not keep it waiting there."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._second = -1
        self._time = ""

    def __call__(self, event: LogEvent) -> None:
        """An event has been logged."""
        if "served" in event:
            text: str | None = self._quickly(event)
        else:
            text = formatEventAsClassicLogText(event)
        if text:
            self._file.write(text)
            self._file.flush()

    def _quickly(self, event: LogEvent) -> str:
        second = int(event["log_time"])
        if second != self._second:
            self._second, self._time = second, formatTime(float(second))
        system = f"{event['log_namespace']}#{event['log_level'].name}"
        return f"{self._time} [{system}] {event['served']}\n"
