"""Tests for ``antigravity_gw.trial``."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred
from world import LIMITS, WHOLE, Call, Reply, World

from antigravity_gw.database import StoreError
from antigravity_gw.needs import Need
from antigravity_gw.outcome import Outcome
from antigravity_gw.pool.account import Access, Known
from antigravity_gw.pool.hold import ACCESS, EVERY_MODEL, Hold
from antigravity_gw.pool.learnt import held, minted
from antigravity_gw.trial import LONGEST, QUESTION, Trial

NOW = 1_000_000.0
MEMBER = {"currentTier": {"id": "free-tier"}, "cloudaicompanionProject": "its-project"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A store with one account, and Google."""
    world = World(tmp_path, accounts=("a",))
    world.google.script = [google()]
    return world


def google(generate: Reply = WHOLE) -> Callable[[Call], Reply]:
    """Google, where *generate* is what a question is answered."""

    def reply(call: Call) -> Reply:
        is_question = call.method == "generateContent"
        return generate if is_question else Reply(body=json.dumps(MEMBER).encode())

    return reply


def learnt(world: World, **holds: Hold) -> None:
    """Let the daemon have learnt something of the account."""
    (known,) = world.store.accounts()
    keys = {"account": EVERY_MODEL, "access": ACCESS}
    for key, hold in holds.items():
        change = held("a", known.record.epoch, keys.get(key, key), hold)
        world.store.apply([change])


def begun(world: World) -> list[Outcome | Exception]:
    """Begin a trial of the account; the list takes what comes of it."""
    limits = evolve(LIMITS, total=LONGEST, whole=LONGEST, first_event=9.0, idle=9.0)
    gateway = world.make_gateway(limits)
    world.pool.take_up([])  # a trial has a pool of its own
    (known,) = world.store.accounts()
    results: list[Outcome | Exception] = []
    trial = Deferred.fromCoroutine(Trial(gateway, world.store, "pro").run(known))
    trial.addCallbacks(results.append, lambda why: results.append(why.value))
    world.settle()
    return results


def tried(world: World) -> tuple[Outcome, Known]:
    """What came of a trial, and what is known of the account now."""
    (outcome,) = begun(world)
    assert isinstance(outcome, Outcome)
    (known,) = world.store.accounts()
    return outcome, known


def test_an_account_that_serves(world: World) -> None:
    """It has a new token and a project; a daemon that runs goes by them."""
    (before,) = world.store.accounts()
    stale = Access("stale", NOW + 3000, "whatever")
    world.store.apply([minted("a", before.record.epoch, stale)])
    outcome, known = tried(world)
    question = world.google.calls[-1]

    assert (outcome.serves, outcome.reason, outcome.model) == (True, None, "pro")
    assert len(world.token_calls) == 1
    assert [call.method for call in world.google.calls] == [
        "loadCodeAssist",
        "generateContent",
    ]
    assert question.envelope["project"] == "its-project"
    assert question.envelope["request"] == json.loads(QUESTION)
    assert known.access is not None
    assert (known.access.token, known.project) == ("token-of-a", "its-project")
    assert known.record.epoch > before.record.epoch


def test_what_is_disproved(world: World) -> None:
    """What would have been in the way is gone; another model cools on."""
    cools = Hold("out of quota", NOW - 9, NOW + 999)
    suspended = Hold("broken terms", NOW - 9, None, Need.SUSPENDED)
    learnt(world, pro=cools, flash=cools, account=suspended, access=cools)
    outcome, known = tried(world)

    assert outcome.serves
    assert known.holds == {"flash": cools}


def test_disabled_and_busy_accounts(world: World) -> None:
    """They are asked as well, and stay as they are."""
    world.store.change("a", disabled=NOW - 5, concurrency=1)
    outcome, known = tried(world)

    assert outcome.serves
    assert (known.record.disabled, known.record.concurrency) == (NOW - 5, 1)


def test_looking_does_not_make_it_worse(world: World) -> None:
    """A hold that turns out to hold lasts no longer for having been tested."""
    learnt(world, pro=Hold("out of quota", NOW - 9, NOW + 999, repeats=2))
    world.google.script = [google(Reply(429, b"{}"))]
    outcome, known = tried(world)

    assert (outcome.serves, outcome.reason) == (False, "out of quota")
    assert outcome.holds == known.holds
    assert known.holds["pro"] == Hold("out of quota", NOW - 9, NOW + 240, repeats=2)


def test_what_says_nothing_of_the_account(world: World) -> None:
    """The reason is told, and what is held against the account stays."""
    validation = Hold("see it", NOW - 9, NOW + 999, Need.VALIDATION)
    learnt(world, account=validation)
    world.google.script = [google(Reply(500))]
    outcome, known = tried(world)

    assert outcome.reason == "upstream answered 500"
    assert outcome.holds == {}
    assert known.holds == {EVERY_MODEL: validation}


def test_no_token(world: World) -> None:
    """It need not come to a question."""
    world.token_reply = lambda _: (400, b'{"error":"invalid_grant"}')
    outcome, known = tried(world)

    assert "the refresh token has expired" in str(outcome.reason)
    assert known.holds[ACCESS].need is Need.LOGIN
    assert world.google.calls == []


def test_no_answer(world: World) -> None:
    """There is an end to the waiting."""
    world.google.script = [google(Reply(stays_open=True))]
    results = begun(world)
    for _ in range(3):
        assert results == []
        world.clock.advance(LONGEST / 3)
        world.settle()
    (outcome,) = results

    assert isinstance(outcome, Outcome)
    assert not outcome.serves
    assert outcome.seconds == LONGEST


def test_a_disk_that_fails(world: World) -> None:
    """What cannot be stored is no result."""

    def reply(call: Call) -> Reply:
        world.store.path.unlink(missing_ok=True)
        return google()(call)

    world.google.script = [reply]
    (failure,) = begun(world)

    assert isinstance(failure, StoreError)
    assert "cannot be stored" in failure.message
