"""The clients' keys in the database: their hashes, and what they may do."""

from typing import Any

from attrs import fields, frozen

from antigravity_gw.database import Database, StoreError
from antigravity_gw.keys import Allowance, StoredKey

LIMITS = tuple(field.name for field in fields(Allowance))
"""What a key is limited by; each has a column."""

SETTINGS = (*LIMITS, "expires")
"""What the operator can set of a key."""

_OWN = ("name", "digest", "made", "given", "expires", "old", "old_until")
_COLUMNS = ", ".join((*_OWN, *LIMITS))


@frozen
class ClientKeys:
    """The keys that one state directory has."""

    database: Database

    def all(self) -> list[StoredKey]:
        """All of them, the oldest first."""
        with self.database.connection() as db:
            rows = db.execute(f"SELECT {_COLUMNS} FROM client_key ORDER BY made, name")
            return [_key(row) for row in rows]

    def add(self, key: StoredKey) -> None:
        """
        Store a key.

        :raises StoreError: when there is one of its name.
        """
        own = [getattr(key, name) for name in _OWN]
        limits = [_cell(getattr(key.allowance, name)) for name in LIMITS]
        marks = ", ".join("?" * len(own + limits))
        with self.database.transaction() as db:
            added = db.execute(
                f"INSERT OR IGNORE INTO client_key ({_COLUMNS}) VALUES ({marks})",
                own + limits,
            )
            if not added.rowcount:
                raise StoreError(
                    f"there is a key called {key.name!r} already; 'antigravity-gw keys "
                    f"rotate {key.name}' gives its client another"
                )

    def change(self, name: str, **settings: Any) -> bool:
        """
        Change what a key may do.

        :param settings: of :data:`SETTINGS`.
        :returns: whether there is one of that name.
        """
        columns = ", ".join(f"{column} = ?" for column in settings)
        values = map(_cell, settings.values())
        with self.database.transaction() as db:
            changed = db.execute(
                f"UPDATE client_key SET {columns} WHERE name = ?", (*values, name)
            )
            return changed.rowcount > 0

    def rotate(
        self, name: str, digest: bytes, now: float, keep_until: float | None
    ) -> bool:
        """
        Put another key in the place of one, with the same name and limits.

        :param keep_until: until when the one that there was is good beside it.
        :returns: whether there is one of that name.
        """
        with self.database.transaction() as db:
            rotated = db.execute(
                "UPDATE client_key SET old = CASE WHEN ? IS NULL THEN NULL "
                "ELSE digest END, old_until = ?, digest = ?, given = ? WHERE name = ?",
                (keep_until, keep_until, digest, now, name),
            )
            return rotated.rowcount > 0

    def revoke(self, name: str) -> bool:
        """Forget the key of this name; return whether there was one."""
        with self.database.transaction() as db:
            gone = db.execute("DELETE FROM client_key WHERE name = ?", (name,))
            return gone.rowcount > 0


def _key(row: tuple[Any, ...]) -> StoredKey:
    own = dict(zip(_OWN, row, strict=False))
    limits = dict(zip(LIMITS, row[len(_OWN) :], strict=True))
    models = tuple((limits.pop("models") or "").split())
    return StoredKey(**own, allowance=Allowance(**limits, models=models))


def _cell(value: Any) -> Any:
    """As it stands in its column: patterns have no blanks in them."""
    return " ".join(value) or None if isinstance(value, tuple) else value
