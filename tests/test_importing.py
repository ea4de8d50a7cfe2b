"""Tests for ``antigravity_gw.importing``."""

import json
import tracemalloc
import zlib
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.importing import (
    ARCHIVE_LIMIT,
    MEMBER_LIMIT,
    MEMBERS,
    Found,
    Skipped,
    read_file,
    stranger,
)
from antigravity_gw.wire.oauth import OAuthClient

X = OAuthClient("x", "s")
PLAIN = {"refresh_token": "1//x"}


def read_credentials(document: Any) -> Iterator[Found | Skipped]:
    """What is in a JSON file with this document."""
    return read_file(json.dumps(document).encode())


def found(
    name: str = "",
    client: OAuthClient | None = None,
    project: str | None = None,
    issued_to: str | None = None,
    *,
    where: str = "",
    format: str,
) -> Found:
    """What is read of an entry with the refresh token that all examples have."""
    return Found(name, "1//x", client, project, issued_to, where, format)


def id_token(**claims: Any) -> str:
    """An ID token that says this, signed by nobody."""
    return f"e.{urlsafe_b64encode(json.dumps(claims).encode()).decode()}.s"


def zipped(
    members: Mapping[str, bytes | dict[str, Any]], compression: int = ZIP_DEFLATED
) -> bytes:
    """A ZIP of these, objects as JSON."""
    with ZipFile(file := BytesIO(), "w", compression) as archive:
        for name, content in members.items():
            data = content if isinstance(content, bytes) else json.dumps(content)
            archive.writestr(name, data)
    return file.getvalue()


def reasons(data: bytes) -> list[str]:
    """Why each entry of this file was skipped."""
    return [each.reason for each in read_file(data) if isinstance(each, Skipped)]


FORMATS = [
    pytest.param(
        {
            "access_token": "ya29.x",
            "refresh_token": "1//x",
            "scope": "…",
            "token_type": "Bearer",
            "id_token": "e.y.J",
            "expiry_date": 1780000000000,
        },
        found(format="gemini-cli"),
        id="gemini-cli",
    ),
    pytest.param(
        {
            "refresh_token": "1//x",
            "id_token": id_token(email="a@example.com", azp="x", aud="y"),
            "expiry_date": 1780000000000,
        },
        found("a@example.com", issued_to="x", format="gemini-cli"),
        id="gemini-cli, with an ID token",
    ),
    pytest.param(
        {
            "serverName": "main-account",
            "token": {"accessToken": "ya29.x", "refreshToken": "1//x"},
            "updatedAt": 1780000000000,
        },
        found(format="gemini-cli"),
        id="gemini-cli, in its keychain",
    ),
    pytest.param(
        {
            "type": "authorized_user",
            "client_id": "x",
            "client_secret": "s",
            "refresh_token": "1//x",
            "quota_project_id": "my-proj",
            "account": "",
        },
        found(client=X, format="gcloud ADC"),
        id="gcloud",
    ),
    pytest.param(
        {
            "id": "u",
            "email": "a@example.com",
            "token": {
                "access_token": "ya29.x",
                "refresh_token": "1//x",
                "expires_in": 3599,
                "expiry_timestamp": 1780000000,
                "token_type": "Bearer",
                "project_id": "p",
                "id_token": id_token(aud="y"),
            },
            "disabled": False,
        },
        found("a@example.com", None, "p", "y", format="Antigravity-Manager"),
        id="Antigravity-Manager",
    ),
    pytest.param(
        {"accounts": [{"email": "a@example.com", "refresh_token": "1//x"}]},
        found("a@example.com", where="entry 1", format="refresh token list"),
        id="Antigravity-Manager, exported",
    ),
    pytest.param(
        [{"email": "a@example.com", "refresh_token": "1//x"}],
        found("a@example.com", where="entry 1", format="refresh token list"),
        id="Antigravity-Manager, to import",
    ),
    pytest.param(
        {
            "type": "antigravity",
            "access_token": "ya29.x",
            "refresh_token": "1//x",
            "expires_in": 3599,
            "timestamp": 1780000000000,
            "expired": "2026-06-01T00:00:00Z",
            "email": "a@example.com",
            "project_id": "p",
        },
        found("a@example.com", None, "p", format="CLIProxyAPI"),
        id="CLIProxyAPI",
    ),
    pytest.param(
        {
            "token": {
                "access_token": "ya29.x",
                "refresh_token": "1//x",
                "expiry": "2026-06-01T00:00:00Z",
                "token_uri": "…",
                "client_id": "x",
                "client_secret": "s",
                "scopes": ["…"],
            },
            "project_id": "p,all",
            "email": "a@example.com",
            "auto": False,
            "checked": True,
            "type": "gemini",
        },
        found("a@example.com", X, "p", format="CLIProxyAPI"),
        id="CLIProxyAPI, old",
    ),
    pytest.param(
        {"token": {"refresh_token": "1//x", "client_id": "x", "client_secret": "s"}},
        found(client=X, format="CLIProxyAPI"),
        id="CLIProxyAPI, old, without its type",
    ),
    pytest.param(
        {
            "client_id": "x",
            "client_secret": "s",
            "token": "ya29.x",
            "refresh_token": "1//x",
            "scopes": ["…"],
            "token_uri": "https://oauth2.googleapis.com/token",
            "project_id": "p",
            "expiry": "2026-06-01T00:00:00+00:00",
        },
        found(client=X, project="p", format="gcli2api"),
        id="gcli2api",
    ),
    pytest.param(
        {
            "token": "ya29.x",
            "refresh_token": "1//x",
            "token_uri": "https://oauth2.googleapis.com/token",
            "client_id": "x",
            "client_secret": "s",
            "scopes": ["…"],
            "universe_domain": "googleapis.com",
            "account": "a@example.com",
            "expiry": "2026-06-01T00:00:00Z",
        },
        found("a@example.com", X, format="google-auth"),
        id="google-auth",
    ),
    pytest.param(
        {
            "version": 4,
            "accounts": [
                {
                    "email": "a@example.com",
                    "refreshToken": "1//x",
                    "projectId": "p",
                    "enabled": True,
                }
            ],
            "activeIndex": 0,
        },
        found("a@example.com", None, "p", where="entry 1", format="opencode"),
        id="opencode",
    ),
    pytest.param(
        "1//x|p|", found(project="p", format="packed refresh token"), id="packed"
    ),
    pytest.param("1//x", found(format="refresh token"), id="bare"),
    pytest.param(
        {"email": "a@example.com", "refresh_token": "1//x|p|managed"},
        found("a@example.com", None, "p", format="refresh token"),
        id="packed, in an object",
    ),
    pytest.param(
        {"refresh_token": "1//x", "client_id": "x"},
        found(issued_to="x", format="refresh token"),
        id="a client without its secret",
    ),
    pytest.param(
        {"email": "a\nb", "account": "a@example.com", "refresh_token": " 1//x "},
        found("a@example.com", format="refresh token"),
        id="a name that cannot be printed",
    ),
]


@pytest.mark.parametrize(("document", "expected"), FORMATS)
def test_formats(document: Any, expected: Found) -> None:
    """The file of each program that is known to keep a refresh token."""
    as_json = json.dumps(document).encode()

    assert list(read_credentials(document)) == [expected]
    assert list(read_file(as_json)) == [expected]
    assert list(read_file(b"\xef\xbb\xbf" + as_json)) == [expected]


FOR_VERTEX = (
    "is for Vertex AI: 'antigravity-gw accounts add NAME --kind vertex "
    "--credential-file FILE' takes it"
)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        pytest.param([], "there is no account in it", id="empty list"),
        pytest.param({"accounts": []}, "there is no account in it", id="no accounts"),
        pytest.param({}, "it has no refresh token", id="empty object"),
        pytest.param(None, "it is no object with a refresh token", id="null"),
        pytest.param("x", "it is no object with a refresh token", id="some string"),
        pytest.param(
            {"installed": {"client_id": "x", "client_secret": "x", "project_id": "p"}},
            "it is an OAuth client, not an account",
            id="OAuth client",
        ),
        pytest.param(
            {"web": {"client_id": "x"}},
            "it is an OAuth client, not an account",
            id="OAuth client for the web",
        ),
        pytest.param(
            {
                "type": "service_account",
                "project_id": "p",
                "private_key_id": "k",
                "private_key": "-----BEGIN PRIVATE KEY-----\n…",
                "client_email": "s@p.iam.gserviceaccount.com",
                "token_uri": "https://oauth2.googleapis.com/token",
            },
            f"a credential of type service_account {FOR_VERTEX}",
            id="service account",
        ),
        pytest.param(
            {
                "type": "external_account",
                "audience": "//iam.googleapis.com/…",
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "token_url": "https://sts.googleapis.com/v1/token",
                "credential_source": {"file": "/t"},
            },
            f"a credential of type external_account {FOR_VERTEX}",
            id="workload identity",
        ),
        pytest.param(
            {
                "version": "2.0",
                "accounts": [{"id": "u", "email": "a@example.com"}],
                "current_account_id": "u",
            },
            "this is the index of Antigravity-Manager, without tokens; "
            "import the files in accounts/ instead",
            id="Antigravity-Manager's index",
        ),
        pytest.param(
            {"type": "codex", "refresh_token": "rt_x"},
            "it is an account of another service than Google",
            id="another service's",
        ),
        pytest.param(
            {"type": ["codex"], "refresh_token": 7},
            "it has no refresh token",
            id="members of other types",
        ),
        pytest.param({"token": {}}, "it has no refresh token", id="empty token"),
        pytest.param({"refresh_token": " "}, "it has no refresh token", id="blank"),
        pytest.param({"refresh_token": "|p"}, "it has no refresh token", id="packed"),
        *(
            pytest.param(
                {"refresh_token": token},
                "its refresh token has blanks or control characters in it",
                id=repr(token),
            )
            for token in ("1//x y", "1//x\ny", "1//x\0", "\ud800")
        ),
        *(
            pytest.param(
                {"refresh_token": "1//x", **switch}, "it is disabled there", id=name
            )
            for switch in (
                {"disabled": True},
                {"proxy_disabled": True},
                {"enabled": False},
            )
            for name in switch
        ),
    ],
)
def test_no_account(document: Any, reason: str) -> None:
    """What is no account of Google's, or not to be used, is passed over, and why."""
    (skipped,) = read_credentials(document)

    assert isinstance(skipped, Skipped)
    assert skipped.reason == reason


def test_the_good_among_the_bad() -> None:
    """Bad entries do not spoil the good ones, and each is told apart."""
    opencode = {
        "version": 4,
        "accounts": [
            {"email": "a", "refreshToken": "1//a", "projectId": "p"},
            {"email": "b"},
            7,
            {"email": "c", "refreshToken": "1//c"},
        ],
    }

    assert list(read_credentials(opencode)) == [
        Found("a", "1//a", None, "p", None, "entry 1", "opencode"),
        Skipped("it has no refresh token", "entry 2", "b"),
        Skipped("it is no object with a refresh token", "entry 3"),
        Found("c", "1//c", None, None, None, "entry 4", "opencode"),
    ]


def test_same_token() -> None:
    """A token is imported once, but not passed over for one that was not used."""
    _, first, second = read_credentials(
        [{**PLAIN, "disabled": True}, PLAIN, {**PLAIN, "email": "a"}]
    )

    assert first == found(where="entry 2", format="refresh token list")
    assert second == Skipped("it is the same token as entry 2", "entry 3", "a")


@pytest.mark.parametrize(
    ("project", "expected"),
    [
        ("p", "p"),
        ("p, q", "p"),
        ("p,all", "p"),
        ("ALL", None),
        ("123456", None),
        ("123456,p", "p"),
        ("", None),
        ("p\x1b", None),
    ],
)
def test_projects(project: str, expected: str | None) -> None:
    """A project is named by its id; what is no id is left out."""
    (entry,) = read_credentials({**PLAIN, "project_id": project})

    assert isinstance(entry, Found)
    assert entry.project == expected


def test_lines() -> None:
    """Refresh tokens can stand in the lines of a text, packed or not."""
    text = b"\r\n1//x|p|managed\r\n\r\n# old\r\n  1//y\r\n1//x\r\n1//z\x1b[0m\r\n"

    assert list(read_file(text)) == [
        found(project="p", where="line 2", format="packed refresh token"),
        Skipped("it does not begin with 1//, as a refresh token does", "line 4"),
        Found("", "1//y", None, None, None, "line 5", "refresh token"),
        Skipped("it is the same token as line 2", "line 6"),
        Skipped("its refresh token has blanks or control characters in it", "line 7"),
    ]
    assert list(read_file(b"1//x\n")) == [found(format="refresh token")]


NEITHER = (
    "it is neither JSON, nor a ZIP of JSON files, "
    "nor lines of refresh tokens that begin with 1//"
)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b" \n", "it is empty", id="blank"),
        pytest.param(b"\xef\xbb\xbf", "it is empty", id="only a mark"),
        pytest.param(b"hello", NEITHER, id="text"),
        pytest.param(b"SQLite format 3\0\xff", NEITHER, id="binary"),
        pytest.param(b"PK\x03\x04", "it is a damaged ZIP", id="ZIP, cut"),
        pytest.param(zipped({}), "it is a ZIP without a file in it", id="ZIP, empty"),
        pytest.param(b"[" * 100_000, "it is JSON nested too deeply", id="deep"),
        pytest.param(
            b"{\n7}",
            "it is not valid JSON: Expecting property name enclosed in double quotes: "
            "line 2 column 1 (char 2)",
            id="mistake",
        ),
        pytest.param(
            b'{}\n{"refresh_token":"1//x"}',
            "it is not valid JSON: Extra data: line 2 column 1 (char 3)",
            id="JSON lines",
        ),
        pytest.param(
            b"%b:%b:%b" % (b"0a" * 16, b"1b" * 16, b"2c" * 50),
            "gemini-cli has encrypted it, and only gemini-cli can read it: "
            "log in again with your own client",
            id="gemini-cli, encrypted",
        ),
    ],
)
def test_no_such_file(data: bytes, reason: str) -> None:
    """What cannot be read is told in one sentence."""
    assert list(read_file(data)) == [Skipped(reason)]


def test_long_number() -> None:
    """A number that is longer than numbers are does not spoil an account."""
    data = b'{"refresh_token":"1//x","expiry_date":%b}' % (b"9" * 10_000)

    assert list(read_file(data)) == [found(format="gemini-cli")]


def test_zip() -> None:
    """The files of a ZIP are read each, and told apart by their names."""
    inner = zipped({"a.json": PLAIN})
    data = zipped(
        {
            "creds/": b"",
            "creds/a.json": PLAIN,
            "creds/b.json": PLAIN,
            "list.json": b'[{"email":"c"}]',
            "x\x1b.txt": b"hello",
            "more.zip": inner,
        }
    )

    assert list(read_file(data)) == [
        found(where="creds/a.json", format="refresh token"),
        Skipped("it is the same token as creds/a.json", "creds/b.json"),
        Skipped("it has no refresh token", "list.json, entry 1", "c"),
        Skipped(NEITHER, "x\\x1b.txt"),
        Skipped("it is a ZIP within a ZIP", "more.zip"),
    ]


def test_zip_with_bad_members() -> None:
    """A file in a ZIP that cannot be unpacked does not spoil the others."""
    good = zipped({"bad": b"1//b" * 9, "good": PLAIN})
    directory = good.index(b"PK\x01\x02")
    encrypted, damaged = bytearray(good), bytearray(good)
    encrypted[directory + 8] |= 1
    damaged[good.index(b"bad") + 5] ^= 0xFF

    for data, reason in (
        (encrypted, "it is encrypted"),
        (damaged, "it is damaged"),
        (
            zipped({"bad": b"1//b"}, ZIP_BZIP2),
            "it is compressed in a way that is not read here",
        ),
        (
            zipped({"bad": b" " * (MEMBER_LIMIT + 1), "good": PLAIN}),
            "it is longer than 1 MiB",
        ),
    ):
        bad, *rest = read_file(bytes(data))
        assert bad == Skipped(reason, "bad")
        assert all(each == found(where="good", format="refresh token") for each in rest)


def test_zip_with_much_in_it() -> None:
    """What a ZIP unpacks to is limited, and so is the number of its files."""
    full = {f"{n}": b"[%b]" % (b" " * (MEMBER_LIMIT - 2)) for n in range(32)}
    many = {f"{n}": b"[]" for n in range(MEMBERS + 1)}

    assert len(full) * MEMBER_LIMIT == ARCHIVE_LIMIT
    assert reasons(zipped({**full, "last": b"[]"})) == [
        *["there is no account in it"] * 32,
        "no more than 32 MiB of a ZIP are read",
    ]
    assert reasons(zipped(many)) == [
        *["there is no account in it"] * MEMBERS,
        "it has more than 1000 files; the others were not read",
    ]


def test_zip_that_lies() -> None:
    """A file in a ZIP that is longer than it says is not unpacked in memory."""
    size = 64 * MEMBER_LIMIT
    data = zipped({"bomb": bytes(size)})
    lying = data.replace(size.to_bytes(4, "little"), (9).to_bytes(4, "little"))
    crc = zlib.crc32(bytes(size)).to_bytes(4, "little")
    lying = lying.replace(crc, zlib.crc32(bytes(9)).to_bytes(4, "little"))

    tracemalloc.start()
    try:
        (skipped,) = read_file(lying)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert isinstance(skipped, Skipped)
    assert peak < 8 * MEMBER_LIMIT


@pytest.mark.parametrize(
    ("client", "issued_to", "configured", "expected"),
    [
        (None, None, "mine", None),
        (None, "mine", "mine", None),
        (X, None, None, None),
        (X, "x", "mine", None),
        (
            None,
            "x",
            "mine",
            "its token was issued to the OAuth client x and will not work with mine: "
            "log in again with your own client",
        ),
        (
            X,
            "y",
            "y",
            "its token was issued to the OAuth client y and will not work with x: "
            "log in again with your own client",
        ),
        (
            None,
            "x",
            None,
            "there is no OAuth client to use its token with: configure the one that "
            "it was issued to (x), or log in again with your own client",
        ),
        (
            None,
            None,
            "",
            "there is no OAuth client to use its token with: configure the one that "
            "it was issued to, or log in again with your own client",
        ),
    ],
)
def test_strangers(
    client: OAuthClient | None,
    issued_to: str | None,
    configured: str | None,
    expected: str | None,
) -> None:
    """The operator is warned of a token that another client was given."""
    entry = found("a", client, None, issued_to, format="")

    assert stranger(entry, configured) == expected


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (id_token(azp="x", aud="y"), "x"),
        (id_token(aud="y"), "y"),
        (id_token(aud=["y"]), None),
        (id_token(azp="x\n\x1b"), None),
        ("", None),
        ("x", None),
        ("e.%.s", None),
        ("e.é.s", None),
        ("e.WzFd.s", None),
        (f"e.{urlsafe_b64encode(b'[' * 99_999).decode()}.s", None),
    ],
    ids=range(10),
)
def test_issued_to(token: str, expected: str | None) -> None:
    """An ID token names the client, if it can be read."""
    (entry,) = read_credentials({**PLAIN, "id_token": token})

    assert isinstance(entry, Found)
    assert entry.issued_to == expected


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.just("1//x"),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("token", "refresh_token", "refreshToken", "accounts", "type"),
                    *("email", "id", "id_token", "project_id", "client_id", "disabled"),
                ]
            ),
            inner,
        )
    ),
)


@given(DOCUMENTS)
def test_any_document(document: Any) -> None:
    """No JSON is so odd that reading it fails, or that there is nothing to tell."""
    entries = list(read_credentials(document))

    assert entries
    assert all(isinstance(each, Found) or each.reason for each in entries)
    assert entries == list(read_file(json.dumps(document).encode()))


def check(data: bytes) -> None:
    """Every entry of any file is a good one or has a reason."""
    entries = list(read_file(data))

    assert entries
    for each in entries:
        assert each.name.isprintable()
        assert each.where.isprintable()
        assert isinstance(each, Found) or each.reason.isprintable()


@given(
    st.binary()
    | st.text().map(lambda text: f"1//{text}".encode(errors="replace"))
    | st.binary().map(lambda data: b"PK\x03\x04" + data)
)
def test_any_file(data: bytes) -> None:
    """No file is so odd that reading it fails."""
    check(data)


@given(st.data())
def test_any_zip(data: st.DataObject) -> None:
    """However a ZIP is damaged, reading it does not fail."""
    archive = bytearray(zipped({"a.json": PLAIN, "é/b.json": b"1//x\n1//y"}))
    for _ in range(data.draw(st.integers(0, 4))):
        place = data.draw(st.integers(0, len(archive) - 1))
        archive[place] = data.draw(st.integers(0, 255))

    check(bytes(archive[: data.draw(st.integers(0, len(archive)))]))
    check(bytes(archive))


def test_tokens_are_not_shown() -> None:
    """Not even in an error about an import."""
    assert "1//x" not in repr(found("a", X, format="opencode"))
    assert "1//x" not in repr(list(read_credentials([PLAIN, PLAIN, "1//x y"])))
