"""How much of what was written to a client it has not taken yet."""

import fcntl
import sys
import termios
from typing import Any


def unsent(transport: Any) -> int:
    """
    The bytes that wait for the other side, as far as this machine knows.

    They are in Twisted's buffer, whose names are private, and in the kernel's:
    a client that reads slowly may empty the latter for minutes before anything
    of the former is asked for.  What has a buffer of neither kind, such as a
    transport in memory, has sent everything.
    """
    buffered = len(getattr(transport, "dataBuffer", b""))
    buffered -= getattr(transport, "offset", 0)
    buffered += getattr(transport, "_tempDataLen", 0)
    return buffered + _in_kernel(transport)


def _in_kernel(transport: Any) -> int:
    try:
        number = fcntl.ioctl(transport.fileno(), termios.TIOCOUTQ, bytes(4))
    except (AttributeError, OSError, ValueError):
        return 0
    return int.from_bytes(number, sys.byteorder)
