"""
What an operator is shown of this moment, as plain values.  No I/O, no clock.

``docs/admin-api.json`` says what every member means.  Nothing here is a token, a
key or a project.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from heapq import nsmallest
from typing import Any

from attrs import frozen

from antigravity_gw.journal import Served
from antigravity_gw.objects import account_object, timestamp
from antigravity_gw.pool.account import Account, Known
from antigravity_gw.states import state_of

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


def account_shown(account: Account, now: float) -> dict[str, Any]:
    """An account as it is in the pool."""
    known = Known(
        account.record,
        account.holds.by_model,
        quota=account.quota,
        quota_seen=account.quota_seen,
    )
    told = account_object(known, "", now)
    return {
        **{name: told[name] for name in SHOWN},
        "title": state_of(known, now).title,
        "serving": account.serving,
    }


def accounts_shown(accounts: Iterable[Account], now: float) -> list[dict[str, Any]]:
    """All accounts, those first that need somebody, then by name."""
    shown = [account_shown(account, now) for account in accounts]
    return sorted(shown, key=lambda a: (_rank(a), a["name"].casefold(), a["id"]))


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
