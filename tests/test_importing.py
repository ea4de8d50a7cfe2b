"""Tests for ``antigravity_gw.importing``."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.importing import Found, Skipped, read_credentials
from antigravity_gw.wire.oauth import OAuthClient

X = OAuthClient("x", "s")


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(
            {
                "access_token": "ya29.x",
                "refresh_token": "1//x",
                "id_token": "e.y.J",
                "expiry_date": 1780000000000,
            },
            Found("", "1//x", None, None),
            id="gemini-cli",
        ),
        pytest.param(
            # The payload is {"email":"a@example.com","azp":"x"}.
            {
                "refresh_token": "1//x",
                "id_token": "e.eyJlbWFpbCI6ImFAZXhhbXBsZS5jb20iLCJhenAiOiJ4In0.s",
            },
            Found("a@example.com", "1//x", None, None),
            id="gemini-cli, with an ID token",
        ),
        pytest.param(
            {
                "type": "authorized_user",
                "client_id": "x",
                "client_secret": "s",
                "refresh_token": "1//x",
                "quota_project_id": "q",
            },
            Found("", "1//x", X, None),
            id="gcloud",
        ),
        pytest.param(
            {
                "id": "u",
                "email": "a@example.com",
                "token": {
                    "access_token": "ya29.x",
                    "refresh_token": "1//x",
                    "project_id": "p",
                },
            },
            Found("a@example.com", "1//x", None, "p"),
            id="Antigravity-Manager",
        ),
        pytest.param(
            {
                "type": "antigravity",
                "refresh_token": "1//x",
                "email": "a@example.com",
                "project_id": "p",
            },
            Found("a@example.com", "1//x", None, "p"),
            id="CLIProxyAPI",
        ),
        pytest.param(
            {
                "token": {
                    "refresh_token": "1//x",
                    "client_id": "x",
                    "client_secret": "s",
                },
                "project_id": "p,all",
                "email": "a@example.com",
                "type": "gemini",
            },
            Found("a@example.com", "1//x", X, "p"),
            id="CLIProxyAPI, old",
        ),
        pytest.param(
            {
                "client_id": "x",
                "client_secret": "s",
                "token": "ya29.x",
                "refresh_token": "1//x",
                "project_id": "p",
            },
            Found("", "1//x", X, "p"),
            id="gcli2api and google-auth",
        ),
        pytest.param(
            {"refresh_token": "1//x", "project_id": "123456"},
            Found("", "1//x", None, None),
            id="with a project's number",
        ),
        pytest.param(
            {"email": "a@example.com", "refresh_token": "1//x|p|managed"},
            Found("a@example.com", "1//x", None, "p"),
            id="packed",
        ),
    ],
)
def test_formats(document: Any, expected: Found) -> None:
    """The file of each program that is known to keep a refresh token."""
    assert list(read_credentials(document)) == [expected]


def test_lists() -> None:
    """Several accounts at once, some of them bad."""
    opencode = {
        "version": 4,
        "accounts": [
            {"email": "a", "refreshToken": "1//a", "projectId": "p"},
            {"email": "b"},
            7,
        ],
    }
    found = list(read_credentials(opencode))

    assert found[0] == Found("a", "1//a", None, "p")
    assert [type(each) for each in found] == [Found, Skipped, Skipped]
    assert list(read_credentials([{"refresh_token": "1//x"}])) == [
        Found("", "1//x", None, None)
    ]


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        None,
        "1//x",
        {"installed": {"client_id": "x"}},
        {"type": "service_account", "private_key": "k"},
        {"type": "external_account"},
        {"token": {}},
        {"refresh_token": " "},
        {"refresh_token": "\ud800"},
        {"refresh_token": "1//x\nsomething"},
        {"refresh_token": "1//x", "disabled": True},
        {"refreshToken": "1//x", "enabled": False},
        {"version": "2.0", "accounts": [{"id": "u", "email": "a"}]},
    ],
)
def test_no_refresh_token(document: Any) -> None:
    """What holds none is passed over, and why."""
    (skipped,) = read_credentials(document)

    assert isinstance(skipped, Skipped)
    assert skipped.reason


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    ["token", "refresh_token", "accounts", "type", "email", "id_token"]
                ),
                inner,
            )
        ),
    )
)
def test_any_document(document: Any) -> None:
    """No JSON is so odd that reading it fails."""
    assert all(isinstance(f, Found | Skipped) for f in read_credentials(document))


def test_tokens_are_not_shown() -> None:
    """Not even in an error about an import."""
    assert "1//x" not in repr(Found("a", "1//x", X, None))
