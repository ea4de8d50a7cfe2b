"""Tests for ``antigravity_gw.pool.pool``: what changes while the daemon runs."""

import json
from pathlib import Path
from typing import Any

import pytest
from helpers import now
from twisted.internet.defer import Deferred
from world import WHOLE, World

from antigravity_gw.pool.store import Store, StoreError
from antigravity_gw.pool.watch import StoreWatch


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Three accounts."""
    world = World(tmp_path)
    world.google.script = [WHOLE]
    return world


def served_by(world: World) -> str:
    """The account that serves a request of no conversation."""
    world.generate(b"{}")
    return world.google.calls[-1].account


def test_unchanged(world: World, logged: list[dict[str, Any]]) -> None:
    """Looking when nothing has changed does nothing."""
    before = len(logged)
    world.pool.refresh()

    assert len(logged) == before


def test_removed(world: World) -> None:
    """An account that was removed serves no more; its conversations go on."""
    world.generate()
    world.store.remove("a@x")
    world.pool.refresh()
    world.generate()

    assert [call.account for call in world.google.calls] == ["a", "b"]


def test_removed_and_added_again(world: World) -> None:
    """Nothing is kept of an account that was removed, its access token least of all."""
    assert served_by(world) == "a"
    world.store.remove("a@x")
    world.pool.refresh()
    world.add("a")
    assert "a" in {served_by(world) for _ in range(3)}

    assert [b"refresh-of-a" in form for form in world.token_calls].count(True) == 2


def test_removed_while_serving(world: World) -> None:
    """What is being served is not disturbed."""
    lending = world.pool.lend("pro", None, deadline=2e6)
    lease = now(lending.__aenter__())
    world.store.remove("a@x")
    world.pool.refresh()

    assert (lease.account_id, lease.token) == ("a", "token-of-a")
    now(lending.__aexit__(None, None, None))


def test_another_token(world: World) -> None:
    """An account that was logged in anew gets another chance at once."""
    world.token_reply = lambda _: (400, b'{"error":"invalid_grant"}')
    assert world.generate().status == 400
    world.token_reply = lambda _: (200, b'{"access_token":"token-of-a"}')
    world.add("a")

    assert world.generate().status == 200


def test_leases_are_counted(world: World) -> None:
    """How many requests an account serves is known, also when one fails."""
    lending = world.pool.lend("pro", None, deadline=2e6)
    now(lending.__aenter__())
    (account, *_) = world.pool._accounts.values()
    assert account.serving == 1
    swallowed = now(lending.__aexit__(ZeroDivisionError, ZeroDivisionError(), None))

    assert (swallowed, account.serving) == (False, 0)


def test_one_conclusion_for_all(world: World, logged: list[dict[str, Any]]) -> None:
    """However many requests wait for a login that is dead, it is told once."""
    answer: Deferred[tuple[int, bytes]] = Deferred()

    async def post(form: bytes) -> tuple[int, bytes]:
        return await answer

    world.pool.tokens.post = post
    clients = [world.generate() for _ in range(50)]
    answer.callback((400, b'{"error":"invalid_grant"}'))
    world.settle()

    assert {client.error() for client in clients} == {(400, "FAILED_PRECONDITION")}
    assert len([e for e in logged if "need" in e]) == 3


def test_one_discovery_for_all(tmp_path: Path) -> None:
    """However many requests wait for an account's project, it is asked for once."""
    world = World(tmp_path, accounts="")
    world.add("a", project=None)
    asked: list[Deferred[str]] = []

    async def find(token: str) -> str:
        asked.append(Deferred())
        return await asked[-1]

    world.pool.find_project = find
    lending = [world.pool.lend("pro", None, deadline=2e6) for _ in range(200)]
    waiting = [Deferred.fromCoroutine(lend.__aenter__()) for lend in lending]
    asked[0].callback("found")

    assert {now(lease).project for lease in waiting} == {"found"}
    assert len(asked) == 1


def test_rotations_survive_bad_moments(world: World) -> None:
    """A refresh token that could not be stored is not replaced by its dead forebear."""
    watch, away = StoreWatch(world.pool).look, world.store.path.with_suffix(".away")
    world.token_reply = lambda account: (
        200,
        json.dumps(
            {
                "access_token": f"token-of-{account}",
                "expires_in": 0,
                "refresh_token": f"refresh-of-{account}-{len(world.token_calls)}",
            }
        ).encode(),
    )
    world.store.path.rename(away)
    assert [served_by(world) for _ in range(4)] == ["a", "b", "c", "a"]
    away.rename(world.store.path)
    Store.open(world.store.directory).remove("b@x")
    world.pool.refresh()
    assert world.pool._accounts["a"].record.refresh_token == "refresh-of-a-4"
    watch()

    assert [r.refresh_token for r in world.store.records()] == [
        "refresh-of-a-4",
        "refresh-of-c-3",
    ]


def test_bad_moments_of_the_disk(world: World, logged: list[dict[str, Any]]) -> None:
    """They are told once, end by themselves, and cost no account."""
    watch, away = StoreWatch(world.pool).look, world.store.path.with_suffix(".away")
    world.store.remove("c@x")
    world.store.path.rename(away)
    for _ in range(3):
        watch()
    with pytest.raises(StoreError):
        world.pool.refresh()
    assert served_by(world) == "a"
    away.rename(world.store.path)
    watch()

    told = [e["what"] for e in logged if "what" in e]
    assert ["unable to open" in what for what in told] == [True, False]
    assert served_by(world) == "b"
