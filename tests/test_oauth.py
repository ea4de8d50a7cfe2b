"""Tests for ``antigravity_gw.wire.oauth``."""

import json
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.needs import Need
from antigravity_gw.wire.oauth import (
    LONGEST_GRANT,
    AccessToken,
    Grant,
    OAuthClient,
    RenewalFailed,
    claims,
    read_grant,
    read_renewal,
    renewal_form,
)


def failure(status: int, body: bytes) -> RenewalFailed:
    """What a renewal fails with that is answered so."""
    with pytest.raises(RenewalFailed) as caught:
        read_renewal(status, body)
    return caught.value


def test_form() -> None:
    """What RFC 6749 says, percent-encoded."""
    form = parse_qs(renewal_form(OAuthClient("i d", "s&"), "1//x").decode())

    assert form == {
        "client_id": ["i d"],
        "client_secret": ["s&"],
        "refresh_token": ["1//x"],
        "grant_type": ["refresh_token"],
    }


def test_tokens() -> None:
    """A new refresh token may come along, and mostly does not."""
    rest = b'"expires_in":3599,"scope":"x","token_type":"Bearer"}'

    assert read_renewal(200, b'{"access_token":"t",' + rest) == AccessToken("t", 3599.0)
    assert read_renewal(
        200, b'{"access_token":"t","refresh_token":"1//new",' + rest
    ) == AccessToken("t", 3599.0, "1//new")


@pytest.mark.parametrize(
    ("status", "body", "need", "word"),
    [
        (
            400,
            b'{"error":"invalid_grant","error_description":"Token has been expired or '
            b'revoked."}',
            Need.LOGIN,
            "7 days",
        ),
        (
            400,
            b'{"error":"invalid_grant","error_description":"Bad Request"}',
            Need.LOGIN,
            "7 days",
        ),
        (
            400,
            b'{"error":"invalid_grant","error_description":"reauth related error '
            b'(invalid_rapt)","error_uri":"https://support.google.com/a/answer/9368756"'
            b',"error_subtype":"invalid_rapt"}',
            Need.LOGIN,
            "session control",
        ),
        (
            400,
            b'{"error":"invalid_grant","error_subtype":"invalid_rapt"}',
            Need.LOGIN,
            "session control",
        ),
        (
            401,
            b'{"error":"unauthorized_client","error_description":"Unauthorized"}',
            Need.LOGIN,
            "another OAuth client",
        ),
        (
            400,
            b'{"error":"unauthorized_client"}',
            Need.LOGIN,
            "another OAuth client",
        ),
        (
            403,
            b'{"error":"access_denied","error_description":"Account Restricted"}',
            Need.ENTITLEMENT,
            "denies",
        ),
        (400, b'{"error":"admin_policy_enforced"}', Need.ENTITLEMENT, "admin"),
        (403, b'{"error":"org_internal"}', Need.ENTITLEMENT, "organisation"),
        (
            401,
            b'{"error":"invalid_client","error_description":"The OAuth client was not '
            b'found."}',
            Need.CLIENT,
            "id or secret",
        ),
        (
            401,
            b'{"error":"invalid_client","error_description":"Unauthorized"}',
            Need.CLIENT,
            "id or secret",
        ),
        (401, b'{"error":"deleted_client"}', Need.CLIENT, "deleted"),
        (
            400,
            b'{"error":"invalid_request","error_description":"client_secret is '
            b'missing."}',
            Need.CLIENT,
            "secret is missing",
        ),
        (
            400,
            b'{"error":"invalid_request","error_description":"Missing required '
            b'parameter: refresh_token"}',
            Need.CLIENT,
            "did not understand",
        ),
        (400, b'{"error":"invalid_request"}', Need.CLIENT, "did not understand"),
        (
            400,
            b'{"error":"invalid_grant","error_description":["invalid_rapt"]}',
            Need.LOGIN,
            "7 days",
        ),
        (400, b'{"error":"something_new"}', None, "400"),
        (400, b"[" * 100_000, None, "400"),
        (400, b'{"error":["invalid_grant"]}', None, "400"),
        (404, b"<html>", None, "404"),
        (429, b"{}", None, "429"),
        (429, b'{"error":"invalid_grant"}', None, "429"),
        (500, b'{"error":"internal_failure"}', None, "500"),
        (500, b'{"error":"invalid_grant"}', None, "500"),
        (503, b"<html>", None, "503"),
        (200, b'{"error":"invalid_grant"}', None, "200"),
        (200, b"<html>", None, "200"),
        (200, b"[]", None, "200"),
        (200, b'{"access_token":7}', None, "200"),
        (200, b'{"access_token":""}', None, "200"),
        (200, b"\xff", None, "200"),
    ],
)
def test_faults(status: int, body: bytes, need: Need | None, word: str) -> None:
    """Who has to do something about a renewal that failed, and why."""
    failed = failure(status, body)

    assert failed.need is need
    assert word in failed.reason
    assert not failed.reason.endswith(".")


@given(st.integers(100, 599), st.binary(max_size=100))
def test_any_bytes(status: int, body: bytes) -> None:
    """Whatever else comes will pass, and none of it is repeated."""
    failed = failure(status, body)

    assert failed.need is None
    assert failed.reason == f"the token endpoint answered {status}"


@pytest.mark.parametrize(
    ("rest", "seconds"),
    [
        (b"", 3599.0),
        (b',"expires_in":"100","error":null', 100.0),
        (b',"expires_in":100.5', 100.5),
        (b',"expires_in":-5', 0.0),
        (b',"expires_in":"soon"', 3599.0),
        (b',"expires_in":[100]', 3599.0),
        (b',"expires_in":100000000', 86_400.0),
        (b',"expires_in":"1e999"', 3599.0),
        (b',"expires_in":"nan"', 3599.0),
        (b',"expires_in":1' + b"0" * 400, 3599.0),
    ],
)
def test_lifetimes(rest: bytes, seconds: float) -> None:
    """A token that was given is used, even if little is said about it."""
    assert read_renewal(200, b'{"access_token":"t"%b}' % rest).expires_in == seconds


def test_secrets_are_not_shown() -> None:
    """Not even in what is logged about a renewal."""
    token = read_renewal(200, b'{"access_token":"hush","refresh_token":"hush2"}')

    assert "hush" not in repr(token)
    assert "hush" not in repr(OAuthClient("id", "hush"))


def grant(**fields: Any) -> Grant:
    """What an answer to a code grants."""
    return read_grant(200, json.dumps({"access_token": "t"} | fields).encode(), ["a"])


def id_token(**said: Any) -> str:
    """An ID token that says so."""
    payload = urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()
    return f"e30.{payload}.sig"


def test_grants() -> None:
    """A code brings tokens, and what is said of them."""
    whole = grant(
        refresh_token="1//r",
        scope="a b openid",
        refresh_token_expires_in=604799,
        id_token=id_token(email="ada@example.org"),
    )

    assert whole == Grant(
        "t", "1//r", frozenset({"a", "b", "openid"}), 604799.0, "ada@example.org"
    )
    assert grant() == Grant("t", None, frozenset({"a"}), None, None)
    assert grant(refresh_token="", scope="", id_token=7).scopes == frozenset()
    assert grant(refresh_token_expires_in="soon", id_token=id_token(email=7)) == grant()


@pytest.mark.parametrize(
    ("said", "lasts"),
    [
        (0, None),
        (-5, None),
        (60, 60.0),
        (10**12, LONGEST_GRANT),
        (1e300, LONGEST_GRANT),
    ],
)
def test_how_long_a_grant_lasts(said: float, lasts: float | None) -> None:
    """What no calendar has is bounded, and no time at all is not said."""
    assert grant(refresh_token_expires_in=said).lasts == lasts


def test_scopes() -> None:
    """They may be a list; only if nothing is said are they those that were asked."""
    assert grant(scope=["x y", "z", 7]).scopes == {"x", "y", "z"}
    assert grant(scope=7).scopes == frozenset()
    assert grant(scope=None).scopes == {"a"}


@pytest.mark.parametrize("token", ["1//a\0", "1//a\nb", "1//\u00e4", "x" * 5000])
def test_refresh_tokens_that_are_none(token: str) -> None:
    """What could not be given to ``accounts add`` is not stored after a login."""
    with pytest.raises(RenewalFailed, match="refresh token that is none"):
        grant(refresh_token=token)


@pytest.mark.parametrize(
    ("status", "body", "need", "word"),
    [
        (400, b'{"error":"invalid_grant"}', Need.LOGIN, "the code from the redirect"),
        (
            400,
            b'{"error":"invalid_grant","error_subtype":"invalid_rapt"}',
            Need.LOGIN,
            "session control",
        ),
        (400, b'{"error":"redirect_uri_mismatch"}', Need.CLIENT, "Desktop app"),
        (401, b'{"error":"invalid_client"}', Need.CLIENT, "id or secret"),
        (403, b'{"error":"org_internal"}', Need.ENTITLEMENT, "another organisation"),
        (500, b'{"error":"internal_failure"}', None, "500"),
        (200, b"{}", None, "200"),
        (200, b"\xff", None, "200"),
    ],
)
def test_codes_that_are_refused(
    status: int, body: bytes, need: Need | None, word: str
) -> None:
    """A code is refused in the words of a refresh, where they fit."""
    with pytest.raises(RenewalFailed) as caught:
        read_grant(status, body, ())

    assert caught.value.need is need
    assert word in caught.value.reason


@given(st.text(max_size=100))
def test_any_id_token(text: str) -> None:
    """An ID token that is none says nothing."""
    assert isinstance(claims(text), dict)
    assert isinstance(claims(f"e30.{text}.sig"), dict)
