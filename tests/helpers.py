"""What several tests need."""

import io
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

Run = Callable[..., tuple[int, str, str]]
"""Runs a command: its words and ``stdin`` in; exit status, output and errors out."""

CLIENT_ID = "123456789012-abcdefghijklmnopqrstuvwxyz012345.apps.googleusercontent.com"
"""Of the OAuth client that is configured for commands."""


class Terminal(io.TextIOWrapper):
    """Where a person types."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def now(awaited: Deferred[Any] | Coroutine[Deferred[Any], Any, Any]) -> Any:
    """The result of something that need not wait any more."""
    if not isinstance(awaited, Deferred):
        awaited = Deferred.fromCoroutine(awaited)
    results: list[Any] = []
    awaited.addBoth(results.append)
    assert results, "it has not fired"
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return results[0]
