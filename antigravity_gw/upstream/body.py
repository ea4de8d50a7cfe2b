"""Request bodies that are written piece by piece, and never joined."""

from collections.abc import Iterator

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer
from twisted.web.iweb import IBodyProducer
from zope.interface import implementer

PIECE = 64 * 1024
"""How much to hand to the transport at once, in bytes."""


@implementer(IBodyProducer)
class SealedBody:
    """
    A client's body between the two ends of an envelope.

    Nothing is copied but the piece on its way out, and that only as fast as
    the connection takes it.  Can be sent once.
    """

    def __init__(self, head: bytes, body: bytes, tail: bytes) -> None:
        self.length = len(head) + len(body) + len(tail)
        self._parts = (head, body, tail)
        self._paused = False

    def in_one_piece(self) -> bytes | None:
        """All of it, if it is short; then it is sent so, and not produced."""
        if self.length > PIECE:
            return None
        whole, self._parts = b"".join(self._parts), (b"", b"", b"")
        return whole

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        """Write until told to pause; the Deferred fires when all is written."""
        self._consumer: IConsumer | None = consumer
        self._pieces = _pieces(*self._parts)
        self._written: Deferred[None] = Deferred()
        self.resumeProducing()
        return self._written

    def resumeProducing(self) -> None:
        """Go on writing."""
        self._paused = False
        while self._consumer is not None and not self._paused:
            piece = next(self._pieces, None)
            if piece is None:
                self.stopProducing()
                self._written.callback(None)
            else:
                self._consumer.write(piece)

    def pauseProducing(self) -> None:
        """Wait: the connection has enough to do."""
        self._paused = True

    def stopProducing(self) -> None:
        """The connection is gone, or has it all: let go of what may be long."""
        self._consumer, self._parts, self._pieces = None, (b"", b"", b""), iter(())


def _pieces(head: bytes, body: bytes, tail: bytes) -> Iterator[bytes]:
    """What lies between the ends is copied as it goes out."""
    yield head
    view = memoryview(body)
    for start in range(0, len(body), PIECE):
        yield bytes(view[start : start + PIECE])
    yield tail
