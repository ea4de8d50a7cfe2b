"""The log of the daemon: what of it is written, and in which form."""

from typing import Protocol

from attrs import define, field, frozen
from twisted.logger import ILogObserver, LogEvent
from zope.interface import implementer

from antigravity_gw.logs.forms import FORMS, Form, level_of
from antigravity_gw.logs.levels import FormName, Levels


@frozen
class Manner:
    """
    How the log is written, as the operator wants it.

    :ivar form: the name of one of the forms.
    """

    form: FormName = "auto"
    levels: Levels = field(default=Levels())

    def tells(self, event: LogEvent) -> bool:
        """Whether *event* goes into the log."""
        namespace = event.get("log_namespace", "")
        return self.levels.lets_through(namespace, level_of(event))


class Log(ILogObserver):
    """
    The log of a daemon.

    An interface, since Twisted asks for one.
    """

    def go_by(manner: Manner) -> None:
        """Write it in another manner from the next line on."""


class Lines(Protocol):
    """What lines are written to."""

    def write(self, text: str) -> object:
        """Take some lines."""

    def flush(self) -> object:
        """Keep none of them waiting."""


@implementer(Log)
@define(eq=False)
class LineLog:
    """
    Writes a line for each event, and does not keep it waiting.

    :ivar is_journal: whether it is systemd's journal that reads them.
    """

    file: Lines
    manner: Manner = Manner()
    is_journal: bool = False
    _form: Form = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.go_by(self.manner)

    def go_by(self, manner: Manner) -> None:
        """Write in another manner from the next line on."""
        self.manner = manner
        self._form = FORMS[manner.form](self.is_journal)

    def __call__(self, event: LogEvent) -> None:
        """An event has been logged."""
        if self.manner.tells(event):
            line = self._form(event)
            if line:
                self._write(line)

    def _write(self, line: str) -> None:
        try:
            self.file.write(line)
        except UnicodeError:  # of a terminal's encoding, or half a character
            self.file.write(line.encode("ascii", "backslashreplace").decode())
        self.file.flush()


@implementer(Log)
@define(eq=False)
class FilteredLog:
    """Hands on what is said loud enough, and leaves the form to another."""

    observer: ILogObserver
    manner: Manner = Manner()

    def go_by(self, manner: Manner) -> None:
        """Hand on more, or less, from the next event on."""
        self.manner = manner

    def __call__(self, event: LogEvent) -> None:
        """An event has been logged."""
        if self.manner.tells(event):
            self.observer(event)
