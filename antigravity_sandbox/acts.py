"""What can be done to a caller, one act at a time."""

from collections.abc import Generator

from attrs import frozen

Headers = tuple[tuple[str, str], ...]


@frozen
class Head:
    """Send the status line and the headers."""

    status: int
    headers: Headers = ()


@frozen
class Write:
    """
    Send some bytes of the body.

    :ivar event: whether they complete an event of a stream.
    """

    data: bytes
    event: bool = False


@frozen
class Wait:
    """Let some seconds pass."""

    seconds: float


@frozen
class Silence:
    """Do nothing until one is asked again, and keep the connection open."""


@frozen
class HangUp:
    """
    Leave the answer unfinished.

    :ivar reset: with a TCP reset, rather than an orderly close.
    """

    reset: bool


Act = Head | Write | Wait | Silence | HangUp
Acts = Generator[Act, None, None]
"""An answer.  When the acts are over, the response is finished properly."""
