"""Tests for the calls around generating."""

import json
from typing import Any

import pytest
from sandbox_helpers import Desk, prompt, status, written


def newcomer() -> Desk:
    """A sandbox in which ada has not been onboarded."""
    desk = Desk()
    desk.tell("ada", onboarded=False)
    return desk


def body(**members: Any) -> bytes:
    return json.dumps(members).encode()


def test_load_code_assist() -> None:
    """An account has a tier and a project."""
    answer = Desk().json("loadCodeAssist", body(metadata={"ideType": "X"}))

    assert answer["currentTier"]["id"] == "free-tier"
    assert answer["cloudaicompanionProject"] == "sandbox-project-ada"


def test_newcomer() -> None:
    """A newcomer has neither, but is told which tiers there are."""
    answer = newcomer().json("loadCodeAssist", b"{}")

    assert list(answer) == ["allowedTiers"]
    assert [tier.get("isDefault") for tier in answer["allowedTiers"]] == [True, None]


@pytest.mark.parametrize("again", ["operations", "onboardUser"])
def test_onboarding(again: str) -> None:
    """Onboarding is done when asked about again, by a poll or the same call."""
    desk = newcomer()
    tier = body(tierId="free-tier")

    first = desk.json("onboardUser", tier)
    _, acts = desk.call(again, tier, bearer=desk.token(), operation="ada")
    second = json.loads(written(acts))

    assert (first["done"], second["done"]) == (False, True)
    assert "operations/ada" == first["name"] == second["name"]
    project = second["response"]["cloudaicompanionProject"]
    assert project["id"] == "sandbox-project-ada"
    assert "currentTier" in desk.json("loadCodeAssist", b"{}")


def test_somebody_elses_operation() -> None:
    """An operation is nobody else's business."""
    desk = newcomer()

    _, acts = desk.call("operations", bearer=desk.token(), operation="grace")

    assert status(acts) == 404


@pytest.mark.parametrize(
    ("tier", "project", "code"),
    [
        ("free-tier", "p", 400),
        ("standard-tier", "", 400),
        ("standard-tier", "p", 200),
        ("silver-tier", "", 400),
    ],
)
def test_tier_and_project(tier: str, project: str, code: int) -> None:
    """The free tier has no project of its own, the standard tier must have one."""
    asked = body(tierId=tier, cloudaicompanionProject=project)

    assert code == status(newcomer().ask("onboardUser", asked))


def test_models() -> None:
    """The models are listed, those that misbehave among them."""
    answer = Desk().json("fetchAvailableModels", body(project="sandbox-project-ada"))

    models = answer["models"]
    assert {"gemini-2.5-flash", "gemini-3.1-flash-image"} < set(models)
    assert "sandbox-429-quota-exhausted" in models
    assert "sandbox-token-500" not in models
    assert models["gemini-2.5-flash"]["quotaInfo"]["remainingFraction"] == 1.0
    assert models == Desk().json("fetchAvailableModels", b"{}")["models"]


@pytest.mark.parametrize("method", ["fetchAvailableModels", "retrieveUserQuota"])
def test_somebody_elses_project(method: str) -> None:
    """A project must be the account's."""
    assert status(Desk().ask(method, body(project="sandbox-project-grace"))) == 403


def test_quota() -> None:
    """What is left of the quota is told."""
    desk = Desk()
    desk.tell("ada", quota=0)

    answer = desk.json("retrieveUserQuota", body(project="sandbox-project-ada"))

    assert {0.0} == {bucket["remainingFraction"] for bucket in answer["buckets"]}
    assert {"REQUESTS"} == {bucket["tokenType"] for bucket in answer["buckets"]}


@pytest.mark.parametrize(
    "method",
    ["loadCodeAssist", "onboardUser", "fetchAvailableModels", "retrieveUserQuota"],
)
def test_unknown_names(method: str) -> None:
    """Every method refuses what it does not know."""
    acts = Desk().ask(method, body(nonsense=1))

    assert status(acts) == 400
    assert b'Unknown name \\"nonsense\\"' in written(acts)


def test_count_tokens() -> None:
    """Tokens are counted without a project."""
    asked = body(request={"model": "models/gemini-2.5-flash", **prompt("x" * 40)})

    assert Desk().json("countTokens", asked) == {"totalTokens": 10}


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"model": "gemini-2.5-flash", **prompt()}, 404),
        ({"model": "models/x", "safetySettings": [], **prompt()}, 400),
        ([], 400),
    ],
)
def test_count_tokens_refused(request_: object, code: int) -> None:
    """Counting wants a full model name and nothing but contents."""
    assert code == status(Desk().ask("countTokens", body(request=request_)))


def test_unknown_method() -> None:
    """A method that does not exist is a 404 in Google's shape."""
    acts = Desk().ask("embedContent", b"{}")

    assert status(acts) == 404
    assert json.loads(written(acts))["error"]["status"] == "NOT_FOUND"
