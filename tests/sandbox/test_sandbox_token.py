"""Tests for the token endpoint and for access tokens."""

from urllib.parse import urlencode

import pytest
from attrs import evolve
from sandbox_helpers import Desk, envelope, form, status, written

from antigravity_sandbox.accounts import CLIENT_ID, DEMO_ACCOUNTS, Account, Accounts


def test_grant() -> None:
    """A refresh token brings an access token that is good for an hour."""
    code, answer = Desk().refresh()

    assert code == 200
    assert answer["access_token"] == "ya29.sandbox-ada-1"
    assert answer["expires_in"] == 3599
    assert answer["token_type"] == "Bearer"
    assert "cloud-platform" in answer["scope"]
    assert "refresh_token" not in answer


def test_every_demo_account() -> None:
    """Each account has its own tokens."""
    desk = Desk()

    tokens = [desk.token(account.name) for account in DEMO_ACCOUNTS]

    assert [f"ya29.sandbox-{name}-1" for name in ("ada", "grace", "edsger")] == tokens


@pytest.mark.parametrize(
    ("changed", "code", "error", "description"),
    [
        ({"client_id": "x"}, 401, "invalid_client", "The OAuth client was not found."),
        ({"client_secret": "x"}, 401, "invalid_client", "Unauthorized"),
        ({"client_secret": ""}, 400, "invalid_request", "client_secret is missing."),
        ({"refresh_token": "1//x"}, 400, "invalid_grant", "Bad Request"),
        ({"grant_type": "x"}, 400, "unsupported_grant_type", "Invalid grant_type: x"),
    ],
)
def test_refusals(
    changed: dict[str, str], code: int, error: str, description: str
) -> None:
    """Each mistake has the answer that Google gives."""
    answer = {"error": error, "error_description": description}

    assert (code, answer) == Desk().refresh(form(**changed))


def test_refresh_token_missing() -> None:
    """A field that is not there is not an empty token."""
    fields = {"client_id": CLIENT_ID, "client_secret": "x"}

    assert Desk().refresh(urlencode(fields).encode())[0] == 401


def test_no_form() -> None:
    """A body that is no form is refused like one without fields."""
    assert Desk().refresh(b"\xff{not a form")[0] == 401


def test_rotation() -> None:
    """A rotated refresh token replaces the old one, which dies."""
    desk = Desk()
    desk.tell("ada", rotateRefresh=True)

    _, answer = desk.refresh()

    assert answer["refresh_token"] == "1//sandbox-ada-r1"
    assert desk.refresh()[0] == 400
    again = desk.refresh(form(refresh_token="1//sandbox-ada-r1"))
    assert (again[0], "refresh_token" in again[1]) == (200, False)


def test_failed_refresh_does_not_rotate() -> None:
    """A refresh that is answered with an error changes nothing."""
    desk = Desk()
    desk.tell("ada", rotateRefresh=True)
    desk.rule("token-500", times=1)

    assert desk.refresh()[0] == 500
    assert "refresh_token" in desk.refresh()[1]


def test_expiry() -> None:
    """An access token is good until it expires."""
    desk = Desk()
    token = desk.token()

    desk.now += 3598
    assert status(desk.call("loadCodeAssist", bearer=token)[1]) == 200
    desk.now += 1
    call, acts = desk.call("loadCodeAssist", bearer=token)

    assert (status(acts), call.account) == (401, "ada")


@pytest.mark.parametrize("bearer", [None, "", "ya29.sandbox-ada-7"])
def test_unknown_access_token(bearer: str | None) -> None:
    """No token, or one that was never given, is a 401 in Google's words."""
    _, acts = Desk().call("generateContent", envelope(), bearer=bearer)

    assert status(acts) == 401
    assert b"Expected OAuth 2 access token" in written(acts)
    assert b"UNAUTHENTICATED" in written(acts)


def test_revocation() -> None:
    """Revoking ends the tokens that were given, not those to come."""
    accounts = Accounts.demo()
    ada, grace = accounts.named("ada"), accounts.named("grace")
    assert ada
    assert grace
    tokens = [accounts.issue(ada, 0), accounts.issue(grace, 0)]

    accounts.revoke_access(ada)
    tokens.append(accounts.issue(ada, 0))

    held = [accounts.by_access_token(token) for token in tokens]
    assert [bool(h and h.expires > 0) for h in held] == [False, True, True]


def test_restore() -> None:
    """A restored account has its first refresh token again."""
    accounts = Accounts.demo()
    ada = accounts.named("ada")
    assert ada
    accounts.rotate(ada)
    ada.orders = evolve(ada.orders, refresh_revoked=True)
    ada.purse.allow("gemini-3-pro", 0)

    accounts.restore(ada)

    assert ada is accounts.by_refresh_token("1//sandbox-ada")
    assert None is accounts.by_refresh_token("1//sandbox-ada-r1")
    assert not ada.orders.refresh_revoked
    assert ada.wait("gemini-3-pro", now=0) is None


def test_secrets_are_not_shown() -> None:
    """A refresh token does not get into a log by way of a repr."""
    assert "1//" not in repr(Account.named("ada"))
    assert "1//" not in repr(Accounts.demo())
