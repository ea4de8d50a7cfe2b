"""
What an endpoint says that gives no token for Application Default Credentials.

It may be the token endpoint of users and service accounts, that of identities from
elsewhere (STS, RFC 8693), the one that lets these stand for a service account (IAM),
or somebody else's that says who they are.  The tables are those of
``docs/protocol.md``, "Application Default Credentials".

Whatever is wrong with credentials, others are the way out: there is no login, and no
OAuth client, but the ones in them.
"""

from collections.abc import Mapping
from typing import Any

from antigravity_gw.causes import Cause
from antigravity_gw.needs import Need
from antigravity_gw.wire.google import GoogleError, read_error
from antigravity_gw.wire.jsons import decoded
from antigravity_gw.wire.oauth import CLOCK_WRONG, RAPT, Fault, RenewalFailed, refusal

FINAL = (400, 401, 403, 404)
"""With these an endpoint may mean the credentials; with others it is in trouble."""


def _bad(code: str, reason: str, word: str = "") -> Fault:
    return Fault(code, Need.CREDENTIAL, Cause.CREDENTIALS, reason, word)


_OF_ALL = (
    Fault(
        "deleted_client",
        Need.CREDENTIAL,
        Cause.CLIENT_GONE,
        "the OAuth client in its credentials was deleted",
    ),
    Fault(
        "invalid_client",
        Need.CREDENTIAL,
        Cause.CLIENT_SECRET,
        "the OAuth client in its credentials is not known, or its secret is wrong",
    ),
    Fault(
        "access_denied",
        Need.ENTITLEMENT,
        Cause.INELIGIBLE,
        "Google denies its credentials access",
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
        "the OAuth client in its credentials is for another organisation",
    ),
    Fault(
        "invalid_scope",
        None,
        Cause.SCOPES,
        "the token endpoint does not give what is asked of it, which is this "
        "program's mistake",
    ),
    _bad("invalid_request", "the token endpoint does not understand its credentials"),
    _bad("unauthorized_client", "Google does not let its credentials in"),
    _bad("invalid_grant", "Google does not accept its credentials"),
)

_OF_USERS = (
    Fault(
        "invalid_grant",
        Need.CREDENTIAL,
        Cause.SESSION_CONTROL,
        "the session control of its organisation wants a new login, often daily, "
        "unless the admin trusts the OAuth client or exempts it",
        word=RAPT,
    ),
    Fault(
        "invalid_grant",
        Need.CREDENTIAL,
        Cause.SESSION_CONTROL,
        "the session control of its organisation wants a new login, often daily",
        word="rapt_required",
    ),
    Fault(
        "invalid_grant",
        Need.CREDENTIAL,
        Cause.GRANT_DEAD,
        "the refresh token in its credentials has expired or was revoked",
    ),
    Fault(
        "unauthorized_client",
        Need.CREDENTIAL,
        Cause.OTHER_CLIENT,
        "the refresh token in its credentials was issued to another OAuth client",
    ),
)

_OF_SERVICE_ACCOUNTS = (
    CLOCK_WRONG,
    _bad(
        "invalid_grant",
        "the key of its service account was deleted or disabled, or is another's",
        word="Invalid JWT Signature",
    ),
    _bad(
        "invalid_grant",
        "its service account was deleted or disabled",
        word="account not found",
    ),
    _bad("invalid_grant", "its service account is disabled", word="is disabled"),
    _bad(
        "invalid_grant",
        "Google does not know its service account",
        word="No valid verifier",
    ),
    Fault(
        "unauthorized_client",
        Need.ENTITLEMENT,
        Cause.ADMIN,
        "the admin of its organisation has not granted its service account what is "
        "asked for",
    ),
)

_FROM_ELSEWHERE = (
    _bad(
        "invalid_target",
        "the identity pool or the provider in its credentials does not exist or is "
        "disabled",
    ),
    _bad(
        "invalid_request",
        "the audience in its credentials is not the full name of a provider",
        word="audience",
    ),
    _bad(
        "invalid_grant",
        "the token it has from elsewhere is for another audience than the provider's",
        word="audience",
    ),
    Fault(
        "invalid_grant",
        None,
        Cause.CREDENTIALS,
        "the token it has from elsewhere is too old: whoever makes it has to renew it",
        word="stale",
    ),
    Fault(
        "invalid_grant",
        None,
        Cause.CREDENTIALS,
        "the token it has from elsewhere is too old: whoever makes it has to renew it",
        word="expired",
    ),
    _bad("invalid_grant", "Google does not accept the token it has from elsewhere"),
    _bad(
        "unauthorized_client",
        "the condition of the provider in its credentials does not let it in",
        word="attribute condition",
    ),
)

_FAULTS = {
    "authorized_user": (*_OF_USERS, *_OF_ALL),
    "service_account": (*_OF_SERVICE_ACCOUNTS, *_OF_ALL),
    "external_account": (*_FROM_ELSEWHERE, *_OF_ALL),
}
"""By the type of the credentials; the first that fits counts."""


def refused(type: str, status: int, body: bytes) -> RenewalFailed:
    """
    What it means that one of Google's endpoints did not answer with 200.

    An outage is nobody's fault, and passes: 5xx, 429, a front end's page, and all
    that is not known.

    :param type: of the credentials.
    """
    answer = decoded(body, dict[str, Any]) or {}
    if status not in FINAL:
        return refusal(status, answer, ())
    error = read_error(body) if isinstance(answer.get("error"), Mapping) else None
    if error is not None and type == "external_account":
        return _refused_by_iam(status, error)
    return refusal(status, answer, _FAULTS.get(type, _OF_ALL))


def _refused_by_iam(status: int, error: GoogleError) -> RenewalFailed:
    """What an error in Google's form means, as IAM and STS have it."""
    if not error.reasons().isdisjoint({"SERVICE_DISABLED", "accessNotConfigured"}):
        return RenewalFailed(
            Need.ENTITLEMENT,
            "an API that its credentials need is off: Security Token Service, or IAM "
            "Service Account Credentials",
            Cause.API_OFF,
        )
    if status == 403:
        return RenewalFailed(
            Need.ENTITLEMENT,
            "it may not stand for the service account that its credentials name: it "
            "lacks a role on that, such as Service Account Token Creator",
            Cause.ROLE,
        )
    if status == 404:
        return RenewalFailed(
            Need.CREDENTIAL,
            "there is no such service account as its credentials name",
            Cause.CREDENTIALS,
        )
    reason = f"the token endpoint answered {status}"
    return RenewalFailed(None, reason, Cause.CREDENTIALS)


def unidentified(status: int) -> RenewalFailed:
    """Somebody else did not say with 200 who the credentials are."""
    return RenewalFailed(
        None,
        f"the place from which its credentials have their token answered {status}",
        Cause.CREDENTIALS if status in FINAL else None,
    )
