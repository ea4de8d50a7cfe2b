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

_SHAPES = re.compile(
    r"(?:token|refresh|key|secret|project)-of-\w+"  # of tests
    r"|ya29\.|\b1//\w|\bAIza|\bGOCSPX-|-----BEGIN"  # of Google's, and the sandbox's
    r"|sandbox-project|sandbox-subject-"
    r"|[?&]key=\w"
    r"|[\w.+-]+@\w[\w.-]*"  # addresses, and so names of accounts
    r"|\bHello\b"  # what is asked
)
_EXAMPLE = re.compile(r"try: curl .*")
"""What a daemon says at its start; there is a prompt in it."""


def secret(word: str) -> str:
    """Note that *word* is one, and return it."""
    SECRETS.add(word)
    return word


def given_away(text: str) -> list[str]:
    """The secrets in *text*."""
    text = _EXAMPLE.sub("", text)
    known = [
        word
        for word in SECRETS
        if word in text and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text)
    ]
    return [*known, *_SHAPES.findall(text)]


def told(events: list[LogEvent]) -> list[str]:
    """The secrets in *events*, whatever form they are written in."""
    lines: list[Any] = [form(event) for event in events for form in FORMS]
    return given_away("".join(lines))
