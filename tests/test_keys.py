"""Tests for ``antigravity_gw.keys``: who is who, and what a key may do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.catalog import Catalog
from antigravity_gw.errors import KeyExpired
from antigravity_gw.keys import (
    ANYBODY,
    Allowance,
    Key,
    KeyRing,
    StoredKey,
    digest_of,
    is_key_name,
)

NOW = 1_800_000_000.0


def stored(name: str, secret: bytes, **more: object) -> StoredKey:
    """A key of the store."""
    known = {"made": 1.0, "given": 1.0, **more}
    return StoredKey(name=name, digest=digest_of(secret), **known)  # type: ignore[arg-type]


def owner(ring: KeyRing, *secrets: bytes) -> str | None:
    """Whose key is shown."""
    key = ring.owner(secrets, NOW)
    return key.name if key else None


@given(st.sets(st.binary(min_size=1), max_size=20), st.binary())
def test_owner(secrets: set[bytes], stranger: bytes) -> None:
    """Each opens the gate for its own name, and nothing else opens it."""
    ring = KeyRing(tuple(Key.of(secret.hex(), secret) for secret in secrets))

    assert [owner(ring, secret) for secret in secrets] == [s.hex() for s in secrets]
    assert owner(ring, stranger) == (stranger.hex() if stranger in secrets else None)
    assert owner(ring, digest_of(stranger)) is None
    assert ring.is_empty == (not secrets)


def test_both_places() -> None:
    """Keys of the configuration and of the store are as good as each other."""
    ring = KeyRing((Key.of("ann", b"a"),), (stored("bob", b"b"),))

    assert [owner(ring, s) for s in (b"a", b"b", b"c")] == ["ann", "bob", None]
    assert not KeyRing(stored=(stored("bob", b"b"),)).is_empty


def test_a_name_in_both_places() -> None:
    """The one of the configuration counts, and that of the store opens nothing."""
    ring = KeyRing((Key.of("ann", b"a"),), (stored("ann", b"x"), stored("bob", b"b")))

    assert ring.twice() == {"ann"}
    assert [owner(ring, s) for s in (b"a", b"x", b"b")] == ["ann", None, "bob"]


def test_the_old_one() -> None:
    """For a while two keys are good, with the same name and limits, then one."""
    limits = Allowance(streams=3)
    key = stored("ann", b"new", old=digest_of(b"old"), old_until=9.0, allowance=limits)
    ring = KeyRing(stored=(key,))
    old, new = ring.owner([b"old"], 8.0), ring.owner([b"new"], 8.0)
    assert old is not None
    assert new is not None
    old.expect_good(8.0)
    with pytest.raises(KeyExpired, match=r"was replaced and has expired \(1970-01-01T"):
        old.expect_good(9.0)

    assert (old.name, old.allowance) == (new.name, new.allowance) == ("ann", limits)
    assert new.expires is None


def test_an_old_one_is_good_no_longer_than_the_key() -> None:
    """When the key has expired, so has the one before."""
    key = stored("ann", b"x", old=digest_of(b"old"), old_until=9.0, expires=5.0)

    assert {opener.expires for opener in key.openers()} == {5.0}


def test_expiry() -> None:
    """A key is good until the moment it expires, and who shows it then is told."""
    key = Key.of("ann", b"a")
    limited = Key("ann", key.digest, expires=NOW)
    limited.expect_good(NOW - 0.001)
    with pytest.raises(KeyExpired, match=r"has expired \(2027-01-15T08:00:00Z\)"):
        limited.expect_good(NOW)
    key.expect_good(NOW)

    assert not ANYBODY.has_expired(NOW)


@pytest.mark.parametrize("secrets", [[b"gone", b"good"], [b"good", b"gone"]])
def test_one_good_key_is_enough(secrets: list[bytes]) -> None:
    """Of two keys that are shown, one that has expired is not in the way."""
    gone = Key("ann", digest_of(b"gone"), expires=NOW)
    ring = KeyRing((gone, Key.of("bob", b"good")))

    assert owner(ring, *secrets) == "bob"
    assert owner(ring, b"gone") == "ann"


@pytest.mark.parametrize(
    ("patterns", "asked", "is_allowed"),
    [
        ((), "pro", True),
        (("pro",), "pro", True),
        (("pro",), "gemini-2.5-pro", False),
        (("gemini-2.5-*",), "pro", True),
        (("gemini-2.5-*", "flash"), "flash", True),
        (("gemini-2.5-flash",), "gemini-2.5-flash-lite", False),
        (("*",), "x", True),
        (("*flash*",), "gpt-flash", False),
        (("gpt-*",), "gpt-5", False),
        (("gemini-2.5-pro",), "gpt-5", True),
    ],
)
def test_models(patterns: tuple[str, ...], asked: str, is_allowed: bool) -> None:
    """
    A pattern may mean the model, or an alias of it that is spelled out.

    Of an alias that is a pattern, the client makes up the name.
    """
    aliases = {"pro": "gemini-2.5-pro", "flash": "gemini-3", "gpt-*": "gemini-2.5-pro"}
    names = Catalog((), aliases).names_of(asked)

    assert Allowance(models=patterns).allows(names) is is_allowed


def test_expired_long_ago() -> None:
    """A key that expired at the beginning of time is not good because of that."""
    stored = StoredKey(
        name="ann",
        digest=digest_of(b"new"),
        made=NOW,
        given=NOW,
        expires=0.0,
        old=digest_of(b"old"),
        old_until=NOW + 100.0,
    )

    assert all(key.has_expired(NOW) for key in stored.openers())


@pytest.mark.parametrize("name", ["a", "7", "Ada.L-1_x@example.org", "a" * 64])
def test_names(name: str) -> None:
    """One plain word, as an e-mail address or a host may be."""
    assert is_key_name(name)


@pytest.mark.parametrize(
    "name", ["", " a", "a b", "a" * 65, "-a", ".a", "a\n", "a=b", "zoë", 'a"', "a/b"]
)
def test_what_is_no_name(name: str) -> None:
    """Nothing that would read as something else in a line of the log."""
    assert not is_key_name(name)


def test_secrets_are_not_shown() -> None:
    """Not even their hashes."""
    digest = digest_of(b"x")
    ring = KeyRing((Key.of("ann", b"x"),), (stored("bob", b"x", old=digest),))

    assert repr(digest) not in repr(ring)
