"""
Asking for consent: in a browser on this machine, or in one elsewhere.

What is said goes to standard error, so that programs can read standard output.
"""

import os
import sys
from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import ConnectionDone, ProcessDone
from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from antigravity_gw.login import Answers
from antigravity_gw.wire.consent import Stray

PIECE = 4096
"""How many bytes to read from a terminal at a time."""

LONGEST_LINE = 64 * 1024
"""An address that is longer than so many bytes is none."""


def say(text: str) -> None:
    """Say something to the person at the terminal."""
    print(text, file=sys.stderr, flush=True)


_OPEN = (
    "import os, sys, webbrowser; os.setsid(); "
    "sys.exit(not webbrowser.open(sys.argv[1]))"
)
"""Opens a browser; in a session of its own, Ctrl-C here does not end it."""


def open_browser(reactor: Any, url: str) -> Deferred[bool]:
    """
    Open a browser, which has neither our terminal nor our standard output.

    It may run for longer than we do; whether it could be opened is known, if at all,
    when what opens it has ended.
    """
    opening = _Opening()
    # Without TERM, no browser is chosen that needs the terminal.
    environ = {name: value for name, value in os.environ.items() if name != "TERM"}
    command = (sys.executable, "-P", "-c", _OPEN, url)
    with open(os.devnull, "r+b", buffering=0) as nothing:
        files = dict.fromkeys(range(3), nothing.fileno())
        reactor.spawnProcess(opening, sys.executable, command, environ, childFDs=files)
    return opening.opened


class _Opening(ProcessProtocol):
    def __init__(self) -> None:
        self.opened: Deferred[bool] = Deferred()

    def processEnded(self, reason: Failure) -> None:
        self.opened.callback(reason.check(ProcessDone) is not None)


@define(eq=False)
class InBrowser:
    """
    Opens a browser here, which comes back by itself.

    :ivar open: opens it; the Deferred says whether it could.
    """

    open: Callable[[str], Deferred[bool]]

    def begin(self, url: str, answers: Answers) -> None:
        """Open the browser, and say where it should be."""
        say(f"Consent is asked in your browser; if none opens, open this:\n\n{url}\n")
        maybeDeferred(self.open, url).addCallbacks(
            self._opened, lambda _: self._opened(False)
        )

    def _opened(self, is_open: bool) -> None:
        if not is_open:
            say(
                "No browser could be opened here: open the address yourself, or use "
                "--no-browser if the only browser is on another machine."
            )

    def end(self) -> None:
        """The page in the browser says how it went."""


@define(eq=False)
class ByHand:
    """
    Has the address opened anywhere, and what comes of it pasted here.

    :ivar reactor: reads *file*, the number of an open file.
    """

    reactor: Any
    file: int = 0
    _typed: "Typed | None" = field(default=None, init=False)

    def begin(self, url: str, answers: Answers) -> None:
        """Say what to do, and read what is pasted."""
        say(
            f"Open this address in any browser, and consent:\n\n{url}\n\n"
            "At the end the browser fails to open a page at 127.0.0.1, which is as it "
            "should be.\nPaste the whole address of that page here:"
        )
        self._typed = Typed(answers, self.file)
        self.reactor.addReader(self._typed)

    def end(self) -> None:
        """Read no more."""
        if self._typed is not None:
            self.reactor.removeReader(self._typed)


@implementer(IReadDescriptor)
@define(eq=False)
class Typed:
    """
    Reads lines, without keeping the reactor from anything else.

    A thread that waits for a line cannot be interrupted, and a terminal that does
    not block would stay so for the shell.  So it is read when something is there.
    """

    answers: Answers
    file: int
    _line: bytes = field(default=b"", init=False)

    def fileno(self) -> int:
        """What to look at."""
        return self.file

    def doRead(self) -> None:
        """Read what is there."""
        try:
            piece = os.read(self.file, PIECE)
        except BlockingIOError:  # somebody else has read it
            return
        except OSError:
            piece = b""
        *lines, self._line = (self._line + piece).split(b"\n")
        if len(self._line) > LONGEST_LINE:
            lines, self._line = [*lines, self._line], b""
        for line in lines:
            self._take(line)
        if not piece:
            self._ended()

    def _take(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").strip()
        if not text:
            return
        try:
            self.answers.take(text)
        except Stray as stray:
            say(f"That is not it: {stray}. Paste it here:")

    def connectionLost(self, reason: Failure) -> None:
        """Nothing is read any more: it is at its end, or else the reactor is."""
        if reason.check(ConnectionDone):
            self._ended()

    def _ended(self) -> None:
        self._take(self._line)
        self.answers.give_up(
            "the input ended before an address was pasted: begin again at a terminal "
            "that stays open (in a container: with -it)"
        )

    def logPrefix(self) -> str:
        """What Twisted calls it."""
        return "typed"
