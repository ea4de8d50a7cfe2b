"""The OAuth token endpoint: a refresh token in, an access token out."""

from collections.abc import Iterator
from urllib.parse import parse_qsl

from antigravity_sandbox.accounts import CLIENT_ID, CLIENT_SECRET, Accounts, Standing
from antigravity_sandbox.reply import Json, Refused, Reply, json_reply

HEADERS = (
    ("Content-Type", "application/json; charset=utf-8"),
    ("Cache-Control", "no-cache, no-store, max-age=0, must-revalidate"),
    ("Pragma", "no-cache"),
    ("Server", "scaffolding on HTTPServer2"),
)
SCOPES = (
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/userinfo.email",
    "https://www.googleapis.com/auth/userinfo.profile",
)
_ADMIN_HELP = "https://support.google.com/a/answer/9368756"


def refusal(status: int, error: str, description: str, **more: str) -> Reply:
    """An error as RFC 6749 has it."""
    body = {"error": error, "error_description": description, **more}
    return json_reply(status, body, HEADERS)


INVALID_GRANT = refusal(400, "invalid_grant", "Token has been expired or revoked.")
UNKNOWN_GRANT = refusal(400, "invalid_grant", "Bad Request")
INVALID_RAPT = refusal(
    400,
    "invalid_grant",
    "reauth related error (invalid_rapt)",
    error_uri=_ADMIN_HELP,
    error_subtype="invalid_rapt",
)
UNKNOWN_CLIENT = refusal(401, "invalid_client", "The OAuth client was not found.")
WRONG_SECRET = refusal(401, "invalid_client", "Unauthorized")
UNAUTHORIZED_CLIENT = refusal(401, "unauthorized_client", "Unauthorized")
SECRET_MISSING = refusal(400, "invalid_request", "client_secret is missing.")
DELETED_CLIENT = refusal(401, "deleted_client", "The OAuth client was deleted.")
ACCESS_DENIED = refusal(403, "access_denied", "Account Restricted")
ADMIN_POLICY = refusal(
    403,
    "admin_policy_enforced",
    "The Google Account is unable to authorize one or more scopes requested due to "
    "the policies of its Google Workspace administrator.",
)
ORG_INTERNAL = refusal(
    403, "org_internal", "This client is restricted to users within its organization."
)
BACKEND_ERROR = refusal(500, "internal_failure", "Backend Error")


def read_form(body: bytes) -> dict[str, str]:
    """The fields of a form; of a field given twice, the last."""
    pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, errors="replace")
    return dict(pairs)


def check_client(form: dict[str, str]) -> None:
    """
    Whether the client is the one that it says it is.

    :raises Refused: when it is not.
    """
    if form.get("client_id") != CLIENT_ID:
        raise Refused(UNKNOWN_CLIENT)
    if not form.get("client_secret"):
        raise Refused(SECRET_MISSING)
    if form["client_secret"] != CLIENT_SECRET:
        raise Refused(WRONG_SECRET)


def admit(form: dict[str, str], accounts: Accounts) -> Standing:
    """
    Whose refresh that is.

    :raises Refused: when it is not to be granted.
    """
    check_client(form)
    if (kind := form.get("grant_type", "")) != "refresh_token":
        message = f"Invalid grant_type: {kind}"
        raise Refused(refusal(400, "unsupported_grant_type", message))
    if not (token := form.get("refresh_token")):
        message = "Missing required parameter: refresh_token"
        raise Refused(refusal(400, "invalid_request", message))
    standing = accounts.by_refresh_token(token)
    if standing is None:
        raise Refused(UNKNOWN_GRANT)
    if standing.orders.refresh_revoked:
        raise Refused(INVALID_GRANT)
    return standing


def grant(standing: Standing, accounts: Accounts, now: float) -> Iterator[Json]:
    """
    The answer to a refresh that was admitted.

    A generator, so that the token is issued (and the refresh token replaced)
    only if the answer is really sent.
    """
    body: Json = {
        "access_token": accounts.issue(standing, now),
        "expires_in": int(standing.orders.expires_in),
        "scope": " ".join(SCOPES),
        "token_type": "Bearer",
    }
    if standing.orders.rotate:
        body["refresh_token"] = accounts.rotate(standing)
    yield body
