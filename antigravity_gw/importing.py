"""
The credential files that other programs keep.  No I/O.

Every format is some object with a refresh token, under one of a few names, and
perhaps an OAuth client, a project and an e-mail beside it; ``docs/accounts.md``
lists the programs.  A reason for passing something over, and a warning, is for
the operator to read, and never holds a token.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from attrs import evolve, field, frozen

from antigravity_gw.wire.oauth import OAuthClient, claims

MIB = 2**20
MEMBERS = 1000
"""The files of a ZIP that are looked at."""
MEMBER_LIMIT = MIB
"""The longest of them to read, in bytes."""
ARCHIVE_LIMIT = 32 * MIB
"""How much to read of all of them together, in bytes."""


@frozen
class Found:
    """
    One credential in a file.

    :ivar name: what the file calls the account; empty when it does not.
    :ivar client: the OAuth client that the file brings with it.
    :ivar issued_to: the id of the OAuth client that the token was issued to, when
        the file says so.
    :ivar where: the place in the file; empty when the file is this credential.
    :ivar format: whose format it is, for people.
    """

    name: str = field(repr=False)
    refresh_token: str = field(repr=False)
    client: OAuthClient | None
    project: str | None = field(repr=False)
    issued_to: str | None = None
    where: str = field(default="", repr=False)
    format: str = ""


@frozen
class Skipped:
    """
    Something in a file that is no credential we can use.

    :ivar reason: why not.
    :ivar where: the place in the file; empty when it is the whole file.
    :ivar name: what the file calls the account; empty when it does not.
    """

    reason: str
    where: str = field(default="", repr=False)
    name: str = field(default="", repr=False)


def read_file(data: bytes) -> Iterator[Found | Skipped]:
    """
    Every credential in the content of a file, and what was passed over.

    The content may be JSON, a ZIP of JSON files, or text with a refresh token
    in each line.  Never raises, whatever the bytes; there is always something
    to tell.
    """
    return _without_repeats(_read_zip(data) if _is_zip(data) else _read_plain(data))


def stranger(found: Found, configured: str | None) -> str | None:
    """
    What to tell the operator if Google is going to refuse the token.

    That is so when it was issued to another OAuth client than the one it will
    be used with, or when there is none to use it with.

    :param configured: the id of the OAuth client for accounts without their own.
    :returns: a sentence, or None when nothing speaks against the token.
    """
    client = found.client.id if found.client else configured
    if not client:
        issuer = f" ({found.issued_to})" if found.issued_to else ""
        return (
            "there is no OAuth client to use its token with: configure the one that "
            f"it was issued to{issuer}, or log in again with your own client"
        )
    if found.issued_to in (None, client):
        return None
    return (
        f"its token was issued to the OAuth client {found.issued_to} and will not "
        f"work with {client}: log in again with your own client"
    )


def _without_repeats(entries: Iterable[Found | Skipped]) -> Iterator[Found | Skipped]:
    """These *entries*, each token but once."""
    places: dict[str, str] = {}
    for entry in entries:
        if isinstance(entry, Found):
            token, where = entry.refresh_token, entry.where
            if token in places:
                reason = f"it is the same token as {places[token]}"
                entry = Skipped(reason, where, entry.name)
            else:
                places[token] = where
        yield entry


def _is_zip(data: bytes) -> bool:
    return data.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def _read_zip(data: bytes) -> Iterator[Found | Skipped]:
    try:
        archive = ZipFile(BytesIO(data))
    except Exception:  # what it raises for damage is written down nowhere
        yield Skipped("it is a damaged ZIP")
        return
    members = [m for m in archive.infolist() if not m.filename.endswith("/")]
    if not members:
        yield Skipped("it is a ZIP without a file in it")
    left = ARCHIVE_LIMIT
    for member in members[:MEMBERS]:
        content = _unpacked(archive, member, left)
        if isinstance(content, bytes):
            left -= len(content)
        for entry in _read_member(content):
            places = filter(None, (_printable(member.filename), entry.where))
            yield evolve(entry, where=", ".join(places))
    if len(members) > MEMBERS:
        yield Skipped(f"it has more than {MEMBERS} files; the others were not read")


def _unpacked(archive: ZipFile, member: ZipInfo, left: int) -> bytes | Skipped:
    """What a *member* holds, if it can be read and is no longer than allowed."""
    if member.flag_bits & 1:
        return Skipped("it is encrypted")
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        # The other kinds would be unpacked without regard to a limit.
        return Skipped("it is compressed in a way that is not read here")
    if member.file_size > MEMBER_LIMIT:
        return Skipped(f"it is longer than {MEMBER_LIMIT // MIB} MiB")
    if member.file_size > left:
        return Skipped(f"no more than {ARCHIVE_LIMIT // MIB} MiB of a ZIP are read")
    try:
        with archive.open(member) as file:
            # Reading all would mean as much as there is, whatever size it claims.
            return file.read(MEMBER_LIMIT)
    except Exception:
        return Skipped("it is damaged")


def _read_member(content: bytes | Skipped) -> Iterator[Found | Skipped]:
    if isinstance(content, Skipped):
        yield content
    elif _is_zip(content):
        yield Skipped("it is a ZIP within a ZIP")
    else:
        yield from _read_plain(content)


_ENCRYPTED = re.compile(rb"[0-9a-f]{32}:[0-9a-f]{32}:[0-9a-f]*")
"""How gemini-cli writes what it has encrypted: nonce, tag and text."""


def _read_plain(data: bytes) -> Iterator[Found | Skipped]:
    try:
        text = data.decode("utf-8-sig")
        if any(line.startswith("1//") for line in _lines(text).values()):
            yield from _read_lines(_lines(text))
            return
        # No number matters here, and as a float none is too long.
        document = json.loads(text, parse_int=float)
    except (ValueError, RecursionError) as error:
        yield Skipped(_damage(data, error))
    else:
        yield from _read_document(document)


def _lines(text: str) -> dict[int, str]:
    """The lines with something in them, by their number."""
    lines = enumerate((line.strip() for line in text.split("\n")), 1)
    return {number: line for number, line in lines if line}


def _read_lines(lines: Mapping[int, str]) -> Iterator[Found | Skipped]:
    for number, line in lines.items():
        where = f"line {number}" if len(lines) > 1 else ""
        if line.startswith("1//"):
            yield evolve(_read_packed(line), where=where)
        else:
            yield Skipped("it does not begin with 1//, as a refresh token does", where)


def _damage(data: bytes, error: Exception) -> str:
    """Why *data* could not be read, as the *error* and its beginning tell."""
    start = data.removeprefix(b"\xef\xbb\xbf").strip()
    if not start:
        return "it is empty"
    if _ENCRYPTED.fullmatch(start):
        return (
            "gemini-cli has encrypted it, and only gemini-cli can read it: "
            "log in again with your own client"
        )
    if isinstance(error, RecursionError):
        return "it is JSON nested too deeply"
    if start.startswith((b"{", b"[")):
        return f"it is not valid JSON: {error}"
    return (
        "it is neither JSON, nor a ZIP of JSON files, "
        "nor lines of refresh tokens that begin with 1//"
    )


def _read_document(document: Any) -> Iterator[Found | Skipped]:
    if isinstance(document, Mapping) and isinstance(document.get("accounts"), list):
        document = document["accounts"]
        if document and all(map(_is_indexed, document)):
            yield Skipped(
                "this is the index of Antigravity-Manager, without tokens; "
                "import the files in accounts/ instead"
            )
            return
    if not isinstance(document, list):
        yield _read_entry(document, "refresh token")
        return
    if not document:
        yield Skipped("there is no account in it")
    for number, entry in enumerate(document, 1):
        read = _read_entry(entry, "refresh token list")
        yield evolve(read, where=f"entry {number}")


def _is_indexed(entry: Any) -> bool:
    """Whether *entry* only points at an account that is kept elsewhere."""
    return (
        isinstance(entry, Mapping)
        and "id" in entry
        and not {"token", "refresh_token", "refreshToken"} & entry.keys()
    )


def _read_entry(entry: Any, otherwise: str) -> Found | Skipped:
    """
    What one JSON value holds.

    :param otherwise: what to call its format when it is nobody's in particular.
    """
    if isinstance(entry, Mapping):
        return _read_object(entry, otherwise)
    if isinstance(entry, str) and entry.startswith("1//"):
        return _read_packed(entry)
    return Skipped("it is no object with a refresh token")


def _read_packed(text: str) -> Found | Skipped:
    """The credential in ``token|project|managed project`` or a bare token."""
    return _read_object(
        {"refresh_token": text},
        "packed refresh token" if "|" in text else "refresh token",
    )


def _read_object(entry: Mapping[str, Any], otherwise: str) -> Found | Skipped:
    nested = entry.get("token")
    token: Mapping[str, Any] = nested if isinstance(nested, Mapping) else {}
    places = (token, entry)
    said = claims(_text(places, "id_token"))
    name = _text((entry, token, said), "email", "account")
    packed = next(_texts(places, "refresh_token", "refreshToken"), "")
    refresh, project, *_ = (part.strip() for part in f"{packed}|".split("|"))
    if reason := _objection(entry, refresh):
        return Skipped(reason, name=name)
    id, secret = _text(places, "client_id"), _text(places, "client_secret")
    client = OAuthClient(id, secret) if id and secret else None
    return Found(
        name=name,
        refresh_token=refresh,
        client=client,
        project=_project(project) or _project(_text(places, "project_id", "projectId")),
        issued_to=_text((said,), "azp", "aud") or (not client and id) or None,
        format=_format(entry, token) or otherwise,
    )


_OF_VERTEX = ("service_account", "external_account")
_LOGINS = ("", "authorized_user", "antigravity", "gemini")


def _objection(entry: Mapping[str, Any], refresh_token: str) -> str | None:
    """Why this cannot be an account, if it cannot."""
    type = _text((entry,), "type")
    if type in _OF_VERTEX:
        return (
            f"a credential of type {type} is for Vertex AI: 'antigravity-gw accounts "
            "add NAME --kind vertex --credential-file FILE' takes it"
        )
    if "installed" in entry or "web" in entry:
        return "it is an OAuth client, not an account"
    if entry.get("enabled") is False or any(
        entry.get(name) is True for name in ("disabled", "proxy_disabled")
    ):
        return "it is disabled there"
    if not refresh_token:
        return "it has no refresh token"
    if not refresh_token.isprintable() or " " in refresh_token:
        return "its refresh token has blanks or control characters in it"
    if type not in _LOGINS and not refresh_token.startswith("1//"):
        # Other services' tokens lie in the same directories; they are not for Google.
        return "it is an account of another service than Google"
    return None


def _format(entry: Mapping[str, Any], token: Mapping[str, Any]) -> str:
    """Whose file has such an *entry*; what tells the most comes first."""
    type = entry.get("type")
    is_flat = "token" in entry and "client_id" in entry
    hints = (
        ("gcloud ADC", type == "authorized_user"),
        ("CLIProxyAPI", type in ("antigravity", "gemini")),
        ("gemini-cli", "expiry_date" in entry or "refreshToken" in token),
        ("CLIProxyAPI", "client_id" in token),
        ("Antigravity-Manager", bool(token)),
        ("gcli2api", is_flat and "project_id" in entry),
        ("google-auth", is_flat),
        ("opencode", "refreshToken" in entry),
    )
    return next((name for name, is_so in hints if is_so), "")


def _project(text: str) -> str | None:
    """
    The first project in a list with commas.

    A project's number will not do, nor ``all``; the daemon asks for an id then.
    """
    names = (name.strip() for name in text.split(","))
    useful = (n for n in names if n and n.lower() != "all" and not n.isdigit())
    return next(filter(str.isprintable, useful), None)


def _text(places: Iterable[Mapping[str, Any]], *names: str) -> str:
    """The first of these members that can be shown to people."""
    return next(filter(str.isprintable, _texts(places, *names)), "")


def _texts(places: Iterable[Mapping[str, Any]], *names: str) -> Iterator[str]:
    """These members, as far as they are strings with something in them."""
    values = (place.get(name) for place in places for name in names)
    return filter(None, (v.strip() for v in values if isinstance(v, str)))


def _printable(text: str) -> str:
    return text if text.isprintable() else text.encode("unicode_escape").decode()
