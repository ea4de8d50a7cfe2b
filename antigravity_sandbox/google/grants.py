"""The grants of machines: signed assertions, exchanged tokens, impersonation."""

from collections.abc import Iterator

from antigravity_sandbox.accounts import Accounts, Standing
from antigravity_sandbox.calls import Call
from antigravity_sandbox.durations import timestamp
from antigravity_sandbox.google.callers import by_token
from antigravity_sandbox.google.errors import (
    PROJECT_NUMBER,
    error_info,
    invalid_argument,
    refusal,
)
from antigravity_sandbox.google.jwt import Assertion, read_assertion
from antigravity_sandbox.google.token import refusal as denial
from antigravity_sandbox.reply import Json, Refused

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"

TOKEN_URL = "https://oauth2.googleapis.com/token"
"""The audience of an assertion, whatever URL it is posted to."""

HOUR, SKEW = 3600.0, 300.0
"""How long an assertion may be good, and how far clocks may be apart, in seconds."""

_POOLS = f"//iam.googleapis.com/projects/{PROJECT_NUMBER}/locations/global/"
AUDIENCE = f"{_POOLS}workloadIdentityPools/sandbox/providers/sandbox"
"""The provider that vouches for every account."""

INVALID_JWT = denial(400, "invalid_grant", "Invalid JWT.")
WRONG_SIGNATURE = denial(400, "invalid_grant", "Invalid JWT Signature.")
UNTIMELY = denial(
    400,
    "invalid_grant",
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
    "timeframe. Check your iat and exp values in the JWT claim.",
)
WRONG_AUDIENCE = denial(400, "invalid_grant", "Invalid JWT: Failed audience check.")
NO_ACCOUNT = denial(400, "invalid_grant", "Invalid grant: account not found")
NO_SCOPE = denial(
    400, "invalid_scope", "Invalid OAuth scope or ID token audience provided."
)
WRONG_SUBJECT = denial(
    400,
    "invalid_grant",
    "The given credential is rejected by the attribute condition.",
)
BAD_PROVIDER = denial(
    400,
    "invalid_request",
    'Invalid value for "audience". This value should be the full resource name of the '
    "Identity Provider. See https://cloud.google.com/iam/docs/reference/sts/rest/v1/"
    "TopLevel/token for the list of possible formats.",
)
NO_PROVIDER = denial(
    400,
    "invalid_target",
    'The target service indicated by the "audience" parameters is invalid. This might '
    "either be because the pool or provider is disabled or deleted or because it "
    "doesn't exist.",
)


def admit_assertion(
    form: dict[str, str], call: Call, accounts: Accounts, now: float
) -> Standing:
    """
    Whose service account has signed.

    :raises Refused: when the assertion in *form* is not to be believed.
    """
    if not (token := form.get("assertion")):
        message = "Missing required parameter: assertion"
        raise Refused(denial(400, "invalid_request", message))
    try:
        assertion = read_assertion(token)
    except ValueError:
        raise Refused(INVALID_JWT) from None
    standing = accounts.by_client_email(assertion.text("iss"))
    if standing is None:
        raise Refused(NO_ACCOUNT)
    call.account = standing.account.name
    _check(assertion, standing, call, now)
    return standing


def _check(assertion: Assertion, standing: Standing, call: Call, now: float) -> None:
    key = standing.service_key
    if standing.orders.refresh_revoked or key is None:
        raise Refused(WRONG_SIGNATURE)
    signed = key.has_signed(assertion.signed, assertion.signature)
    if assertion.header.get("alg") != "RS256" or not signed:
        raise Refused(WRONG_SIGNATURE)
    if assertion.text("aud") not in (TOKEN_URL, f"{call.origin}/token"):
        raise Refused(WRONG_AUDIENCE)
    begins, ends = assertion.instant("iat"), assertion.instant("exp")
    timely = begins - SKEW <= now < ends + SKEW and 0 < ends - begins <= HOUR
    if not timely:
        raise Refused(UNTIMELY)
    if not assertion.text("scope").strip():
        raise Refused(NO_SCOPE)


def grant_assertion(
    standing: Standing, accounts: Accounts, now: float
) -> Iterator[Json]:
    """The answer, its token issued only if it is really sent."""
    yield {
        "access_token": accounts.issue(standing, now),
        "expires_in": int(standing.orders.expires_in),
        "token_type": "Bearer",
    }


def admit_exchange(form: dict[str, str], call: Call, accounts: Accounts) -> Standing:
    """
    Whom the subject token in *form* stands for.

    :raises Refused: when nobody, or when it is not to be exchanged.
    """
    if (kind := form.get("grant_type", "")) != TOKEN_EXCHANGE:
        message = f"Invalid grant_type: {kind}"
        raise Refused(denial(400, "unsupported_grant_type", message))
    for name in ("audience", "subject_token", "subject_token_type"):
        if not form.get(name):
            message = f'Missing required parameter: "{name}"'
            raise Refused(denial(400, "invalid_request", message))
    if not form["audience"].startswith("//iam.googleapis.com/"):
        raise Refused(BAD_PROVIDER)
    if form["audience"] != AUDIENCE:
        raise Refused(NO_PROVIDER)
    standing = accounts.by_subject_token(form["subject_token"].strip())
    if standing is None:
        raise Refused(WRONG_SUBJECT)
    call.account = standing.account.name
    if standing.orders.refresh_revoked:
        raise Refused(WRONG_SUBJECT)
    return standing


def grant_exchange(
    standing: Standing, accounts: Accounts, now: float
) -> Iterator[Json]:
    """The answer to an exchange; see :func:`grant_assertion`."""
    for granted in grant_assertion(standing, accounts, now):
        yield {**granted, "issued_token_type": ACCESS_TOKEN}


def admit_impersonation(
    body: Json, call: Call, accounts: Accounts, now: float
) -> Standing:
    """
    Whose service account a caller may act for, which is its own.

    :raises Refused: when it may not, or when it does not say for what scope.
    """
    standing = by_token(call, accounts, now)
    if call.named["email"] != standing.account.client_email:
        permission = "iam.serviceAccounts.getAccessToken"
        message = f"Permission '{permission}' denied on resource (or it may not exist)."
        info = error_info(
            "IAM_PERMISSION_DENIED", "iam.googleapis.com", permission=permission
        )
        raise Refused(refusal(403, message, info))
    if not body.get("scope"):
        raise Refused(invalid_argument())
    return standing


def grant_impersonation(
    standing: Standing, accounts: Accounts, now: float
) -> Iterator[Json]:
    """The answer, in the words of the IAM credentials API."""
    expires = timestamp(now + standing.orders.expires_in)
    yield {"accessToken": accounts.issue(standing, now), "expireTime": expires}
