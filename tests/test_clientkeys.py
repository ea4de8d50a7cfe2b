"""Tests for ``antigravity_gw.pool.clientkeys``: keys in the store."""

from pathlib import Path

import pytest

from antigravity_gw.database import StoreError
from antigravity_gw.keys import Allowance, StoredKey
from antigravity_gw.pool.clientkeys import ClientKeys
from antigravity_gw.pool.store import Store

ANN = StoredKey(name="ann", digest=b"1", made=1.0, given=1.0)
BOB = StoredKey(
    name="bob",
    digest=b"2",
    made=2.0,
    given=2.0,
    allowance=Allowance(
        requests_per_minute=60,
        streams=0,
        tokens_per_day=10**12,
        models=("gemini-2.5-*", "flash"),
    ),
    expires=99.5,
)


@pytest.fixture
def keys(tmp_path: Path) -> ClientKeys:
    """The keys of a store."""
    keys = ClientKeys(Store.open(tmp_path))
    keys.add(BOB)
    keys.add(ANN)
    return keys


def test_what_is_added_is_there(keys: ClientKeys) -> None:
    """With all its limits, the oldest first, whoever opens the store."""
    assert ClientKeys(Store.open(keys.database.directory)).all() == [ANN, BOB]


def test_one_of_each_name(keys: ClientKeys) -> None:
    """A second one is refused, and the first stays as it is."""
    with pytest.raises(StoreError, match=r"called 'ann' already; .*keys rotate ann'"):
        keys.add(StoredKey(name="ann", digest=b"9", made=9.0, given=9.0))

    assert keys.all() == [ANN, BOB]


def test_change(keys: ClientKeys) -> None:
    """What is not named stays, and every limit can be taken back."""
    assert keys.change("bob", streams=4, models=("pro",))
    assert keys.change("bob", requests_per_minute=None, expires=None)
    assert not keys.change("eve", streams=4)
    bob = keys.all()[1]

    assert bob.allowance == Allowance(streams=4, tokens_per_day=10**12, models=("pro",))
    assert bob.expires is None
    assert keys.change("bob", models=None, streams=None, tokens_per_day=None)
    assert keys.all()[1].allowance == Allowance()


def test_rotate(keys: ClientKeys) -> None:
    """The old one is good for a while if that is said, and only the last one is."""
    assert keys.rotate("bob", b"3", 10.0, 20.0)
    assert not keys.rotate("eve", b"3", 10.0, None)
    bob = keys.all()[1]
    assert (bob.digest, bob.given, bob.old, bob.old_until) == (b"3", 10.0, b"2", 20.0)
    assert (bob.made, bob.allowance, bob.expires) == (2.0, BOB.allowance, 99.5)
    keys.rotate("bob", b"4", 11.0, 21.0)
    assert keys.all()[1].old == b"3"
    keys.rotate("bob", b"5", 12.0, None)
    bob = keys.all()[1]

    assert (bob.digest, bob.old, bob.old_until) == (b"5", None, None)


def test_revoke(keys: ClientKeys) -> None:
    """It is forgotten, and its name is free."""
    assert keys.revoke("ann")
    assert not keys.revoke("ann")
    keys.add(ANN)

    assert keys.all() == [ANN, BOB]


def test_changes_are_noticed(keys: ClientKeys) -> None:
    """By whoever watches the store, as those of accounts are."""
    store = Store.open(keys.database.directory)
    assert [store.has_changed(), store.has_changed()] == [True, False]
    for change in (
        lambda: keys.revoke("ann"),
        lambda: keys.change("bob", streams=1),
        lambda: keys.rotate("bob", b"3", 10.0, None),
    ):
        change()
        assert [store.has_changed(), store.has_changed()] == [True, False]
    store.close()
