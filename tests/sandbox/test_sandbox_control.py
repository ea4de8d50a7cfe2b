"""Tests for the control endpoint, over HTTP."""

import json
from typing import Any

import pytest
import pytest_twisted
import treq
from sandbox_helpers import Desk, running, token, told
from twisted.internet.address import IPv4Address
from twisted.web.test.requesthelper import DummyRequest

from antigravity_sandbox.control import overview, tell_account
from antigravity_sandbox.mischief.catalogue import CATALOGUE
from antigravity_sandbox.reply import Refused
from antigravity_sandbox.service import SandboxService
from antigravity_sandbox.web.control import Switch


async def control(
    service: SandboxService, method: str, path: str, body: bytes | None = None
) -> tuple[int, Any]:
    """The status and the JSON of any request to the control endpoint."""
    response = await treq.request(
        method, f"{service.url}/sandbox{path}", data=body, persistent=False
    )
    return response.code, await response.json()


def test_overview() -> None:
    """The overview shows accounts, rules, pace and every behaviour."""
    shown = overview(Desk().sandbox)

    assert list(shown) == ["pace", "accounts", "rules", "behaviours"]
    assert [a["name"] for a in shown["accounts"]] == ["ada", "grace", "edsger"]
    assert [b["slug"] for b in shown["behaviours"]] == list(CATALOGUE)
    assert json.dumps(shown)


@pytest_twisted.ensureDeferred
async def test_rules() -> None:
    """Rules are laid down, shown and lifted."""
    async with running() as service:
        rule = {"behaviour": "500", "times": 2}
        posted = await told(service, "/rules", rule)
        shown = await told(service, "/rules")
        _, lifted = await control(service, "DELETE", "/rules")

    assert posted == shown == {"rules": [rule]}
    assert lifted == {"rules": []}


@pytest_twisted.ensureDeferred
async def test_calls() -> None:
    """The record is shown and emptied."""
    async with running() as service:
        await token(service)
        shown = await told(service, "/calls")
        _, emptied = await control(service, "DELETE", "/calls")

    assert [call["method"] for call in shown["calls"]] == ["token"]
    assert emptied == {"open": 0, "calls": []}


@pytest_twisted.ensureDeferred
async def test_pace() -> None:
    """The pace can be changed."""
    async with running() as service:
        await told(service, "/pace", {"seconds": 1.5})
        shown = await told(service, "/pace")

    assert shown == {"seconds": 1.5}


@pytest_twisted.ensureDeferred
async def test_new_account() -> None:
    """An account that is put is there, and may refresh."""
    async with running() as service:
        _, account = await control(service, "PUT", "/accounts/barbara", b"")
        bearer = await token(service, "barbara")
        again = await control(service, "PUT", "/accounts/barbara", b"")

    assert account["refreshToken"] == "1//sandbox-barbara"
    assert account["project"] == "sandbox-project-barbara"
    assert bearer == "ya29.sandbox-barbara-1"
    assert again == (200, account)


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "field"),
    [
        ("POST", "/rules", b"{", 400, ""),
        ("POST", "/rules", b"[]", 400, ""),
        ("POST", "/rules", b'{"behaviour": "x"}', 400, "behaviour"),
        ("POST", "/pace", b"{}", 400, "seconds"),
        ("POST", "/pace", b'{"seconds": -1}', 400, "seconds"),
        ("POST", "/pace", b'{"minutes": 1}', 400, "minutes"),
        ("POST", "/accounts/ada", b'{"quota": "3"}', 400, "quota"),
        ("POST", "/accounts/nobody", b"{}", 404, ""),
        ("GET", "/accounts/nobody", b"", 404, ""),
        ("PATCH", "/rules", b"{}", 404, ""),
        ("GET", "/nonsense", b"", 404, ""),
    ],
)
@pytest_twisted.ensureDeferred
async def test_mistakes(
    method: str, path: str, body: bytes, code: int, field: str
) -> None:
    """Mistakes are answered in Google's shape, with the field."""
    async with running() as service:
        answered, error = await control(service, method, path, body)

    assert answered == code == error["error"]["code"]
    if field:
        (violation,) = error["error"]["details"][0]["fieldViolations"]
        assert violation["field"] == field


def test_strangers() -> None:
    """Nobody but callers on this machine is in control."""
    request = DummyRequest([b""])
    request.client = IPv4Address("TCP", "192.0.2.1", 1)

    answer = Switch(Desk().sandbox, GET=overview).render(request)

    assert request.responseCode == json.loads(answer)["error"]["code"] == 403


@pytest.mark.parametrize(
    ("orders", "shown"),
    [
        ({"expiresIn": 2}, {"expiresIn": 2.0}),
        ({"quota": 5}, {"quotaLeft": 5}),
        ({"revokeRefresh": True}, {"refreshRevoked": True}),
        ({"onboarded": False}, {"onboarded": False}),
        ({"quota": 5, "restore": True}, {"quotaLeft": None}),
        ({"restore": True, "quota": 5}, {"quotaLeft": 5}),
    ],
)
def test_orders(orders: dict[str, object], shown: dict[str, object]) -> None:
    """Orders are carried out in their order."""
    assert shown.items() <= tell_account(Desk().sandbox, "ada", orders).items()


@pytest.mark.parametrize(
    "orders",
    [
        {"restore": False},
        {"revokeAccess": 1},
        {"expiresIn": "1"},
        {"expiresIn": True},
        {"quota": -1},
        {"nonsense": True},
        {"quota": 5, "onboarded": "no"},
    ],
)
def test_bad_orders(orders: dict[str, object]) -> None:
    """If one order cannot be carried out, none is."""
    desk = Desk()
    before = overview(desk.sandbox)

    with pytest.raises(Refused):
        tell_account(desk.sandbox, "ada", orders)

    assert overview(desk.sandbox) == before


def test_revoked_grant() -> None:
    """A revoked refresh token is refused, until the account is restored."""
    desk = Desk()

    desk.tell("ada", revokeRefresh=True)
    refused = desk.refresh()
    desk.tell("ada", restore=True)

    assert (refused[0], refused[1]["error"]) == (400, "invalid_grant")
    assert desk.refresh()[0] == 200


def test_revoked_access() -> None:
    """Access that was revoked is a 401, until the next refresh."""
    desk = Desk()
    old = desk.token()

    desk.tell("ada", revokeAccess=True)

    codes = []
    for bearer in (old, desk.token()):
        call, _ = desk.call("loadCodeAssist", bearer=bearer)
        codes.append(call.account)
    assert codes == ["ada", "ada"]


def test_short_lives() -> None:
    """Tokens live as long as they are told."""
    desk = Desk()
    desk.tell("ada", expiresIn=2)

    assert desk.refresh()[1]["expires_in"] == 2
