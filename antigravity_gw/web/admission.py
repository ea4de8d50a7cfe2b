"""How many requests, and how much of them, there may be at one time.  No I/O."""

from collections import Counter

from attrs import define, field, frozen

from antigravity_gw.errors import (
    BodiesTooLarge,
    BodyTooLarge,
    TooManyRequests,
    TooManyStreams,
)

MIB = 2**20


@frozen(kw_only=True)
class Limits:
    """
    What clients may ask of us.

    :ivar head_bytes: the longest request line, and the longest header section.
    :ivar body_bytes: the longest body of one request.
    :ivar bodies_bytes: of all requests together that are under way.
    :ivar requests: how many may be under way.
    :ivar streams_per_key: how many of them may be streams of one client, if its
        key does not say; 0 for any number.
    """

    head_bytes: int = 16 * 1024
    body_bytes: int = 32 * MIB
    bodies_bytes: int = 256 * MIB
    requests: int = 10_000
    streams_per_key: int = 0

    @property
    def longest_body(self) -> int:
        """The longest body that can ever be taken."""
        return min(self.body_bytes, self.bodies_bytes)


@define
class Share:
    """
    What one request takes up of the limits.

    :ivar body: the bytes of its body, declared or come.
    :ivar requests: 1, or 0 if it is none that counts.
    :ivar stream_of: the client that it is a stream of, if it is one.
    """

    body: int = 0
    requests: int = 1
    stream_of: str | None = None


@define
class Admission:
    """
    What the requests under way take up together.

    Each has a :class:`Share`, which is given back when it ends.  Limits can be
    changed at any time; what is under way is let be.
    """

    limits: Limits
    bodies: int = field(default=0, init=False)
    requests: int = field(default=0, init=False)
    streams: Counter[str] = field(factory=Counter, init=False)

    def admit(
        self,
        length: int,
        *,
        counts: bool = True,
        stream_of: str | None = None,
        streams: int | None = None,
    ) -> Share:
        """
        Let a request in whose head has come.

        :param length: what it declares for its body, in bytes; 0 if it does not.
        :param counts: whether it is one of ``limits.requests``.
        :param stream_of: the client that asks for a stream, if it is for one.
        :param streams: how many that client may have, 0 for any number; None for
            ``limits.streams_per_key``.
        :raises GatewayError: when it would be one too many.
        """
        share = Share(0, int(counts), stream_of)
        self._check_body(share, length)
        if counts and self.requests >= self.limits.requests:
            raise TooManyRequests("the gateway has as many requests as it takes")
        if stream_of is not None:
            most = self.limits.streams_per_key if streams is None else streams
            if 0 < most <= self.streams[stream_of]:
                limit = "streams" if streams is not None else "limits.streams_per_key"
                raise TooManyStreams(
                    f"this client has as many streams under way as it may, {most} "
                    f"({limit}); another can begin when one has ended"
                )
            self.streams[stream_of] += 1
        self.requests += share.requests
        self.bodies += length
        share.body = length
        return share

    def grow(self, share: Share, more: int) -> None:
        """
        Let a body get longer that did not say its length.

        :param more: by so many bytes.
        :raises GatewayError: when it must not.
        """
        self._check_body(share, more)
        share.body += more
        self.bodies += more

    def let_go(self, share: Share) -> None:
        """Its body is not held any more."""
        self.bodies -= share.body
        share.body = 0

    def give_back(self, share: Share) -> None:
        """A request has ended."""
        self.let_go(share)
        self.requests -= share.requests
        if share.stream_of is not None:
            self.streams[share.stream_of] -= 1
            if not self.streams[share.stream_of]:
                del self.streams[share.stream_of]

    def _check_body(self, share: Share, more: int) -> None:
        limits = self.limits
        if share.body + more > limits.longest_body:
            raise BodyTooLarge(
                f"the request body is longer than {limits.longest_body} bytes, which "
                "is the most this gateway takes (limits.body_bytes)"
            )
        if more and self.bodies + more > limits.bodies_bytes:
            raise BodiesTooLarge("the gateway holds as much of requests as it can")
