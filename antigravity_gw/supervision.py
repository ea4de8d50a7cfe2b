"""
What systemd, or whoever else supervises the daemon, asks to be told.

``sd_notify(3)`` has the words.  No I/O and no clock.
"""

from collections.abc import MutableMapping

from attrs import frozen

VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")

READY = "READY=1"
RELOADING = "RELOADING=1"
STOPPING = "STOPPING=1"
ALIVE = "WATCHDOG=1"

MICROSECONDS = 1_000_000
LONGEST_STATUS = 400
"""So many letters of a status are told; more does nobody read in one line."""


@frozen
class Supervision:
    """
    Who wants to be told, and how often that the daemon is alive.

    :ivar address: of a datagram socket, as ``NOTIFY_SOCKET`` has it; empty when
        nobody asks.
    :ivar patience: seconds after which a daemon that says nothing is taken for
        hung; 0 for any time.
    """

    address: str = ""
    patience: float = 0.0

    @classmethod
    def taken(cls, environ: MutableMapping[str, str], pid: int) -> "Supervision":
        """
        What *environ* says, and says no longer: it is not meant for our children.

        :param pid: ours; who watches another process does not watch this one.
        """
        address, every, watched = (environ.pop(name, "") for name in VARIABLES)
        is_ours = watched in ("", str(pid))
        is_time = every.isascii() and every.isdigit()
        patience = int(every) / MICROSECONDS if is_ours and is_time else 0.0
        return cls(address, patience)

    @property
    def alive_every(self) -> float:
        """How often to say so, in seconds: twice as often as is asked for."""
        return self.patience / 2

    def socket_address(self) -> str:
        """
        What a socket calls it.

        :raises ValueError: when it is of no kind that is known here.
        """
        if self.address.startswith("@"):
            return "\0" + self.address[1:]
        if self.address.startswith("/"):
            return self.address
        raise ValueError("it is neither a path nor an abstract name")


def status(text: str) -> str:
    """Says how the daemon is, to a person."""
    return "STATUS=" + " ".join(text.split())[:LONGEST_STATUS]


def reloading(monotonic: float) -> tuple[str, str]:
    """
    Says that the configuration is being read again.

    :param monotonic: the time by the clock of that name, in seconds.
    """
    return RELOADING, f"MONOTONIC_USEC={int(monotonic * MICROSECONDS)}"


def more_time(seconds: float) -> str:
    """Says that the end, which has begun, may take at least so much longer."""
    return f"EXTEND_TIMEOUT_USEC={int(seconds * MICROSECONDS)}"
