"""
Consent: who may ask for it, what a code is exchanged for, and whose a token is.

A code is good once and for a short time, for the client, the redirect and the
verifier that it was asked with.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlencode, urlsplit

from attrs import define, field, frozen

from antigravity_sandbox.accounts import CLIENT_ID, Accounts, Standing
from antigravity_sandbox.google.pages import blocked
from antigravity_sandbox.google.token import SCOPES, refusal
from antigravity_sandbox.reply import Json, Refused, Reply

CODE_LIFE = 60.0
"""Seconds for which a code is good."""

CLOUD, EMAIL, PROFILE = SCOPES
ISSUER = "https://accounts.google.com"
LOOPBACK = ("127.0.0.1", "localhost", "::1")

BLOCKED = {
    "admin_policy_enforced": (
        "The Google Account is unable to authorize one or more scopes requested due "
        "to the policies of its Google Workspace administrator."
    ),
    "org_internal": "This client is restricted to users within its organization.",
}
"""Who else than its owner may forbid an account to consent, and in what words."""

WRONG_CODE = refusal(400, "invalid_grant", "Malformed auth code.")
WRONG_VERIFIER = refusal(400, "invalid_grant", "Invalid code verifier.")
WRONG_REDIRECT = refusal(400, "redirect_uri_mismatch", "Bad Request")
INVALID_TOKEN = refusal(400, "invalid_token", "Token expired or revoked")


@frozen
class Asked:
    """
    What the client wants consent for.

    :ivar challenge: the SHA-256 of the verifier that it is to show later.
    :ivar offline: whether it wants a refresh token.
    :ivar again: whether it wants one even if it has had one before.
    :ivar hint: the e-mail of whom it expects; "" for anybody.
    """

    redirect_uri: str
    scopes: tuple[str, ...]
    state: str
    challenge: str
    offline: bool
    again: bool
    hint: str

    def answer(self, **fields: str) -> str:
        """Where to send the browser, with the answer in the query."""
        state = {"state": self.state} if self.state else {}
        return f"{self.redirect_uri}?{urlencode(state | fields)}"


def read_asked(query: Mapping[str, str]) -> Asked:
    """
    What the *query* of the consent page asks for.

    :raises Refused: with a page, as Google does; it redirects only to a client's own.
    """
    if query.get("client_id") != CLIENT_ID:
        raise Refused(blocked(401, "invalid_client", "The OAuth client was not found."))
    redirect = query.get("redirect_uri", "")
    if not _is_loopback(redirect):
        raise Refused(
            blocked(
                400,
                "redirect_uri_mismatch",
                "This app's request is invalid: a desktop app is sent to this machine.",
            )
        )
    if query.get("response_type") != "code":
        raise Refused(_invalid("response_type"))
    scopes = tuple(query.get("scope", "").split())
    if not scopes or not set(scopes) <= set(SCOPES):
        why = "Some requested scopes were invalid."
        raise Refused(blocked(400, "invalid_scope", why))
    challenge = query.get("code_challenge", "")
    if query.get("code_challenge_method") != "S256" or len(challenge) != 43:
        raise Refused(_invalid("code_challenge"))
    return Asked(
        redirect_uri=redirect,
        scopes=scopes,
        state=query.get("state", ""),
        challenge=challenge,
        offline=query.get("access_type") == "offline",
        again="consent" in query.get("prompt", "").split(),
        hint=query.get("login_hint", ""),
    )


def _invalid(name: str) -> Reply:
    why = f"Required parameter is missing or wrong: {name}"
    return blocked(400, "invalid_request", why)


def _is_loopback(uri: str) -> bool:
    try:
        url = urlsplit(uri)
        return (
            url.scheme == "http"
            and url.hostname in LOOPBACK
            and url.port != 0
            and not (url.query or url.fragment)
        )
    except ValueError:
        return False


@frozen
class Consent:
    """
    What somebody has agreed to.

    :ivar scopes: those that were left ticked.
    :ivar renewable: whether a refresh token comes with it.
    :ivar expires: until when its code is good, in POSIX seconds.
    """

    standing: Standing
    asked: Asked
    scopes: tuple[str, ...]
    renewable: bool
    expires: float


@define
class Consents:
    """The codes that are yet to be exchanged.  No clock: *now* is an argument."""

    _by_code: dict[str, Consent] = field(factory=dict, init=False, repr=False)
    _given: int = field(default=0, init=False)

    def decide(
        self,
        asked: Asked,
        standing: Standing,
        ticked: Iterable[str],
        now: float,
    ) -> str:
        """
        Let the owner of *standing* agree.

        :param ticked: the scopes they leave ticked.
        :returns: where to send the browser.
        :raises Refused: with a page, when somebody else forbids it.
        """
        if reason := standing.orders.consent_blocked:
            raise Refused(blocked(400, reason, BLOCKED[reason]))
        scopes = tuple(scope for scope in asked.scopes if scope in set(ticked))
        if not scopes:
            return asked.answer(error="access_denied")
        self._given += 1
        code = f"4/0sandbox-{standing.account.name}-{self._given}"
        is_new = asked.again or not standing.consented
        renewable = asked.offline and is_new and not standing.orders.refresh_withheld
        standing.consented = True
        self._by_code[code] = Consent(
            standing, asked, scopes, renewable, now + CODE_LIFE
        )
        return asked.answer(code=code, scope=" ".join(_spelled(scopes)))

    def admit(self, form: Mapping[str, str], now: float) -> Consent:
        """
        What the code in *form* stands for.

        :raises Refused: when it is not good, or not this caller's.
        """
        consent = self._by_code.get(form.get("code", ""))
        if consent is None or now >= consent.expires:
            raise Refused(WRONG_CODE)
        if form.get("redirect_uri") != consent.asked.redirect_uri:
            raise Refused(WRONG_REDIRECT)
        verifier = form.get("code_verifier", "").encode()
        if _unpadded(hashlib.sha256(verifier).digest()) != consent.asked.challenge:
            raise Refused(WRONG_VERIFIER)
        return consent

    def grant(
        self, form: Mapping[str, str], accounts: Accounts, now: float
    ) -> Iterator[Json]:
        """
        The answer to an exchange that was admitted; the code is used up with it.

        A generator, so that nothing is issued if the answer is not sent.
        """
        consent = self._by_code.pop(form["code"])
        standing = consent.standing
        body: Json = {
            "access_token": accounts.issue(standing, now, EMAIL in consent.scopes),
            "expires_in": int(standing.orders.expires_in),
            "scope": " ".join(_spelled(consent.scopes)),
            "token_type": "Bearer",
        }
        if consent.renewable:
            body["refresh_token"] = accounts.consent(standing)
        if (lasts := standing.orders.refresh_expires_in) is not None:
            body["refresh_token_expires_in"] = int(lasts)
        is_told = bool({EMAIL, PROFILE} & set(consent.scopes))
        if is_told and not standing.orders.id_token_withheld:
            body["id_token"] = _id_token(consent, now)
        yield body


def userinfo(standing: Standing, tells_email: bool) -> Json:
    """Who they are."""
    told: Json = {"id": _subject(standing), "name": standing.account.name.title()}
    if tells_email:
        told |= {"email": standing.account.email, "verified_email": True}
    return told


def revoke(token: str, accounts: Accounts) -> Iterator[Json]:
    """
    Take back all that the account has consented to, as its owner can.

    :raises Refused: when it is nobody's token.
    """
    held = accounts.by_access_token(token)
    standing = held.holder if held else accounts.by_refresh_token(token)
    if standing is None:
        raise Refused(INVALID_TOKEN)

    def events() -> Iterator[Json]:
        accounts.withdraw(standing)
        yield {}

    return events()


def _spelled(scopes: Iterable[str]) -> Iterator[str]:
    """The scopes as Google names them in its answer, which are more than were asked."""
    yield from scopes
    if {EMAIL, PROFILE} & set(scopes):
        yield "openid"


def _id_token(consent: Consent, now: float) -> str:
    """A JWT that nobody has signed."""
    account = consent.standing.account
    claims: Json = {
        "iss": ISSUER,
        "azp": CLIENT_ID,
        "aud": CLIENT_ID,
        "sub": _subject(consent.standing),
        "iat": int(now),
        "exp": int(now) + 3600,
    }
    if EMAIL in consent.scopes:
        claims |= {"email": account.email, "email_verified": True}
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return ".".join([*(_unpadded(json.dumps(part).encode()) for part in parts), ""])


def _subject(standing: Standing) -> str:
    digest = hashlib.sha256(standing.account.name.encode()).hexdigest()
    return str(int(digest[:16], 16)).zfill(21)


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
