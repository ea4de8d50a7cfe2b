"""
The keys of this gateway's clients, and how a request shows one.  No I/O.

A key is 256 random bits, and only its SHA-256 is kept.  A slow hash would guard
nothing: nobody can try so many keys, and every request would have to wait for it.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from attrs import field, frozen

from antigravity_gw.catalog import fits
from antigravity_gw.errors import KeyExpired, Unauthenticated

HEADERS = (b"x-goog-api-key", b"x-api-key")

PREFIX = "agw_"
"""What a key begins with that is made here, so that people and scanners know it."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


def is_key_name(name: str) -> bool:
    """Whether a key can be called that: one plain word, since it stands in the log."""
    return _NAME.fullmatch(name) is not None


@frozen(kw_only=True)
class Allowance:
    """
    What a key may do.  None, or no pattern, for what is not limited.

    :ivar requests_per_minute: so many answers it may ask for in any 60 seconds.
    :ivar streams: so many streams of it may be under way; 0 for any number, None
        for as many as every key may have.
    :ivar tokens_per_day: when its answers of a day (UTC) have cost so many, it may
        ask for no other.
    :ivar models: the models it may use; ``*`` stands for any letters.
    """

    requests_per_minute: int | None = None
    streams: int | None = None
    tokens_per_day: int | None = None
    models: tuple[str, ...] = ()

    def allows(self, names: Iterable[str]) -> bool:
        """
        Whether it lets a client use a model.

        :param names: what the operator calls that; see :meth:`.Catalog.names_of`.
        """
        return not self.models or any(
            fits(pattern, name) for name in names for pattern in self.models
        )


@frozen
class Key:
    """
    What lets one client in.

    :ivar name: who it belongs to; may be logged.
    :ivar digest: SHA-256 of the key.
    :ivar expires: until when it is good, in POSIX seconds, if that ends.
    :ivar is_old: whether its client has been given another one.
    :ivar is_limited: whether there is something it may not do.
    """

    name: str
    digest: bytes = field(repr=False)
    allowance: Allowance = Allowance()
    expires: float | None = None
    is_old: bool = False
    is_limited: bool = field(init=False, eq=False, repr=False)

    @is_limited.default
    def _has_limits(self) -> bool:
        return self.allowance != Allowance()

    @classmethod
    def of(cls, name: str, secret: bytes, allowance: Allowance = Allowance()) -> "Key":
        """The key whose secret is at hand."""
        return cls(name, digest_of(secret), allowance)

    def has_expired(self, now: float) -> bool:
        """Whether it is good for nothing any more."""
        return self.expires is not None and self.expires <= now

    def expect_good(self, now: float) -> None:
        """
        :raises KeyExpired: when it has expired.
        """
        if self.expires is None or now < self.expires:
            return
        moment = datetime.fromtimestamp(self.expires, UTC)
        raise KeyExpired(
            f"the key {'was replaced and ' * self.is_old}has expired "
            f"({moment:%Y-%m-%dT%H:%M:%SZ}); ask this gateway's operator for "
            f"{'the new' if self.is_old else 'another'} one"
        )


ANYBODY = Key("", b"")
"""Whoever is let in without a key."""


@frozen(kw_only=True)
class StoredKey:
    """
    What the store has of a key.

    :ivar digest: SHA-256 of the key.
    :ivar made: when there first was one of this name, in POSIX seconds.
    :ivar given: when this one was made.
    :ivar expires: until when it is good, if that ends.
    :ivar old: the digest of the one before, if that is still good for a while.
    :ivar old_until: until when it is.
    """

    name: str
    digest: bytes = field(repr=False)
    made: float
    given: float
    allowance: Allowance = Allowance()
    expires: float | None = None
    old: bytes | None = field(default=None, repr=False)
    old_until: float | None = None

    def openers(self) -> Iterator[Key]:
        """What lets its client in."""
        if self.old is not None and self.old_until is not None:
            ends = self.old_until if self.expires is None else self.expires
            until = min(self.old_until, ends)
            yield Key(self.name, self.old, self.allowance, until, is_old=True)
        yield Key(self.name, self.digest, self.allowance, self.expires)


@frozen
class KeyRing:
    """
    All keys that open this gateway.

    :ivar configured: those of the configuration.
    :ivar stored: those of the store.
    """

    configured: tuple[Key, ...] = ()
    stored: tuple[StoredKey, ...] = ()
    _by_digest: Mapping[bytes, Key] = field(init=False, eq=False, repr=False)

    @_by_digest.default
    def _all_by_digest(self) -> Mapping[bytes, Key]:
        twice = self.twice()
        stored = (k for s in self.stored if s.name not in twice for k in s.openers())
        return {key.digest: key for key in (*stored, *self.configured)}

    @property
    def is_empty(self) -> bool:
        """Whether nothing opens it."""
        return not self._by_digest

    def twice(self) -> frozenset[str]:
        """
        The names that are in the configuration and in the store.

        Of each, only the one in the configuration counts.
        """
        named = {key.name for key in self.configured}
        return frozenset(key.name for key in self.stored if key.name in named)

    def owner(self, secrets: Sequence[bytes], now: float) -> Key | None:
        """
        The key that is among *secrets*; None when there is none.

        One that has expired counts when there is none better.  How long it takes
        to look one up depends on the hash of what is shown, and nobody can choose
        that to be like the hash of something unknown.
        """
        found = None
        for secret in secrets:
            digest = digest_of(secret)
            key = self._by_digest.get(digest)
            if key is None or not hmac.compare_digest(digest, key.digest):
                continue
            if found is None or found.has_expired(now):
                found = key
        return found


def digest_of(secret: bytes) -> bytes:
    """What is kept of a key."""
    return hashlib.sha256(secret).digest()


def presented(
    authorization: Sequence[bytes],
    api_keys: Sequence[Sequence[bytes]],
    query: Sequence[bytes],
) -> list[bytes]:
    """
    The secrets a request shows.

    :param authorization: every ``Authorization`` header it has.
    :param api_keys: every value of each of :data:`HEADERS`.
    :param query: every ``key`` in its query.
    :raises Unauthenticated: when one way of showing a key is used twice.
        Which of the two counts would depend on the order.
    """
    shown = [*api_keys, query, authorization]
    if any(len(values) > 1 for values in shown):
        raise Unauthenticated("the request shows two keys of the same kind")
    secrets = [value for values in (*api_keys, query) for value in values]
    for value in authorization:
        scheme, _, secret = value.partition(b" ")
        if scheme.lower() == b"bearer":
            secrets.append(secret.strip())
    return [secret for secret in secrets if secret]
