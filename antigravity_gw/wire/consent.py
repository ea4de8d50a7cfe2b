"""
Asking an account's owner for consent: OAuth's code flow with PKCE, on loopback.

RFC 8252 is about programs on a desktop, RFC 7636 about PKCE.  oauthlib knows
the protocol; here is what is particular about this side of it.
"""

from urllib.parse import parse_qsl, urlsplit

from attrs import define, field, frozen
from oauthlib.oauth2 import OAuth2Error, WebApplicationClient

from antigravity_gw.wire.oauth import Grant, OAuthClient, why_refused

CLOUD = "https://www.googleapis.com/auth/cloud-platform"
EMAIL = "https://www.googleapis.com/auth/userinfo.email"
PROFILE = "https://www.googleapis.com/auth/userinfo.profile"

SCOPES = {
    CLOUD: "Google Cloud, in its name",
    EMAIL: "its e-mail address",
    PROFILE: "its name and picture",
}
"""What is asked for, and what that means."""

PERMISSIONS_URL = "https://myaccount.google.com/permissions"


@define
class Stray(Exception):
    """What came is not the answer to this login, which goes on waiting for it."""

    message: str

    def __str__(self) -> str:
        return self.message


@define
class Declined(Exception):
    """The answer is no; *reason* is a clause for the operator."""

    reason: str


@frozen
class Attempt:
    """
    One login.

    :ivar redirect_uri: where the browser is sent with the answer.
    :ivar state: tells this login's answer from any other.
    :ivar verifier: proves to the token endpoint who has asked.
    """

    client: OAuthClient
    authorization_url: str
    redirect_uri: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)

    def url(self, email: str | None = None) -> str:
        """
        Where the account's owner is asked.

        :param email: of the account that is expected.
        """
        protocol = WebApplicationClient(self.client.id)
        asking = protocol.prepare_request_uri(
            _NOWHERE,
            redirect_uri=self.redirect_uri,
            scope=list(SCOPES),
            state=self.state,
            code_challenge=protocol.create_code_challenge(self.verifier, "S256"),
            code_challenge_method="S256",
            access_type="offline",
            prompt="consent",  # else an account that has consented gets no token
            login_hint=email,
        )
        return f"{self.authorization_url}?{urlsplit(asking).query}"

    def read(self, answer: str) -> str:
        """
        The code in an *answer*: where the browser was sent, or the query of that.

        :raises Stray: when it is not the answer to this login.
        :raises Declined: when it is, and there is none.
        """
        before, found, after = answer.strip().partition("#")[0].partition("?")
        query = after if found else before
        protocol = WebApplicationClient(self.client.id)
        try:
            fields = protocol.parse_request_uri_response(
                f"{_NOWHERE}?{query}", state=self.state
            )
        except OAuth2Error:
            raise self._refusal(dict(parse_qsl(query))) from None
        return str(fields["code"])

    def _refusal(self, said: dict[str, str]) -> Stray | Declined:
        """
        What an answer without a code is.

        The error in it may have any name, those of oauthlib's own errors included.
        """
        if said.get("state") != self.state:
            return Stray(_OTHER_STATE if "state" in said else _NO_STATE)
        if "error" in said:
            return Declined(why_refused(said["error"]))
        return Stray(_NO_CODE)

    def form(self, code: str) -> bytes:
        """What to post to the token endpoint to exchange the *code*."""
        body: str = WebApplicationClient(self.client.id).prepare_request_body(
            code=code,
            redirect_uri=self.redirect_uri,
            code_verifier=self.verifier,
            client_secret=self.client.secret,
        )
        return body.encode("ascii")


_NOWHERE = "https://localhost/"
"""
Stands for an address of which only the query matters.

oauthlib takes no address but https.  A redirect to this machine is http (RFC
8252, section 7.3), and never leaves it.
"""

_NO_STATE = (
    "there is no state in it: the whole address is needed, as the browser shows it "
    "after consent"
)
_OTHER_STATE = (
    "it belongs to another login, perhaps an earlier one: its state is not this one's"
)
_NO_CODE = (
    "there is no code in it: the address is needed that the browser is sent to after "
    "consent, not the one where consent is asked"
)


def objection(grant: Grant) -> str | None:
    """Why an account cannot be used with what was granted, if it cannot."""
    if CLOUD not in grant.scopes:
        return (
            f"the scope {CLOUD} was not granted, without which no model can be asked: "
            "log in again, and leave its box ticked"
        )
    if grant.refresh_token is None:
        return (
            "Google gave no refresh token: take back the access of your OAuth client "
            f"at {PERMISSIONS_URL}, signed in as that account, and log in again"
        )
    return None


def missing(grant: Grant) -> list[str]:
    """The scopes that were asked for and not granted."""
    return [scope for scope in SCOPES if scope not in grant.scopes]
