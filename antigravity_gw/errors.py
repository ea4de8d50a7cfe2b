"""
Everything a client can be told went wrong.

A class says which HTTP status and which canonical Google status the client
gets; its docstring says when.  ``docs/errors.md`` explains them to people.
"""

import math
import re
from typing import Any, ClassVar

from attrs import define, field


@define
class GatewayError(Exception):
    """
    A request could not be served.

    Raise a subclass; the web layer turns it into the response.

    :ivar message: what the client may read.  Never a token, never an e-mail.
    """

    code: ClassVar[int] = 500
    status: ClassVar[str] = "INTERNAL"
    message: str

    @classmethod
    def word(cls) -> str:
        """What requests that ended so are counted as: ``not_found`` for NotFound."""
        return re.sub("(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def details(self) -> list[dict[str, Any]]:
        """The ``details`` of Google's error body; empty where there are none."""
        return []

    def headers(self) -> dict[str, str]:
        """Response headers that belong to this failure."""
        return {}


class InternalError(GatewayError):
    """A bug; the client learns no more."""


class BadRequest(GatewayError):
    """The request does not say what it should."""

    code = 400
    status = "INVALID_ARGUMENT"


class NeedsOperator(GatewayError):
    """
    No account can serve before a person has mended something.

    ``FAILED_PRECONDITION`` is Google's word for "do not retry until the
    system has been fixed".  A 503 would be retried by some clients for ten
    minutes, a 429 five times.
    """

    code = 400
    status = "FAILED_PRECONDITION"


class Unauthenticated(GatewayError):
    """The request carries no key of this gateway, or a wrong one."""

    code = 401
    status = "UNAUTHENTICATED"

    def headers(self) -> dict[str, str]:
        """RFC 9110 wants a challenge with every 401."""
        return {"www-authenticate": 'Bearer realm="antigravity-gw"'}


class KeyExpired(Unauthenticated):
    """The key is one of this gateway's, and not good any more."""


class NoOperator(Unauthenticated):
    """What is for operators only was asked for without one of their keys."""

    def headers(self) -> dict[str, str]:
        """A challenge that has a browser ask for the key."""
        return {"www-authenticate": 'Basic realm="antigravity-gw operators"'}


class Forbidden(GatewayError):
    """The request comes from where it must not come from."""

    code = 403
    status = "PERMISSION_DENIED"


class ModelNotAllowed(Forbidden):
    """The client's key is good, but not for this model."""


class NotFound(GatewayError):
    """There is nothing at this path."""

    code = 404
    status = "NOT_FOUND"


@define
class MethodNotAllowed(GatewayError):
    """
    The path exists, for other methods.

    :ivar allowed: the methods it exists for.
    """

    code: ClassVar[int] = 405
    status: ClassVar[str] = "UNIMPLEMENTED"
    allowed: tuple[str, ...] = ()

    def headers(self) -> dict[str, str]:
        """RFC 9110 wants the alternatives named."""
        return {"allow": ", ".join(self.allowed)}


class HeadTimeout(GatewayError):
    """A request head was begun and did not come to its end."""

    code = 408
    status = "DEADLINE_EXCEEDED"


class BodyTimeout(GatewayError):
    """A request body stopped coming, or comes too slowly."""

    code = 408
    status = "DEADLINE_EXCEEDED"


class WriteTimeout(GatewayError):
    """The client takes nothing of its answer, so it cannot be told this either."""

    code = 408
    status = "DEADLINE_EXCEEDED"


class TooFarAhead(GatewayError):
    """Too much was sent behind a request; the client gets no answer to any of it."""

    code = 400
    status = "INVALID_ARGUMENT"


class BodyTooLarge(GatewayError):
    """The request body is longer than this gateway takes."""

    code = 413
    status = "INVALID_ARGUMENT"


class TargetTooLong(GatewayError):
    """The request line is longer than this gateway reads."""

    code = 414
    status = "INVALID_ARGUMENT"


class ExpectationFailed(GatewayError):
    """The request expects something else than to be told to go on."""

    code = 417
    status = "INVALID_ARGUMENT"


class HeadersTooLarge(GatewayError):
    """The request headers are longer than this gateway reads."""

    code = 431
    status = "INVALID_ARGUMENT"


@define
class Busy(GatewayError):
    """
    Not now; this ends by itself.

    :ivar retry_after: seconds after which it may have.
    """

    code: ClassVar[int] = 429
    status: ClassVar[str] = "RESOURCE_EXHAUSTED"
    retry_after: float = field(default=1.0)

    def seconds(self) -> int:
        """Whole seconds to wait."""
        return whole_seconds(self.retry_after)

    def details(self) -> list[dict[str, Any]]:
        """``RetryInfo``, which more clients read than the header."""
        kind = "type.googleapis.com/google.rpc.RetryInfo"
        return [{"@type": kind, "retryDelay": f"{self.seconds()}s"}]

    def headers(self) -> dict[str, str]:
        """``Retry-After``, for the clients that do read it."""
        return {"retry-after": str(self.seconds())}


class Exhausted(Busy):
    """Every account is resting; it is known when the first of them is back."""


class TooManyRequests(Busy):
    """As many requests are under way as there may be."""


class TooManyStreams(Busy):
    """One client has as many streams under way as it may have."""


class TooManyPerMinute(Busy):
    """One client has asked for as many answers within a minute as it may."""


class TokensSpent(Busy):
    """One client has used up what it may of tokens today."""


class BodiesTooLarge(Busy):
    """The bodies of the requests under way take up all the room there is."""


@define
class ShuttingDown(GatewayError):
    """The daemon was told to end, and what is under way has had its time."""

    code: ClassVar[int] = 503
    status: ClassVar[str] = "UNAVAILABLE"
    message: str = "the gateway is shutting down"


@define
class TooManyConnections(GatewayError):
    """As many clients are connected as there is room for."""

    code: ClassVar[int] = 503
    status: ClassVar[str] = "UNAVAILABLE"
    message: str = "too many connections"


@define
class OutOfDescriptors(GatewayError):
    """This process has no file descriptor left to connect with: nobody's fault."""

    code: ClassVar[int] = 503
    status: ClassVar[str] = "UNAVAILABLE"
    message: str = "the gateway has no file descriptors left to ask upstream"


class Unreachable(GatewayError):
    """No endpoint could be reached, or what answered was not Google."""

    code = 502
    status = "UNAVAILABLE"


class MalformedStream(Unreachable):
    """Upstream sent a body that is not what it announced."""


class AnswerTooLong(MalformedStream):
    """Upstream's answer is longer than this gateway holds to send in one piece."""


class BrokenAnswer(Unreachable):
    """Upstream began to answer and did not finish."""


class UpstreamTimeout(GatewayError):
    """Upstream took longer than it was given."""

    code = 504
    status = "DEADLINE_EXCEEDED"


@define
class Passed(GatewayError):
    """
    Upstream's own error, handed on.

    :ivar answered: the HTTP status upstream gave.
    :ivar body: the error as JSON bytes: upstream's own, but for what is filled
        in where it lacks something, and what is redacted.
    :ivar retry_after: seconds upstream asked to wait, if it did.
    """

    answered: int = 500
    body: bytes = b""
    retry_after: float | None = None

    def headers(self) -> dict[str, str]:
        """``Retry-After``, when upstream said how long."""
        if self.retry_after is None:
            return {}
        return {"retry-after": str(whole_seconds(self.retry_after))}


def whole_seconds(delay: float) -> int:
    """A delay as ``Retry-After`` wants it: never too short, and at least one."""
    return max(1, math.ceil(delay))
