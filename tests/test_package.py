"""Tests of what is installed."""

import sys
from importlib.metadata import distribution, files
from pathlib import Path

import antigravity_gw

CHECKOUT = Path(__file__).parents[1]


def test_the_wheel_is_tested() -> None:
    """``make test`` runs against what users install, not against the checkout."""
    installed = Path(antigravity_gw.__file__)

    assert installed.is_relative_to(Path(sys.prefix))
    assert not installed.is_relative_to(CHECKOUT / "antigravity_gw")


def test_the_wheel_holds_no_part_of_twisted() -> None:
    """Uninstalling must leave Twisted whole: only two plugin files are ours there."""
    ours = [str(path) for path in files("antigravity-gw") or ()]
    in_twisted = sorted(
        path for path in ours if path.startswith("twisted/") and path.endswith(".py")
    )

    assert in_twisted == [
        "twisted/plugins/antigravity_gw_plugin.py",
        "twisted/plugins/antigravity_sandbox_plugin.py",
    ]
    assert not [path for path in ours if path.startswith(("tests", "docs"))]


def test_every_dependency_has_its_reason() -> None:
    """``docs/dependencies.md`` says why each of them is there, with its bound."""
    reasons = (CHECKOUT / "docs" / "dependencies.md").read_text()
    requirements = distribution("antigravity-gw").requires or []

    for requirement in requirements:
        wanted = requirement.partition(";")[0].strip().replace('"', "")
        assert f"`{wanted}`" in reasons
        assert ">=" in wanted
