"""
Renewing an access token (RFC 6749, section 6), as Google answers it.

The table of errors is that of ``docs/protocol.md``, "OAuth".
"""

from enum import Enum, auto
from typing import Any
from urllib.parse import urlencode

from attrs import define, field, frozen

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


class Fault(Enum):
    """Who has to do something about a renewal that failed."""

    LOGIN = auto()
    """The account's owner: the grant is dead."""
    CLIENT = auto()
    """The operator: the OAuth client is wrong, the account may be fine."""
    NOBODY = auto()
    """Nobody: it will pass."""


@define
class RenewalFailed(Exception):
    """
    No access token was to be had.

    :ivar reason: why, for the operator; it holds no secret.
    """

    fault: Fault
    reason: str


_FAULTS = {
    "invalid_grant": (Fault.LOGIN, "the refresh token has expired or was revoked"),
    "unauthorized_client": (
        Fault.LOGIN,
        "the refresh token was issued to another OAuth client",
    ),
    "access_denied": (Fault.LOGIN, "Google denies the account access"),
    "admin_policy_enforced": (Fault.LOGIN, "the organisation does not allow it"),
    "org_internal": (Fault.LOGIN, "the OAuth client is for another organisation"),
    "invalid_client": (Fault.CLIENT, "the OAuth client id or secret is wrong"),
    "deleted_client": (Fault.CLIENT, "the OAuth client was deleted"),
    "invalid_request": (Fault.CLIENT, "the OAuth client secret is missing"),
}


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
    if answer.get("error_subtype") == "invalid_rapt":
        raise RenewalFailed(Fault.LOGIN, "the organisation wants a new login")
    error = str(answer.get("error"))
    if 400 <= status < 500 and error in _FAULTS:
        raise RenewalFailed(*_FAULTS[error])
    raise RenewalFailed(Fault.NOBODY, f"the token endpoint answered {status}")


def _lifetime(expires_in: object) -> float:
    """Seconds a token lives; an hour, as all of Google's, when that is not said."""
    try:
        return max(0.0, float(str(expires_in)))
    except ValueError:
        return 3599.0
