"""Tests for the control endpoint, over HTTP."""

import json
import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import pytest_twisted
import treq
from sandbox_helpers import Desk, running, token, told
from twisted.internet import reactor
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

    assert list(shown) == ["pace", "tooSoon", "accounts", "rules", "behaviours"]
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
async def test_list_of_rules() -> None:
    """Several rules are laid down at once."""
    several = [{"behaviour": "500", "times": 2}, {"behaviour": "cut", "chance": 0.5}]
    async with running() as service:
        posted = await told(service, "/rules", several)

    assert posted == {"rules": several}


@pytest_twisted.ensureDeferred
async def test_part_of_the_record() -> None:
    """One can ask for the later calls only, and for their numbers."""
    async with running() as service:
        for _ in range(3):
            await token(service)
        later = await told(service, "/calls?since=2")
        counted = await told(service, "/calls?since=1&summary=1")
        all_ = await told(service, "/calls?summary=0")

    count = {"kind": None, "account": "ada", "method": "token"}
    count |= {"status": 200, "calls": 2}
    assert [call["n"] for call in later["calls"]] == [3]
    assert counted == {"open": 0, "last": 3, "tooSoon": 0, "counts": [count]}
    assert len(all_["calls"]) == 3


@pytest_twisted.ensureDeferred
async def test_seed() -> None:
    """With the same seed comes the same randomness."""
    async with running() as service:
        dice = service.sandbox.random
        thrown = []
        for _ in range(2):
            assert await told(service, "/seed", {"seed": 7}) == {"seed": 7}
            thrown.append([dice.random() for _ in range(3)])
    seeded = SandboxService(reactor, seed=7)
    thrown.append([seeded.sandbox.random.random() for _ in range(3)])
    await seeded.stopService()

    assert thrown[0] == thrown[1] == thrown[2]


@pytest_twisted.ensureDeferred
async def test_pace() -> None:
    """The pace can be changed."""
    async with running() as service:
        await told(service, "/pace", {"seconds": 1.5})
        shown = await told(service, "/pace")

    assert shown == {"seconds": 1.5}


@pytest.mark.parametrize("ahead", [3600, -86400.5, 0])
@pytest_twisted.ensureDeferred
async def test_clock(ahead: float) -> None:
    """The date of every answer can be made wrong, as Google's never is."""
    async with running() as service:
        await told(service, "/clock", {"seconds": ahead})
        shown = await told(service, "/clock")
        response = await treq.get(f"{service.url}/", persistent=False)
        await response.content()
    (date,) = response.headers.getRawHeaders("date")

    assert shown == {"seconds": ahead}
    assert abs(parsedate_to_datetime(date).timestamp() - time.time() - ahead) < 30


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
        ("POST", "/rules", b"3", 400, ""),
        ("POST", "/rules", b"[{}]", 400, "[0].behaviour"),
        ("GET", "/calls?since=-1", None, 400, "since"),
        ("GET", "/calls?since=", None, 400, "since"),
        ("GET", "/calls?summary=yes", None, 400, "summary"),
        ("GET", "/calls?until=3", None, 400, "until"),
        ("POST", "/seed", b"{}", 400, "seed"),
        ("POST", "/seed", b'{"seed": 1.5}', 400, "seed"),
        ("POST", "/seed", b'{"sead": 1}', 400, "sead"),
        ("POST", "/accounts/ada", b"[]", 400, ""),
        ("POST", "/pace", b"{}", 400, "seconds"),
        ("POST", "/pace", b'{"seconds": -1}', 400, "seconds"),
        ("POST", "/pace", b'{"minutes": 1}', 400, "minutes"),
        ("POST", "/clock", b'{"seconds": "1"}', 400, "seconds"),
        ("POST", "/clock", b'{"seconds": -1e300}', 400, "seconds"),
        ("POST", "/clock", b'{"seconds": true}', 400, "seconds"),
        ("POST", "/accounts/ada", b'{"quota": "3"}', 400, "quota"),
        ("POST", "/accounts/nobody", b"{}", 404, ""),
        ("GET", "/accounts/nobody", b"", 404, ""),
        ("PATCH", "/rules", b"{}", 404, ""),
        ("GET", "/nonsense", b"", 404, ""),
    ],
)
@pytest_twisted.ensureDeferred
async def test_mistakes(
    method: str, path: str, body: bytes | None, code: int, field: str
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
        ({"quota": 5, "quotas": {"a": 1}}, {"quotaLeft": 5, "quotasLeft": {"a": 1}}),
        ({"quotas": {"a": 1, "b": 2}}, {"quotasLeft": {"a": 1, "b": 2}}),
        ({"quotaReset": "90s"}, {"quotaReset": "90s"}),
        ({"quotaUnknown": True}, {"quotaUnknown": True}),
        ({"tier": "standard-tier"}, {"tier": "standard-tier"}),
        ({"ineligible": "DASHER_USER"}, {"ineligible": "DASHER_USER"}),
        ({"ineligible": "UNKNOWN", "restore": True}, {"ineligible": None}),
        ({"onboardingPolls": 5}, {"onboardingPolls": 5}),
        ({"onboardingPolls": None}, {"onboardingPolls": None}),
        ({"onboardingPolls": -1}, {"onboardingPolls": None}),
        ({"onboardingError": True}, {"onboardingError": True}),
        ({"project": "new-project"}, {"project": "new-project"}),
        ({"numericProject": True}, {"numericProject": True}),
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
        {"quotas": {"a": -1}},
        {"quotas": {"": 1}},
        {"quotas": 3},
        {"quotaReset": 90},
        {"quotaReset": "soon"},
        {"quotaUnknown": 1},
        {"tier": "silver-tier"},
        {"tier": None},
        {"ineligible": "UGLY"},
        {"ineligible": ["UNKNOWN"]},
        {"onboardingPolls": 0},
        {"onboardingPolls": True},
        {"onboardingPolls": "2"},
        {"onboardingError": None},
        {"project": ""},
        {"project": "projects/x"},
        {"project": 3},
        {"numericProject": 3},
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


def test_restore() -> None:
    """Restoring an account undoes whatever it was told."""
    desk = Desk()
    before = overview(desk.sandbox)
    desk.tell(
        "ada",
        revokeRefresh=True,
        expiresIn=2,
        tier="standard-tier",
        ineligible="UNKNOWN",
        onboarded=False,
        onboardingPolls=None,
        onboardingError=True,
        project="new-project",
        numericProject=True,
        quota=1,
        quotas={"gemini-2.5-pro": 1},
        quotaReset="90s",
        quotaUnknown=True,
    )
    assert overview(desk.sandbox) != before

    desk.tell("ada", restore=True)

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
