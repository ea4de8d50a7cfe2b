"""
The accounts on disk: one SQLite database in the state directory.

The daemon and the command line use it at the same time.  Every change is one
transaction, synced before it counts, so a killed process loses nothing that
was said to be stored.  All methods block for as long as the disk takes; each
opens its own connection, so they may run in any thread.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from attrs import define, evolve, field

from antigravity_gw.needs import Need
from antigravity_gw.pool.account import Access, Known, Record
from antigravity_gw.pool.hold import Hold
from antigravity_gw.pool.learnt import Change
from antigravity_gw.pool.schema import STEPS, VERSION
from antigravity_gw.wire.companion import Remaining
from antigravity_gw.wire.oauth import OAuthClient

FILE_NAME = "accounts.sqlite3"
BUSY_SECONDS = 10.0
SET_ASIDE = ".unreadable-"
"""Comes after the name of a database of which a copy was put aside."""

_DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)

_ACCOUNTS = """
SELECT account.id, name, refresh_token, client_id, client_secret, project, added,
       disabled, weight, priority, concurrency, epoch
FROM account JOIN secret ON secret.account = account.id
ORDER BY added, account.id
"""


@define
class StoreError(Exception):
    """The state directory or the database in it cannot be used."""

    message: str

    def __str__(self) -> str:
        return self.message


@define
class Store:
    """The database of one state directory, created with it when it is missing."""

    directory: Path
    _watcher: sqlite3.Connection | None = field(default=None, init=False)
    _seen: int | None = field(default=None, init=False)

    @classmethod
    def open(cls, directory: Path) -> "Store":
        """
        Open the store in *directory*, and bring it up to date.

        One that is damaged is left where it is, and a copy is put aside, from
        which any attempt to mend it can start over.

        :raises StoreError: when it cannot be read and written, saying why.
        """
        store = cls(directory)
        with store._explained():
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(store.path, os.O_CREAT | os.O_RDWR, 0o600))
        try:
            with store._transaction() as db:
                version = _brought_up_to_date(db)
        except StoreError as error:
            if _is_damage(error.__cause__):
                raise store._set_aside(error) from error
            raise
        if version > VERSION:
            raise StoreError(
                f"{store.path} was written by a newer antigravity-gw (schema "
                f"{version}, this one knows {VERSION}): upgrade antigravity-gw"
            )
        return store

    @property
    def path(self) -> Path:
        """The database file."""
        return self.directory / FILE_NAME

    def accounts(self) -> list[Known]:
        """All accounts with what is known of them, the oldest first."""
        with self._connection() as db:
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
        project and OAuth client where *record* names none; what was learnt of
        it is void.

        :returns: whether it is new.
        """
        with self._transaction() as db:
            old = db.execute(
                "SELECT id FROM account WHERE name = ?", (record.name,)
            ).fetchone()
            id = old[0] if old else record.id
            db.execute(
                "INSERT INTO account (id, name, project, added, disabled, weight, "
                "priority, concurrency) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE "
                "SET project = coalesce(excluded.project, project)",
                (
                    id,
                    record.name,
                    record.project,
                    record.added,
                    record.disabled,
                    record.weight,
                    record.priority,
                    record.concurrency,
                ),
            )
            client = record.client
            db.execute(
                "INSERT INTO secret VALUES (?, ?, ?, ?) ON CONFLICT (account) "
                "DO UPDATE SET refresh_token = excluded.refresh_token, "
                "client_id = coalesce(excluded.client_id, client_id), "
                "client_secret = coalesce(excluded.client_secret, client_secret)",
                (
                    id,
                    record.refresh_token,
                    client.id if client else None,
                    client.secret if client else None,
                ),
            )
            _forget_what_was_learnt(db, id)
            db.execute("DELETE FROM access WHERE account = ?", (id,))
        return old is None

    def remove(self, name: str) -> bool:
        """Forget the account of this name or id; return whether there was one."""
        with self._transaction() as db:
            gone = db.execute(
                "DELETE FROM account WHERE name = ? OR id = ?", (name, name)
            )
            return gone.rowcount > 0

    def rename(self, name: str, new: str) -> bool:
        """
        Give the account of this name or id another name.

        :returns: whether there was one.
        :raises StoreError: when the new name is another's.
        """
        with self._transaction() as db:
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
        with self._transaction() as db:
            id = _named(db, name)
            db.execute(
                f"UPDATE account SET {columns} WHERE id = ?", (*settings.values(), id)
            )
            if "project" in settings and id is not None:
                _forget_what_was_learnt(db, id)
        return id is not None

    def give_another_chance(self, name: str) -> bool:
        """
        Let the account of this name or id serve, whatever was learnt of it.

        :returns: whether there was one.
        """
        with self._transaction() as db:
            id = _named(db, name)
            if id is not None:
                _forget_what_was_learnt(db, id)
                db.execute("UPDATE account SET disabled = NULL WHERE id = ?", (id,))
        return id is not None

    def touch(self, name: str) -> bool:
        """
        Have a running daemon go by what is stored of the account of this name or id.

        :returns: whether there was one.
        """
        with self._transaction() as db:
            id = _named(db, name)
            db.execute("UPDATE account SET epoch = epoch + 1 WHERE id = ?", (id,))
        return id is not None

    def apply(self, changes: Iterable[Change]) -> None:
        """Make all *changes*, or none of them if it fails."""
        with self._transaction() as db:
            for change in changes:
                for statement, values in change.statements:
                    db.execute(statement, values)

    def trust_clients(self) -> None:
        """Forget whom the OAuth client kept out: it may have been corrected."""
        with self._transaction() as db:
            db.execute("DELETE FROM hold WHERE need = ?", (Need.CLIENT.value,))

    def has_changed(self) -> bool:
        """
        Whether anything changed the store since the last call.

        Always True at first.  Not to be called by two threads at a time.
        """
        with self._explained():
            if self._watcher is None:
                self._watcher = self._connect()
            (version,) = self._watcher.execute("PRAGMA data_version").fetchone()
        changed, self._seen = version != self._seen, version
        return bool(changed)

    def close(self) -> None:
        """Let go of what :meth:`has_changed` holds."""
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = self._seen = None

    def _set_aside(self, error: StoreError) -> StoreError:
        """
        Put a copy of a damaged database aside, one of each state it is found in.

        :returns: what to tell the operator.
        """
        with self._explained():
            mark = SET_ASIDE + sha256(self.path.read_bytes()).hexdigest()[:12]
            for end in ("", "-wal"):
                part = self.directory / f"{FILE_NAME}{end}"
                copy = self.directory / f"{FILE_NAME}{mark}{end}"
                if part.exists() and not copy.exists():
                    copy.touch(mode=0o600)
                    copy.write_bytes(part.read_bytes())
        return StoreError(
            f"the account store {self.path} is damaged ({error.__cause__}). It is left "
            f"as it is, and a copy was put aside as {FILE_NAME}{mark}. Put a good one "
            "in its place, or move it elsewhere to begin with no accounts"
        )

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with self._explained(), closing(self._connect()) as db:
            yield db

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._connection() as db, db:
            db.execute("BEGIN IMMEDIATE")
            yield db

    def _connect(self) -> sqlite3.Connection:
        # Not created here: a database that has vanished is told, not replaced.
        uri = f"{self.path.absolute().as_uri()}?mode=rw"
        db = sqlite3.connect(
            uri,
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            for pragma in (
                "journal_mode = WAL",
                "synchronous = FULL",
                "foreign_keys = ON",
            ):
                db.execute(f"PRAGMA {pragma}")
        except sqlite3.DatabaseError:
            db.close()
            raise
        return db

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what the disk and SQLite say into one line for an operator."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise StoreError(
                f"the account store {self.path}: {error}; it and its directory must "
                "belong to the daemon's user, and be written by nothing else"
            ) from error
        except ValueError as error:
            raise StoreError(
                f"the state directory {str(self.directory)!r}: {error}"
            ) from error
        except OSError as error:
            raise StoreError(
                f"the state directory {self.directory} cannot be used: "
                f"{error.strerror} ({error.filename}); give the daemon's user write "
                "access to it or name another with --state-dir"
            ) from error


def _brought_up_to_date(db: sqlite3.Connection) -> int:
    """
    Check the database, and take the steps it lacks.

    :returns: its version before.
    """
    (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        damage = sqlite3.DatabaseError(found)
        damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise damage
    (version,) = db.execute("PRAGMA user_version").fetchone()
    for step in STEPS[version:]:
        for statement in step.split(";"):
            db.execute(statement)
    db.execute(f"PRAGMA user_version = {max(version, VERSION)}")
    return int(version)


def _is_damage(error: BaseException | None) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _DAMAGED


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
    id, name, token, client_id, client_secret, *others = row
    client = OAuthClient(client_id, client_secret) if client_id else None
    return Record(id, name, token, client, *others)


def _hold(row: list[Any]) -> Hold:
    need, reason, since, until, repeats, link = row
    return Hold(reason, since, until, Need(need) if need else None, repeats, link)
