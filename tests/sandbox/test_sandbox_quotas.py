"""Tests for quotas, and for what is said of them."""

import json
from typing import Any

import pytest
from sandbox_helpers import STREAM, Desk, envelope, status, written

from antigravity_sandbox.durations import timestamp
from antigravity_sandbox.quotas import EVERY_MODEL, Purse

CALL = "generateContent"
PRO, FLASH = "gemini-2.5-pro", "gemini-2.5-flash"


def codes(desk: Desk, model: str, count: int = 1) -> list[int | None]:
    """The statuses of some calls of *model* in a row."""
    return [status(desk.ask(CALL, envelope(model=model))) for _ in range(count)]


def refused(desk: Desk, model: str = PRO) -> Any:
    """The error that a call of *model* gets."""
    return json.loads(written(desk.ask(STREAM, envelope(model=model))))["error"]


def shown(desk: Desk, model: str = PRO) -> dict[str, Any]:
    """What both calls about quotas say of *model*, which must be the same."""
    body = json.dumps({"project": "sandbox-project-ada"}).encode()
    models = desk.json("fetchAvailableModels", body)["models"]
    buckets = desk.json("retrieveUserQuota", body)["buckets"]
    (bucket,) = [b for b in buckets if b.pop("modelId") == model]
    assert bucket.pop("tokenType") == "REQUESTS"
    assert bucket == models[model]["quotaInfo"]
    return dict(bucket)


def test_models_apart() -> None:
    """A model whose quota is used up leaves the others alone."""
    desk = Desk()
    desk.tell("ada", quotas={PRO: 2})

    assert codes(desk, PRO, 3) == [200, 200, 429]
    assert codes(desk, FLASH) == [200]
    assert status(desk.ask(CALL, envelope("grace", model=PRO), "grace")) == 200


def test_refusal_names_the_model() -> None:
    """The refusal says of which model the quota is used up."""
    desk = Desk()
    desk.tell("ada", quotas={PRO: 0})

    info = refused(desk)["details"][0]

    assert (info["reason"], info["metadata"]["model"]) == ("QUOTA_EXHAUSTED", PRO)


def test_both_are_needed() -> None:
    """A call needs the quota of its model and the one of all models."""
    desk = Desk()
    desk.tell("ada", quota=2, quotas={PRO: 1})

    assert codes(desk, PRO, 2) == [200, 429]
    assert codes(desk, FLASH, 2) == [200, 429]


def test_orders_add_up() -> None:
    """An order leaves the models alone that it does not name; null lifts a limit."""
    desk = Desk()
    desk.tell("ada", quotas={PRO: 0, FLASH: 0})
    desk.tell("ada", quotas={PRO: None})

    assert (codes(desk, PRO), codes(desk, FLASH)) == ([200], [429])


def test_reset() -> None:
    """A quota is full again so long after its last call; until then it says when."""
    desk = Desk()
    desk.tell("ada", quotas={PRO: 2}, quotaReset="90s")
    codes(desk, PRO)
    desk.now += 1000
    codes(desk, PRO)

    desk.now += 30
    info, retry = refused(desk)["details"]
    desk.now += 59.5
    late = refused(desk)
    desk.now += 0.5

    assert info["metadata"]["quotaResetDelay"] == "1m0s"
    assert info["metadata"]["quotaResetTimeStamp"] == timestamp(1_001_090)
    assert retry["retryDelay"] == "60s"
    assert late["details"][0]["metadata"]["quotaResetDelay"] == "500ms"
    assert codes(desk, PRO, 3) == [200, 200, 429]


def test_nothing_stays_nothing() -> None:
    """A quota of nothing is used up from the first call on, and again when full."""
    desk = Desk()
    desk.tell("ada", quotas={PRO: 0}, quotaReset="90s")

    delays = []
    for _ in range(4):
        delays.append(refused(desk)["details"][1]["retryDelay"])
        desk.now += 45

    assert delays == ["90s", "45s", "90s", "45s"]


def test_shown() -> None:
    """What is left of each model is shown, and when it is full again."""
    desk = Desk()
    desk.tell("ada", quotas={PRO: 4}, quotaReset="90s")
    codes(desk, PRO)
    partly, other = shown(desk), shown(desk, FLASH)
    codes(desk, PRO, 3)
    desk.now += 0.5

    assert partly["remainingFraction"] == 0.75
    assert other["remainingFraction"] == 1.0
    assert shown(desk) == {"remainingFraction": 0.0, "resetTime": timestamp(1_000_090)}
    desk.now += 89.5
    assert shown(desk)["remainingFraction"] == 1.0


def test_reset_time_is_not_too_early() -> None:
    """Who comes back at the time that was shown finds the quota full."""
    desk = Desk(now=1_000_000.25)
    desk.tell("ada", quotas={PRO: 1}, quotaReset="90s")
    codes(desk, PRO)

    assert shown(desk)["resetTime"] == timestamp(1_000_091)


def test_least_is_shown() -> None:
    """Of two quotas the one with less is shown."""
    desk = Desk()
    desk.tell("ada", quota=4, quotas={PRO: 2})
    codes(desk, PRO)

    fractions = [shown(desk, model)["remainingFraction"] for model in (PRO, FLASH)]

    assert fractions == [0.5, 0.75]


@pytest.mark.parametrize("calls", [0, 5])
def test_unknown(calls: int) -> None:
    """It may be left unsaid how much there is, be it nothing."""
    desk = Desk()
    desk.tell("ada", quotas={PRO: calls}, quotaUnknown=True)

    assert list(shown(desk)) == ["resetTime"]


def test_further_models() -> None:
    """A model that has a quota is listed, whatever its name."""
    desk = Desk()
    desk.tell("ada", quotas={"gemini-9": 5})

    assert shown(desk, "gemini-9")["remainingFraction"] == 1.0


def test_misbehaviour_spends() -> None:
    """A call that meets a misbehaviour was made all the same."""
    desk = Desk()
    desk.tell("ada", quotas={PRO: 1})
    desk.rule("500", times=1)

    assert codes(desk, PRO, 2) == [500, 429]


def test_longest_wait() -> None:
    """Of two quotas that are used up, the later one to be full counts."""
    purse = Purse()
    purse.allow(EVERY_MODEL, 2)
    purse.allow(PRO, 1)
    purse.spend(PRO, now=0, reset=90)
    assert purse.wait(PRO, now=10, reset=90) == 80
    purse.spend(FLASH, now=20, reset=90)

    waits = [purse.wait(model, now=30, reset=90) for model in (PRO, FLASH)]

    assert waits == [80, 80]
    assert purse.left == {EVERY_MODEL: 0, PRO: 0}
