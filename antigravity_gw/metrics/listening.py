"""The sockets where there are metrics, and nothing else."""

from typing import Any

from twisted.internet.interfaces import IProtocolFactory

from antigravity_gw.listening import Door, Listeners


class MetricsListeners(Listeners):
    """Listens on every endpoint of ``metrics.listen``, of which there may be none."""

    def __init__(
        self,
        reactor: Any,
        endpoints: tuple[str, ...],
        factory: IProtocolFactory,
        door: Door,
        handed_over: tuple[str, ...] = (),
    ) -> None:
        # The operator has named a listener of its own: that is meant.
        super().__init__(
            reactor, endpoints, factory, door, insecure=True, handed_over=handed_over
        )

    @property
    def setting(self) -> str:
        """The setting that the endpoints come from."""
        return "metrics.listen"

    def announce(self, url: str, asks_for_key: bool) -> None:
        """Say where it listens."""
        self._log.info("metrics are at {url}/metrics", url=url)
