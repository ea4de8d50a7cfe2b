"""
Renewing an access token (RFC 6749, section 6), as Google answers it.

The table of errors is that of ``docs/protocol.md``, "OAuth".
"""

from enum import Enum, auto
from urllib.parse import urlencode

import msgspec
from attrs import define, field, frozen


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


class _Answer(msgspec.Struct):
    access_token: str = ""
    expires_in: float = 3599.0
    refresh_token: str | None = None
    error: str = ""
    error_subtype: str = ""


_FAULTS = {
    "invalid_grant": (Fault.LOGIN, "the refresh token has expired or was revoked"),
    "unauthorized_client": (
        Fault.LOGIN,
        "the refresh token was issued to another OAuth client",
    ),
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
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        answer = _Answer()
    if status == 200 and answer.access_token:
        return AccessToken(
            answer.access_token, answer.expires_in, answer.refresh_token or None
        )
    if answer.error_subtype == "invalid_rapt":
        raise RenewalFailed(Fault.LOGIN, "the organisation wants a new login")
    if 400 <= status < 500 and answer.error in _FAULTS:
        raise RenewalFailed(*_FAULTS[answer.error])
    raise RenewalFailed(Fault.NOBODY, f"the token endpoint answered {status}")
