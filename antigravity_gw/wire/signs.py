"""What kinds of error replies are known by; the words of the table in ``judging``."""

import re
from collections.abc import Callable

from attrs import frozen

from antigravity_gw.wire.google import UNREADABLE, GoogleError


@frozen
class Reply:
    """
    A reply as the table looks at it.

    :ivar delay: seconds it asks to wait, if it does.
    """

    status: int
    error: GoogleError
    delay: float | None


Sign = Callable[[Reply], bool]
"""What a kind of reply is known by."""


def always(_: Reply) -> bool:
    """Whatever it says."""
    return True


def either(*signs: Sign) -> Sign:
    return lambda reply: any(sign(reply) for sign in signs)


def both(*signs: Sign) -> Sign:
    return lambda reply: all(sign(reply) for sign in signs)


def comes_as(*statuses: int) -> Sign:
    """It comes with one of these statuses."""
    return lambda reply: reply.status in statuses


def gives(*names: str) -> Sign:
    """It gives one of these reasons."""
    return lambda reply: not reply.error.reasons().isdisjoint(names)


def says(*phrases: str) -> Sign:
    """Its message has one of *phrases* in it, which are in lower case."""
    return lambda reply: any(p in reply.error.message.lower() for p in phrases)


def begins(*phrases: str) -> Sign:
    """
    Its message begins with one of *phrases*, which are in lower case.

    For messages that may go on with what the client wrote: no client is to
    talk us into blaming an account.
    """
    return lambda reply: reply.error.message.lower().startswith(phrases)


def mentions(word: str, *keys: str) -> Sign:
    """*word* is in the metadata under one of *keys*; without any, in the message."""

    def sign(reply: Reply) -> bool:
        values = list(reply.error.metadata(*keys)) or [reply.error.message]
        return any(word in value for value in values if isinstance(value, str))

    return sign


_NOBODY = {"", "global", "googleapis.com", "iam.googleapis.com"}


def refuses(*services: str) -> Sign:
    """It is one of *services* that refuses, and no other, by its own word."""
    return lambda reply: bool(said := _services(reply)) and said <= set(services)


def another_refuses(*services: str) -> Sign:
    """It is a service that refuses, by its own word, which is none of *services*."""
    return lambda reply: not _services(reply) <= set(services)


def _services(reply: Reply) -> set[str]:
    """
    The services in whose name it refuses.

    What is common to all says whose part it takes; others speak for themselves.
    """
    infos = reply.error.of_type("ErrorInfo")
    named = {*reply.error.metadata("service"), *(i.get("domain") for i in infos)}
    words = {name.strip(", ") for name in named if isinstance(name, str)}
    return words - _NOBODY


def reads(pattern: str) -> Sign:
    """Its message, in lower case, begins with what *pattern* matches."""
    compiled = re.compile(pattern)
    return lambda reply: compiled.match(reply.error.message.lower()) is not None


def counts_by(*windows: str) -> Sign:
    """A quota ran out that counts by one of *windows*, which are in lower case."""
    return lambda reply: any(w in id for id in reply.error.quotas() for w in windows)


_LIMIT_ZERO = re.compile(r"\blimit: 0(?![.\d]*\d)", re.IGNORECASE)
_PROJECT_ITSELF = re.compile(r"(?:.*/)?projects/[^/]*")
SHORT = 300.0
"""A shortage that ends in this many seconds is one of rate, as it is to
gemini-cli, which waits no longer either."""


def is_limit_zero(reply: Reply) -> bool:
    """There never was any of the quota that ran out."""
    is_told = _LIMIT_ZERO.search(reply.error.message) is not None
    return is_told or _is_value_zero(reply)


def is_limit_zero_everywhere(reply: Reply) -> bool:
    """Nor was there of any model's, since that quota is not counted by models."""
    return _is_value_zero(reply) and not any("model" in i for i in reply.error.quotas())


def _is_value_zero(reply: Reply) -> bool:
    return "0" in list(reply.error.metadata("quota_limit_value"))


def is_short(reply: Reply) -> bool:
    """It is over soon, by its own account."""
    return reply.delay is not None and reply.delay <= SHORT


def is_unreadable(reply: Reply) -> bool:
    """It is none of Google's errors: a front end's page, or nothing."""
    return reply.error is UNREADABLE


def is_lost_project(reply: Reply) -> bool:
    """What could not be found is a project, not something in one."""
    names = (info.get("resourceName") for info in reply.error.of_type("ResourceInfo"))
    return any(isinstance(n, str) and _PROJECT_ITSELF.fullmatch(n) for n in names)
