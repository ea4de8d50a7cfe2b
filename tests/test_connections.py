"""Tests for ``antigravity_gw.web.connections``: how many there may be."""

from pathlib import Path
from typing import Any

import pytest
from world import Client, World

from antigravity_gw.web.connections import LINGER, TOLD_EVERY

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A gateway in memory, with room for four clients."""
    world = World(tmp_path)
    world.site.connections.limit = 4
    return world


def refusals(logged: list[dict[str, Any]]) -> list[tuple[int, int]]:
    """How many connections were refused, and what the limit was, as logged."""
    return [(e["count"], e["limit"]) for e in logged if "count" in e and "limit" in e]


def test_one_too_many(world: World, logged: list[dict[str, Any]]) -> None:
    """It is told so in Google's shape, and can read that before it is closed."""
    clients = [world.client() for _ in range(4)]
    refused = world.client()
    assert refused.error() == (503, "UNAVAILABLE")
    assert refused.ended_well
    assert "connection: close" in refused.head
    assert refused.transport.half_closed
    refused.send(GET)  # is read, so that closing does not reset the connection
    assert not refused.transport.disconnecting
    world.clock.advance(LINGER)

    assert refused.transport.disconnecting
    assert [client.send(GET).status for client in clients] == [200] * 4
    assert refusals(logged) == [(1, 4)]


def test_room_again(world: World) -> None:
    """When a client has gone, another one may come."""
    clients = [world.client() for _ in range(4)]
    clients[0].leave()

    assert world.client().send(GET).status == 200
    assert world.client().status == 503


def test_who_reads_and_leaves(world: World) -> None:
    """Nothing is kept of clients that were told."""
    for _ in range(4):
        world.client()
    calls = len(world.clock.getDelayedCalls())
    refused = world.client()
    refused.leave()
    world.clock.advance(TOLD_EVERY)

    assert len(world.clock.getDelayedCalls()) == calls


def test_a_crowd(world: World, logged: list[dict[str, Any]]) -> None:
    """Few are waited for, and there is one line a second about all of them."""

    def crowd() -> list[Client]:
        return [world.client() for _ in range(100)]

    first = crowd()
    assert [client.status for client in first[4:]] == [503] * 96
    world.clock.advance(0)
    assert sum(not client.transport.disconnecting for client in first[4:]) == 1
    assert refusals(logged) == []
    world.clock.advance(TOLD_EVERY)
    assert refusals(logged) == [(96, 4)]
    crowd()
    world.clock.advance(TOLD_EVERY)
    world.clock.advance(TOLD_EVERY)

    assert refusals(logged) == [(96, 4), (100, 4)]
    assert world.site.connections.refused == 196
    assert "too_many_connections=196" in world.site.tally.line()
