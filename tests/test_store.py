"""Tests for ``antigravity_gw.pool.store``."""

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from attrs import evolve

from antigravity_gw.pool.account import Block, Need, Record
from antigravity_gw.pool.store import VERSION, Store, StoreError
from antigravity_gw.wire.oauth import OAuthClient

ADA = Record("1", "ada", "1//a", OAuthClient("id", "hush"), "proj", 1.0)
BOB = Record("2", "bob", "1//b", None, None, 2.0)
BLOCK = Block(Need.LOGIN, "expired", 3.0)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with two accounts."""
    store = Store.open(tmp_path / "state")
    assert store.put(BOB)
    assert store.put(ADA)
    return store


def test_what_is_put_is_there(store: Store) -> None:
    """The oldest first, whoever opens the store."""
    assert Store.open(store.directory).records() == [ADA, BOB]


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


def test_the_same_name_is_the_same_account(store: Store) -> None:
    """It keeps what is not said anew, and gets another chance."""
    store.block("1", BLOCK)
    assert not store.put(Record("9", "ada", "1//new", None, None, 9.0))
    assert store.records()[0] == evolve(ADA, refresh_token="1//new")
    other = OAuthClient("other", "secret")
    store.put(Record("9", "ada", "1//new", other, "other", 9.0))

    assert store.records()[0] == Record("1", "ada", "1//new", other, "other", 1.0)


def test_remove(store: Store) -> None:
    """With everything that was known of it."""
    store.block("1", BLOCK)
    assert store.remove("ada")
    assert not store.remove("ada")

    assert store.records() == [BOB]
    with closing(sqlite3.connect(store.path)) as db:
        assert db.execute("SELECT count(*) FROM secret").fetchone() == (1,)
        assert db.execute("SELECT count(*) FROM block").fetchone() == (0,)


def test_rotate(store: Store) -> None:
    """A rotated token replaces the one it came from, and no newer one."""
    store.rotate("1", "1//a", "1//rotated")
    store.rotate("2", "1//old", "1//rotated")

    assert [r.refresh_token for r in store.records()] == ["1//rotated", "1//b"]


def test_block(store: Store) -> None:
    """Why an account is out is remembered, until it may have been mended."""
    store.block("1", BLOCK)
    store.block("2", Block(Need.CLIENT, "wrong", 3.0))
    store.block("gone", BLOCK)
    assert [r.block for r in store.records()] == [
        BLOCK,
        Block(Need.CLIENT, "wrong", 3.0),
    ]
    store.lift_blocks(Need.CLIENT, Need.PROJECT)

    assert [r.block for r in store.records()] == [BLOCK, None]


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


def test_a_newer_schema(store: Store) -> None:
    """A store of a newer version is left as it is."""
    with closing(sqlite3.connect(store.path)) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")

    with pytest.raises(StoreError, match="upgrade antigravity-gw"):
        Store.open(store.directory)


def test_no_database(tmp_path: Path) -> None:
    """A file that is no database is left as it is, and named."""
    file = tmp_path / "accounts.sqlite3"
    file.write_bytes(b"precious bytes that are no database")

    with pytest.raises(StoreError, match=r"accounts\.sqlite3: file is not a database"):
        Store.open(tmp_path)
    assert file.read_bytes() == b"precious bytes that are no database"


def test_vanished(store: Store) -> None:
    """A database that has gone is missed, and not replaced by an empty one."""
    store.path.unlink()

    with pytest.raises(StoreError, match="unable to open"):
        store.records()
    assert not store.path.exists()


def test_no_directory(tmp_path: Path) -> None:
    """A state directory that cannot be made is named, with what to do."""
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="--state-dir"):
        Store.open(tmp_path / "file" / "state")
