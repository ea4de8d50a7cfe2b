"""``/metrics``: what a scraper is told."""

from collections.abc import Callable, Iterable, Iterator
from copy import copy

from attrs import frozen
from prometheus_client.core import CollectorRegistry, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from antigravity_gw.web.request import GatewayRequest
from antigravity_gw.web.resource import CoroutineResource

TURN = 0.005
"""For how long to write before somebody else has a turn, in seconds."""

SLICE = 100
"""So many samples are written at a time; it takes a millisecond or two."""

END = b"# EOF\n"
"""Ends a document in OpenMetrics."""


@frozen
class Single(Collector):
    """One family, or a part of it, for a library that wants a registry."""

    family: Metric

    def collect(self) -> Iterable[Metric]:
        """That one."""
        return (self.family,)


class MetricsPage(CoroutineResource):
    """
    All metrics, in the format that the scraper prefers.

    They are written one after the other, and clients are served between.
    """

    def __init__(self, registry: CollectorRegistry, clock: IReactorTime) -> None:
        """
        :param registry: has all there is to tell.
        """
        super().__init__()
        self._registry = registry
        self._clock = clock

    async def render_GET(self, request: GatewayRequest) -> None:
        """Write them."""
        accepted = request.requestHeaders.getRawHeaders(b"accept", ())
        encode, content_type = choose_encoder(b",".join(accepted).decode("latin-1"))
        body = await self._written(encode)
        request.setHeader("content-type", content_type)
        request.setHeader("content-length", str(len(body)))
        request.setHeader("cache-control", "no-store")
        request.write(body)

    async def _written(self, encode: Callable[[Collector], bytes]) -> bytes:
        parts, began, end = [], self._clock.seconds(), b""
        for family in self._registry.collect():
            for number, slice_ in enumerate(_slices(family)):
                part = encode(Single(slice_))
                if part.endswith(END):
                    part, end = part.removesuffix(END), END
                parts.append(_without_head(part) if number else part)
                if self._clock.seconds() - began > TURN:
                    await deferLater(self._clock, 0.0)
                    began = self._clock.seconds()
        return b"".join([*parts, end])


def _slices(family: Metric) -> Iterator[Metric]:
    """*family* in parts of so many samples, one at least."""
    for start in range(0, max(1, len(family.samples)), SLICE):
        part = copy(family)
        part.samples = family.samples[start : start + SLICE]
        yield part


def _without_head(part: bytes) -> bytes:
    """What is written of a family, without what is said of it as a whole."""
    while part.startswith(b"# "):
        part = part.partition(b"\n")[2]
    return part
