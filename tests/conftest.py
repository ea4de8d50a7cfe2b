"""Fixtures for every test."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from secrecy import told
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from world import OPEN

settings.register_profile("suite", deadline=None)
settings.load_profile("suite")  # no absolute times: the machine may be busy


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
