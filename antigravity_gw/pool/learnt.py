"""What the daemon learns of accounts, as changes of the store."""

from typing import Any

from attrs import field, frozen

from antigravity_gw.pool.account import Access
from antigravity_gw.pool.hold import Hold
from antigravity_gw.wire.companion import Remaining

_STILL = "SELECT id FROM account WHERE id = ? AND epoch = ?"
"""The account, unless it is gone or the operator has said something newer."""


@frozen
class Change:
    """
    Something to write.

    :ivar key: what it is about; a later change with the same key replaces it.
    :ivar statements: SQL with its parameters.
    """

    key: tuple[str, ...] = field(repr=False)
    statements: tuple[tuple[str, tuple[Any, ...]], ...] = field(repr=False)


def held(id: str, epoch: int, model: str, hold: Hold | None) -> Change:
    """An account is left alone for *model*, or is not any more."""
    delete = (
        f"DELETE FROM hold WHERE account = ({_STILL}) AND model = ?",
        (id, epoch, model),
    )
    if hold is None:
        return Change(("hold", id, model), (delete,))
    insert = (
        f"INSERT OR REPLACE INTO hold SELECT id, ?, ?, ?, ?, ?, ?, ? FROM ({_STILL})"
    )
    values = (
        model,
        hold.need.value if hold.need else None,
        hold.reason,
        hold.since,
        hold.until,
        hold.repeats,
        hold.link,
    )
    return Change(("hold", id, model), ((insert, (*values, id, epoch)),))


def rotated(id: str, old: str, new: str) -> Change:
    """
    Google has replaced a refresh token; the old one is dead.

    That holds whatever the operator has said of the account meanwhile, unless
    it was another token.
    """
    update = "UPDATE secret SET credential = ? WHERE account = ? AND credential = ?"
    return Change(("rotation", id, old), ((update, (new, id, old)),))


def minted(id: str, epoch: int, access: Access) -> Change:
    """There is a new access token."""
    insert = f"INSERT OR REPLACE INTO access SELECT id, ?, ?, ? FROM ({_STILL})"
    values = (access.token, access.expires, access.minted_from, id, epoch)
    return Change(("access", id), ((insert, values),))


def project_found(id: str, epoch: int, project: str | None) -> Change:
    """Which project it has according to Google; None for ask again."""
    delete = (f"DELETE FROM finding WHERE account = ({_STILL})", (id, epoch))
    if project is None:
        return Change(("project", id), (delete,))
    insert = f"INSERT OR REPLACE INTO finding SELECT id, ? FROM ({_STILL})"
    return Change(("project", id), ((insert, (project, id, epoch)),))


def quota_seen(id: str, epoch: int, quota: dict[str, Remaining], now: float) -> Change:
    """What is left of each model, as of *now*."""
    delete = (f"DELETE FROM quota WHERE account = ({_STILL})", (id, epoch))
    insert = f"INSERT INTO quota SELECT id, ?, ?, ?, ? FROM ({_STILL})"
    rows = (
        (insert, (model, left.fraction, left.resets, now, id, epoch))
        for model, left in quota.items()
    )
    return Change(("quota", id), (delete, *rows))
