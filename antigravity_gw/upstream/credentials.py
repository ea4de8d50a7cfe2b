"""
Application Default Credentials, exchanged for access tokens by Google's own library.

All of it blocks, and belongs in a thread.  The library is imported there as well:
it takes longer to import than the rest of the daemon together, and most have no
use for it.
"""

from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from time import monotonic
from typing import Any

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.threads import blockingCallFromThread

from antigravity_gw.causes import Cause
from antigravity_gw.errors import Unreachable
from antigravity_gw.needs import Need
from antigravity_gw.upstream.client import Upstream
from antigravity_gw.upstream.order import Order
from antigravity_gw.waiting import in_plain_words
from antigravity_gw.wire.credentials import refused, unidentified
from antigravity_gw.wire.jsons import decoded
from antigravity_gw.wire.oauth import AccessToken, RenewalFailed, lifetime

SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
_OF_AWS = "urn:ietf:params:aws:token-type:aws4_request"

_UNANSWERED = "an endpoint that its credentials need did not answer"

Transport = Callable[..., Any]
"""
Sends a request, as ``google.auth.transport.Request`` describes it.

What it returns has ``status`` and ``data``; what it raises means that nobody answers.
"""


@frozen
class Answer:
    """An answer, as the library wants it."""

    status: int
    headers: Mapping[str, str]
    data: bytes


def by_way_of(upstream: Upstream, reactor: Any) -> Transport:
    """
    The transport there is: the gateway's own client, asked from another thread.

    So its proxy, certificates and bounds hold, and no redirect is followed.
    """

    def send(
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 0.0,
        **_: Any,
    ) -> Answer:
        content = body.encode() if isinstance(body, str) else body
        order = Order(url, tuple((headers or {}).items()), content or b"")
        call = partial(upstream.answer_to, method, order, timeout)
        called = blockingCallFromThread(reactor, _started, call)
        return Answer(*called)

    return send


def _started(call: Callable[[], Coroutine[Any, Any, Any]]) -> Deferred[Any]:
    return Deferred.fromCoroutine(call())


@frozen
class Exchange:
    """
    How to get at the token endpoints.

    :ivar token_url: the one for the credentials of users, which name none.
    :ivar seconds: how long all calls of one exchange may take together; a program
        that credentials name has a limit of its own.
    :ivar transport: makes the calls.
    """

    token_url: str
    seconds: float
    transport: Transport

    def token_for(self, credential: str) -> AccessToken:
        """
        An access token.  Blocks.

        :param credential: the JSON of the credentials.
        :raises RenewalFailed: when there is none to be had.
        :raises Unreachable: when nobody answers.
        """
        info = decoded(credential.encode("utf-8", "replace"), dict[str, Any]) or {}
        try:
            credentials = _loaded(info, self.token_url)
        except Exception as error:  # the library checks little, and trips over more
            raise RenewalFailed(
                Need.CREDENTIAL, "its credentials are damaged", Cause.CREDENTIALS
            ) from error
        deadline = monotonic() + self.seconds
        calls = _Calls(self.transport, str(info.get("type")), deadline)
        try:
            credentials.refresh(calls)
            return _token(credentials)
        except (RenewalFailed, Unreachable):
            raise
        except Exception as error:
            raise calls.meant_by_giving_up() from error


@define
class _Calls:
    """
    The calls of one exchange, as the library makes them.

    One that does not get 200 is the last: the library would try some of them again,
    with pauses, and what it then says of them lacks the status.

    :ivar type: of the credentials.
    :ivar deadline: as the monotonic clock has it, in seconds.
    """

    _transport: Transport = field(repr=False)
    type: str
    deadline: float
    _is_answered: bool = field(default=False, init=False)

    def __call__(self, url: str, method: str = "GET", **more: Any) -> Any:
        """
        One call.

        :raises RenewalFailed: when it is answered with something else than 200.
        :raises Unreachable: when it is not answered.
        """
        more["timeout"] = self.deadline - monotonic()
        if more["timeout"] <= 0:
            raise Unreachable(_UNANSWERED)
        try:
            response = self._transport(url=url, method=method, **more)
            status, body = response.status, response.data
        except Exception as error:
            raise Unreachable(f"{_UNANSWERED}: {in_plain_words(error)}") from error
        if status == 200:
            self._is_answered = True
            return response
        if method == "POST":  # which nobody does but who asks Google for a token
            raise refused(self.type, status, body)
        raise unidentified(status)

    def meant_by_giving_up(self) -> RenewalFailed:
        """What it means that the library gave up, and no call had failed."""
        if self._is_answered:
            return RenewalFailed(None, "the token endpoint answered without a token")
        return RenewalFailed(
            Need.CREDENTIAL,
            "what its credentials name on this machine, a file or a program, gives no "
            "token",
            Cause.CREDENTIALS,
        )


def _loaded(info: Mapping[str, Any], token_url: str) -> Any:
    """
    Google's object for the credentials.

    Of those elsewhere there are several; the library tells them apart only behind
    a function that it warns of.
    """
    from google.auth import aws, identity_pool, pluggable
    from google.oauth2 import credentials, service_account

    match info.get("type"):
        case "authorized_user":
            return credentials.Credentials(
                None,
                refresh_token=info["refresh_token"],
                token_uri=token_url,
                client_id=info["client_id"],
                client_secret=info["client_secret"],
            )
        case "service_account":
            return service_account.Credentials.from_service_account_info(
                info, scopes=SCOPES
            )
        case kind if kind != "external_account":
            raise ValueError
        case _ if info.get("subject_token_type") == _OF_AWS:
            return aws.Credentials.from_info(info, scopes=SCOPES)
        case _ if "executable" in info.get("credential_source", {}):
            return pluggable.Credentials.from_info(info, scopes=SCOPES)
        case _:
            return identity_pool.Credentials.from_info(info, scopes=SCOPES)


def _token(credentials: Any) -> AccessToken:
    """
    What the library has got.

    :raises ValueError: when that is nothing.
    """
    from google.auth import _helpers

    token, expiry = credentials.token, credentials.expiry
    if not isinstance(token, str) or not token:
        raise ValueError
    left = (expiry - _helpers.utcnow()).total_seconds() if expiry else None
    return AccessToken(token, lifetime(left))
