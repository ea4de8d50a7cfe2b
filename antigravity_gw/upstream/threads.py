"""
A few threads for what blocks, and belongs in no thread that others need.

The reactor's own are few, and look up names and write to the store.  These may hang
for as long as a file system or a program does that somebody has named in credentials;
they are not waited for when the process ends.
"""

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

MOST = 4
"""So many jobs at a time; the others wait for their turn."""

Job = tuple[Callable[[], Any], "Deferred[Any]"]


@define(eq=False)
class Threads:
    """
    Runs jobs in the order in which they come.

    :ivar reactor: in whose thread the results are told.
    """

    reactor: Any
    most: int = MOST
    _jobs: "SimpleQueue[Job]" = field(factory=SimpleQueue, init=False)
    _started: int = field(default=0, init=False)

    def run(self, job: Callable[[], Any]) -> Deferred[Any]:
        """
        Have *job* done.

        :returns: a Deferred of what it returns; it fails as that fails.  When it is
            cancelled before its turn has come, the job is not done at all.
        """
        result: Deferred[Any] = Deferred()
        self._jobs.put((job, result))
        if self._started < self.most:
            self._started += 1
            Thread(target=self._work, name="credentials", daemon=True).start()
        return result

    def _work(self) -> None:
        while True:
            job, result = self._jobs.get()
            if not result.called:  # else it was cancelled
                self.reactor.callFromThread(_tell, result, _outcome(job))


def _outcome(job: Callable[[], Any]) -> Any:
    try:
        return job()
    except Exception:
        return Failure()


def _tell(result: Deferred[Any], outcome: Any) -> None:
    if not result.called:
        result.callback(outcome)
