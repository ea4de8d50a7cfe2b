"""How things are at the moment: the metrics that are not counted but looked up."""

from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Protocol

from attrs import frozen
from prometheus_client.core import Metric

from antigravity_gw import __version__
from antigravity_gw.metrics import families
from antigravity_gw.metrics.counted import Values, family, host_of, info
from antigravity_gw.pool.pool import AccountPool
from antigravity_gw.states import Label, quota_left, state_of
from antigravity_gw.upstream.endpoints import Endpoints
from antigravity_gw.web.site import GatewaySite

PASSING = "passing"
"""Why an account is left alone that needs nobody: its quota is out, for one."""


class Kept(Protocol):
    """What is kept of what was used."""

    @property
    def trouble(self) -> str:
        """Why nothing can be stored or read just now; empty if it can."""


@frozen(eq=False)
class Present:
    """
    Looks at the gateway when somebody asks how it is.

    :ivar site: what clients connect to.
    :ivar endpoints: knows which hosts are failing.
    :ivar usage: knows whether it can be stored.
    """

    pool: AccountPool
    site: GatewaySite
    endpoints: Endpoints
    usage: Kept

    def families(self) -> Iterator[Metric]:
        """All of them, each looked up when it is asked for."""
        yield family(families.AVOIDED, self._avoided())
        yield family(families.ACCOUNTS, self._accounts())
        yield family(families.QUOTA, self._quotas())
        yield family(families.HOLDS, self._holds())
        connections, under_way = self.site.connections, self.site.under_way
        streams = sum(request.served.streams for request in under_way)
        writer = self.pool.writer
        for kept, value in (
            (families.READY, self.pool.shortage() is None),
            (families.DRAINING, connections.is_draining),
            (families.CONNECTIONS, len(connections)),
            (families.REQUESTS_NOW, len(under_way)),
            (families.STREAMS_NOW, streams),
            (families.UNSAVED, writer.unsaved),
            (families.FAILING, writer.is_failing),
            (families.USAGE_FAILING, bool(self.usage.trouble)),
        ):
            yield family(kept, [((), value)])
        yield info(families.BUILD, version=__version__)

    def _accounts(self) -> Values:
        """For each kind that there is, all states, so that none goes missing."""
        now, accounts = self.pool.now(), self.pool.accounts
        states = Counter(
            (each.record.kind, state_of(each.known(), now).label) for each in accounts
        )
        kinds = dict.fromkeys(each.record.kind for each in accounts)
        for kind, label in product(kinds, Label):
            yield (kind, label.value), states[kind, label]

    def _quotas(self) -> Values:
        now = self.pool.now()
        for account in self.pool.accounts:
            left = quota_left(account.known(), now)
            if left is not None:
                yield (account.id, account.record.kind), left

    def _holds(self) -> Values:
        now = self.pool.now()
        return Counter(
            (account.record.kind, hold.need.name.lower() if hold.need else PASSING)
            for account in self.pool.accounts
            for hold in account.holds.by_model.values()
            if hold.is_in_force(now)
        ).items()

    def _avoided(self) -> Values:
        """Of the hosts that the accounts there are can be served by."""
        now, kinds = self.pool.now(), self.pool.kinds
        hosts = dict.fromkeys(
            (account.record.kind, base)
            for account in self.pool.accounts
            for base in kinds.of(account.record).hosts(account.record)
        )
        found: dict[tuple[str, ...], float] = {}
        for kind, base in hosts:
            found[kind, host_of(base)] = self.endpoints.is_avoided(base, now)
        return found.items()
