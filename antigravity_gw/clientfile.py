"""
The OAuth client that the Google Cloud console lets one download.  No I/O.

The file is called ``client_secret_*.json``, and has one object in it, named by the
client's type.
"""

from typing import Any

from attrs import define, frozen

from antigravity_gw.checks import is_upstream_url
from antigravity_gw.wire.jsons import decoded
from antigravity_gw.wire.oauth import OAuthClient

HOW_TO = (
    "make one in the Google Cloud console, under 'Clients', of type 'Desktop app', "
    "and download its JSON"
)


@define
class NotAClient(Exception):
    """A file has no OAuth client in it that could log in here."""

    message: str

    def __str__(self) -> str:
        return self.message


@frozen
class ClientFile:
    """
    What such a file says.

    :ivar authorization_url: where consent is asked; None when the file does not say.
    :ivar token_url: where a code is exchanged, likewise.
    """

    client: OAuthClient
    authorization_url: str | None = None
    token_url: str | None = None


def read_client_file(data: bytes) -> ClientFile:
    """
    The client in the content of a file.

    :raises NotAClient: when there is none, or one that is not for a desktop.
    """
    document = decoded(data, dict[str, Any])
    if document is None:
        raise NotAClient(f"it is not the JSON of an OAuth client: {HOW_TO}")
    if "web" in document:
        raise NotAClient(
            "it is an OAuth client of type 'Web application', which Google does not "
            f"send back to this machine: {HOW_TO}"
        )
    fields = document.get("installed")
    if not isinstance(fields, dict):
        raise NotAClient(f"it is not an OAuth client: {HOW_TO}")
    id, secret = _word(fields, "client_id"), _word(fields, "client_secret")
    if id is None or secret is None:
        raise NotAClient(
            "it lacks a client_id or client_secret: download it again from the Google "
            "Cloud console, or add a secret to the client there"
        )
    return ClientFile(
        OAuthClient(id, secret), _url(fields, "auth_uri"), _url(fields, "token_uri")
    )


def _word(fields: dict[str, Any], name: str) -> str | None:
    """A member, if it is one word of plain letters."""
    value = fields.get(name)
    is_word = isinstance(value, str) and value.isascii() and value.isprintable()
    return value if is_word and value and " " not in value else None


def _url(fields: dict[str, Any], name: str) -> str | None:
    """A member, if it is an address that secrets may be sent to."""
    value = _word(fields, name)
    return value if value is not None and is_upstream_url(value) else None
