"""
The files on disk: SQLite databases in the state directory.

The daemon and the command line use them at the same time.  Every change is one
transaction, synced before it counts, so a killed process loses nothing that
was said to be stored.  All methods block for as long as the disk takes; each
opens its own connection, so they may run in any thread.
"""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp
from typing import ClassVar, Self

from attrs import define, field

BUSY_SECONDS = 10.0
PARTS = ("", "-wal", "-shm")
"""What the names of a database's files end in."""

WRITABLE, READABLE, FIXED = "mode=rw", "mode=ro", "mode=ro&immutable=1"
"""
What SQLite is told when it opens one.

To read one that others may write to, it needs a file beside it, which it makes if need
be.  One to which nobody can write just now is as good without, if all is in the
database itself.
"""

SET_ASIDE = ".unreadable-"
"""Comes after the name of a database of which a copy was put aside."""

_NO_FILE = 0, 0
_DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


@define
class StoreError(Exception):
    """The state directory or the database in it cannot be used."""

    message: str

    def __str__(self) -> str:
        return self.message


class NoStore(StoreError):
    """There is no such database, and none was to be made."""


class Damaged(StoreError):
    """What is in the database cannot be read any more."""


@define
class Database:
    """
    One database of one state directory.

    One that is damaged is left where it is, and a copy is put aside, from which
    any attempt to mend it can start over.

    :cvar FILE_NAME: what its file is called.
    :cvar TITLE: what an operator is told that it is.
    :cvar STEPS: how its tables came to be, statements separated by ``;``.  A
        database is made by taking every step there is, and brought up to date by
        taking those it lacks.
    :cvar WHEN_DAMAGED: what an operator can do then.
    """

    FILE_NAME: ClassVar[str]
    TITLE: ClassVar[str]
    STEPS: ClassVar[tuple[str, ...]]
    WHEN_DAMAGED: ClassVar[str]

    directory: Path
    _access: str = field(default=WRITABLE, init=False)
    _watcher: sqlite3.Connection | None = field(default=None, init=False)
    _seen: tuple[int, ...] | None = field(default=None, init=False)

    @classmethod
    def open(cls, directory: Path, *, create: bool = True) -> Self:
        """
        Open the one in *directory*, and bring it up to date.

        :param create: whether to make one if there is none.
        :raises NoStore: when there is none.
        :raises Damaged: when it is, saying what to do.
        :raises StoreError: when it cannot be read and written, saying why.
        """
        store = cls(directory)
        with store._explained():
            if not store.path.exists():
                if not create:
                    raise NoStore(f"there is no {cls.TITLE} at {store.path} yet")
                store._create()
            store._keep_private()
        with store.transaction() as db:
            version = _checked(db)
            store._upgrade(db, version)
        store._expect_known(version)
        return store

    @classmethod
    def open_to_read(cls, directory: Path) -> Self:
        """
        Open the one in *directory* where perhaps nothing can be written.

        One of an older version has to be brought up to date first.

        :raises NoStore: when there is none.
        :raises Damaged: when it is, saying what to do.
        :raises StoreError: when it cannot be read, saying why.
        """
        store = cls(directory)
        with store._explained():
            if not store.path.exists():
                raise NoStore(f"there is no {cls.TITLE} at {store.path} yet")
        version = store._version_to_read()
        if version < len(cls.STEPS):
            return cls.open(directory, create=False)
        store._expect_known(version)
        return store

    def _version_to_read(self) -> int:
        """The version of one that is only read, which is opened as it has to be."""
        self._access = READABLE
        try:
            with self.connection() as db:
                return _checked(db)
        except StoreError as error:
            log = self.directory / f"{self.FILE_NAME}-wal"
            if isinstance(error, Damaged) or (log.exists() and log.stat().st_size):
                raise
        self._access = FIXED
        with self.connection() as db:
            return _checked(db)

    def _expect_known(self, version: int) -> None:
        if version > len(self.STEPS):
            raise StoreError(
                f"{self.path} was written by a newer antigravity-gw (schema "
                f"{version}, this one knows {len(self.STEPS)}): upgrade antigravity-gw"
            )

    @property
    def path(self) -> Path:
        """The database file."""
        return self.directory / self.FILE_NAME

    def has_changed(self) -> bool:
        """
        Whether anything changed the store since the last call.

        Always True at first.  Not to be called by two threads at a time.
        """
        with self._explained():
            file = self._file()
            if self._seen is not None and self._seen[:2] != file:
                self.close()  # a copy that was put in its place is another file
            if self._watcher is None:
                self._watcher = self._connect()
            (version,) = self._watcher.execute("PRAGMA data_version").fetchone()
        seen, self._seen = self._seen, (*file, version)
        return seen != self._seen

    def has_gone(self) -> bool:
        """Whether its file is not there any more."""
        with self._explained():
            return self._file() == _NO_FILE

    def _file(self) -> tuple[int, int]:
        """What tells the database from another file of its name, if it is there."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return _NO_FILE
        return status.st_dev, status.st_ino

    def close(self) -> None:
        """Let go of what :meth:`has_changed` holds."""
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = self._seen = None

    def _create(self) -> None:
        """Make the database whole before it gets its name, so none sees half of it."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        file, name = mkstemp(dir=self.directory, prefix=f".{self.FILE_NAME}.")
        try:
            os.close(file)
            with closing(sqlite3.connect(name, isolation_level=None)) as db, db:
                db.execute("BEGIN IMMEDIATE")
                self._upgrade(db, 0)
            self._give_to_owner(Path(name))
            with suppress(FileExistsError):  # somebody else was faster
                os.link(name, self.path)
        finally:
            os.unlink(name)
        folder = os.open(self.directory, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _upgrade(self, db: sqlite3.Connection, version: int) -> None:
        """Take the steps that a database of *version* lacks."""
        missing = self.STEPS[version:]
        for step in missing:
            for statement in step.split(";"):
                db.execute(statement)
        if missing:
            db.execute(f"PRAGMA user_version = {len(self.STEPS)}")

    def _parts(self) -> list[Path]:
        """The files that it may consist of."""
        return [self.directory / f"{self.FILE_NAME}{end}" for end in PARTS]

    def _give_to_owner(self, file: Path) -> None:
        """
        Let the directory's owner have *file*, if root has made it.

        Root is the operator, whose command the daemon's user must be able to go on
        from.  What SQLite makes beside a database it gives to that one's owner itself.
        """
        if os.geteuid() == 0:
            owner = self.directory.stat()
            os.chown(file, owner.st_uid, owner.st_gid)

    def _keep_private(self) -> None:
        """Let nobody else read it, however its file came here."""
        for part in self._parts():
            if part.exists() and stat.S_IMODE(part.stat().st_mode) & 0o077:
                part.chmod(0o600)

    def begin_anew(self) -> None:
        """
        Make an empty one in place of one that is damaged, whose copy stays.

        :raises StoreError: when that cannot be done.
        """
        with self._explained():
            for part in self._parts():
                part.unlink(missing_ok=True)
            self._create()

    def _put_aside(self, error: sqlite3.DatabaseError) -> Damaged:
        """
        Put a copy of a damaged database aside, one of each state it is found in.

        :returns: what to tell the operator.
        """
        reason = " ".join(str(error).split())[:80]
        with self._explained():
            mark = SET_ASIDE + sha256(self.path.read_bytes()).hexdigest()[:12]
            for end in ("", "-wal"):
                part = self.directory / f"{self.FILE_NAME}{end}"
                copy = self.directory / f"{self.FILE_NAME}{mark}{end}"
                if part.exists() and not copy.exists():
                    copy.touch(mode=0o600)
                    self._give_to_owner(copy)
                    copy.write_bytes(part.read_bytes())
        return Damaged(
            f"the {self.TITLE} {self.path} is damaged ({reason}). {self.WHEN_DAMAGED}. "
            f"A copy was put aside as {self.FILE_NAME}{mark}"
        )

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A connection to read with."""
        with self._explained(), closing(self._connect()) as db:
            yield db

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection to write with: all of it, or nothing if it fails."""
        with self.connection() as db, db:
            db.execute("BEGIN IMMEDIATE")
            yield db

    def _connect(self) -> sqlite3.Connection:
        # Not created here: a database that has vanished is told, not replaced.
        uri = f"{self.path.absolute().as_uri()}?{self._access}"
        db = sqlite3.connect(
            uri,
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        if self._access != WRITABLE:
            return db
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
            if _is_damage(error):
                raise self._put_aside(error) from error
            raise StoreError(
                f"the {self.TITLE} {self.path}: {error}; {_advice(error)}"
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


def _advice(error: sqlite3.DatabaseError) -> str:
    """What an operator can do about what SQLite says."""
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return "the disk is full or failing: make room, or look at the kernel's log"
    return (
        "it and its directory must belong to the daemon's user, and be written by "
        "nothing else"
    )


def _checked(db: sqlite3.Connection) -> int:
    """The schema version of a database in which nothing is wrong."""
    (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version == 0:
        found = "it is empty"
    if found != "ok":
        damage = sqlite3.DatabaseError(found)
        damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise damage
    return int(version)


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _DAMAGED
