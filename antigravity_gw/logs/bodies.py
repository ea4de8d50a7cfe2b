"""
A file with what clients have sent and were sent, for looking for what goes wrong.

It is off unless the operator names a file.  What is written is redacted, and there
is an end to it: to each body, to the file, and to what waits to be written.
"""

import errno
import json
import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from antigravity_gw.logs.redaction import redacted
from antigravity_gw.trouble import LastingTrouble

MARGIN = 4096
"""So much more of a body is looked at, lest half a secret be left at its end."""

ROOM = 16
"""A letter may take six bytes in JSON, and a request has two bodies."""

MOST_WAITING = 100
"""So many bodies may wait to be written; others are left out."""

Direction = Literal["from_client", "to_client"]


@frozen
class BodiesFile:
    """
    A file that only its owner can read, and that begins anew when it is full.

    :ivar most: how many bytes it may have; the one before it has as many.
    """

    path: Path
    most: int

    def append(self, lines: bytes) -> None:
        """
        Write *lines* at its end.

        :raises OSError: when that cannot be done.
        """
        with suppress(FileNotFoundError):
            if self.path.stat().st_size + len(lines) > self.most:
                self.path.replace(self.path.with_name(self.path.name + ".1"))
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        file = os.open(self.path, flags, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise OSError(errno.EINVAL, "it is no file of its own")
            os.fchmod(file, 0o600)  # which fails if it is somebody else's
            os.write(file, lines)
        finally:
            os.close(file)


@define(eq=False)
class Bodies:
    """
    Writes what was recorded of requests, in a thread.

    :ivar most: how many bytes to write of a body.
    :ivar secrets: says what must not be in it.
    :ivar in_thread: runs what would block, one after the other.
    """

    file: BodiesFile
    most: int
    secrets: Callable[[], Iterable[str]]
    in_thread: Callable[[Callable[[], Any]], Deferred[Any]]
    _waiting: int = field(default=0, init=False)
    _trouble: LastingTrouble = field(init=False)
    _log: ClassVar[Logger] = Logger()

    def __attrs_post_init__(self) -> None:
        self._trouble = LastingTrouble(
            self._log,
            "bodies cannot be written to {error}",
            "bodies are written again (log.bodies_file)",
        )

    @property
    def longest(self) -> int:
        """As much of a body is written that a request has room in the file."""
        return min(self.most, self.file.most // ROOM)

    def warn(self) -> None:
        """Let nobody overlook that it is on."""
        self._log.critical(
            "THE BODIES OF REQUESTS AND ANSWERS ARE WRITTEN TO {file} "
            "(log.bodies_file): what people ask, and what they are told. When you have "
            "seen enough, empty the setting, send SIGHUP, and delete the file and the "
            "one with .1 after its name",
            file=str(self.file.path),
        )

    def begin(self, id: str, began: float) -> "Recording":
        """What a request is to be recorded by."""
        return Recording(self.longest, id, began)

    def write(self, recording: "Recording", shown: Iterable[str]) -> None:
        """
        Write *recording*, without the secrets there are.

        :param shown: those that its client has shown.
        """
        if self._waiting >= MOST_WAITING:
            return
        self._waiting += 1
        secrets = [*self.secrets(), *shown]
        written = self.in_thread(lambda: self.file.append(recording.lines(secrets)))
        written.addCallbacks(self._written, self._failed)

    def _written(self, _: object) -> None:
        self._waiting -= 1
        self._trouble.note("")

    def _failed(self, failure: Failure) -> None:
        """Say it once; a bug is told of as such."""
        self._waiting -= 1
        failure.trap(OSError)
        why = getattr(failure.value, "strerror", None)
        self._trouble.note(f"{self.file.path} (log.bodies_file): {why}")


@define(eq=False)
class Recording:
    """
    One request's bodies, as far as they are kept.

    :ivar most: how many bytes to write of each.
    :ivar id: the request's.
    :ivar began: when its head had come, in POSIX seconds.
    """

    most: int
    id: str
    began: float
    _received: bytes = field(default=b"", init=False, repr=False)
    _sent: bytearray = field(factory=bytearray, init=False, repr=False)
    _lengths: dict[Direction, int] = field(factory=dict, init=False)

    @property
    def _kept(self) -> int:
        return self.most + MARGIN

    def receive(self, body: bytes) -> None:
        """All of the client's body has come."""
        if body:
            self._received = body[: self._kept]
            self._lengths["from_client"] = len(body)

    def send(self, data: bytes) -> None:
        """The client is sent some of its answer."""
        self._lengths["to_client"] = self._lengths.get("to_client", 0) + len(data)
        self._sent += data[: self._kept - len(self._sent)]

    def lines(self, secrets: Iterable[str]) -> bytes:
        """What there is to write of it, without *secrets*."""
        secrets, most = list(secrets), self.most
        when = datetime.fromtimestamp(self.began, UTC)
        texts = {"from_client": self._received, "to_client": bytes(self._sent)}
        lines = []
        for direction, length in self._lengths.items():
            text = redacted(texts[direction].decode("utf-8", "replace"), secrets)
            if length > self._kept:  # it may end in the midst of a secret
                text = text[: max(0, len(text) - MARGIN)]
            told = {
                "time": f"{when.replace(tzinfo=None).isoformat('T', 'milliseconds')}Z",
                "id": self.id,
                "direction": direction,
                "bytes": length,
                "is_cut": length > self._kept or len(text) > most,
                "body": text[:most],
            }
            lines.append(json.dumps(told) + "\n")
        return "".join(lines).encode()
