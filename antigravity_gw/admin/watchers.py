"""Those who watch the page, each by a stream of events."""

from collections.abc import Callable, Mapping

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from zope.interface import implementer

from antigravity_gw.errors import Busy, GatewayError
from antigravity_gw.web.request import GatewayRequest

EVERY = 1.0
"""How often they are told what is new, in seconds."""

MOST = 16
"""So many may watch at a time."""

RETRY = b"retry: 2000\n\n"
"""How long a browser waits before it connects anew, in milliseconds."""


class TooManyWatchers(Busy):
    """As many watch the page as may."""


@implementer(IPushProducer)
class Watcher:
    """
    One of them.

    What it was told last is what it is told changes of, so one that reads slowly
    misses what was in between, and nothing piles up for it.  One that does not
    read at all is cut off as any client is.

    :ivar ended: fires when there is nothing more to tell.
    """

    def __init__(self, request: GatewayRequest) -> None:
        self._request = request
        self._told: dict[str, bytes] = {}
        self.is_paused = False
        self.ended: Deferred[None] = Deferred()

    def tell(self, sections: Mapping[str, bytes]) -> None:
        """Tell it what is new, unless it has yet to read what it was told."""
        if self.is_paused:
            return
        news = [
            b"event: %b\ndata: %b\n\n" % (name.encode("ascii"), section)
            for name, section in sections.items()
            if self._told.get(name) != section
        ]
        self._told.update(sections)
        if news:
            self._request.write(b"".join(news))

    def end(self) -> None:
        """Let it go."""
        if not self.ended.called:
            self.ended.callback(None)

    def break_off(self, error: GatewayError) -> None:
        """Fail with *error*."""
        if not self.ended.called:
            self.ended.errback(error)

    def pauseProducing(self) -> None:
        """It has enough to read."""
        self.is_paused = True

    def resumeProducing(self) -> None:
        """It has caught up."""
        self.is_paused = False

    def stopProducing(self) -> None:
        """It has left, which its request is told as well."""
        self.is_paused = True


class Watchers:
    """
    All of them.  While there are none, nothing is looked at, and no clock runs.

    :param look: returns what there is to see, section by section.
    :param is_over: says whether the daemon is about to end.
    """

    def __init__(
        self,
        clock: IReactorTime,
        look: Callable[[], Mapping[str, bytes]],
        is_over: Callable[[], bool],
    ) -> None:
        self._clock = clock
        self._look = look
        self._is_over = is_over
        self._all: list[Watcher] = []
        self._alarm: IDelayedCall | None = None

    def __len__(self) -> int:
        return len(self._all)

    async def show(self, request: GatewayRequest) -> None:
        """
        Tell whoever sent *request* what is new until one of both ends it.

        The request is left unfinished.

        :raises TooManyWatchers: when there is no room for one more.
        """
        if len(self._all) >= MOST:
            raise TooManyWatchers(f"{MOST} pages are being watched, which is the most")
        watcher = Watcher(request)
        request.registerProducer(watcher, True)
        self._all.append(watcher)
        try:
            request.write(RETRY)
            watcher.tell(self._look())
            self._wind()
            await watcher.ended
        finally:
            self._all.remove(watcher)
            if request.channel is not None:
                request.unregisterProducer()
            if not self._all and self._alarm is not None:
                self._alarm.cancel()
                self._alarm = None

    def end(self) -> None:
        """Let all of them go; they may come back."""
        for watcher in list(self._all):
            watcher.end()

    def _wind(self) -> None:
        if self._alarm is None:
            self._alarm = self._clock.callLater(EVERY, self._tell)

    def _tell(self) -> None:
        self._alarm = None
        if self._is_over():
            self.end()
        elif self._all:
            self._wind()  # first, so that a bug does not end it for good
            if not all(watcher.is_paused for watcher in self._all):
                sections = self._look()
                for watcher in list(self._all):
                    watcher.tell(sections)
