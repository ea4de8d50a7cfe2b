"""
Logging an account in: from the question in a browser to a grant that is stored.

How the question reaches a person, and how the account is stored, is for the
caller to say.
"""

from collections.abc import Awaitable, Callable, Mapping
from secrets import token_urlsafe
from typing import Any, Protocol, TypeVar

from attrs import define, evolve, field, frozen
from oauthlib.oauth2 import WebApplicationClient
from twisted.internet.defer import Deferred

from antigravity_gw.errors import GatewayError, UpstreamTimeout
from antigravity_gw.needs import Need
from antigravity_gw.receiving import Receiver
from antigravity_gw.waiting import within
from antigravity_gw.wire.consent import SCOPES, Attempt, Declined, Stray, objection
from antigravity_gw.wire.oauth import (
    Grant,
    OAuthClient,
    RenewalFailed,
    email_in,
    read_grant,
)
from antigravity_gw.wire.verdict import Setback

T = TypeVar("T")

LONGEST = 300.0
"""How long to wait for a person, in seconds."""

STATE_BYTES = 32
VERIFIER_LENGTH = 64

_THEN = {
    None: "begin again later",
    Need.CLIENT: "correct the OAuth client, and begin again",
    Need.ENTITLEMENT: "see that it may, and begin again",
}
"""What to do when a code is not exchanged, if that is not just beginning again."""


@define
class LoginFailed(Exception):
    """Nobody was logged in; the message says why, and what to do."""

    message: str

    def __str__(self) -> str:
        return self.message


@define(eq=False)
class Answers:
    """
    What is brought as the answer to one login; the first that is one counts.

    :ivar code: fires with the code in it.
    """

    attempt: Attempt
    code: Deferred[str] = field(factory=Deferred)

    def take(self, answer: str) -> None:
        """
        Look at an answer.

        :raises Stray: when it is none; the right one is still awaited.
        """
        if self.code.called:
            raise Stray("this login has had its answer already")
        try:
            code = self.attempt.read(answer)
        except Declined as declined:
            self.give_up(f"{declined.reason}: nothing was granted, nothing is stored")
        else:
            self.code.callback(code)

    def give_up(self, message: str) -> None:
        """Await no answer any more."""
        if not self.code.called:
            self.code.errback(LoginFailed(message))


class Asks(Protocol):
    """How the question reaches a person, and perhaps the answer this program."""

    def begin(self, url: str, answers: Answers) -> None:
        """Ask for consent at *url*."""

    def end(self) -> None:
        """Nothing is asked any more."""


@frozen
class Google:
    """
    Whom a login asks.

    :ivar authorization_url: where a browser is sent.
    :ivar post: posts a form to the token endpoint, for the status and body of its
        answer; fails with GatewayError when there is none.
    :ivar whose: asks whose an access token is; fails as lookups do.
    """

    authorization_url: str
    post: Callable[[bytes], Awaitable[tuple[int, bytes]]]
    whose: Callable[[str], Awaitable[Mapping[str, Any]]]


@frozen
class Login:
    """
    One login.

    :ivar port: where to receive the browser; 0 for any port that is free.
    :ivar email: of the account that is expected, if it is known.
    """

    google: Google
    client: OAuthClient
    asks: Asks
    reactor: Any
    port: int = 0
    email: str | None = None

    async def run(self, store: Callable[[Grant], Awaitable[T]]) -> T:
        """
        Log an account in.

        :param store: is handed what was granted; the browser is shown only then
            that all went well.
        :returns: what *store* returns.
        :raises PortTaken: when there is nowhere to receive the browser.
        :raises LoginFailed: when there is no grant, or none that is of use.
        """
        receiver = Receiver(self.reactor, self.port)
        try:
            stored = await store(await self._granted(receiver))
        except Exception as error:
            is_told = isinstance(error, LoginFailed)
            text = str(error) if is_told else "The terminal says why."
            receiver.callback.tell(400, "The login has failed", text)
            raise
        else:
            receiver.callback.tell(
                200, "Logged in", "The account is stored. You can close this window."
            )
            return stored
        finally:
            await receiver.close()

    async def _granted(self, receiver: Receiver) -> Grant:
        """Ask for consent, and exchange what comes of it."""
        attempt = Attempt(
            self.client,
            self.google.authorization_url,
            receiver.url,
            state=token_urlsafe(STATE_BYTES),
            verifier=WebApplicationClient("").create_code_verifier(VERIFIER_LENGTH),
        )
        answers = Answers(attempt)
        receiver.callback.take = answers.take
        self.asks.begin(attempt.url(self.email), answers)
        try:
            code = await within(LONGEST, self.reactor, answers.code)
        except UpstreamTimeout:
            raise LoginFailed(
                f"no answer came within {LONGEST / 60:.0f} minutes, and one that comes "
                "now is too late: begin again"
            ) from None
        finally:
            self.asks.end()
        return await self._exchanged(attempt, code)

    async def _exchanged(self, attempt: Attempt, code: str) -> Grant:
        try:
            status, body = await self.google.post(attempt.form(code))
            grant = read_grant(status, body, SCOPES)
        except RenewalFailed as failed:
            then = _THEN.get(failed.need, "begin again")
            raise LoginFailed(f"{failed.reason}: {then}") from None
        except GatewayError as error:
            raise LoginFailed(
                f"{error.message}: begin again when that is over"
            ) from None
        if (reason := objection(grant)) is not None:
            raise LoginFailed(reason)
        if grant.email is not None:
            return grant
        return evolve(grant, email=await self._email(grant.access_token))

    async def _email(self, access_token: str) -> str | None:
        """Whose token that is, if anybody says so; nothing else depends on it."""
        try:
            return email_in(await self.google.whose(access_token))
        except Setback:
            return None
