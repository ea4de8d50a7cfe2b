"""One HTTP call to Google, and what came of it."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from attrs import frozen
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from antigravity_gw.errors import (
    GatewayError,
    MalformedStream,
    OutOfDescriptors,
    Passed,
    Unreachable,
    UpstreamTimeout,
)
from antigravity_gw.upstream.body import SealedBody
from antigravity_gw.upstream.http import PlainClient
from antigravity_gw.upstream.order import Order
from antigravity_gw.waiting import (
    collect,
    in_plain_words,
    is_out_of_descriptors,
    within,
)
from antigravity_gw.wire.google import UNREADABLE, GoogleError, read_error
from antigravity_gw.wire.jsons import decoded
from antigravity_gw.wire.judging import Table
from antigravity_gw.wire.verdict import Blame, Setback, Verdict

FORM = "content-type", "application/x-www-form-urlencoded"
ERROR_LIMIT = 256 * 1024
"""The longest error body to read, in bytes."""


@frozen
class Patience:
    """
    How long to wait for upstream, in seconds.

    :ivar token: for the token endpoint.
    :ivar lookup: for calls that only ask about an account.
    """

    token: float
    lookup: float


@frozen
class Upstream:
    """
    One kind's line to Google.  Redirects are not followed.

    :ivar errors: what Google's errors mean there.
    :ivar answer_limit: the longest whole answer to take, in bytes.
    """

    http: PlainClient
    clock: IReactorTime
    patience: Patience
    user_agent: str
    errors: Table
    answer_limit: int

    def now(self) -> float:
        """The time, in POSIX seconds."""
        return self.clock.seconds()

    async def generate(self, order: Order, body: SealedBody, seconds: float) -> bytes:
        """
        Ask for an answer in one piece.

        :param seconds: how long to wait for the whole of it.
        :returns: the body of the answer, as it came.
        :raises Setback: when there is none.
        """
        deadline = self.now() + seconds
        response = await self._asked(order, body, seconds)
        return await self._whole(response, deadline - self.now())

    async def stream(self, order: Order, body: SealedBody, seconds: float) -> IResponse:
        """
        Ask for a streamed answer.

        :param seconds: how long to wait for its headers.
        :returns: the response, its body yet to be delivered.
        :raises Setback: when it is none.
        """
        deadline = self.now() + seconds
        response = await self._asked(order, body, seconds)
        if response.code != 200:
            raise await self._setback(response, deadline - self.now())
        return response

    async def look_up(self, order: Order) -> Mapping[str, Any]:
        """
        Look something up: post the body of *order*, or get when it has none.

        :raises Setback: when Google does not say.
        """
        seconds = self.patience.lookup
        deadline = self.now() + seconds
        sealed = SealedBody(b"", order.head, b"") if order.head else None
        response = await self._asked(order, sealed, seconds)
        answer = await self._whole(response, deadline - self.now())
        document = decoded(answer, dict[str, Any])
        if document is None:
            raise _failing(Unreachable("upstream's answer is not JSON"))
        return dict(document)

    def judged(self, error: GoogleError) -> Setback:
        """What an error that came where an answer should be amounts to."""
        return self._meant(error.code or 500, {}, error)

    async def post_form(self, url: str, form: bytes) -> tuple[int, bytes]:
        """
        Post *form* to a token endpoint.

        :returns: the status and body of its answer, whatever the status.
        :raises GatewayError: when there is none in time.
        """
        order = Order(url, (FORM,), form)
        try:
            status, _, body = await self.answer_to("POST", order, self.patience.token)
        except CancelledError:
            raise
        except Exception as error:
            if is_out_of_descriptors(error):
                raise OutOfDescriptors() from error
            raise Unreachable(
                f"the token endpoint did not answer: {in_plain_words(error)}"
            ) from error
        return status, body

    async def answer_to(
        self, method: str, order: Order, seconds: float
    ) -> tuple[int, dict[str, str], bytes]:
        """
        Make a call to somebody who is not asked for an answer of a model.

        :param order: its head is the whole body, and its headers are all but ours.
        :returns: the status, the headers and the body, whatever the status.
        :raises Exception: whatever kept it from being answered in time.
        """
        deadline = self.now() + seconds
        headers = Headers({name: [value] for name, value in order.headers})
        headers.setRawHeaders("user-agent", [self.user_agent])
        body = SealedBody(b"", order.head, b"") if order.head else None
        asked = self.http.request(method, order.url, headers=headers, data=body)
        response = await within(seconds, self.clock, asked)
        left = deadline - self.now()
        content = await within(left, self.clock, collect(response, ERROR_LIMIT))
        return response.code, _told(response), content

    async def _asked(
        self, order: Order, body: SealedBody | None, seconds: float
    ) -> IResponse:
        headers = _headers(order.headers, self.user_agent, has_body=body is not None)
        try:
            return await self._sent(order.url, headers, body, seconds)
        except CancelledError:
            raise
        except Exception as error:
            raise _broken("upstream could not be asked", error) from error

    async def _sent(
        self, url: str, headers: Headers, body: SealedBody | None, seconds: float
    ) -> IResponse:
        asked = self.http.request(
            "GET" if body is None else "POST",
            url,
            headers=headers,
            data=body,
        )
        return await within(seconds, self.clock, asked)

    async def _whole(self, response: IResponse, seconds: float) -> bytes:
        if response.code != 200:
            raise await self._setback(response, seconds)
        return await self._read(response, self.answer_limit, seconds)

    async def _setback(self, response: IResponse, seconds: float) -> Setback:
        """What a response that is no answer amounts to, also if it cannot be read."""
        seconds = min(seconds, self.patience.lookup)
        try:
            body = await self._read(response, ERROR_LIMIT, seconds)
        except Setback:
            body = b""
        return self._meant(response.code, _told(response), read_error(body))

    def _meant(
        self, status: int, headers: Mapping[str, str], error: GoogleError | None
    ) -> Setback:
        return setback_of(
            status, error, self.errors.judge(status, headers, error, self.now())
        )

    async def _read(self, response: IResponse, limit: int, seconds: float) -> bytes:
        try:
            return await within(max(0.0, seconds), self.clock, collect(response, limit))
        except CancelledError:
            raise
        except MalformedStream as error:
            raise _failing(error) from error
        except Exception as error:
            raise _broken("upstream broke off its answer", error) from error


def _told(response: IResponse) -> dict[str, str]:
    """The headers of a response, names in lower case."""
    return {
        name.decode("latin-1").lower(): values[-1].decode("latin-1")
        for name, values in response.headers.getAllRawHeaders()
    }


@lru_cache(maxsize=256)
def _headers(
    own: tuple[tuple[str, str], ...], user_agent: str, has_body: bool
) -> Headers:
    """The headers of every call that is made under one token; not to be changed."""
    headers = Headers({name: [value] for name, value in own})
    headers.addRawHeader("user-agent", user_agent)
    if has_body:
        headers.addRawHeader("content-type", "application/json")
    return headers


def _broken(what: str, error: Exception) -> Setback:
    """What a connection that failed before the answer was there amounts to."""
    if isinstance(error, UpstreamTimeout):
        return _failing(error)
    if is_out_of_descriptors(error):
        ours = OutOfDescriptors()
        return Setback(Verdict(Blame.GATEWAY, ours.message), ours)
    words = in_plain_words(error)
    return _failing(Unreachable(f"{what}: {words}"), words)


def setback_of(status: int, error: GoogleError | None, verdict: Verdict) -> Setback:
    """What an error body amounts to, however it came, when it was judged."""
    if error is None and verdict.blame is not Blame.REQUEST:
        words = f"upstream answered {status}, and not in Google's form"
        return Setback(verdict, Unreachable(words))
    if not 400 <= status < 600:
        return Setback(verdict, Unreachable("upstream reported an unknown error"))
    body = (error or UNREADABLE).told_with(status)
    return Setback(
        verdict,
        Passed(verdict.reason, answered=status, body=body, retry_after=verdict.delay),
    )


def _failing(error: GatewayError, reason: str = "") -> Setback:
    return Setback(Verdict(Blame.ENDPOINT, reason or error.message), error)
