"""
What the token endpoint gives for a refresh token or a code, as Google answers it.

The table of errors is that of ``docs/protocol.md``, "OAuth".
"""

import base64
import math
import re
from collections.abc import Collection, Mapping
from itertools import chain
from typing import Any
from urllib.parse import urlencode

from attrs import define, field, frozen

from antigravity_gw.causes import Cause
from antigravity_gw.needs import Need
from antigravity_gw.wire.jsons import decoded


@frozen
class OAuthClient:
    """The OAuth client that a refresh token was issued to."""

    id: str
    secret: str = field(repr=False)


@frozen
class AccessToken:
    """
    What a refresh token was exchanged for.

    :ivar expires_in: seconds it was said to live.
    :ivar rotated: the refresh token that replaces the one used, if it does.
    """

    value: str = field(repr=False)
    expires_in: float
    rotated: str | None = field(default=None, repr=False)


@frozen
class Grant:
    """
    What a code was exchanged for.

    :ivar refresh_token: None when none came along.
    :ivar scopes: what was granted.
    :ivar lasts: after how many seconds it ends by itself; None if that is not said.
    :ivar email: whose it is, if that is said.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    scopes: frozenset[str]
    lasts: float | None = None
    email: str | None = field(default=None, repr=False)


@define
class RenewalFailed(Exception):
    """
    No access token was to be had.

    :ivar need: what a person has to do, or None when it will pass.
    :ivar reason: why, for the operator; it holds no secret.
    :ivar cause: what is behind it, if that is known.
    """

    need: Need | None
    reason: str
    cause: Cause | None = None


@frozen
class Fault:
    """
    An error of the token endpoint, and who has to do something about it.

    :ivar word: what its subtype or description has in it as well.
    """

    code: str
    need: Need | None
    cause: Cause
    reason: str
    word: str = ""


RAPT = "invalid_rapt"
"""What Google calls the proof that somebody has logged in of late."""

CLOCK_WRONG = Fault(
    "invalid_grant",
    None,
    Cause.CLOCK,
    "this machine's clock is wrong, by Google's",
    word="reasonable timeframe",
)

_FAULTS = (
    CLOCK_WRONG,
    Fault(
        "invalid_grant",
        Need.LOGIN,
        Cause.SESSION_CONTROL,
        "the session control of its organisation wants a new login, often daily, "
        "unless the admin trusts the OAuth client or exempts it",
        word=RAPT,
    ),
    Fault(
        "invalid_grant",
        Need.LOGIN,
        Cause.GRANT_DEAD,
        "the refresh token has expired or was revoked (it lives 7 days while the "
        "consent screen of the OAuth client is in testing)",
    ),
    Fault(
        "unauthorized_client",
        Need.LOGIN,
        Cause.OTHER_CLIENT,
        "the refresh token was issued to another OAuth client",
    ),
    Fault(
        "access_denied",
        Need.ENTITLEMENT,
        Cause.INELIGIBLE,
        "Google denies the account access",
    ),
    Fault(
        "admin_policy_enforced",
        Need.ENTITLEMENT,
        Cause.ADMIN,
        "the admin of its organisation does not allow it",
    ),
    Fault(
        "org_internal",
        Need.ENTITLEMENT,
        Cause.ADMIN,
        "the OAuth client is for another organisation",
    ),
    Fault(
        "invalid_client",
        Need.CLIENT,
        Cause.CLIENT_SECRET,
        "the OAuth client id or secret is wrong",
    ),
    Fault(
        "deleted_client", Need.CLIENT, Cause.CLIENT_GONE, "the OAuth client was deleted"
    ),
    Fault(
        "invalid_request",
        Need.CLIENT,
        Cause.CLIENT_SECRET,
        "the OAuth client secret is missing",
        word="client_secret",
    ),
    Fault(
        "invalid_request",
        Need.CLIENT,
        Cause.CLIENT_SECRET,
        "the token endpoint did not understand the request",
    ),
)
"""The first that fits counts."""

_CODE_FAULTS = (
    *(fault for fault in _FAULTS if fault.word == RAPT),
    Fault(
        "invalid_grant",
        Need.LOGIN,
        Cause.GRANT_DEAD,
        "the code from the redirect has expired or was used already",
    ),
    Fault(
        "redirect_uri_mismatch",
        Need.CLIENT,
        Cause.CLIENT_SECRET,
        "the OAuth client takes no redirects to this machine, since it is not of "
        "type Desktop app",
    ),
    *_FAULTS,
)
"""The same, when it was a code that was to be exchanged."""

_CONSENT_FAULTS = (
    Fault("access_denied", Need.LOGIN, Cause.INELIGIBLE, "consent was denied"),
    *_CODE_FAULTS,
)
"""The same, when it is the redirect that brings an error and not a code."""

_WORD = re.compile(r"[a-z_]{1,60}")


LONGEST_GRANT = 10 * 366 * 86_400.0
"""The longest that a grant is taken to last, in seconds."""

LONGEST_TOKEN = 4096
"""The longest refresh token to take, in letters; Google's are far shorter."""


def checked_refresh_token(text: str) -> str:
    """
    *text*, if it can be a refresh token.

    :raises ValueError: saying why it cannot.
    """
    if text.startswith("ya29."):
        raise ValueError(
            "that is an access token, which is dead within the hour; a refresh token "
            "begins with 1//"
        )
    if text.startswith(("AIza", "AQ.")):
        raise ValueError(
            "that is an API key, where a refresh token was expected: say --kind "
            "gemini_api_key"
        )
    is_word = text.isascii() and text.isprintable() and len(text) <= LONGEST_TOKEN
    if not is_word or not set(text).isdisjoint("\"'|{}, "):
        raise ValueError(
            "that is no refresh token; 'antigravity-gw accounts import FILE' reads "
            "the files of other programs"
        )
    return text


def renewal_form(client: OAuthClient, refresh_token: str) -> bytes:
    """The form to post to the token endpoint."""
    form = {
        "client_id": client.id,
        "client_secret": client.secret,
        "refresh_token": refresh_token,
        "grant_type": "refresh_token",
    }
    return urlencode(form).encode("ascii")


def read_renewal(status: int, body: bytes) -> AccessToken:
    """
    The access token in the token endpoint's answer.

    :raises RenewalFailed: when there is none.
    """
    answer = decoded(body, dict[str, Any]) or {}
    token, rotated = answer.get("access_token"), answer.get("refresh_token")
    if status == 200 and isinstance(token, str) and token:
        return AccessToken(
            token,
            lifetime(answer.get("expires_in")),
            rotated if isinstance(rotated, str) and rotated else None,
        )
    raise refusal(status, answer)


def read_grant(status: int, body: bytes, asked: Collection[str]) -> Grant:
    """
    What the token endpoint's answer to a code grants.

    :param asked: the scopes that were asked for, which are granted if the answer
        does not say otherwise.
    :raises RenewalFailed: when it grants nothing.
    """
    answer = decoded(body, dict[str, Any]) or {}
    token, refresh = answer.get("access_token"), answer.get("refresh_token")
    if not (status == 200 and isinstance(token, str) and token):
        raise refusal(status, answer, _CODE_FAULTS)
    id_token = answer.get("id_token")
    return Grant(
        token,
        _refresh_token(refresh) if isinstance(refresh, str) and refresh else None,
        _scopes(answer.get("scope"), asked),
        _lasting(answer.get("refresh_token_expires_in")),
        email_in(claims(id_token if isinstance(id_token, str) else "")),
    )


def _refresh_token(text: str) -> str:
    try:
        return checked_refresh_token(text)
    except ValueError:
        raise RenewalFailed(
            Need.LOGIN, "the token endpoint gave a refresh token that is none"
        ) from None


def _scopes(scope: object, asked: Collection[str]) -> frozenset[str]:
    """Those that are named, in a text or a list; if nothing is said, as asked."""
    if scope is None:
        return frozenset(asked)
    texts = scope if isinstance(scope, list) else [scope]
    words = (text.split() for text in texts if isinstance(text, str))
    return frozenset(chain.from_iterable(words))


def _lasting(expires_in: object) -> float | None:
    """Seconds a grant lasts; None if that is not said, or makes no sense."""
    seconds = _seconds(expires_in)
    return None if seconds is None or seconds <= 0 else min(LONGEST_GRANT, seconds)


def why_refused(code: str) -> str:
    """Why a redirect brings the error *code*; it is repeated only if it is a word."""
    fault = _fault(code, "", _CONSENT_FAULTS)
    if fault is not None:
        return fault.reason
    return f"Google answered {code if _WORD.fullmatch(code) else 'something unknown'}"


def claims(id_token: str) -> Mapping[str, Any]:
    """What an ID token says; it is not verified, since nothing depends on it."""
    _, _, rest = id_token.partition(".")
    payload, _, _ = rest.partition(".")
    try:
        said = base64.urlsafe_b64decode(payload + "==")
    except ValueError:
        return {}
    return decoded(said, dict[str, Any]) or {}


def email_in(said: Mapping[str, Any]) -> str | None:
    """The e-mail in what is said of somebody."""
    email = said.get("email")
    return email if isinstance(email, str) and email else None


def _fault(code: object, text: str, faults: tuple[Fault, ...]) -> Fault | None:
    return next((f for f in faults if f.code == code and f.word in text), None)


def refusal(
    status: int, answer: Mapping[str, Any], faults: tuple[Fault, ...] = _FAULTS
) -> RenewalFailed:
    """What an answer of a token endpoint that has no token amounts to."""
    said = [answer.get(key) for key in ("error_subtype", "error_description")]
    text = " ".join(each for each in said if isinstance(each, str))
    is_said = 400 <= status < 500 and status != 429
    fault = _fault(answer.get("error"), text, faults) if is_said else None
    if fault is None:
        return RenewalFailed(None, f"the token endpoint answered {status}")
    return RenewalFailed(fault.need, fault.reason, fault.cause)


def lifetime(expires_in: object) -> float:
    """Seconds a token lives; an hour, as all of Google's, when that is not said."""
    seconds = _seconds(expires_in)
    return 3599.0 if seconds is None else min(86_400.0, max(0.0, seconds))


def _seconds(value: object) -> float | None:
    """A number of seconds, however it is spelled; None when it is none."""
    try:
        seconds = float(value if isinstance(value, int | float | str) else "")
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) else None
