"""How long a client may take over what.  No clock."""

from enum import Enum

from attrs import frozen

SLOWEST = 8 * 1024
"""Bytes of a body that must come in a second, on the average of all of it."""


class Phase(Enum):
    """What a connection is about."""

    IDLE = "between two requests, or before the first"
    LAST_CALL = "the daemon ends, and nothing was asked yet"
    HEAD = "a request line and headers are being read"
    BODY = "a body is being read"
    SERVING = "it is for us to answer"
    REFUSED = "a request was refused unread; what still comes is dropped"
    CLOSING = "what is left of an answer is being sent"


@frozen(kw_only=True)
class Deadlines:
    """
    How long a client may take, in seconds.

    :ivar head: over a whole request head.
    :ivar body: in silence in the middle of a body; and over all of it, besides
        what it takes to send it at :data:`SLOWEST`.
    :ivar write: over taking anything of what was written to it.
    :ivar idle: over asking for something more.
    """

    head: float = 10.0
    body: float = 30.0
    write: float = 60.0
    idle: float = 75.0

    def body_end(self, began: float, now: float, size: int) -> float:
        """
        When the next of a body must be there.

        :param began: when its head was.
        :param size: how much of it has come until *now*, in bytes.
        """
        return self.body + min(now, began + size / SLOWEST)
