"""The operator's page in a real browser without a window."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import Browser
from daemons import KEY, Daemon, running
from operating import HOSTILE, furnish
from tools import debian_tool

OPERATOR = "the-operators-own-key"

Look = Callable[..., Any]


@pytest.fixture
def operated(tmp_path: Path, config: Path) -> Iterator[Daemon]:
    """A gateway that has been in use, one of whose accounts has a hostile name."""
    furnish(tmp_path / "state", time.time(), hostile=True)
    digest = hashlib.sha256(OPERATOR.encode()).hexdigest()
    admin = f'[admin]\npage = true\nkeys = [{{name = "root", sha256 = "{digest}"}}]\n'
    config.write_text(config.read_text() + admin)
    with running("antigravity-gw", "--config", str(config), folder=tmp_path) as gateway:
        yield gateway


@pytest.fixture
def look(browser: Browser, operated: Daemon) -> Look:
    """Has the browser do some of what is in ``admin.mjs``."""
    debian_tool("chromium", "chromium")  # that of a package draws no plots

    def look(*acts: str, **options: Any) -> Any:
        told = {
            "url": f"{operated.url}/admin/",
            "password": OPERATOR,
            "shots": os.environ.get("SCREENSHOTS"),
            "pid": operated.process.pid,
            "acts": acts,
            **options,
        }
        return browser.run("admin.mjs", **told)

    return look


def test_looking(look: Look) -> None:
    """It shows what there is, to every eye and width, and talks to nobody else."""
    seen = look("look")
    accounts = dict(seen["accounts"])

    assert (seen["complaints"], seen["strangers"], seen["violations"]) == ([], [], [])
    assert seen["objections"] == []
    assert seen["overflow"] == 0
    assert seen["hacked"] == "no"
    assert seen["verdict"] == "Requests are served, but an account needs you."
    assert accounts[HOSTILE] == "disabled"
    assert accounts["barbara@example.com"] == "needs validation"
    assert accounts["grace@example.com"] == "cooling (1 model)"
    assert "gemini-2.5-pro\n0 %" in seen["quotas"]
    assert "gemini-3.1-pro\nunknown" in seen["quotas"]
    assert all(text.startswith("in ") for text in seen["countdowns"])
    assert "requests in the last hour" in seen["summaries"][0]


def test_choosing(look: Look) -> None:
    """Range, usage and theme are chosen, and the theme is kept."""
    seen = look("choices")
    light, dark = "rgb(245, 246, 248)", "rgb(16, 19, 23)"

    assert (seen["hour"], seen["day"]) == (60, 288)
    assert seen["models"][0] == "gemini-2.5-flash"
    assert seen["themes"] == [
        ["Theme: light", light],
        ["Theme: dark", dark],
        ["Theme: system", light],
    ]
    assert seen["kept"] == ["Theme: dark", dark]
    assert (seen["complaints"], seen["violations"]) == ([], [])


def test_acting(look: Look) -> None:
    """Accounts are enabled, warmed up and tested from a phone."""
    seen = look("actions", well="1a2b3c4d", disabled="b2d4f6a8", cooling="9c0d1e2f")

    assert seen["enabled"] == "serving"
    assert seen["warmed"] == "serving"
    assert seen["tested"].startswith("It serves gemini-3.1-pro")
    assert seen["back"] == "Test: ada@example.com"
    assert "tested just now" in seen["again"]
    assert (seen["complaints"], seen["objections"]) == ([], [])


def test_keyboard(look: Look) -> None:
    """It does without a mouse, and the focus is never lost."""
    seen = look("keyboard", well="1a2b3c4d", disabled="b2d4f6a8")

    assert (seen["skip"], seen["skipped"]) == ("Skip to the status", "main")
    assert seen["outline"] == "solid"
    assert seen["dialog"] == "Disable"
    assert seen["escaped"] == "Disable: ada@example.com"
    assert seen["disabled"] == "disabled"
    assert seen["said"] == "ada@example.com: disabled."
    assert "ada@example.com" in seen["stayed"]
    assert HOSTILE in seen["moved"]
    assert seen["complaints"] == []


def test_two_at_a_time(look: Look) -> None:
    """What comes of one account is not shown where another is spoken of by now."""
    seen = look("meanwhile", well="1a2b3c4d", cooling="9c0d1e2f")

    assert seen["said"] == "ada@example.com: It serves gemini-3.1-pro."
    assert seen["untouched"]
    assert seen["complaints"] == []


def test_while_requests_are_served(look: Look) -> None:
    """What somebody is about to press, or to copy, is not taken from them."""
    seen = look("busy", key=KEY)
    first, *later = seen["selected"]

    assert seen["marked"]
    assert first
    assert set(later) == {first}
    assert seen["complaints"] == []


def test_nobody_looks(look: Look) -> None:
    """A page in a hidden tab watches nothing until it is shown."""
    assert look("hidden")["watched"] == 0


def test_usage_that_cannot_be_read(look: Look) -> None:
    """That is said, and why, in the place of numbers that are not all."""
    seen = look("unread")

    assert "the disk is failing" in seen["usage"]
    assert seen["complaints"] == []


def test_losing_the_connection(look: Look) -> None:
    """When the daemon is gone the page says so plainly."""
    seen = look("lost")

    assert seen["lost"][0] == "The connection to the gateway is lost."
    assert "connection lost" in seen["lost"][1]
    assert seen["complaints"] == []
