"""Tests for the check that nothing secret is logged: it finds what there is."""

from pathlib import Path

import pytest
from daemons import KEY
from secrecy import FORMS, given_away, secret, told
from twisted.logger import Logger, LogLevel, capturedLogs
from world import WHOLE, World

from antigravity_gw.journal import Served
from antigravity_sandbox.accounts import (
    CLIENT_SECRET,
    DEMO_ACCOUNTS,
    Account,
)

SECRETS = [
    secret("planted"),
    "token-of-a",
    "refresh-of-a",
    "project-of-it",
    "a@x",
    KEY,
    CLIENT_SECRET,
    "ya29.sandbox-ada-1",
    "-----BEGIN PRIVATE KEY-----",
    "/v1/models?key=abc",
    "Hello",
]


@pytest.mark.parametrize("word", SECRETS)
@pytest.mark.parametrize("form", FORMS, ids=lambda form: type(form).__name__)
def test_planted(word: str, form: object) -> None:
    """A secret is found in each form, as a value as well as in the words."""
    event = {"log_namespace": "antigravity_gw.x", "log_level": LogLevel.info}
    told = [{"log_format": f"says {word}"}, {"log_format": "{it}", "it": word}]

    assert all(given_away(form({**event, **each})) for each in told)  # type: ignore[operator]


@pytest.mark.parametrize("account", DEMO_ACCOUNTS)
def test_the_sandbox_is_known(account: Account) -> None:
    """Whatever there is of its accounts is found."""
    words = (account.refresh_token, account.project, account.email, account.api_key)

    assert all(map(given_away, (*words, account.client_email, account.subject_token)))


def test_nothing_in_vain() -> None:
    """What is no secret is not taken for one."""
    served = Served(id="r1", method="GET", path="/v1beta/models", status=200, key="ci")
    events = [
        {"log_namespace": "a", "log_level": LogLevel.info, "served": served},
        {"log_namespace": "a", "log_level": LogLevel.info, "log_format": "replanted"},
    ]

    assert told(events) == []


def test_a_line_that_tells(tmp_path: Path) -> None:
    """A daemon that logged what it sends upstream would be found out."""
    world = World(tmp_path)
    world.google.script = [WHOLE]
    world.generate()
    log = Logger("antigravity_gw.x", observer=(said := []).append)  # type: ignore[arg-type]
    for value in (world.google.calls[0].headers, world.google.calls[0].raw):
        log.info("upstream is told {value}", value=value)

    assert told(said[:1]) != []
    assert told(said[1:]) != []


def test_all_that_a_request_logs(tmp_path: Path) -> None:
    """The check looks at something: a request that is served has its lines."""
    with capturedLogs() as events:
        world = World(tmp_path)
        world.google.script = [WHOLE]
        world.generate()

    assert any("served" in event for event in events)
    assert told(events) == []
