"""Tests for ``antigravity_gw.wire.consent`` and ``antigravity_gw.clientfile``."""

import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.clientfile import ClientFile, NotAClient, read_client_file
from antigravity_gw.wire.consent import (
    CLOUD,
    EMAIL,
    PROFILE,
    SCOPES,
    Attempt,
    Declined,
    Stray,
    missing,
    objection,
)
from antigravity_gw.wire.oauth import Grant, OAuthClient

REDIRECT = "http://127.0.0.1:4711/oauth2callback"
ATTEMPT = Attempt(
    OAuthClient("id.apps.example", "hush secret&"),
    "https://accounts.example/auth",
    REDIRECT,
    state="s" * 43,
    verifier="v" * 64,
)
GRANT = Grant("ya29.hush", "1//hush", frozenset({*SCOPES, "openid"}))

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def answer(**fields: str) -> str:
    """Where the browser is sent with these *fields*."""
    return f"{REDIRECT}?{urlencode(fields)}"


def stray(text: str) -> str:
    """Why a text is not the answer."""
    with pytest.raises(Stray) as caught:
        ATTEMPT.read(text)
    return caught.value.message


def test_where_consent_is_asked() -> None:
    """The address has all that RFC 6749 and 7636 want, and never a secret."""
    url = urlsplit(ATTEMPT.url())
    challenge = urlsafe_b64encode(sha256(b"v" * 64).digest()).rstrip(b"=").decode()

    assert url.geturl().startswith("https://accounts.example/auth?")
    assert dict(parse_qsl(url.query)) == {
        "response_type": "code",
        "client_id": "id.apps.example",
        "redirect_uri": REDIRECT,
        "scope": f"{CLOUD} {EMAIL} {PROFILE}",
        "state": "s" * 43,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "access_type": "offline",
        "prompt": "consent",
    }
    hinted = parse_qs(urlsplit(ATTEMPT.url("ada@example.org")).query)
    assert hinted["login_hint"] == ["ada@example.org"]


def test_a_consent_page_on_this_machine() -> None:
    """It may be http there, as a sandbox's is."""
    here = evolve(ATTEMPT, authorization_url="http://127.0.0.1:8046/auth")

    assert here.url().startswith("http://127.0.0.1:8046/auth?response_type=code&")


def test_exchange() -> None:
    """The form proves who has asked, and has all that Google wants."""
    assert dict(parse_qsl(ATTEMPT.form("4/0A+b").decode())) == {
        "grant_type": "authorization_code",
        "client_id": "id.apps.example",
        "client_secret": "hush secret&",
        "code": "4/0A+b",
        "code_verifier": "v" * 64,
        "redirect_uri": REDIRECT,
    }


@given(words.filter(str.strip))
def test_codes(code: str) -> None:
    """A code is read as it was given, however it is spelled."""
    query = f"state={ATTEMPT.state}&code={quote(code, safe='')}&scope=x"

    for text in (query, f"?{query}", f"{REDIRECT}?{query}#", f"  {REDIRECT}?{query}\n"):
        assert ATTEMPT.read(text) == code


@given(st.text())
def test_any_text(text: str) -> None:
    """Whatever is pasted, it is told apart from the answer."""
    assert stray(text)
    assert stray(f"{REDIRECT}?code={text}&state={ATTEMPT.state}x")


@given(words)
def test_any_error(error: str) -> None:
    """An error is an answer, and what is odd in it is not repeated."""
    with pytest.raises((Declined, Stray)) as caught:
        ATTEMPT.read(answer(error=error, state=ATTEMPT.state))

    assert isinstance(caught.value, Stray) or caught.value.reason.isascii()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "no state"),
        ("4/0Acode", "no state"),
        (answer(code="x"), "no state"),
        (answer(code="x", state="other"), "another login"),
        (answer(error="access_denied", state="other"), "another login"),
        (answer(state=ATTEMPT.state), "no code"),
        (answer(state=ATTEMPT.state, code=""), "no code"),
        (ATTEMPT.url(), "not the one where consent is asked"),
    ],
)
def test_what_is_no_answer(text: str, word: str) -> None:
    """It is said what is wrong with it, for whoever pasted it."""
    assert word in stray(text)
    assert not stray(text).endswith(".")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("access_denied", "consent was denied"),
        ("admin_policy_enforced", "the admin of its organisation does not allow it"),
        ("org_internal", "the OAuth client is for another organisation"),
        ("deleted_client", "the OAuth client was deleted"),
        ("server_error", "Google answered server_error"),
        ("mismatching_state", "Google answered mismatching_state"),
        ("missing_code", "Google answered missing_code"),
        ("temporarily_unavailable", "Google answered temporarily_unavailable"),
        ("<b>", "Google answered something unknown"),
    ],
)
def test_refusals(error: str, reason: str) -> None:
    """Why there is no code, in the words that a refresh would get, too."""
    with pytest.raises(Declined) as caught:
        ATTEMPT.read(answer(error=error, state=ATTEMPT.state))

    assert caught.value.reason == reason


def test_grants_of_no_use() -> None:
    """Without the scope, or without a refresh token, an account cannot serve."""
    unticked = evolve(GRANT, scopes=frozenset({EMAIL}))
    no_token = evolve(GRANT, refresh_token=None)

    assert objection(GRANT) is None
    assert CLOUD in (objection(unticked) or "")
    assert "box ticked" in (objection(unticked) or "")
    assert "https://myaccount.google.com/permissions" in (objection(no_token) or "")
    assert objection(evolve(GRANT, scopes=frozenset({CLOUD}))) is None


def test_missing() -> None:
    """What was not granted is known, and what Google adds is not missed."""
    assert missing(GRANT) == []
    assert missing(evolve(GRANT, scopes=frozenset({CLOUD}))) == [EMAIL, PROFILE]


def test_secrets_are_not_shown() -> None:
    """Neither the state nor the verifier gets into a log by way of a repr."""
    assert "sss" not in repr(ATTEMPT)
    assert "vvv" not in repr(ATTEMPT)
    assert "hush" not in repr(GRANT) + repr(ATTEMPT)


INSTALLED = {
    "client_id": "id.apps.example",
    "client_secret": "hush",
    "project_id": "p",
    "auth_uri": "https://accounts.google.com/o/oauth2/auth",
    "token_uri": "https://oauth2.googleapis.com/token",
    "redirect_uris": ["http://localhost"],
}


def read(**changed: Any) -> ClientFile:
    """What a file for a desktop app says."""
    return read_client_file(json.dumps({"installed": INSTALLED | changed}).encode())


def test_client_file() -> None:
    """It has the client, and where that is to be used."""
    assert read() == ClientFile(
        OAuthClient("id.apps.example", "hush"),
        "https://accounts.google.com/o/oauth2/auth",
        "https://oauth2.googleapis.com/token",
    )
    assert "hush" not in repr(read())


@pytest.mark.parametrize("url", ["http://example.com/", "ftp://x/", "", None, 7, "x"])
def test_urls_that_are_not_used(url: object) -> None:
    """A secret is sent over https, or to this machine; else the file says nothing."""
    assert read(auth_uri=url, token_uri=url).token_url is None
    assert read(auth_uri=url, token_uri=url).authorization_url is None
    assert read(token_uri="http://127.0.0.1:1/token").token_url


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "not the JSON"),
        (b"[]", "not the JSON"),
        (b"{}", "not an OAuth client"),
        (b'{"type":"service_account"}', "not an OAuth client"),
        (b'{"installed":[]}', "not an OAuth client"),
        (b'{"installed":{}}', "lacks a client_id"),
        (b'{"installed":{"client_id":"x"}}', "lacks a client_id"),
        (b'{"installed":{"client_id":"x","client_secret":7}}', "lacks a client_id"),
        (b'{"installed":{"client_id":"x","client_secret":" "}}', "lacks a client_id"),
        (b'{"web":{"client_id":"x","client_secret":"x"}}', "'Web application'"),
    ],
)
def test_files_without_such_a_client(data: bytes, word: str) -> None:
    """It is said what kind of file is wanted."""
    with pytest.raises(NotAClient) as caught:
        read_client_file(data)

    assert word in str(caught.value)
    assert "Google Cloud" in str(caught.value)


@given(st.binary(max_size=200))
def test_any_file(data: bytes) -> None:
    """Whatever the bytes, they are refused in words."""
    with pytest.raises(NotAClient):
        read_client_file(data)
