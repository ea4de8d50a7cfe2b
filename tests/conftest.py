"""Fixtures for every test."""

import gc
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import CLIENT_ID, Run, Terminal
from hypothesis import settings
from secrecy import told
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from world import OPEN

from antigravity_gw.cli import main

CONFIG = f"[oauth]\nclient_id = '{CLIENT_ID}'\nclient_secret = 'hush'\n"

settings.register_profile("suite", deadline=None)
settings.load_profile("suite")  # no absolute times: the machine may be busy


@pytest.fixture(scope="module", autouse=True)
def what_was_before() -> None:
    """
    Have no test look through what was there before its module's first.

    Each test collects garbage, and thousands of tests are many objects.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


@pytest.fixture
def clock() -> Clock:
    """Time, which passes only when a test says so."""
    return Clock()


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[dict[str, Any]]]:
    """
    The log of a test.  A failure it still holds at the end fails the test.

    So does a secret, in any form, also if the test has taken its line away.
    """
    with capturedLogs() as events, capturedLogs() as all_events:
        yield events
        while OPEN:
            OPEN.pop().close()
        gc.collect()  # a Deferred tells of its unhandled failure when it dies
    left = [e["log_failure"].getErrorMessage() for e in events if "log_failure" in e]
    assert left == []
    assert told(all_events) == []


@pytest.fixture
def run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Runs one command, on a state directory of its own; a client is configured."""
    file = tmp_path / ".config" / "antigravity-gw" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(f"state_dir = '{tmp_path / 'state'}'\n{CONFIG}")

    def command(
        *arguments: str, stdin: str | bytes | None = ""
    ) -> tuple[int, str, str]:
        content = stdin.encode() if isinstance(stdin, str) else stdin or b""
        given = Terminal if stdin is None else io.TextIOWrapper
        monkeypatch.setattr("sys.stdin", given(io.BytesIO(content)))
        monkeypatch.setenv("HOME", str(tmp_path))
        for name in ("STATE_DIRECTORY", "CONFIGURATION_DIRECTORY", "XDG_CONFIG_HOME"):
            monkeypatch.delenv(name, raising=False)
        try:
            status = main(arguments)
        except SystemExit as usage:
            status = int(str(usage.code))
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return command
