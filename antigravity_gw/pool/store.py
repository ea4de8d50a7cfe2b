"""
The accounts on disk: one SQLite database in the state directory.

The daemon and the command line use it at the same time.  Every change is one
transaction, synced before it counts, so a killed process loses nothing that
was said to be stored.  All methods block for as long as the disk takes; each
opens its own connection, so they may run in any thread.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from attrs import define, field

from antigravity_gw.pool.account import Block, Need, Record
from antigravity_gw.wire.oauth import OAuthClient

FILE_NAME = "accounts.sqlite3"
VERSION = 1
BUSY_SECONDS = 10.0

_SCHEMA = """
CREATE TABLE account (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    project TEXT,
    added REAL NOT NULL
) STRICT;
CREATE TABLE secret (
    account TEXT PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    refresh_token TEXT NOT NULL,
    client_id TEXT,
    client_secret TEXT
) STRICT;
CREATE TABLE block (
    account TEXT PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    need TEXT NOT NULL,
    reason TEXT NOT NULL,
    since REAL NOT NULL,
    until REAL
) STRICT;
"""

_SELECT = """
SELECT account.id, name, refresh_token, client_id, client_secret, project, added,
       need, reason, since, until
FROM account JOIN secret ON secret.account = account.id
LEFT JOIN block ON block.account = account.id
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
        Open the store in *directory*.

        :raises StoreError: when it cannot be read and written, saying why.
        """
        store = cls(directory)
        with store._explained():
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(store.path, os.O_CREAT | os.O_RDWR, 0o600))
        with store._transaction() as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version == 0:
                for statement in _SCHEMA.split(";"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {VERSION}")
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

    def records(self) -> list[Record]:
        """All accounts, the oldest first."""
        with self._connection() as db:
            return [_record(row) for row in db.execute(_SELECT)]

    def put(self, record: Record) -> bool:
        """
        Store *record* under its name.

        One that has the name already keeps its id and age, and its project and
        OAuth client where *record* names none; its block is lifted.

        :returns: whether it is new.
        """
        with self._transaction() as db:
            old = db.execute(
                "SELECT id FROM account WHERE name = ?", (record.name,)
            ).fetchone()
            id = old[0] if old else record.id
            db.execute(
                "INSERT INTO account VALUES (?, ?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE "
                "SET project = coalesce(excluded.project, project)",
                (id, record.name, record.project, record.added),
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
            db.execute("DELETE FROM block WHERE account = ?", (id,))
        return old is None

    def remove(self, name: str) -> bool:
        """Forget the account of this name; return whether there was one."""
        with self._transaction() as db:
            gone = db.execute("DELETE FROM account WHERE name = ?", (name,))
            return gone.rowcount > 0

    def rotate(self, id: str, old: str, new: str) -> None:
        """Replace a refresh token, unless the operator did so in the meantime."""
        with self._transaction() as db:
            db.execute(
                "UPDATE secret SET refresh_token = ? "
                "WHERE account = ? AND refresh_token = ?",
                (new, id, old),
            )

    def block(self, id: str, block: Block | None) -> None:
        """Remember why an account is out, if it still exists, or that it is not."""
        with self._transaction() as db:
            db.execute("DELETE FROM block WHERE account = ?", (id,))
            if block is not None:
                db.execute(
                    "INSERT INTO block SELECT id, ?, ?, ?, ? FROM account WHERE id = ?",
                    (block.need.value, block.reason, block.since, block.until, id),
                )

    def lift_blocks(self, *needs: Need) -> None:
        """Give the accounts that had one of these needs another chance."""
        with self._transaction() as db:
            db.executemany(
                "DELETE FROM block WHERE need = ?", [(need.value,) for need in needs]
            )

    def has_changed(self) -> bool:
        """
        Whether any process changed the store since the last call.

        Always True at first.  Costs some microseconds; one thread only.
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
        db = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
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


def _record(row: tuple[Any, ...]) -> Record:
    id, name, token, client_id, client_secret, project, added, *block = row
    return Record(
        id=id,
        name=name,
        refresh_token=token,
        client=OAuthClient(client_id, client_secret) if client_id else None,
        project=project,
        added=added,
        block=Block(Need(block[0]), *block[1:]) if block[0] else None,
    )
