"""Credential files for the accounts, as Google's tools would write them."""

from collections.abc import Callable

from antigravity_sandbox.accounts import CLIENT_ID, CLIENT_SECRET, Standing
from antigravity_sandbox.google.grants import AUDIENCE
from antigravity_sandbox.reply import Json
from antigravity_sandbox.signing import ServiceKey

WISHES = ("file", "format", "impersonate")
"""What can be asked of an external account; see :func:`external_account`."""

JWT = "urn:ietf:params:oauth:token-type:jwt"


def api_key(standing: Standing, origin: str, asked: dict[str, str]) -> Json:
    """The key for the public API."""
    return {"apiKey": standing.account.api_key}


def authorized_user(standing: Standing, origin: str, asked: dict[str, str]) -> Json:
    """What ``gcloud auth application-default login`` leaves behind."""
    return {
        "type": "authorized_user",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": standing.refresh_token,
        "quota_project_id": standing.project,
        "token_uri": f"{origin}/token",
        "universe_domain": "googleapis.com",
    }


def service_account(standing: Standing, origin: str, asked: dict[str, str]) -> Json:
    """The key of its service account, which is made when it is first asked for."""
    if standing.service_key is None:
        standing.service_key = ServiceKey()
    email = standing.account.client_email
    return {
        "type": "service_account",
        "project_id": standing.project,
        "private_key_id": standing.service_key.key_id,
        "private_key": standing.service_key.pem,
        "client_email": email,
        "client_id": "100000000000000000000",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": f"{origin}/token",
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
        "client_x509_cert_url": (
            "https://www.googleapis.com/robot/v1/metadata/x509/"
            + email.replace("@", "%40")
        ),
        "universe_domain": "googleapis.com",
    }


def external_account(standing: Standing, origin: str, asked: dict[str, str]) -> Json:
    """
    The way to a token that somebody else than Google vouches for.

    :param asked: ``file``, a path to read the subject token from, rather than
        from a URL; ``format``, "json" for a token wrapped in an object;
        ``impersonate``, "1" to act for the service account.
    """
    source: Json = {"file": asked["file"]} if "file" in asked else {"url": ""}
    if "url" in source:
        name = standing.account.name
        source["url"] = f"{origin}/sandbox/accounts/{name}/subject-token"
    if asked.get("format") == "json":
        field = {"type": "json", "subject_token_field_name": "subject_token"}
        source["format"] = field
        if "url" in source:
            source["url"] += "?format=json"
    found: Json = {
        "type": "external_account",
        "audience": AUDIENCE,
        "subject_token_type": JWT,
        "token_url": f"{origin}/v1/token",
        "credential_source": source,
        "universe_domain": "googleapis.com",
    }
    if asked.get("impersonate") == "1":
        whom = f"serviceAccounts/{standing.account.client_email}"
        url = f"{origin}/v1/projects/-/{whom}:generateAccessToken"
        found["service_account_impersonation_url"] = url
    return found


CREDENTIALS: dict[str, Callable[[Standing, str, dict[str, str]], Json]] = {
    "api_key": api_key,
    "authorized_user": authorized_user,
    "external_account": external_account,
    "service_account": service_account,
}
"""
Every type of credentials.

Each function takes the account, the URL at which its caller has reached the
sandbox, and the query of the call.
"""
