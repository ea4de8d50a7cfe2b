"""Tests for ``antigravity_gw.lines``: the log looks as Twisted's does."""

import io
from typing import Any

import pytest
from twisted.logger import LogLevel, formatEventAsClassicLogText
from twisted.python.failure import Failure
from twisted.python.reflect import namedAny

from antigravity_gw.journal import Served
from antigravity_gw.lines import LineLog
from antigravity_gw.tap import LINES, Options

EVENT = {"log_namespace": "a.b", "log_level": LogLevel.info}


def written(*events: dict[str, Any]) -> str:
    """What is in the file after these."""
    file = io.StringIO()
    log = LineLog(file)
    for event in events:
        log(event)
    return file.getvalue()


@pytest.mark.parametrize(
    "event",
    [
        {"log_format": "{served}", "served": Served(method="GET", path="/")},
        {"log_format": "{served}", "served": Served(trouble="{braces} stay")},
        {"log_format": "{a} and {b}", "a": 1, "b": "two"},
        {"log_format": "two\nlines"},
        {"log_format": "bad", "log_failure": Failure(ValueError("x"))},
        {"log_format": "x", "log_system": "-"},
    ],
)
def test_the_same_as_twisted(event: dict[str, Any]) -> None:
    """Time, system and text, and tracebacks."""
    events = [{**EVENT, **event, "log_time": t} for t in (1e9, 1e9 + 0.9, 1e9 + 1.1)]
    expected = [formatEventAsClassicLogText(event) for event in events]

    assert written(*events) == "".join(str(text) for text in expected)


def test_nothing_to_say() -> None:
    """An event without words is none."""
    assert written({**EVENT, "log_time": 1e9, "log_format": ""}) == ""


@pytest.mark.parametrize(
    ("given", "is_ours"),
    [
        ({}, True),
        ({"logfile": "-"}, True),
        ({"nodaemon": False}, False),
        ({"logfile": "x.log"}, False),
        ({"syslog": True}, False),
    ],
)
def test_whose_log(given: dict[str, Any], is_ours: bool) -> None:
    """In the foreground it is ours, unless the operator wants it elsewhere."""
    twistd: Any = {"nodaemon": True, "logfile": None, "syslog": False, "logger": None}
    options = Options()
    options.parent = {**twistd, **given}
    options._log_lines()

    assert (options.parent["logger"] == LINES) == is_ours


def test_its_name() -> None:
    """By which twistd finds it."""
    assert isinstance(namedAny(LINES)(), LineLog)
