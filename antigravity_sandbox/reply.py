"""A whole answer of one piece: a status, headers, a body."""

import json
from typing import Any

from attrs import define, frozen

from antigravity_sandbox.acts import Acts, Head, Headers, Write

Json = dict[str, Any]

JSON_HEADERS: Headers = (
    ("Content-Type", "application/json; charset=UTF-8"),
    ("Vary", "Origin, X-Origin, Referer"),
    ("Server", "ESF"),
    ("X-Content-Type-Options", "nosniff"),
)


@frozen
class Reply:
    """An answer that goes out at once."""

    status: int
    body: bytes
    headers: Headers = JSON_HEADERS

    def acts(self) -> Acts:
        """The answer as acts."""
        yield Head(self.status, self.headers)
        yield Write(self.body)


@define
class Refused(Exception):
    """A call is not served.  Its caller is told so by :attr:`reply`."""

    reply: Reply


@define
class Exhausted(Refused):
    """A quota is used up.  Its caller is told to stay away for *wait* seconds."""

    wait: float


def encoded(text: str) -> bytes:
    """*text* in UTF-8, even if half a character got into it by way of JSON."""
    return text.encode(errors="replace")


def indented(value: object) -> bytes:
    """JSON as Google's front ends print it."""
    return encoded(json.dumps(value, indent=2, ensure_ascii=False)) + b"\n"


def json_reply(status: int, value: object, headers: Headers = JSON_HEADERS) -> Reply:
    """An answer whose body is *value*, printed as Google prints it."""
    return Reply(status, indented(value), headers)
