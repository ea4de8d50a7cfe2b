"""Tests for ``antigravity_gw.database``, and ``pool.store``, ``schema``, ``learnt``."""

import os
import sqlite3
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from attrs import evolve

from antigravity_gw.database import NoStore, StoreError
from antigravity_gw.keys import StoredKey
from antigravity_gw.needs import Need
from antigravity_gw.pool.account import Access, Known
from antigravity_gw.pool.clientkeys import ClientKeys
from antigravity_gw.pool.hold import EVERY_MODEL, Hold
from antigravity_gw.pool.learnt import (
    Change,
    held,
    minted,
    project_found,
    quota_seen,
    rotated,
)
from antigravity_gw.pool.schema import STEPS
from antigravity_gw.pool.store import Store
from antigravity_gw.record import Record
from antigravity_gw.wire.companion import Remaining
from antigravity_gw.wire.oauth import OAuthClient

ADA = Record("1", "ada", "1//a", OAuthClient("id", "hush"), "proj", 1.0, epoch=1)
BOB = Record("2", "bob", "1//b", added=2.0, epoch=1)
HOLD = Hold("out of quota", 3.0, 63.0, None, 2, None)
LOGIN = Hold("expired", 3.0, None, Need.LOGIN, 0, "https://accounts.google.com/x")
ACCESS = Access("ya29.x", 3600.0, "digest")
QUOTA = {"pro": Remaining(0.5, 90.0), "flash": Remaining(None, None)}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with two accounts."""
    store = Store.open(tmp_path / "state")
    assert store.put(BOB)
    assert store.put(ADA)
    return store


def records(store: Store) -> list[Record]:
    """What the operator has said of each account."""
    return [known.record for known in store.accounts()]


def all_that_is_learnt(id: str, epoch: int) -> list[Change]:
    """One change of every kind."""
    return [
        held(id, epoch, "pro", HOLD),
        held(id, epoch, EVERY_MODEL, LOGIN),
        minted(id, epoch, ACCESS),
        project_found(id, epoch, "found"),
        quota_seen(id, epoch, QUOTA, 7.0),
        rotated(id, "1//a", "1//rotated"),
    ]


KNOWN = Known(
    evolve(ADA, credential="1//rotated"),
    {"pro": HOLD, EVERY_MODEL: LOGIN},
    ACCESS,
    "found",
    QUOTA,
    7.0,
)
"""ADA, after :func:`all_that_is_learnt`."""


def test_what_is_put_is_there(store: Store) -> None:
    """The oldest first, whoever opens the store."""
    assert records(Store.open(store.directory)) == [ADA, BOB]


def test_what_is_learnt_is_there(store: Store) -> None:
    """All of it, also after a restart."""
    store.apply(all_that_is_learnt("1", epoch=1))

    assert Store.open(store.directory).accounts() == [KNOWN, Known(BOB)]


def test_what_is_over(store: Store) -> None:
    """A hold that was lifted and a project that is doubted are gone."""
    store.apply(all_that_is_learnt("1", epoch=1))
    store.apply([held("1", 1, "pro", None), project_found("1", 1, None)])
    known = store.accounts()[0]

    assert (list(known.holds), known.project) == ([EVERY_MODEL], None)


@pytest.mark.parametrize(("id", "epoch"), [("1", 0), ("gone", 1)])
def test_yesterdays_news(store: Store, id: str, epoch: int) -> None:
    """What was learnt before the operator said something newer changes nothing."""
    store.apply(all_that_is_learnt(id, epoch)[:-1])

    assert store.accounts() == [Known(ADA), Known(BOB)]


def test_rotations(store: Store) -> None:
    """One counts whatever has been said meanwhile, unless it was another token."""
    store.change("ada", project="other")
    store.apply([rotated("1", "1//a", "1//a2"), rotated("1", "1//a2", "1//a3")])
    store.apply([rotated("2", "1//older", "1//b2")])

    assert [record.credential for record in records(store)] == ["1//a3", "1//b"]


def test_another_file_in_its_place(store: Store, tmp_path: Path) -> None:
    """A good copy that was put in its place is noticed, and watched from then on."""
    other = Store.open(tmp_path / "other")
    other.put(BOB)
    assert [store.has_changed(), store.has_changed()] == [True, False]
    with closing(sqlite3.connect(other.path)) as db:
        db.execute(f"VACUUM INTO '{tmp_path / 'copy'}'")
    for end in ("-wal", "-shm"):
        store.path.with_name(store.path.name + end).unlink(missing_ok=True)
    (tmp_path / "copy").replace(store.path)
    assert [store.has_changed(), store.has_changed()] == [True, False]
    assert records(store) == [BOB]
    Store.open(store.directory).remove("bob")

    assert store.has_changed()
    store.close()


def test_all_or_nothing(store: Store) -> None:
    """Changes that belong together are made together."""
    bad = Change(("x",), (("INSERT INTO nowhere VALUES (1)", ()),))
    with pytest.raises(StoreError, match="nowhere"):
        store.apply([held("1", 1, "pro", HOLD), bad])

    assert store.accounts()[0].holds == {}


def test_usage_touches_no_token(store: Store) -> None:
    """What is learnt often is written without a statement about a secret."""
    often = [held("1", 1, "pro", HOLD), quota_seen("1", 1, QUOTA, 7.0)]

    assert "secret" not in str(often)
    assert "access" not in str(often)


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    """Whatever the umask."""
    old = os.umask(0)
    try:
        store = Store.open(tmp_path / "a" / "state")
        store.put(ADA)
    finally:
        os.umask(old)

    assert stat.S_IMODE(store.directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(f.stat().st_mode) for f in store.directory.iterdir()} == {
        0o600
    }


def test_what_root_makes(tmp_path: Path) -> None:
    """It is the daemon's user's who owns the directory, with all that is beside it."""
    owner = 65534 if os.geteuid() == 0 else os.geteuid()
    os.chown(tmp_path, owner, -1)
    store = Store.open(tmp_path)
    store.has_changed()  # which holds on to it, as a daemon does
    store.put(ADA)
    owners = {file.name: file.stat().st_uid for file in tmp_path.iterdir()}
    store.close()

    assert set(owners) == {f"accounts.sqlite3{end}" for end in ("", "-wal", "-shm")}
    assert set(owners.values()) == {owner}


def test_it_is_as_safe_as_sqlite_makes_it(store: Store) -> None:
    """A write-ahead log, synced with every transaction."""
    with store.connection() as db:
        modes = [
            db.execute(f"PRAGMA {pragma}").fetchone()[0]
            for pragma in ("journal_mode", "synchronous", "foreign_keys")
        ]

    assert modes == ["wal", 2, 1]


def test_the_same_name_is_the_same_account(store: Store) -> None:
    """It keeps what is not said anew, and what was learnt of it is void."""
    store.change("ada", weight=3.0, disabled=5.0)
    store.apply(all_that_is_learnt("1", epoch=1))
    assert not store.put(Record("9", "ada", "1//new", added=9.0))
    kept = evolve(ADA, credential="1//new", weight=3.0, disabled=5.0, epoch=2)
    assert store.accounts()[0] == Known(kept)
    other = OAuthClient("other", "secret")
    store.put(Record("9", "ada", "1//new", other, "other", 9.0))

    assert records(store)[0] == evolve(kept, client=other, project="other", epoch=3)


def test_remove(store: Store) -> None:
    """With everything that was known of it."""
    store.apply(all_that_is_learnt("1", epoch=1))
    assert store.remove("ada")
    assert not store.remove("ada")
    assert store.remove("2")

    with closing(sqlite3.connect(store.path)) as db:
        tables = [
            name
            for (name,) in db.execute("SELECT name FROM sqlite_master")
            if not name.startswith("sqlite_")
        ]
        left = {
            t: db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in tables
        }
    assert left == dict.fromkeys(
        (
            *("account", "secret", "access", "finding", "hold", "quota"),
            "client_key",
        ),
        0,
    )


def test_rename(store: Store) -> None:
    """Only the name changes; one that is taken is refused."""
    store.apply(all_that_is_learnt("1", epoch=1))
    assert store.rename("ada", "countess")
    assert store.accounts()[0] == evolve(
        KNOWN, record=evolve(KNOWN.record, name="countess")
    )
    assert store.rename("1", "countess")
    assert not store.rename("ada", "eve")
    with pytest.raises(StoreError, match="called 'bob' already"):
        store.rename("countess", "bob")


def test_settings(store: Store) -> None:
    """Settings change by themselves; another project is looked at afresh."""
    store.apply(all_that_is_learnt("1", epoch=1))
    assert store.change("ada", weight=2.0, priority=-1, concurrency=4, disabled=9.0)
    known = store.accounts()[0]
    assert known == evolve(
        KNOWN,
        record=evolve(
            KNOWN.record, weight=2.0, priority=-1, concurrency=4, disabled=9.0
        ),
    )
    assert store.change("1", project="better")
    assert not store.change("nobody", weight=1.0)
    known = store.accounts()[0]

    assert (known.record.project, known.record.epoch, known.holds) == ("better", 2, {})


def test_another_chance(store: Store) -> None:
    """Nothing that was learnt stands in the way, nor that it was disabled."""
    store.apply(all_that_is_learnt("1", epoch=1))
    store.change("ada", disabled=9.0)
    assert store.give_another_chance("ada")
    assert not store.give_another_chance("nobody")
    known = store.accounts()[0]

    assert (known.holds, known.record.disabled, known.record.epoch) == ({}, None, 2)
    assert known.access == ACCESS


def test_clients_are_trusted_again(store: Store) -> None:
    """Accounts that were out for their OAuth client's sake may serve; others not."""
    wrong = Hold("wrong", 3.0, 303.0, Need.CLIENT)
    store.apply([held("1", 1, EVERY_MODEL, LOGIN), held("2", 1, EVERY_MODEL, wrong)])
    store.trust_clients()

    assert [known.holds for known in store.accounts()] == [{EVERY_MODEL: LOGIN}, {}]


def test_names_and_ids(store: Store) -> None:
    """Either will do, so no account is called like another's id."""
    with pytest.raises(StoreError, match="called '1' already"):
        store.rename("bob", "1")
    store.change("1", weight=5.0)

    assert [record.weight for record in records(store)] == [5.0, 1.0]


def test_changes_are_noticed(store: Store) -> None:
    """Another process's changes, once each."""
    other = Store.open(store.directory)
    noticed = [store.has_changed(), store.has_changed()]
    other.remove("ada")

    assert [*noticed, store.has_changed(), store.has_changed()] == [
        True,
        False,
        True,
        False,
    ]
    store.close()


FIRST = """
INSERT INTO account VALUES ('1', 'ada', 'proj', 1.0), ('2', 'bob', NULL, 2.0),
    ('3', 'eve', NULL, 3.0);
INSERT INTO secret VALUES ('1', '1//a', 'id', 'hush'), ('2', '1//b', NULL, NULL),
    ('3', '1//e', NULL, NULL);
INSERT INTO block VALUES ('1', 'needs login', 'expired', 3.0, NULL),
    ('2', 'refused by Google', 'no licence', 4.0, 304.0),
    ('3', 'OAuth client refused', 'wrong', 5.0, NULL)
"""


def test_upgrade(tmp_path: Path) -> None:
    """A database of the first version loses nothing."""
    os.close(os.open(tmp_path / "accounts.sqlite3", os.O_CREAT, 0o600))
    with closing(sqlite3.connect(tmp_path / "accounts.sqlite3")) as db:
        db.executescript(STEPS[0] + ";" + FIRST + ";PRAGMA user_version = 1")
    store = Store.open(tmp_path)

    assert store.accounts() == [
        Known(
            evolve(ADA, epoch=0),
            {EVERY_MODEL: Hold("expired", 3.0, None, Need.LOGIN)},
        ),
        Known(
            evolve(BOB, epoch=0),
            {EVERY_MODEL: Hold("no licence", 4.0, 304.0, Need.ENTITLEMENT)},
        ),
        Known(Record("3", "eve", "1//e", added=3.0)),
    ]
    store.apply(all_that_is_learnt("1", epoch=0))
    assert Store.open(tmp_path).accounts()[0].holds == KNOWN.holds
    keys = ClientKeys(store)
    assert keys.all() == []
    keys.add(StoredKey(name="ann", digest=b"x", made=1.0, given=1.0))
    assert [key.name for key in keys.all()] == ["ann"]


def test_an_upgrade_that_fails(tmp_path: Path) -> None:
    """It leaves the database as it was, for the version that wrote it."""
    path = tmp_path / "accounts.sqlite3"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(STEPS[0] + ";" + FIRST + ";PRAGMA user_version = 1")
        db.execute("CREATE TABLE quota (in_the_way TEXT)")
    with pytest.raises(StoreError, match="table quota already exists"):
        Store.open(tmp_path)

    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
        assert db.execute("SELECT count(*) FROM block").fetchone() == (3,)
        columns = db.execute("SELECT * FROM account").description
    assert [column[0] for column in columns] == ["id", "name", "project", "added"]


def test_a_newer_schema(store: Store) -> None:
    """A store of a newer version is left as it is."""
    with closing(sqlite3.connect(store.path)) as db:
        db.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    for _ in range(2):
        with pytest.raises(StoreError, match="upgrade antigravity-gw"):
            Store.open(store.directory)

    assert store.path.exists()


def test_no_database(tmp_path: Path) -> None:
    """A file that is no database is left as it is, and a copy of it put aside."""
    file = tmp_path / "accounts.sqlite3"
    file.write_bytes(b"precious bytes that are no database")
    for _ in range(3):
        with pytest.raises(StoreError, match=r"is damaged \(file is not a database\)"):
            Store.open(tmp_path)
    (aside,) = set(tmp_path.iterdir()) - {file}

    assert aside.name.startswith("accounts.sqlite3.unreadable-")
    assert {f.read_bytes() for f in (file, aside)} == {
        b"precious bytes that are no database"
    }
    assert stat.S_IMODE(aside.stat().st_mode) == 0o600
    file.unlink()
    assert Store.open(tmp_path).accounts() == []


def test_a_damaged_database(store: Store) -> None:
    """Damage inside is found as well, and a copy that is well can be put in place."""
    copy = store.path.with_name("backup")
    with closing(sqlite3.connect(store.path)) as db:
        db.execute(f"VACUUM INTO '{copy}'")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with store.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 100)
    with pytest.raises(StoreError, match="is damaged"):
        Store.open(store.directory)
    copy.rename(store.path)

    assert records(Store.open(store.directory)) == [ADA, BOB]


def test_an_empty_file(tmp_path: Path) -> None:
    """What a full disk may leave is no store with no accounts."""
    (tmp_path / "accounts.sqlite3").touch()

    with pytest.raises(StoreError, match=r"is damaged \(it is empty\)"):
        Store.open(tmp_path)


def test_none_is_made_unasked(tmp_path: Path) -> None:
    """Only who means to add something makes a store."""
    with pytest.raises(NoStore, match="there is no account store at"):
        Store.open(tmp_path / "state", create=False)

    assert not (tmp_path / "state").exists()


def test_made_by_several_at_once(tmp_path: Path) -> None:
    """Each finds a whole store, and all find the same."""
    barrier = threading.Barrier(8)

    def make(number: int) -> bool:
        barrier.wait()
        return Store.open(tmp_path).put(Record(f"{number}", f"{number}", "1//t"))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(make, range(8))) == [True] * 8
    assert len(Store.open(tmp_path).accounts()) == 8
    assert not list(tmp_path.glob(".*"))


def test_a_file_that_others_can_read(store: Store) -> None:
    """A copy that was put in place with other modes is made private."""
    store.path.chmod(0o644)
    Store.open(store.directory)

    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def test_a_name_that_is_an_id(store: Store) -> None:
    """No account is called like another's id, so that commands mean one."""
    with pytest.raises(StoreError, match="'2' is the id of another account"):
        store.put(Record("9", "2", "1//x"))
    assert store.remove("2")

    assert records(store) == [ADA]


def test_vanished(store: Store) -> None:
    """A database that has gone is missed, and not replaced by an empty one."""
    store.path.unlink()

    with pytest.raises(StoreError, match="unable to open"):
        store.accounts()
    assert not store.path.exists()


def test_no_directory(tmp_path: Path) -> None:
    """A state directory that cannot be made is named, with what to do."""
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="--state-dir"):
        Store.open(tmp_path / "file" / "state")


def test_secrets_are_not_shown(store: Store) -> None:
    """No token and no link reaches the log by way of a repr."""
    store.apply(all_that_is_learnt("1", epoch=1))
    shown = repr(store.accounts())

    words = ("1//", "ya29", "digest", "hush", "https://", "ada", "found", "proj")
    assert not [word for word in words if word in shown]
