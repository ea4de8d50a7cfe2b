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
from antigravity_gw.waiting import (
    collect,
    in_plain_words,
    is_out_of_descriptors,
    within,
)
from antigravity_gw.wire.companion import quota_body
from antigravity_gw.wire.google import UNREADABLE, GoogleError, read_error
from antigravity_gw.wire.jsons import decoded
from antigravity_gw.wire.judging import judge
from antigravity_gw.wire.verdict import Blame, Setback, Verdict

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
    Calls Google's methods.  Redirects are not followed.

    :ivar answer_limit: the longest whole answer to take, in bytes.
    """

    http: PlainClient
    clock: IReactorTime
    patience: Patience
    user_agent: str
    token_url: str
    answer_limit: int

    def now(self) -> float:
        """The time, in POSIX seconds."""
        return self.clock.seconds()

    async def generate(
        self, base: str, token: str, body: SealedBody, seconds: float
    ) -> bytes:
        """
        Ask for an answer in one piece.

        :param seconds: how long to wait for the whole of it.
        :returns: the body of the answer, still in its envelope.
        :raises Setback: when there is none.
        """
        deadline = self.now() + seconds
        response = await self._asked(
            f"{base}/v1internal:generateContent", token, body, seconds
        )
        return await self._whole(response, deadline - self.now())

    async def stream(
        self, base: str, token: str, body: SealedBody, seconds: float
    ) -> IResponse:
        """
        Ask for a streamed answer.

        :param seconds: how long to wait for its headers.
        :returns: the response, its body yet to be delivered.
        :raises Setback: when it is none.
        """
        deadline = self.now() + seconds
        response = await self._asked(
            f"{base}/v1internal:streamGenerateContent?alt=sse",
            token,
            body,
            seconds,
        )
        if response.code != 200:
            raise await self._setback(response, deadline - self.now())
        return response

    async def load(self, base: str, token: str, body: bytes) -> Mapping[str, Any]:
        """
        Ask ``loadCodeAssist`` about the account whose token it is.

        :raises Setback: when it does not say; the same holds for the other lookups.
        """
        return await self._call(f"{base}/v1internal:loadCodeAssist", token, body)

    async def onboard(self, base: str, token: str, body: bytes) -> Mapping[str, Any]:
        """Have ``onboardUser`` begin: what comes is an operation."""
        return await self._call(f"{base}/v1internal:onboardUser", token, body)

    async def operation(self, base: str, token: str, name: str) -> Mapping[str, Any]:
        """
        Ask how far an operation is.

        :param name: goes into the URL as it is; see
            :func:`~antigravity_gw.wire.companion.is_operation`.
        """
        return await self._call(f"{base}/v1internal/{name}", token, None)

    async def quota(self, base: str, token: str, project: str) -> Mapping[str, Any]:
        """Ask ``retrieveUserQuota`` what is left."""
        body = quota_body(project)
        return await self._call(f"{base}/v1internal:retrieveUserQuota", token, body)

    async def models(
        self, base: str, token: str, project: str | None
    ) -> Mapping[str, Any]:
        """Ask ``fetchAvailableModels``, which also says what is left."""
        body = quota_body(project)
        return await self._call(f"{base}/v1internal:fetchAvailableModels", token, body)

    async def post_form(self, form: bytes) -> tuple[int, bytes]:
        """
        Post to the token endpoint, see :class:`~antigravity_gw.pool.tokens.PostsForm`.
        """
        headers = Headers(
            {
                "content-type": ["application/x-www-form-urlencoded"],
                "user-agent": [self.user_agent],
            }
        )
        deadline = self.now() + self.patience.token
        try:
            response = await self._sent(
                self.token_url,
                headers,
                SealedBody(b"", form, b""),
                self.patience.token,
            )
            left = deadline - self.now()
            body = await within(left, self.clock, collect(response, ERROR_LIMIT))
        except CancelledError:
            raise
        except Exception as error:
            if is_out_of_descriptors(error):
                raise OutOfDescriptors() from error
            raise Unreachable(
                f"the token endpoint did not answer: {in_plain_words(error)}"
            ) from error
        return response.code, body

    async def _call(
        self, url: str, token: str, body: bytes | None
    ) -> Mapping[str, Any]:
        """
        Look something up.

        :param body: JSON to post; None to get.
        """
        seconds = self.patience.lookup
        deadline = self.now() + seconds
        sealed = None if body is None else SealedBody(b"", body, b"")
        response = await self._asked(url, token, sealed, seconds)
        answer = await self._whole(response, deadline - self.now())
        document = decoded(answer, dict[str, Any])
        if document is None:
            raise _failing(Unreachable("upstream's answer is not JSON"))
        return dict(document)

    async def _asked(
        self, url: str, token: str, body: SealedBody | None, seconds: float
    ) -> IResponse:
        headers = _headers(token, self.user_agent, has_body=body is not None)
        try:
            return await self._sent(url, headers, body, seconds)
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
        headers = {
            name.decode("latin-1").lower(): values[-1].decode("latin-1")
            for name, values in response.headers.getAllRawHeaders()
        }
        return setback_of(response.code, headers, read_error(body), self.now())

    async def _read(self, response: IResponse, limit: int, seconds: float) -> bytes:
        try:
            return await within(max(0.0, seconds), self.clock, collect(response, limit))
        except CancelledError:
            raise
        except MalformedStream as error:
            raise _failing(error) from error
        except Exception as error:
            raise _broken("upstream broke off its answer", error) from error


@lru_cache(maxsize=256)
def _headers(token: str, user_agent: str, has_body: bool) -> Headers:
    """The headers of every call that is made under one token; not to be changed."""
    headers = Headers(
        {"authorization": [f"Bearer {token}"], "user-agent": [user_agent]}
    )
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


def setback_of(
    status: int, headers: Mapping[str, str], error: GoogleError | None, now: float
) -> Setback:
    """What an error body amounts to, however it came; see :func:`judge`."""
    verdict = judge(status, headers, error, now)
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
