"""The connections that clients have open: how many there may be, and their end."""

from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from attrs import define, field
from twisted.internet import protocol
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime, ISSLTransport
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from antigravity_gw.errors import GatewayError, TooManyConnections
from antigravity_gw.web.replies import raw_error

LINGER = 2.0
"""Seconds for which a client that was turned away may read why."""

TOLD_EVERY = 1.0
"""How often to log that clients are turned away, in seconds, while they are."""


class Connection(Protocol):
    """One that is open, as far as it matters here."""

    @property
    def is_busy(self) -> bool:
        """Whether there is a request: being read, or being answered."""

    def drain(self) -> None:
        """Take no request but the one there is, or else the first."""

    def cut_short(self, error: GatewayError) -> None:
        """End what is under way with *error*, and the connection with it."""

    def abort(self) -> None:
        """Close the connection, whatever is still to be sent."""


@define(eq=False)
class Connections:
    """
    All that are open.

    :ivar count: is told the word for each client that is turned away.
    :ivar new_id: makes the id that a client which is turned away may tell of.
    :ivar limit: how many may be; None for any number.
    :ivar is_draining: whether the daemon is about to end.
    :ivar refused: how many clients were turned away so far.
    """

    clock: IReactorTime
    count: Callable[[str], None] = field(default=lambda word: None)
    new_id: Callable[[], str] = field(default=lambda: "-")
    limit: int | None = None
    is_draining: bool = field(default=False, init=False)
    refused: int = field(default=0, init=False)
    _open: set[Connection] = field(factory=set, init=False)
    _turned_away: int = field(default=0, init=False)
    _told: int = field(default=0, init=False)
    _ended: Deferred[None] | None = field(default=None, init=False)
    _log: ClassVar[Logger] = Logger()

    def __len__(self) -> int:
        return len(self._open)

    @property
    def busy(self) -> int:
        """How many have a request."""
        return sum(connection.is_busy for connection in self._open)

    def opened(self, connection: Connection) -> None:
        """There is one more."""
        self._open.add(connection)

    def closed(self, connection: Connection) -> None:
        """There is one less."""
        self._open.discard(connection)
        self._perhaps_ended()

    def refusal(self) -> "Refusal | None":
        """What to say to a client that connects now; None when it may come in."""
        if self.limit is None or len(self._open) < self.limit:
            return None
        self.refused += 1
        self.count(TooManyConnections.word())
        if self.refused == self._told + 1:
            self.clock.callLater(TOLD_EVERY, self._tell)
        # Those that are told why take descriptors, too, so there are not many.
        patience = LINGER if self._turned_away < self.limit // 4 else 0.0
        return Refusal(self, patience)

    def drain(self) -> Deferred[None]:
        """
        Serve no new request but the first of a connection, and close what is idle.

        :returns: a Deferred that fires when the last connection is closed.
        """
        self.is_draining = True
        ended: Deferred[None] = Deferred()
        self._ended = ended
        for connection in list(self._open):
            connection.drain()
        self._perhaps_ended()
        return ended

    def cut_short(self, error: GatewayError) -> None:
        """End with *error* what has not ended."""
        for connection in list(self._open):
            connection.cut_short(error)

    def abort(self) -> None:
        """Close what is left, whatever is still to be sent."""
        for connection in list(self._open):
            connection.abort()

    def _perhaps_ended(self) -> None:
        if self._ended is not None and not self._open:
            ended, self._ended = self._ended, None
            ended.callback(None)

    def _tell(self) -> None:
        self._log.warn(
            "{count} connections were refused, since {limit} are open, which is the "
            "most there may be (limits.connections)",
            count=self.refused - self._told,
            limit=self.limit,
        )
        self._told = self.refused


class Refusal(protocol.Protocol):
    """
    A connection too many: it is told so, and closed when it has had time to read.

    What the client sends is read and dropped meanwhile, since closing on it
    would reset the connection, and what it was told might be lost.
    """

    transport: Any
    _closing: IDelayedCall

    def __init__(self, connections: Connections, patience: float) -> None:
        """
        :param patience: seconds that the client has for reading.
        """
        self._connections = connections
        self._patience = patience

    def connectionMade(self) -> None:
        """Say so."""
        connections = self._connections
        connections._turned_away += 1
        id = connections.new_id()
        connections._log.debug("a connection too many was refused id={id}", id=id)
        self.transport.write(raw_error(TooManyConnections(), id))
        if ISSLTransport.providedBy(self.transport):
            self.transport.loseConnection()  # TLS cannot be closed by halves
            close = self.transport.abortConnection
        else:
            self.transport.loseWriteConnection()
            close = self.transport.loseConnection
        self._closing = self._connections.clock.callLater(self._patience, close)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """It is over."""
        self._connections._turned_away -= 1
        if self._closing.active():
            self._closing.cancel()
