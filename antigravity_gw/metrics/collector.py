"""Where Prometheus' own library finds all there is to tell."""

from collections.abc import Iterator

from attrs import define, field, frozen
from prometheus_client import GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CollectorRegistry, Metric
from prometheus_client.registry import Collector

from antigravity_gw.metrics.counted import counted
from antigravity_gw.metrics.meters import Meters
from antigravity_gw.metrics.present import Present


@frozen(eq=False)
class GatewayCollector(Collector):
    """Tells of the gateway, family by family."""

    meters: Meters
    present: Present

    def collect(self) -> Iterator[Metric]:
        """What was counted, and what is to be seen."""
        yield from counted(self.meters)
        yield from self.present.families()

    def describe(self) -> list[Metric]:
        """Nothing, so that nobody has to collect for it."""
        return []


def process_registry() -> CollectorRegistry:
    """What there is to tell of this process, whatever it does."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry)
    GCCollector(registry)
    return registry


@define(eq=False)
class Counting:
    """
    What keeps count, for as long as the daemon runs.

    :ivar registry: has all that there is to tell.
    """

    meters: Meters = field(factory=Meters)
    registry: CollectorRegistry = field(factory=process_registry)

    def look_at(self, present: Present) -> None:
        """Tell of the gateway, too."""
        self.registry.register(GatewayCollector(self.meters, present))
