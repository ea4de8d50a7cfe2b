"""
What must never be in a log: every secret that the tests use.

Most are made by a pattern, and found by that; what is not is noted where it is made.
"""

import re
from typing import Any

from twisted.logger import LogEvent

from antigravity_gw.logs.forms import Journal, Json, Text

SECRETS: set[str] = set()
"""Those that follow no pattern, as they were made."""

FORMS = (Text(), Journal(), Json())

MARKS = (
    *("token-of-", "refresh-of-", "key-of-", "secret-of-", "project-of-"),
    *("ya29.", "AIza", "GOCSPX-", "-----BEGIN"),  # Google's
    *("sandbox-project", "sandbox-subject-", "?key=", "&key="),
)
"""What secrets are known by that follow one."""

_ADDRESS = re.compile(r"\w@\w+")  # and so names of accounts
_REFRESH = re.compile(r"(?<![\w.])1//\w")  # a token, and not a path behind an address
_PROMPT = re.compile(r"\bHello\b")
_EXAMPLE = re.compile(r"try: curl .*")
"""What a daemon says at its start; there is a prompt in it."""


def secret(word: str) -> str:
    """Note that *word* is one, and return it."""
    SECRETS.add(word)
    return word


def given_away(text: str) -> list[str]:
    """The secrets in *text*."""
    text = _EXAMPLE.sub("", text) if "try: curl" in text else text
    known = [
        word
        for word in SECRETS
        if word in text and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text)
    ]
    known += [mark for mark in MARKS if mark in text]
    for form, clue in ((_ADDRESS, "@"), (_REFRESH, "1//"), (_PROMPT, "Hello")):
        known += form.findall(text) if clue in text else []
    return known


def told(events: list[LogEvent]) -> list[str]:
    """
    The secrets in *events*, whatever form they are written in.

    Not in those of the simulated Google, which tells how it can be used.
    """
    lines: list[Any] = [
        form(event)
        for event in events
        if not str(event.get("log_namespace")).startswith("antigravity_sandbox.")
        for form in FORMS
    ]
    return given_away("".join(lines))
