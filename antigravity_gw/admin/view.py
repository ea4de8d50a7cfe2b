"""What there is to see, put together from where it is kept."""

from collections.abc import Mapping
from typing import Any

import msgspec
from attrs import asdict, define, field

from antigravity_gw import __version__
from antigravity_gw.admin.failures import Failures
from antigravity_gw.admin.plots import LATEST, Range, columns, pace
from antigravity_gw.admin.snapshot import (
    Live,
    Portraits,
    failure_shown,
    requests_shown,
    states_counted,
)
from antigravity_gw.objects import timestamp
from antigravity_gw.pool.pool import AccountPool
from antigravity_gw.usage.counts import By
from antigravity_gw.usage.ledger import Ledger
from antigravity_gw.web.paths import Area
from antigravity_gw.web.site import GatewaySite

STORE_FAILS = (
    "What is learnt of accounts cannot be stored ({unsaved} waiting): see that the "
    "state directory's disk has room and can be written. Do not restart the daemon "
    "before; the log says why."
)


@define(eq=False)
class View:
    """
    Sees all that the page shows.

    :ivar started: when the daemon was, in POSIX seconds.
    """

    pool: AccountPool
    site: GatewaySite
    failures: Failures
    ledger: Ledger
    started: float
    _portraits: Portraits = field(factory=Portraits, init=False)

    def sections(self) -> Mapping[str, Any]:
        """All of it that changes by itself, by name."""
        now = self.pool.now()
        accounts = self._portraits.of(self.pool.accounts, now)
        requests = requests_shown(self._lives())
        status = self._status(accounts, requests, now)
        return {
            "accounts": accounts,
            "latest": self.plots(LATEST),
            "status": status,  # whose sentence is about those two
            "requests": requests,
            "failures": [failure_shown(served) for served in self.failures.latest()],
        }

    def encoded(self) -> Mapping[str, bytes]:
        """The same, each section as JSON."""
        return {
            name: msgspec.json.encode(section)
            for name, section in self.sections().items()
        }

    def plots(self, range: Range) -> dict[str, object]:
        """The course of a time that ends now."""
        now = self.pool.now()
        since = now - range.seconds - range.step
        return columns(self.ledger.minutes(since), range, now)

    async def usage(self, by: By, since: float) -> list[dict[str, Any]]:
        """
        Who or what has used how much since a moment, most tokens first.

        :raises StoreError: when nobody can say what is stored.
        """
        names = {}
        if by == "account":
            names = {account.id: account.record.name for account in self.pool.accounts}
        return [
            {
                "name": names.get(line.name, line.name),
                "id": line.name,
                **asdict(line.count),
            }
            for line in await self.ledger.lines(by, since)
        ]

    def _status(
        self, accounts: list[dict[str, Any]], requests: dict[str, Any], now: float
    ) -> dict[str, Any]:
        shortage = self.pool.shortage()
        connections = self.site.connections
        return {
            "version": __version__,
            "now": round(now, 3),
            "started": timestamp(self.started),
            "ready": shortage is None and not connections.is_draining,
            "why_not": None if shortage is None else shortage.message,
            "draining": connections.is_draining,
            "warnings": self._warnings(),
            "accounts": states_counted(accounts),
            "requests": requests["count"],
            "streams": requests["streams"],
            "connections": len(connections),
            "per_minute": pace(self.ledger.minutes(now - 120.0), now),
            "ended": dict(self.site.tally.ends),
        }

    def _warnings(self) -> list[str]:
        """What keeps nobody from being served, but will not go away by itself."""
        found = [self.ledger.trouble] if self.ledger.trouble else []
        if self.pool.writer.is_failing:
            unsaved = self.pool.writer.unsaved
            found.insert(0, STORE_FAILS.format(unsaved=unsaved))
        return found

    def _lives(self) -> list[Live]:
        """The requests under way, but for who only looks."""
        return [
            Live(request.served, request.sentLength)
            for request in self.site.under_way
            if request.area is Area.API
        ]
