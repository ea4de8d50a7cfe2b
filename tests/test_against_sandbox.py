"""
The pool against the sandbox, with a clock that the tests move.

The sandbox is asked without a socket and knows nothing of the gateway.  What it
says, and what it has on record of being asked, is what counts here.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from sandbox_helpers import Desk
from twisted.web.resource import Resource
from world import World

from antigravity_gw.pool.account import Known
from antigravity_gw.pool.choosing import Strategy
from antigravity_gw.pool.quotas import QuotaWatch
from antigravity_gw.record import Record
from antigravity_gw.states import State, state_of
from antigravity_gw.wire.oauth import OAuthClient
from antigravity_sandbox.accounts import CLIENT_ID, CLIENT_SECRET
from antigravity_sandbox.google.denials import VERIFY_URL
from antigravity_sandbox.web.google import Host, House, Method

PRO, FLASH = "gemini-2.5-pro", "gemini-2.5-flash"


class Sandboxed(World):
    """A gateway in memory, with the sandbox behind it."""

    def __init__(self, folder: Path, *names: str, **settings: Any) -> None:
        site = Resource()
        hosts = ("http://google.example/daily",)
        super().__init__(folder, accounts="", site=site, hosts=hosts, **settings)
        self.desk = Desk()
        house = House(self.desk.sandbox, self.clock)
        site.putChild(b"token", Method(house, "token"))
        site.putChild(b"daily", Host(house, "daily"))
        self.kind.has_client(OAuthClient(CLIENT_ID, CLIENT_SECRET))
        self.kind.post = None
        self.quotas = QuotaWatch(self.pool, every=300.0)
        for number, name in enumerate(names):
            token = f"1//sandbox-{name}"
            self.store.put(Record(name, f"{name}@x", token, added=float(number)))
        self.take_up()

    def wait(self, seconds: int) -> None:
        """Let time pass, and what happens in it."""
        for _ in range(seconds):
            self.clock.advance(1)
            self.settle()

    def served(self, model: str = FLASH, text: str = "Hello") -> int:
        """The status of one request."""
        body = json.dumps({"contents": [{"parts": [{"text": text}]}]}).encode()
        return self.generate(body, model).status

    def calls(self, method: str = "generateContent") -> list[tuple[str, int]]:
        """Which accounts have called *method*, and with which status it answered."""
        return [
            (call["account"], call["status"])
            for call in self.desk.sandbox.record.overview()["calls"]
            if call["method"] == method
        ]

    def known(self) -> Known:
        """The first account, as the store has it."""
        return self.store.accounts()[0]

    def state(self) -> State:
        """What ``accounts list`` says of it."""
        return state_of(self.known(), self.clock.seconds())


@pytest.fixture
def one(tmp_path: Path) -> Sandboxed:
    """One account."""
    return Sandboxed(tmp_path, "ada")


def test_a_day(one: Sandboxed) -> None:
    """Tokens are renewed ahead of need; none that has expired is ever shown."""
    for _ in range(24 * 12):
        assert one.served() == 200
        one.clock.advance(300)

    assert {code for _, code in one.calls()} == {200}
    assert len(one.calls("token")) == 27  # one every 55 minutes
    assert len(one.calls("loadCodeAssist")) == 1


def test_a_newcomer(one: Sandboxed) -> None:
    """Google sets up an account that has never used the service, and it serves."""
    one.desk.tell("ada", onboarded=False, onboardingPolls=3)
    client = one.generate(model=FLASH)
    one.wait(11)

    assert client.status == 200
    assert len(one.calls("onboardUser")) == 1
    assert len(one.calls("operations")) == 2
    assert one.known().project == "sandbox-project-ada"


def test_a_newcomer_that_google_forgets(one: Sandboxed) -> None:
    """The wait for it has an end, and is not begun anew by every request."""
    one.desk.tell("ada", onboarded=False, onboardingPolls=-1)
    client = one.generate(model=FLASH)
    one.wait(61)
    assert client.error() == (502, "UNAVAILABLE")
    assert one.served() == 429

    assert len(one.calls("onboardUser")) == 1
    assert len(one.calls("operations")) <= 12


def test_a_project_that_moved(one: Sandboxed) -> None:
    """It is looked up again once, and the client notices nothing."""
    assert one.served() == 200
    one.desk.tell("ada", project="sandbox-moved")
    assert [one.served(), one.served()] == [200, 200]

    assert [code for _, code in one.calls()] == [200, 404, 200, 200]
    assert len(one.calls("loadCodeAssist")) == 2
    assert one.known().project == "sandbox-moved"


def test_a_number_is_no_project(one: Sandboxed) -> None:
    """Nor is it made one; the account waits for a project that is."""
    one.desk.tell("ada", numericProject=True)
    assert one.served() == 400
    assert one.calls() == []
    assert one.state().title == "needs a project"
    one.desk.tell("ada", restore=True)
    one.store.give_another_chance("ada")
    one.take_up()

    assert one.served() == 200


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("UNSUPPORTED_CLIENT", "not entitled"),
        ("UNSUPPORTED_LOCATION", "not entitled"),
        ("VALIDATION_REQUIRED", "needs validation"),
    ],
)
def test_ineligible(one: Sandboxed, code: str, state: str) -> None:
    """Why Google will not have an account is its state; a link stays with us."""
    one.desk.tell("ada", ineligible=code)
    client = one.generate(model=FLASH)

    assert client.error() == (400, "FAILED_PRECONDITION")
    assert one.state().title == state
    assert one.state().link == (VERIFY_URL if state == "needs validation" else None)
    assert VERIFY_URL.encode() not in client.received()


def test_quota_of_a_model(one: Sandboxed) -> None:
    """It cools for that model as long as Google says; the others are served."""
    one.desk.tell("ada", quotas={PRO: 1}, quotaReset="90s")
    assert [one.served(PRO), one.served(PRO)] == [200, 429]
    assert one.state().title == "cooling (1 model)"
    for _ in range(8):
        one.wait(10)
        assert (one.served(PRO), one.served(FLASH)) == (429, 200)
    one.wait(10)

    assert one.served(PRO) == 200
    assert one.state().title == "serving"
    assert one.desk.sandbox.record.summary()["tooSoon"] == 0


def test_quota_is_known_before_it_is_spent(tmp_path: Path) -> None:
    """New conversations go where there is some left, without a call in vain."""
    world = Sandboxed(tmp_path, "ada", "grace", "edsger", strategy=Strategy.SPREAD)
    world.desk.tell("ada", quotas={PRO: 0})
    for name in ("grace", "edsger"):
        world.desk.tell(name, quotaUnknown=True)
    world.quotas.look()
    world.wait(1)
    assert len(world.calls("retrieveUserQuota")) == 3
    statuses = {world.served(PRO, f"conversation {n}") for n in range(30)}

    assert statuses == {200}
    assert {name for name, _ in world.calls()} == {"grace", "edsger"}


def test_quota_alone_refuses_nobody(one: Sandboxed) -> None:
    """What Google once said is left does not keep an account from being asked."""
    one.desk.tell("ada", quotas={PRO: 0}, quotaReset="1000s")
    one.quotas.look()
    one.wait(1)
    one.desk.tell("ada", quotas={PRO: None})

    assert one.account("ada").is_empty(PRO, one.clock.seconds())
    assert one.served(PRO) == 200


@pytest.mark.parametrize(
    ("behaviour", "state", "is_tried_again"),
    [
        ("token-invalid-grant", "needs login", False),
        ("token-invalid-rapt", "needs login", False),
        ("token-unauthorized-client", "needs login", False),
        ("token-admin-policy", "not entitled", True),
        ("token-invalid-client", "misconfigured", True),
        ("token-secret-missing", "misconfigured", True),
        ("token-500", "cooling", True),
        ("token-html", "cooling", True),
    ],
)
def test_the_token_endpoint(
    one: Sandboxed, behaviour: str, state: str, is_tried_again: bool
) -> None:
    """Whose fault it is, and whether the account comes back by itself."""
    one.desk.rule(behaviour)
    one.served()
    assert one.state().title == state
    one.desk.sandbox.rules.rules.clear()
    one.wait(400)

    assert one.served() == (200 if is_tried_again else 400)


def test_rotation(one: Sandboxed) -> None:
    """A refresh token that Google replaces is stored; the old one is dead."""
    one.desk.tell("ada", rotateRefresh=True)
    assert one.served() == 200
    one.clock.advance(3600)
    assert one.served() == 200

    assert one.known().record.credential == "1//sandbox-ada-r1"
    assert [code for _, code in one.calls("token")] == [200, 200]
