"""
Accounts as JSON, for programs; ``docs/accounts.md`` explains every member.

Nothing here holds a token or a client's secret.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from antigravity_gw.kinds.registered import kind_called
from antigravity_gw.pool.account import Known
from antigravity_gw.record import Record
from antigravity_gw.states import State, quota_left, state_of


@lru_cache(maxsize=4096)  # those of hundreds of accounts are asked for again and again
def timestamp(moment: float | None) -> str | None:
    """A moment as programs read it: RFC 3339, in UTC."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")[:-6] + "Z"


def account_object(known: Known, configured: str, now: float) -> dict[str, Any]:
    """
    All that is known of an account.

    :param configured: the id of the OAuth client for accounts without their own.
    """
    record = known.record
    return {
        "name": record.name,
        "id": record.id,
        "kind": record.kind,
        **state_object(state_of(known, now)),
        "quota_left": quota_left(known, now),
        "quota": [
            {
                "model": model,
                "fraction": left.fraction,
                "resets": timestamp(left.resets),
            }
            for model, left in sorted(known.quota.items())
        ],
        "quota_seen": timestamp(known.quota_seen or None),
        "project": known.project or record.project,
        "project_found": known.project,
        "project_configured": record.project,
        "location": record.location,
        "client_id": client_id(record, configured) or None,
        "has_own_client": record.client is not None,
        "weight": record.weight,
        "priority": record.priority,
        "concurrency": record.concurrency,
        "added": timestamp(record.added),
        "disabled": timestamp(record.disabled),
        "access_token_expires": timestamp(
            known.access.expires if known.access else None
        ),
    }


def client_id(record: Record, configured: str) -> str:
    """The OAuth client that an account is used with; empty for none."""
    kind = kind_called(record.kind)
    if kind is None or not kind.has_client:
        return ""
    return record.client.id if record.client else configured


def state_object(state: State) -> dict[str, Any]:
    """The state of an account."""
    return {
        "state": state.label.value,
        "can_serve": state.can_serve,
        "reason": state.reason,
        "since": timestamp(state.since),
        "until": timestamp(state.until),
        "to_do": state.to_do,
        "link": state.link,
        "cooling": [
            {
                "model": cooling.model,
                "reason": cooling.reason,
                "since": timestamp(cooling.since),
                "until": timestamp(cooling.until),
            }
            for cooling in state.coolings
        ],
    }
