"""Tests for the consent page, and for what its codes are exchanged for."""

import base64
import json
import re
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
import pytest_twisted
import treq
from sandbox_helpers import Desk, form, running, status, told, written

from antigravity_sandbox.accounts import CLIENT_ID, CLIENT_SECRET
from antigravity_sandbox.google.consent import Asked, read_asked
from antigravity_sandbox.google.token import SCOPES
from antigravity_sandbox.reply import Refused

CLOUD, EMAIL, PROFILE = SCOPES
REDIRECT = "http://127.0.0.1:4711/oauth2callback"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
"""The example of RFC 7636, appendix B."""

QUERY = {
    "client_id": CLIENT_ID,
    "redirect_uri": REDIRECT,
    "response_type": "code",
    "scope": " ".join(SCOPES),
    "state": "of this login",
    "access_type": "offline",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def asked(**changed: str) -> Asked:
    """What a client asks for, in order unless *changed*."""
    return read_asked(QUERY | changed)


def agreed(
    desk: Desk,
    account: str = "ada",
    ticked: tuple[str, ...] = SCOPES,
    **changed: str,
) -> dict[str, str]:
    """What the browser is sent back with."""
    standing = desk.sandbox.accounts.named(account)
    assert standing
    location = desk.sandbox.consents.decide(
        asked(**changed), standing, ticked, desk.now
    )
    assert location.startswith(f"{REDIRECT}?")
    return dict(parse_qsl(urlsplit(location).query))


def exchanged(desk: Desk, code: str, **changed: str) -> tuple[int | None, Any]:
    """The status and the JSON that a code is answered with."""
    fields = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "code": code,
        "code_verifier": VERIFIER,
        "grant_type": "authorization_code",
        "redirect_uri": REDIRECT,
    }
    return desk.refresh(urlencode(fields | changed).encode())


def claims(answer: dict[str, Any]) -> dict[str, Any]:
    """What the ID token says."""
    payload = answer["id_token"].split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return found


def test_login() -> None:
    """A code is exchanged for tokens that work, and an ID token that tells whose."""
    desk = Desk()
    answer = agreed(desk)
    code, tokens = exchanged(desk, answer["code"])

    assert answer["state"] == "of this login"
    assert (code, tokens["token_type"]) == (200, "Bearer")
    assert set(tokens["scope"].split()) == {*SCOPES, "openid"}
    assert "refresh_token_expires_in" not in tokens
    assert claims(tokens)["email"] == "ada@sandbox.example"
    assert claims(tokens)["azp"] == claims(tokens)["aud"] == CLIENT_ID
    _, acts = desk.call("userinfo", bearer=tokens["access_token"])
    assert json.loads(written(acts))["email"] == "ada@sandbox.example"
    again = desk.refresh(form(refresh_token=tokens["refresh_token"]))
    assert again[0] == 200
    assert desk.refresh()[0] == 200


def test_unticked() -> None:
    """What is unticked is not granted; nothing at all is a refusal."""
    desk = Desk()
    _, tokens = exchanged(desk, agreed(desk, ticked=(CLOUD,))["code"])

    assert tokens["scope"] == CLOUD
    assert "id_token" not in tokens
    assert agreed(desk, ticked=())["error"] == "access_denied"
    _, tokens = exchanged(desk, agreed(desk, ticked=(PROFILE,))["code"])
    assert "email" not in claims(tokens)
    _, acts = desk.call("userinfo", bearer=tokens["access_token"])
    assert "email" not in json.loads(written(acts))


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code": "4/x"}, "invalid_grant"),
        ({"code_verifier": "x"}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:4712/"}, "redirect_uri_mismatch"),
        ({"client_id": "x"}, "invalid_client"),
        ({"client_secret": "x"}, "invalid_client"),
        ({"client_secret": ""}, "invalid_request"),
    ],
)
def test_exchanges_that_are_refused(changed: dict[str, str], error: str) -> None:
    """A code is for whoever asked for it; a mistake does not use it up."""
    desk = Desk()
    code = agreed(desk)["code"]

    status, answer = exchanged(desk, **{"code": code} | changed)
    assert (status in (400, 401), answer["error"]) == (True, error)
    assert exchanged(desk, code)[0] == 200


def test_codes_die() -> None:
    """A code is good once, and not for long."""
    desk = Desk()
    used, late = agreed(desk)["code"], agreed(desk)["code"]
    assert exchanged(desk, used)[0] == 200
    desk.now += 60

    assert exchanged(desk, used)[1]["error"] == "invalid_grant"
    assert exchanged(desk, late)[1]["error"] == "invalid_grant"


def test_refresh_tokens() -> None:
    """One comes with the first consent, and then only if it is asked for."""
    desk = Desk()
    got = [
        "refresh_token" in exchanged(desk, agreed(desk, **changed)["code"])[1]
        for changed in (
            {"access_type": "online", "prompt": "consent"},
            {},
            {"prompt": "consent"},
        )
    ]
    first = exchanged(desk, agreed(desk, "grace")["code"])[1]

    assert got == [False, False, True]
    assert first["refresh_token"] == "1//sandbox-grace-c1"


def test_orders() -> None:
    """A grant can be without a refresh token, for a while only, or forbidden."""
    desk = Desk()
    desk.tell(
        "ada", refreshWithheld=True, idTokenWithheld=True, refreshExpiresIn=604799
    )
    _, tokens = exchanged(desk, agreed(desk)["code"])

    assert not {"refresh_token", "id_token"} & set(tokens)
    assert tokens["refresh_token_expires_in"] == 604799
    for reason in ("admin_policy_enforced", "org_internal"):
        desk.tell("ada", consentBlocked=reason)
        with pytest.raises(Refused) as refused:
            agreed(desk)
        assert f"Error 400: {reason}".encode() in refused.value.reply.body


def test_revoked_grant() -> None:
    """Who has taken a consent back can give another one; old tokens stay dead."""
    desk = Desk()
    _, tokens = exchanged(desk, agreed(desk)["code"])
    _, acts = desk.call("revoke", urlencode({"token": tokens["access_token"]}).encode())

    assert status(acts) == 200
    assert desk.refresh(form(refresh_token=tokens["refresh_token"]))[0] == 400
    assert status(desk.call("userinfo", bearer=tokens["access_token"])[1]) == 401
    _, anew = exchanged(desk, agreed(desk)["code"])
    assert desk.refresh(form(refresh_token=anew["refresh_token"]))[0] == 200
    assert desk.refresh(form(refresh_token=tokens["refresh_token"]))[0] == 400
    assert status(desk.call("revoke", b"token=x")[1]) == 400


def test_restore() -> None:
    """What was consented to is undone."""
    desk = Desk()
    _, tokens = exchanged(desk, agreed(desk)["code"])
    desk.tell("ada", restore=True)

    assert desk.refresh(form(refresh_token=tokens["refresh_token"]))[0] == 400
    assert desk.refresh()[0] == 200
    assert "refresh_token" in exchanged(desk, agreed(desk)["code"])[1]


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"client_id": "x"}, "Error 401: invalid_client"),
        ({"redirect_uri": "https://example.com/"}, "Error 400: redirect_uri_mismatch"),
        ({"redirect_uri": "http://127.0.0.1.example.com/"}, "redirect_uri_mismatch"),
        ({"redirect_uri": "http://[::1"}, "redirect_uri_mismatch"),
        ({"response_type": "token"}, "Error 400: invalid_request"),
        ({"scope": "https://www.googleapis.com/auth/drive"}, "invalid_scope"),
        ({"scope": ""}, "Error 400: invalid_scope"),
        ({"code_challenge_method": "plain"}, "Error 400: invalid_request"),
        ({"code_challenge": "x"}, "Error 400: invalid_request"),
    ],
)
def test_requests_that_are_blocked(changed: dict[str, str], error: str) -> None:
    """A wrong request ends on a page, and is redirected nowhere."""
    with pytest.raises(Refused) as refused:
        asked(**changed)

    assert error in refused.value.reply.body.decode()


@pytest.mark.parametrize(
    "redirect", ["http://localhost:1/x", "http://[::1]:1/x", "http://127.0.0.1/x"]
)
def test_loopback(redirect: str) -> None:
    """A desktop app may be reached on any port of this machine."""
    assert asked(redirect_uri=redirect).redirect_uri == redirect


@pytest_twisted.ensureDeferred
async def test_in_a_browser() -> None:
    """The page is a form, whose answer is a redirect."""
    async with running() as service:
        url = f"{service.url}/o/oauth2/v2/auth?{urlencode(QUERY)}"
        page = await treq.get(url, persistent=False)
        html = await page.text()
        boxes = re.findall('name="scope" value="([^"]+)" checked', html)
        assert boxes == list(SCOPES)
        assert re.findall('value="([a-z]+)@[^>]* checked', html) == ["ada"]
        hinted = await treq.get(
            f"{url}&login_hint=grace@sandbox.example", persistent=False
        )
        html = await hinted.text()
        assert re.findall('value="([a-z]+)@[^>]* checked', html) == ["grace"]
        for fields, expected in (
            ({"account": "grace@sandbox.example", "decision": "allow"}, "code"),
            ({"account": "grace@sandbox.example", "decision": "cancel"}, "error"),
            ({"decision": "allow"}, "error"),
        ):
            answer = await treq.post(
                url,
                data=[*fields.items(), ("scope", CLOUD), ("scope", EMAIL)],
                allow_redirects=False,
                persistent=False,
            )
            await answer.content()
            (location,) = answer.headers.getRawHeaders("location")
            assert (answer.code, location.startswith(REDIRECT)) == (302, True)
            query = parse_qs(urlsplit(location).query)
            assert query["state"] == [QUERY["state"]]
            assert expected in query
        await told(service, "/accounts/ada", {"consentBlocked": "org_internal"})
        fields = {"account": "ada@sandbox.example", "decision": "allow"}
        answer = await treq.post(url, data=fields, persistent=False)
        assert b"Error 400: org_internal" in await answer.content()
        for path in ("/o", "/o/oauth2/auth", "/oauth2/v2", "/oauth2/v2/userinfo/x"):
            answer = await treq.get(service.url + path, persistent=False)
            await answer.content()
            assert answer.code in (401, 404)
