"""The accounts in the database: what is said of them, and what is learnt."""

import sqlite3
from collections.abc import Iterable
from typing import Any

from attrs import define, evolve

from antigravity_gw.database import Database, StoreError
from antigravity_gw.needs import Need
from antigravity_gw.pool.account import Access, Known
from antigravity_gw.pool.hold import Hold
from antigravity_gw.pool.learnt import Change
from antigravity_gw.pool.schema import STEPS
from antigravity_gw.record import Record
from antigravity_gw.wire.companion import Remaining
from antigravity_gw.wire.oauth import OAuthClient

_ACCOUNTS = """
SELECT account.id, name, credential, client_id, client_secret, project, added,
       disabled, weight, priority, concurrency, epoch, kind, location, given
FROM account JOIN secret ON secret.account = account.id
ORDER BY added, account.id
"""

_PLACES = ("project", "location")
"""Where an account's requests are served: what was learnt was learnt there."""


@define
class Store(Database):
    """The accounts of one state directory."""

    FILE_NAME = "accounts.sqlite3"
    TITLE = "account store"
    STEPS = STEPS
    WHEN_DAMAGED = (
        "It is left as it is: put a good one in its place, or move it elsewhere to "
        "begin with no accounts"
    )

    def accounts(self) -> list[Known]:
        """All accounts with what is known of them, the oldest first."""
        with self.connection() as db:
            db.execute("BEGIN")  # all of it as of one moment
            known = [Known(_record(row)) for row in db.execute(_ACCOUNTS)]
            by_id = {each.record.id: each for each in known}
            for id, model, *hold in db.execute("SELECT * FROM hold"):
                by_id[id].holds[model] = _hold(hold)
            for id, model, fraction, resets, seen in db.execute("SELECT * FROM quota"):
                by_id[id].quota[model] = Remaining(fraction, resets)
                by_id[id] = evolve(by_id[id], quota_seen=seen)
            for id, *access in db.execute("SELECT * FROM access"):
                by_id[id] = evolve(by_id[id], access=Access(*access))
            for id, project in db.execute("SELECT * FROM finding"):
                by_id[id] = evolve(by_id[id], project=project)
        return list(by_id.values())

    def put(self, record: Record) -> bool:
        """
        Store *record* under its name.

        One that has the name already keeps its id, age and settings, and its
        project, location and OAuth client where *record* names none, unless it
        was of another kind; what was learnt of it is void.

        :returns: whether it is new.
        :raises StoreError: when its name is another's id.
        """
        with self.transaction() as db:
            if db.execute(
                "SELECT 1 FROM account WHERE id = ? AND name <> ?",
                (record.name, record.name),
            ).fetchone():
                raise StoreError(f"{record.name!r} is the id of another account")
            old = db.execute(
                "SELECT id, kind FROM account WHERE name = ?", (record.name,)
            ).fetchone()
            if old and old[1] != record.kind:
                _forget_what_its_kind_had(db, old[0])
            id = old[0] if old else record.id
            _put_account(db, id, record)
            _put_secret(db, id, record)
            _forget_what_was_learnt(db, id)
            db.execute("DELETE FROM access WHERE account = ?", (id,))
        return old is None

    def remove(self, name: str) -> bool:
        """Forget the account of this name or id; return whether there was one."""
        with self.transaction() as db:
            gone = db.execute("DELETE FROM account WHERE id = ?", (_named(db, name),))
            return gone.rowcount > 0

    def rename(self, name: str, new: str) -> bool:
        """
        Give the account of this name or id another name.

        :returns: whether there was one.
        :raises StoreError: when the new name is another's.
        """
        with self.transaction() as db:
            id = _named(db, name)
            taken = _named(db, new)
            if taken not in (None, id):
                raise StoreError(f"there is an account called {new!r} already")
            db.execute("UPDATE account SET name = ? WHERE id = ?", (new, id))
        return id is not None

    def change(self, name: str, **settings: object) -> bool:
        """
        Change what the operator can set of the account of this name or id.

        :param settings: fields of :class:`Record`, of those that are settings.
        :returns: whether there was one.
        """
        columns = ", ".join(f"{column} = ?" for column in settings)
        with self.transaction() as db:
            id = _named(db, name)
            db.execute(
                f"UPDATE account SET {columns} WHERE id = ?", (*settings.values(), id)
            )
            if id is not None and not settings.keys().isdisjoint(_PLACES):
                _forget_what_was_learnt(db, id)
        return id is not None

    def give_another_chance(self, name: str) -> bool:
        """
        Let the account of this name or id serve, whatever was learnt of it.

        :returns: whether there was one.
        """
        with self.transaction() as db:
            id = _named(db, name)
            if id is not None:
                _forget_what_was_learnt(db, id)
                db.execute("UPDATE account SET disabled = NULL WHERE id = ?", (id,))
        return id is not None

    def end_cooldowns(self, name: str) -> bool:
        """
        Have the account of this name or id serve again what it was to come back to.

        What waits for a person stays.

        :returns: whether there was one.
        """
        with self.transaction() as db:
            id = _named(db, name)
            db.execute("DELETE FROM hold WHERE account = ? AND need IS NULL", (id,))
            db.execute("UPDATE account SET epoch = epoch + 1 WHERE id = ?", (id,))
        return id is not None

    def touch(self, name: str) -> bool:
        """
        Have a running daemon go by what is stored of the account of this name or id.

        :returns: whether there was one.
        """
        with self.transaction() as db:
            id = _named(db, name)
            db.execute("UPDATE account SET epoch = epoch + 1 WHERE id = ?", (id,))
        return id is not None

    def apply(self, changes: Iterable[Change]) -> None:
        """Make all *changes*, or none of them if it fails."""
        with self.transaction() as db:
            for change in changes:
                for statement, values in change.statements:
                    db.execute(statement, values)

    def trust_clients(self) -> None:
        """Forget whom the OAuth client kept out: it may have been corrected."""
        with self.transaction() as db:
            db.execute("DELETE FROM hold WHERE need = ?", (Need.CLIENT.value,))


def _put_account(db: sqlite3.Connection, id: str, record: Record) -> None:
    db.execute(
        "INSERT INTO account (id, name, project, added, disabled, weight, "
        "priority, concurrency, kind, location) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, "
        "project = coalesce(excluded.project, project), "
        "location = coalesce(excluded.location, location)",
        (
            id,
            record.name,
            record.project,
            record.added,
            record.disabled,
            record.weight,
            record.priority,
            record.concurrency,
            record.kind,
            record.location,
        ),
    )


def _put_secret(db: sqlite3.Connection, id: str, record: Record) -> None:
    client = record.client
    db.execute(
        "INSERT INTO secret (account, credential, client_id, client_secret, given) "
        "VALUES (?, ?, ?, ?, ?) ON CONFLICT (account) "
        "DO UPDATE SET credential = excluded.credential, given = excluded.given, "
        "client_id = coalesce(excluded.client_id, client_id), "
        "client_secret = coalesce(excluded.client_secret, client_secret)",
        (
            id,
            record.credential,
            client.id if client else None,
            client.secret if client else None,
            record.given,
        ),
    )


def _forget_what_its_kind_had(db: sqlite3.Connection, id: str) -> None:
    """Nothing of this means anything to an account of another kind."""
    db.execute("UPDATE account SET project = NULL, location = NULL WHERE id = ?", (id,))
    db.execute("DELETE FROM secret WHERE account = ?", (id,))


def _named(db: sqlite3.Connection, name: str) -> str | None:
    """The id of the account that has this name, or this id."""
    row = db.execute(
        "SELECT id FROM account WHERE name = ? OR id = ? ORDER BY name = ? DESC",
        (name, name, name),
    ).fetchone()
    return str(row[0]) if row else None


def _forget_what_was_learnt(db: sqlite3.Connection, id: str) -> None:
    """From now on only what is learnt anew counts."""
    db.execute("UPDATE account SET epoch = epoch + 1 WHERE id = ?", (id,))
    for table in ("hold", "finding", "quota"):
        db.execute(f"DELETE FROM {table} WHERE account = ?", (id,))


def _record(row: tuple[Any, ...]) -> Record:
    id, name, credential, client_id, client_secret, *others = row
    client = OAuthClient(client_id, client_secret) if client_id else None
    return Record(id, name, credential, client, *others)


def _hold(row: list[Any]) -> Hold:
    need, reason, since, until, repeats, link = row
    return Hold(reason, since, until, Need(need) if need else None, repeats, link)
