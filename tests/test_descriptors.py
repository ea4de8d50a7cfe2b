"""Tests for ``antigravity_gw.descriptors``."""

import resource
from typing import Any

import pytest
from twisted.internet.task import Clock

from antigravity_gw.config import Limits
from antigravity_gw.descriptors import PLENTY, SPARE, Descriptors, room
from antigravity_gw.web.connections import Connections

NEED = 2 * Limits().requests + SPARE


@pytest.mark.parametrize(
    ("soft", "hard", "descriptors"),
    [
        (1024, 524288, NEED),  # a usual Linux
        (1024, -1, NEED),
        (1024, 4096, 4096),
        (20000, 20000, 20000),
        (1048576, 1048576, 1048576),  # a container
        (-1, -1, -1),
    ],
)
def test_defaults_are_quiet(soft: int, hard: int, descriptors: int) -> None:
    """Where there is plenty, the limit is raised as far as it goes, without a word."""
    found = room(Limits(), soft, hard)

    assert found.descriptors == descriptors
    assert found.connections == (NEED if descriptors < 0 else descriptors) // 2
    assert not found.is_tight


@pytest.mark.parametrize("hard", [256, 1024, PLENTY - 1])
def test_little_is_told(hard: int) -> None:
    """With fewer than two thousand streams need, the operator should know."""
    found = room(Limits(), min(hard, 1024), hard)

    assert found.is_tight
    assert (found.descriptors, found.connections) == (hard, hard // 2)


def test_wishes_that_cannot_be_met() -> None:
    """Who asked for more than there can be is told, however much that is."""
    many = Limits(requests=20000)
    assert room(many, 1024, 20000).is_tight
    assert not room(many, 1024, 524288).is_tight
    clients = Limits(connections=30000)
    found = room(clients, 1024, 20000)
    assert found.is_tight
    assert found.connections == 30000
    assert found.needed == 30000 + clients.requests + SPARE


def test_modest_wishes() -> None:
    """Who wants less needs less."""
    found = room(Limits(requests=100), 1024, 1024)

    assert found.needed == 200 + SPARE
    assert not found.is_tight
    assert found.descriptors == 1024


def test_in_this_process(clock: Clock, logged: list[dict[str, Any]]) -> None:
    """The limit is raised, never lowered, and the site is told what follows."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    connections = Connections(clock)
    soft = min(before[0], 1000) if before[0] > 0 else 1000
    few = Limits(requests=soft, connections=7)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, before[1]))
        Descriptors(few, connections).privilegedStartService()
        raised = resource.getrlimit(resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

    assert raised == (2 * soft + SPARE, before[1])
    assert connections.limit == 7
    assert logged == []


def test_warning(clock: Clock, logged: list[dict[str, Any]]) -> None:
    """It says the numbers, and what to do."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < 0 or hard > 2**19:
        pytest.skip("this machine has no limit to speak of")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        limits = Limits(connections=2**20)
        Descriptors(limits, Connections(clock)).privilegedStartService()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    (line,) = [str(e["log_format"]).format(**e) for e in logged]

    assert f"may open {hard} files" in line
    assert f"LimitNOFILE={2**20 + limits.requests + SPARE}" in line
    assert "ulimit -n" in line
