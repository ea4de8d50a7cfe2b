"""Tests for what is written about the sandbox."""

import json
from pathlib import Path

import pytest

import antigravity_sandbox
from antigravity_sandbox.mischief.behaviour import Behaviour
from antigravity_sandbox.mischief.catalogue import CATALOGUE

PACKAGE = Path(antigravity_sandbox.__file__).parent
MANUAL = Path(__file__).parents[2] / "docs" / "sandbox.md"


@pytest.mark.parametrize("behaviour", CATALOGUE.values(), ids=lambda b: b.slug)
def test_catalogue(behaviour: Behaviour) -> None:
    """The manual describes every behaviour as the catalogue does."""
    takes = [f"`{name}` {json.dumps(v)}" for name, v in behaviour.takes.items()]
    row = f"| `{behaviour.slug}` | {behaviour.summary} | {', '.join(takes)} |"

    assert row in MANUAL.read_text().splitlines()


def test_stands_alone() -> None:
    """The sandbox imports nothing of the gateway's."""
    assert not [p for p in PACKAGE.rglob("*.py") if "antigravity_gw" in p.read_text()]


def test_rules_know_no_twisted() -> None:
    """Only the edges import Twisted."""
    edges = {"web", "service.py", "tap.py"}
    modules = PACKAGE.rglob("*.py")
    importing = {p for p in modules if "from twisted" in p.read_text()}

    assert {p.relative_to(PACKAGE).parts[0] for p in importing} == edges
