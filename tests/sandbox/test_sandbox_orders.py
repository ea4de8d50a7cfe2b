"""Tests for accounts that Google treats otherwise: tiers, refusals, projects."""

import json
from typing import Any

import pytest
from sandbox_helpers import STREAM, Desk, envelope, status, written

from antigravity_sandbox.acts import Act
from antigravity_sandbox.google.companion import REASONS

OWN = "sandbox-project-ada"


def told(**orders: object) -> Desk:
    """A sandbox in which ada has been told something."""
    desk = Desk()
    desk.tell("ada", **orders)
    return desk


def body(**members: Any) -> bytes:
    return json.dumps(members).encode()


def loaded(desk: Desk, **members: Any) -> Any:
    """What loadCodeAssist says."""
    return desk.json("loadCodeAssist", body(**members))


def error(acts: list[Act]) -> Any:
    found = json.loads(written(acts))["error"]
    assert found["code"] == status(acts)
    return found


def onboarded(desk: Desk, tier: str = "free-tier", **members: Any) -> Any:
    """What onboardUser says."""
    return desk.json("onboardUser", body(tierId=tier, **members))


def polled(desk: Desk) -> Any:
    """What a poll of the operation says."""
    _, acts = desk.call("operations", bearer=desk.token(), operation="ada")
    return json.loads(written(acts))


def test_standard_tier() -> None:
    """The standard tier has a project only if the caller has one."""
    desk = told(tier="standard-tier")

    without = loaded(desk)
    others = loaded(desk, cloudaicompanionProject="sandbox-project-grace")
    own = loaded(desk, cloudaicompanionProject=OWN)

    assert without == others
    assert own == {**without, "cloudaicompanionProject": OWN}
    assert without["currentTier"]["id"] == "standard-tier"
    assert without["currentTier"]["userDefinedCloudaicompanionProject"] is True


def test_standard_tier_to_be() -> None:
    """Before onboarding, the standard tier is the one to choose."""
    answer = loaded(told(tier="standard-tier", onboarded=False))

    assert list(answer) == ["allowedTiers"]
    (tier,) = answer["allowedTiers"]
    assert (tier["id"], tier["isDefault"]) == ("standard-tier", True)
    assert tier["userDefinedCloudaicompanionProject"] is True


@pytest.mark.parametrize(
    ("tier", "project", "code"),
    [
        ("standard-tier", OWN, 200),
        ("standard-tier", "", 400),
        ("standard-tier", "sandbox-project-grace", 403),
        ("free-tier", "", 400),
        ("free-tier", OWN, 400),
    ],
)
def test_onboarding_to_the_standard_tier(tier: str, project: str, code: int) -> None:
    """Onboarding wants the project then, and that tier."""
    desk = told(tier="standard-tier", onboarded=False)
    asked = body(tierId=tier, cloudaicompanionProject=project)

    assert code == status(desk.ask("onboardUser", asked))


def test_free_again() -> None:
    """An account can get its first tier back."""
    desk = told(tier="standard-tier")
    desk.tell("ada", tier="free-tier")

    assert loaded(desk) == loaded(Desk())


@pytest.mark.parametrize("reason", REASONS)
def test_ineligible(reason: str) -> None:
    """No tier is for an account that is not eligible, and a code says why."""
    answer = loaded(told(ineligible=reason), cloudaicompanionProject=OWN)

    assert list(answer) == ["ineligibleTiers"]
    (tier,) = answer["ineligibleTiers"]
    assert (tier["reasonCode"], tier["tierId"]) == (reason, "free-tier")
    assert ("validationUrl" in tier) is (reason == "VALIDATION_REQUIRED")


def test_validation_url() -> None:
    """Who has to be verified is told where, by both calls alike."""
    desk = told(ineligible="VALIDATION_REQUIRED")

    (tier,) = loaded(desk)["ineligibleTiers"]
    denial = error(desk.ask("generateContent", envelope()))

    assert tier["validationUrl"].startswith("https://accounts.google.com/")
    metadata = denial["details"][0]["metadata"]
    assert metadata["validation_url"] == tier["validationUrl"]


@pytest.mark.parametrize("method", ["generateContent", STREAM, "onboardUser"])
@pytest.mark.parametrize(
    ("reason", "message", "details"),
    [
        ("VALIDATION_REQUIRED", "Verify your account to continue.", 2),
        ("UNSUPPORTED_CLIENT", "The caller does not have permission", 0),
        ("DASHER_USER", "The caller does not have permission", 0),
    ],
)
def test_ineligible_calls(method: str, reason: str, message: str, details: int) -> None:
    """Calls by an account that is not eligible are refused, in its own words."""
    desk = told(ineligible=reason)
    asked = body(tierId="free-tier") if method == "onboardUser" else envelope()

    denial = error(desk.ask(method, asked))

    assert (denial["code"], denial["message"]) == (403, message)
    assert details == len(denial.get("details", []))


def test_eligible_again() -> None:
    """An account may become eligible, and nothing has been used up meanwhile."""
    desk = told(ineligible="UNKNOWN", quota=1)
    desk.ask("generateContent", envelope())
    desk.tell("ada", ineligible=None)

    assert status(desk.ask("generateContent", envelope())) == 200


@pytest.mark.parametrize("polls", [1, 2, 5])
def test_polls(polls: int) -> None:
    """Onboarding takes as many askings as it was told."""
    desk = told(onboarded=False, onboardingPolls=polls)

    answers = [onboarded(desk), *(polled(desk) for _ in range(polls))]

    assert [answer["done"] for answer in answers] == (polls - 1) * [False] + 2 * [True]
    assert answers[-1]["response"]["cloudaicompanionProject"]["id"] == OWN


def test_never() -> None:
    """Onboarding may never end, until it is told otherwise."""
    desk = told(onboarded=False, onboardingPolls=None)
    onboarded(desk)

    assert not any(polled(desk)["done"] for _ in range(50))
    desk.tell("ada", onboardingPolls=2)
    assert [polled(desk)["done"] for _ in range(2)] == [False, True]


def test_error() -> None:
    """Onboarding may fail, and stays failed however often one asks."""
    desk = told(onboarded=False, onboardingError=True)

    first, *later = onboarded(desk), polled(desk), polled(desk)

    assert first["done"] is False
    for answer in later:
        assert answer["done"] is True
        assert answer["error"]["code"] == 13
        assert "response" not in answer
    assert "currentTier" not in loaded(desk)


def test_another_try() -> None:
    """An onboarding that has failed can be tried again."""
    desk = told(onboarded=False, onboardingError=True)
    done = [onboarded(desk)["done"] for _ in range(3)]

    desk.tell("ada", onboardingError=False)

    assert done == [False, True, False]
    assert "error" not in onboarded(desk)
    assert "response" in polled(desk)


def test_onboarding_anew() -> None:
    """An account that is told to begin again begins with the first asking."""
    desk = told(onboarded=False)
    onboarded(desk)

    desk.tell("ada", onboarded=False)

    assert [onboarded(desk)["done"], polled(desk)["done"]] == [False, True]


def test_moved() -> None:
    """When Google has moved an account, its old project is gone."""
    desk = told(project="new-project")

    stale = error(desk.ask("generateContent", envelope()))
    fresh = desk.ask("generateContent", envelope(project="new-project"))

    assert stale["code"] == 404
    assert stale["message"] == f"Resource projects/{OWN} could not be found."
    (info,) = stale["details"]
    assert info["@type"].endswith("google.rpc.ResourceInfo")
    assert info["resourceName"] == f"projects/{OWN}"
    assert status(fresh) == 200
    assert loaded(desk)["cloudaicompanionProject"] == "new-project"


@pytest.mark.parametrize("method", ["fetchAvailableModels", "retrieveUserQuota"])
def test_moved_everywhere(method: str) -> None:
    """Every call that names a project learns of it."""
    desk = told(project="new-project")

    codes = [status(desk.ask(method, body(project=p))) for p in (OWN, "new-project")]

    assert codes == [404, 200]


def test_moved_back() -> None:
    """A project is only gone as long as the account is elsewhere."""
    desk = told(project="new-project")
    desk.tell("ada", project="newer-project")
    desk.tell("ada", project=OWN)

    codes = [
        status(desk.ask("generateContent", envelope(project=project)))
        for project in (OWN, "new-project", "newer-project", "sandbox-project-grace")
    ]

    assert codes == [200, 404, 404, 403]


def test_restored_project() -> None:
    """A restored account never had another project."""
    desk = told(project="new-project")
    desk.tell("ada", restore=True)

    codes = [
        status(desk.ask("generateContent", envelope(project=project)))
        for project in (OWN, "new-project")
    ]

    assert codes == [200, 403]


def test_misbehaviour_names_the_project() -> None:
    """Errors speak of the project that the account has now."""
    desk = told(project="new-project")
    desk.rule("403-service-disabled")

    denial = error(desk.ask("generateContent", envelope(project="new-project")))

    assert denial["details"][0]["metadata"]["containerInfo"] == "new-project"


def test_numeric_project() -> None:
    """A project may be named by a number, which is no good for calls."""
    desk = told(numericProject=True)

    project = loaded(desk)["cloudaicompanionProject"]

    assert project.isdecimal()
    assert status(desk.ask("generateContent", envelope(project=project))) == 403
    assert status(desk.ask("generateContent", envelope())) == 200
