"""``antigravity-gw login`` from end to end, in a real browser without a window."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from browsing import Browser
from consenting import LONGEST, Login, accounts, answers, complaint, logging_in
from daemons import Serve

ADA, GRACE = "ada@sandbox.example", "grace@sandbox.example"

Drive = Callable[..., Any]


@pytest.fixture
def drive(browser: Browser) -> Drive:
    """Answers a consent page, and returns what was seen."""

    def drive(url: str, **options: Any) -> Any:
        with TemporaryDirectory() as profile:
            shots = os.environ.get("SCREENSHOTS")
            options |= {"url": url, "profile": profile, "shots": shots}
            return browser.run("consent.mjs", **options)

    return drive


@pytest.fixture
def opened(tmp_path: Path) -> Callable[[Login], str]:
    """What the operator's browser was told to open; ``BROWSER`` names its stand-in."""
    script, file = tmp_path / "browser", tmp_path / "opened"
    script.write_text(
        f'#!/bin/sh\nprintf %s "$1" >{file}.part && mv {file}.part {file}\n'
    )
    script.chmod(0o755)

    def opened(login: Login) -> str:
        deadline = time.monotonic() + LONGEST
        while not file.exists():
            assert login.process.poll() is None, login.said
            assert time.monotonic() < deadline, login.said
            time.sleep(0.02)
        return file.read_text()

    return opened


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Has the stand-in opened, and no browser of whoever runs the tests."""
    return {"BROWSER": f"{tmp_path / 'browser'} %s"}


def test_allowed(
    serve: Serve,
    tmp_path: Path,
    drive: Drive,
    opened: Callable[[Login], str],
    environ: dict[str, str],
) -> None:
    """The browser ends at a page that says so, and the account serves."""
    daemon, config = serve(accounts=()), tmp_path / "config.toml"
    with logging_in(config, **environ) as login:
        url = opened(login)
        seen = drive(url, account=GRACE, untick=["/userinfo.profile"], choose="Allow")
        status, out = login.end()

    assert seen["question"]["title"] == "Sign in with Google"
    assert seen["question"]["boxes"] == 3
    assert (seen["status"], seen["title"]) == (200, "Logged in")
    assert "The account is stored. You can close this window." in seen["text"]
    assert seen["complaints"] == []
    assert status == 0, login.said
    assert out.splitlines()[0] == f"{GRACE}: added"
    assert url in login.said
    assert "its name and picture was not granted" in login.said
    assert answers(daemon)


def test_expected_account(
    config: Path,
    drive: Drive,
    opened: Callable[[Login], str],
    environ: dict[str, str],
) -> None:
    """An account that is called by its e-mail need not be chosen again."""
    with logging_in(config, GRACE, **environ) as login:
        seen = drive(opened(login), choose="Allow")
        status, out = login.end()

    assert seen["title"] == "Logged in"
    assert (status, f"  email  {GRACE}" in out) == (0, True)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ({"choose": "Cancel"}, "consent was denied"),
        ({"choose": "Allow", "untick": ["/cloud-platform"]}, "leave its box ticked"),
    ],
)
def test_not_allowed(
    config: Path,
    drive: Drive,
    opened: Callable[[Login], str],
    environ: dict[str, str],
    answer: dict[str, Any],
    word: str,
) -> None:
    """The browser is shown why nobody was logged in, and so is the terminal."""
    with logging_in(config, **environ) as login:
        seen = drive(opened(login), account=ADA, **answer)
        status, out = login.end()

    assert (seen["title"], word in seen["text"]) == ("The login has failed", True)
    assert (status, out) == (1, "")
    assert word in complaint(login.said)
    assert accounts(config, "list") == []


def test_blocked(
    config: Path,
    drive: Drive,
    opened: Callable[[Login], str],
    environ: dict[str, str],
) -> None:
    """What Google does not even ask, it says on a page of its own."""
    config.write_text(config.read_text().replace('client_id = "', 'client_id = "x'))
    with logging_in(config, **environ) as login:
        seen = drive(opened(login))["question"]

    assert "Access blocked" in seen["title"]
    assert "Error 401: invalid_client" in seen["text"]
