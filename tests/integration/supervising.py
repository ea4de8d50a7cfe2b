"""
What systemd does for a service, played by the test.

It listens where the service reports, and opens the sockets that stay while one
daemon ends and the next one starts.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field
from daemons import START_SECONDS, Daemon
from sockets import PATIENCE

START = """
import fcntl, os, sys
descriptors = [int(number) for number in sys.argv[1].split(",") if number]
kept = [fcntl.fcntl(number, fcntl.F_DUPFD, 100) for number in descriptors]
for number, descriptor in enumerate(kept, 3):
    os.dup2(descriptor, number, inheritable=True)
if kept:
    os.environ.update(LISTEN_FDS=str(len(kept)), LISTEN_PID=str(os.getpid()))
if "WATCHDOG_USEC" in os.environ:
    os.environ["WATCHDOG_PID"] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Becomes the service: its sockets are the descriptors from 3 on."""


@define(eq=False)
class Systemd:
    """
    As much of it as a service can see.

    :ivar sockets: those of the socket units, by ``FileDescriptorName=``.
    """

    folder: Path
    sockets: Mapping[str, socket.socket] = field(factory=dict)
    _reports: socket.socket = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._reports = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._reports.bind(str(self.folder / "notify"))

    def close(self) -> None:
        """Hear nothing more."""
        self._reports.close()

    def start(self, *options: str, **environ: str) -> Daemon:
        """Start the service; it is ready when it says so."""
        numbers = [listening.fileno() for listening in self.sockets.values()]
        twistd = str(Path(sys.executable).with_name("twistd"))
        log = self.folder / f"service-{time.monotonic_ns()}.log"
        if self.sockets:
            environ["LISTEN_FDNAMES"] = ":".join(self.sockets)
        with log.open("wb") as out:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-c", START, ",".join(map(str, numbers))),
                    *(twistd, "-n", "--pidfile=", "antigravity-gw", *options),
                ],
                cwd=self.folder,
                stdout=out,
                stderr=subprocess.STDOUT,
                pass_fds=numbers,
                env={
                    **os.environ,
                    "HOME": str(self.folder),
                    "NOTIFY_SOCKET": str(self.folder / "notify"),
                    **environ,
                },
            )
        return Daemon(process, log)

    @contextmanager
    def running(self, *options: str, **environ: str) -> Iterator[Daemon]:
        """A service that is ready, and is stopped at the end."""
        daemon = self.start(*options, **environ)
        try:
            self.hear("READY=1", START_SECONDS)
            yield daemon
        finally:
            daemon.stop()

    def hear(self, word: str, within: float = PATIENCE) -> dict[str, str]:
        """Wait for the message that begins with *word*; what came before is gone."""
        deadline = time.monotonic() + within
        while True:
            message = self.next(deadline - time.monotonic())
            if message[0] == word:
                return fields(message)

    def next(self, within: float = PATIENCE) -> list[str]:
        """The next message, in lines."""
        self._reports.settimeout(max(within, 0.01))
        return self._reports.recv(4096).decode().split("\n")


def fields(message: list[str]) -> dict[str, str]:
    """What a message says, by name."""
    return dict(line.split("=", 1) for line in message)
