"""
The credential files that other programs keep.  No I/O.

Every format is some object with a refresh token, under one of a few names, and
perhaps an OAuth client, a project and an e-mail beside it; ``docs/accounts.md``
lists the programs.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import field, frozen

from antigravity_gw.wire.oauth import OAuthClient


@frozen
class Found:
    """
    One credential in a file.

    :ivar name: what the file calls the account; empty when it does not.
    """

    name: str = field(repr=False)
    refresh_token: str = field(repr=False)
    client: OAuthClient | None
    project: str | None = field(repr=False)


@frozen
class Skipped:
    """
    Something in a file that is no credential we can use.

    :ivar reason: why not.
    """

    reason: str


def read_credentials(document: Any) -> Iterator[Found | Skipped]:
    """
    Every credential in a parsed JSON *document*, and what was passed over.

    The document may be one credential, a list of them, or an object with a
    list called ``accounts``.
    """
    if isinstance(document, Mapping) and isinstance(document.get("accounts"), list):
        document = document["accounts"]
    entries = document if isinstance(document, list) else [document]
    if not entries:
        yield Skipped("there is no account in it")
    for entry in entries:
        yield _read(entry)


def _read(entry: Any) -> Found | Skipped:
    if not isinstance(entry, Mapping):
        return Skipped("it is no object with a refresh token")
    if entry.get("type") in ("service_account", "external_account"):
        return Skipped(f"a {entry['type']} key has no refresh token")
    if "installed" in entry or "web" in entry:
        return Skipped("it is an OAuth client, not an account")
    if entry.get("disabled") is True or entry.get("enabled") is False:
        return Skipped("it is disabled there")
    nested = entry.get("token")
    token = {**entry, **nested} if isinstance(nested, Mapping) else dict(entry)
    refresh, _, packed_project = _text(
        token, "refresh_token", "refreshToken"
    ).partition("|")
    if not refresh:
        return Skipped("it has no refresh token")
    project = packed_project.partition("|")[0] or _text(
        token, "project_id", "projectId"
    )
    return Found(
        name=_text(entry, "email", "account")
        or _text(token, "email")
        or _text(_claims(_text(token, "id_token")), "email"),
        refresh_token=refresh,
        client=_client(token),
        # A project's number will not do; the daemon asks for its id.
        project=None if project.isdigit() else project.split(",")[0] or None,
    )


def _client(token: Mapping[str, Any]) -> OAuthClient | None:
    id, secret = _text(token, "client_id"), _text(token, "client_secret")
    return OAuthClient(id, secret) if id and secret else None


def _claims(id_token: str) -> Mapping[str, Any]:
    """What an ID token says; it is not verified, since nothing depends on it."""
    _, _, rest = id_token.partition(".")
    payload, _, _ = rest.partition(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    except ValueError:
        return {}
    return claims if isinstance(claims, Mapping) else {}


def _text(entry: Mapping[str, Any], *names: str) -> str:
    """The first of these members that is a string with something in it."""
    values = (entry.get(name) for name in names)
    texts = (v.strip() for v in values if isinstance(v, str) and v.isprintable())
    return next(filter(None, texts), "")
