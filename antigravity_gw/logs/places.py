"""Where the log goes: wherever twistd was told to write it."""

import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TextIO

from twisted.logger import LegacyLogObserverWrapper, LogPublisher
from twisted.python.logfile import LogFile

from antigravity_gw.logs.lines import FilteredLog, LineLog, Log, Manner

FILE = "twistd.log"
"""Where twistd has a daemon in the background write when nobody says."""


class NoSuchPlace(Exception):
    """The log cannot be written where twistd was told to; the message says why."""


def opened(
    twistd: Mapping[str, Any], environ: Mapping[str, str], manner: Manner
) -> Log:
    """
    The log of a daemon, open.

    :param twistd: the options of twistd itself.
    :raises NoSuchPlace: when it cannot be opened.
    """
    name, is_in_front = twistd.get("logfile"), twistd.get("nodaemon", True)
    if twistd.get("logger"):  # which twistd asks, and not this one
        return FilteredLog(LogPublisher(), manner)
    if twistd.get("syslog"):
        return _syslog(str(twistd.get("prefix") or ""), manner)
    if is_in_front and name in (None, "", "-"):
        return LineLog(sys.stdout, manner, is_journal(sys.stdout, environ))
    if name == "-":
        raise NoSuchPlace(
            "a daemon in the background has no output: run twistd with --nodaemon, "
            "or give --logfile a name"
        )
    return LineLog(_file(name or FILE), manner)


def is_journal(file: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether it is systemd's journal that reads what is written to *file*."""
    with suppress(OSError, ValueError):
        stat = os.fstat(file.fileno())
        return environ.get("JOURNAL_STREAM") == f"{stat.st_dev}:{stat.st_ino}"
    return False


def _file(name: str) -> LogFile:
    """A file that begins anew when it is full, and at SIGUSR1, as twistd has it."""
    try:
        file: LogFile = LogFile.fromFullPath(name)
    except OSError as error:
        raise NoSuchPlace(f"--logfile {name}: {error.strerror}") from error
    if not signal.getsignal(signal.SIGUSR1):
        from twisted.internet import reactor

        later: Any = reactor
        signal.signal(signal.SIGUSR1, lambda *_: later.callFromThread(file.rotate))
    return file


def _syslog(prefix: str, manner: Manner) -> Log:
    """Of syslog's form there is only Twisted's own."""
    from twisted.python.syslog import SyslogObserver

    emit: Any = SyslogObserver(prefix).emit
    return FilteredLog(LegacyLogObserverWrapper(emit), manner)
