"""
What an operator is shown of this moment, as plain values.  No I/O, no clock.

``docs/admin-api.json`` says what every member means.  Nothing here is a token, a
key or a project.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from heapq import nsmallest
from typing import Any

from attrs import define, field, frozen

from antigravity_gw.journal import Served
from antigravity_gw.objects import account_object, timestamp
from antigravity_gw.pool.account import Account
from antigravity_gw.pool.hold import Hold
from antigravity_gw.record import Record
from antigravity_gw.states import state_of
from antigravity_gw.wire.companion import Remaining

MOST_REQUESTS = 100
"""So many of the requests under way are shown, those that began first."""

SHOWN = (
    *("name", "id", "kind", "state", "can_serve", "reason", "since", "until"),
    *("to_do", "link", "cooling", "quota_left", "quota", "quota_seen"),
    *("weight", "priority", "concurrency", "added", "disabled"),
)
"""Of all that is known of an account.  Its project is not shown."""


@frozen
class Live:
    """
    A request that is under way.

    :ivar sent: how many bytes of answer it has been sent.
    """

    served: Served
    sent: int


@define(eq=False)
class Portraits:
    """
    How accounts look, each drawn anew only when something about it has changed.

    Most do not change from one second to the next, and there may be hundreds.
    """

    _drawn: dict[str, "_Drawn"] = field(factory=dict, init=False)

    def of(self, accounts: Iterable[Account], now: float) -> list[dict[str, Any]]:
        """All accounts, those first that need somebody, then by name."""
        before, self._drawn = self._drawn, {}
        for account in accounts:
            drawn = before.get(account.id)
            if drawn is None or not drawn.is_like(account, now):
                drawn = _Drawn.of(account, now)
            self._drawn[account.id] = drawn
        shown = [
            {**d.picture, "serving": d.account.serving} for d in self._drawn.values()
        ]
        return sorted(shown, key=lambda a: (_rank(a), a["name"].casefold(), a["id"]))


@frozen(eq=False)
class _Drawn:
    """
    How one account looked.

    :ivar holds: those it had then, in a copy.
    :ivar until: when time alone may make it look otherwise.
    """

    account: Account
    record: Record
    holds: dict[str, Hold]
    quota: Mapping[str, Remaining]
    picture: dict[str, Any]
    drawn: float
    until: float

    @classmethod
    def of(cls, account: Account, now: float) -> "_Drawn":
        """How it looks now."""
        holds = dict(account.holds.by_model)
        moments = [hold.ends for hold in holds.values()]
        moments += [left.resets for left in account.quota.values() if left.resets]
        until = min((m for m in moments if m > now), default=math.inf)
        picture = account_shown(account, now)
        return cls(account, account.record, holds, account.quota, picture, now, until)

    def is_like(self, account: Account, now: float) -> bool:
        """Whether it looks so still."""
        return (
            self.account is account
            and self.record == account.record
            and self.quota is account.quota
            and self.holds == account.holds.by_model
            and self.drawn <= now < self.until
        )


def account_shown(account: Account, now: float) -> dict[str, Any]:
    """An account as it is in the pool."""
    known = account.known()
    told = account_object(known, "", now)
    return {
        **{name: told[name] for name in SHOWN},
        "title": state_of(known, now).title,
        "serving": account.serving,
    }


def states_counted(accounts: Iterable[dict[str, Any]]) -> dict[str, int]:
    """How many accounts are in each state; those cooling for some models serve."""
    return dict(
        Counter(
            "serving" if account["can_serve"] else account["state"]
            for account in accounts
        )
    )


def _rank(account: dict[str, Any]) -> int:
    if account["state"] == "disabled":
        return 3
    if account["can_serve"]:
        return 2
    return 1 if account["state"] == "cooling" else 0


def requests_shown(lives: Sequence[Live]) -> dict[str, Any]:
    """The requests under way, the oldest first."""
    oldest = nsmallest(MOST_REQUESTS, lives, key=lambda live: live.served.began)
    return {
        "count": len(lives),
        "streams": sum(live.served.streams for live in lives),
        "oldest": [_live(live) for live in oldest],
    }


def _live(live: Live) -> dict[str, Any]:
    served = live.served
    return {
        **_of_request(served),
        "streams": served.streams,
        "began": round(served.began, 3),
        "has_begun": served.first is not None,
        "sent": live.sent,
    }


def failure_shown(served: Served) -> dict[str, Any]:
    """A request that has failed."""
    return {
        **_of_request(served),
        "time": timestamp(served.began + served.seconds),
        "status": served.status,
        "seconds": round(served.seconds, 3),
        "ended": served.ended,
        "trouble": served.trouble,
    }


def _of_request(served: Served) -> dict[str, Any]:
    return {
        "id": served.id,
        "key": served.key,
        "method": served.method,
        "path": served.path,
        "model": served.asked,
        "upstream_model": served.model,
        "account": served.account,
        "kind": served.kind,
        "attempts": served.attempts,
    }
