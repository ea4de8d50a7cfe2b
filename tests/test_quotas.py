"""Tests for ``antigravity_gw.pool.quotas``."""

from pathlib import Path
from typing import Any

import pytest
from helpers import now
from twisted.internet.defer import Deferred
from world import WHOLE, Reply, World

from antigravity_gw.errors import Unreachable
from antigravity_gw.needs import Need
from antigravity_gw.pool.hold import EVERY_MODEL
from antigravity_gw.pool.quotas import QuotaWatch
from antigravity_gw.wire.companion import Remaining
from antigravity_gw.wire.verdict import Blame, Setback, Verdict

LEFT = {"pro": Remaining(0.25, 1_000_500.0), "flash": Remaining(None, None)}


class Asked:
    """Says what is left, and remembers who asked."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.failure: Exception | None = None

    async def find(self, token: str, project: str) -> dict[str, Remaining]:
        """What is left for the account whose token it is."""
        self.tokens.append(token)
        if self.failure is not None:
            raise self.failure
        return LEFT


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Two accounts."""
    world = World(tmp_path, accounts="ab")
    world.google.script = [WHOLE]
    return world


@pytest.fixture
def asked() -> Asked:
    """Google, as far as quotas go."""
    return Asked()


@pytest.fixture
def watch(world: World, asked: Asked) -> QuotaWatch:
    """Looks at what is left, no more than every five minutes."""
    world.kind.left = asked.find
    return QuotaWatch(world.pool, every=300.0)


def test_asked_for_in_the_background(
    world: World, watch: QuotaWatch, asked: Asked
) -> None:
    """Each account now and then, and on no request."""
    for _ in range(20):
        now(watch.look())
        assert world.generate().status == 200
        world.clock.advance(30)

    assert asked.tokens == ["token-of-a", "token-of-b"] * 2
    assert {c.method for c in world.google.calls} == {"generateContent"}
    assert world.account("a").remaining("pro", world.pool.now() - 300) == 0.25
    assert world.account("a").remaining("flash", 0.0) is None


def test_it_resets(world: World, watch: QuotaWatch) -> None:
    """After the reset nobody knows what is left."""
    now(watch.look())

    assert world.account("a").remaining("pro", 1_000_499.0) == 0.25
    assert world.account("a").remaining("pro", 1_000_500.0) is None


def test_it_is_stored(
    world: World, watch: QuotaWatch, asked: Asked, tmp_path: Path
) -> None:
    """The command line can show it, and a restart does not ask again."""
    now(watch.look())
    assert world.store.accounts()[0].quota == LEFT
    after = World(tmp_path, accounts="")
    after.take_up()
    after.kind.left = asked.find
    now(QuotaWatch(after.pool, every=300.0).look())

    assert len(asked.tokens) == 2
    assert after.account("a").quota == LEFT


def test_who_is_not_asked(world: World, watch: QuotaWatch, asked: Asked) -> None:
    """An account that is left alone, or disabled, is left alone by this as well."""
    world.account("a").holds.place(EVERY_MODEL, 0.0, None, "x", need=Need.SUSPENDED)
    world.store.change("b", disabled=1.0)
    world.take_up()
    now(watch.look())

    assert asked.tokens == []


def test_it_is_no_trial(world: World, watch: QuotaWatch, asked: Asked) -> None:
    """Whether a hold that is over still holds is for a request to find out."""
    rest = world.pool.consequences.rests.refused
    world.account("a").holds.place(EVERY_MODEL, 0.0, rest, "x")
    now(watch.look())

    assert asked.tokens == ["token-of-b"]


def test_not_at_the_start(world: World, watch: QuotaWatch, asked: Asked) -> None:
    """A daemon that has just started has better things to do."""
    watch.begins = world.pool.now() + 15.0
    now(watch.look())
    assert asked.tokens == []
    world.clock.advance(15)
    now(watch.look())

    assert len(asked.tokens) == 2


def test_switched_off(world: World, watch: QuotaWatch, asked: Asked) -> None:
    """Without a time there is no asking."""
    watch.every = 0.0
    now(watch.look())

    assert asked.tokens == []


@pytest.mark.parametrize("blame", Blame)
def test_not_heard(world: World, watch: QuotaWatch, asked: Asked, blame: Blame) -> None:
    """That Google does not say has no consequences, but for a token it refuses."""
    verdict = Verdict(blame, "x", 60.0, Need.SUSPENDED)
    asked.failure = Setback(verdict, Unreachable("x"))
    now(watch.look())
    assert world.generate().status == 200

    assert world.account("a").holds.by_model == {}
    assert len(world.token_calls) == (3 if blame is Blame.TOKEN else 2)


def test_silence_is_told_once(
    watch: QuotaWatch, asked: Asked, world: World, logged: list[dict[str, Any]]
) -> None:
    """And without anything that Google said in its own words."""
    error = Unreachable("project-of-it is unknown to a@x")
    asked.failure = Setback(Verdict(Blame.MISSING, "no such method"), error)
    for _ in range(3):
        now(watch.look())
        world.clock.advance(300)

    said = [e for e in logged if "does not say" in e.get("log_format", "")]
    assert [(e["account"], e["reason"]) for e in said] == [
        ("a", "no such method"),
        ("b", "no such method"),
    ]


def test_login_that_is_dead(world: World, watch: QuotaWatch, asked: Asked) -> None:
    """That is no news about quotas, and no secret either: the operator is told."""
    world.token_reply = lambda _: (400, b'{"error":"invalid_grant"}')
    now(watch.look())

    assert asked.tokens == []
    assert world.account("a").waits_for("pro", world.pool.now()) == "needs login"


def test_changed_meanwhile(world: World, watch: QuotaWatch) -> None:
    """What was asked before the operator said something newer is not kept."""
    answer: Deferred[Any] = Deferred()

    async def find(token: str, project: str) -> dict[str, Remaining]:
        return dict(await answer)

    world.kind.left = find
    looking = watch.look()
    world.store.give_another_chance("a")
    world.take_up()
    answer.callback(LEFT)
    world.settle()

    assert now(looking) is None
    assert world.account("a").quota == {}


def test_as_google_says_it(world: World) -> None:
    """What Google answers arrives where accounts are chosen."""
    bucket = (
        b'{"modelId":"pro","remainingFraction":0,"resetTime":"2030-01-01T00:00:00Z"}'
    )
    world.google.script = [Reply(body=b'{"buckets":[%b]}' % bucket)]
    looking = QuotaWatch(world.pool, every=300.0).look()
    for _ in range(3):
        world.settle()

    assert now(looking) is None
    assert [account.is_empty("pro", 0.0) for account in world.pool.accounts] == [
        True
    ] * 2
    assert {call.method for call in world.google.calls} == {"retrieveUserQuota"}
