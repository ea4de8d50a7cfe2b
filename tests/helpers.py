"""What several tests need."""

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure


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
