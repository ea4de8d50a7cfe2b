"""
Renewing an access token (RFC 6749, section 6), as Google answers it.

The table of errors is that of ``docs/protocol.md``, "OAuth".
"""

import math
from collections.abc import Mapping
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
class _Fault:
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

_FAULTS = (
    _Fault(
        "invalid_grant",
        None,
        Cause.CLOCK,
        "this machine's clock is wrong, by Google's",
        word="reasonable timeframe",
    ),
    _Fault(
        "invalid_grant",
        Need.CREDENTIAL,
        Cause.CREDENTIALS,
        "the key of the service account was deleted, or is another's",
        word="Invalid JWT Signature",
    ),
    _Fault(
        "invalid_grant",
        Need.CREDENTIAL,
        Cause.CREDENTIALS,
        "there is no such service account any more",
        word="account not found",
    ),
    _Fault(
        "invalid_grant",
        Need.LOGIN,
        Cause.SESSION_CONTROL,
        "the session control of its organisation wants a new login, often daily, "
        "unless the admin trusts the OAuth client or exempts it",
        word=RAPT,
    ),
    _Fault(
        "invalid_grant",
        Need.LOGIN,
        Cause.GRANT_DEAD,
        "the refresh token has expired or was revoked (it lives 7 days while the "
        "consent screen of the OAuth client is in testing)",
    ),
    _Fault(
        "unauthorized_client",
        Need.LOGIN,
        Cause.OTHER_CLIENT,
        "the refresh token was issued to another OAuth client",
    ),
    _Fault(
        "access_denied",
        Need.ENTITLEMENT,
        Cause.INELIGIBLE,
        "Google denies the account access",
    ),
    _Fault(
        "admin_policy_enforced",
        Need.ENTITLEMENT,
        Cause.ADMIN,
        "the admin of its organisation does not allow it",
    ),
    _Fault(
        "org_internal",
        Need.ENTITLEMENT,
        Cause.ADMIN,
        "the OAuth client is for another organisation",
    ),
    _Fault(
        "invalid_client",
        Need.CLIENT,
        Cause.CLIENT_SECRET,
        "the OAuth client id or secret is wrong",
    ),
    _Fault(
        "deleted_client", Need.CLIENT, Cause.CLIENT_GONE, "the OAuth client was deleted"
    ),
    _Fault(
        "invalid_request",
        Need.CLIENT,
        Cause.CLIENT_SECRET,
        "the OAuth client secret is missing",
        word="client_secret",
    ),
    _Fault(
        "invalid_request",
        Need.CLIENT,
        Cause.CLIENT_SECRET,
        "the token endpoint did not understand the request",
    ),
)
"""The first that fits counts."""


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
            _lifetime(answer.get("expires_in")),
            rotated if isinstance(rotated, str) and rotated else None,
        )
    raise refusal(status, answer)


def refusal(status: int, answer: Mapping[str, Any]) -> RenewalFailed:
    """What an answer of a token endpoint that has no token amounts to."""
    code = answer.get("error")
    said = [answer.get(key) for key in ("error_subtype", "error_description")]
    text = " ".join(each for each in said if isinstance(each, str))
    fits = (f for f in _FAULTS if f.code == code and f.word in text)
    fault = next(fits, None) if 400 <= status < 500 and status != 429 else None
    if fault is None:
        return RenewalFailed(None, f"the token endpoint answered {status}")
    return RenewalFailed(fault.need, fault.reason, fault.cause)


def _lifetime(expires_in: object) -> float:
    """Seconds a token lives; an hour, as all of Google's, when that is not said."""
    try:
        said = expires_in if isinstance(expires_in, int | float | str) else ""
        seconds = float(said)
    except (ValueError, OverflowError):
        return 3599.0
    return min(86_400.0, max(0.0, seconds)) if math.isfinite(seconds) else 3599.0
