"""Everything that keeps account of requests."""

from collections.abc import Sequence

from attrs import field, frozen

from antigravity_gw.admin.failures import Failures
from antigravity_gw.journal import Witness
from antigravity_gw.metrics.collector import Counting
from antigravity_gw.usage.ledger import Ledger


@frozen
class Books:
    """
    What keeps account of all requests, whatever the settings.

    :ivar counting: for Prometheus.
    :ivar ledger: for who wants to know who used what.
    :ivar failures: for who wants to know what went wrong.
    """

    counting: Counting
    ledger: Ledger
    failures: Failures = field(factory=Failures)

    @property
    def witnesses(self) -> Sequence[Witness]:
        """Who is told of each request that has ended."""
        return self.counting.meters.note, self.ledger.note, self.failures.note
