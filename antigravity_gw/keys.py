"""The keys of this gateway's clients, and how a request shows one.  No I/O."""

import hashlib
import hmac
from collections.abc import Sequence

from attrs import field, frozen

from antigravity_gw.errors import Unauthenticated

HEADERS = (b"x-goog-api-key", b"x-api-key")


@frozen
class Key:
    """
    One client's key.

    :ivar name: who it belongs to; may be logged.
    :ivar digest: SHA-256 of the key.
    """

    name: str
    digest: bytes = field(repr=False)

    @classmethod
    def of(cls, name: str, secret: bytes) -> "Key":
        """The key whose secret is at hand."""
        return cls(name, hashlib.sha256(secret).digest())


@frozen
class KeyRing:
    """All keys that open this gateway."""

    keys: tuple[Key, ...] = ()

    def owner(self, secrets: Sequence[bytes]) -> str | None:
        """
        The name of the key that is among *secrets*; None when there is none.

        Takes the same time wherever the two differ.
        """
        found = None
        for secret in secrets:
            digest = hashlib.sha256(secret).digest()
            for key in self.keys:
                if hmac.compare_digest(digest, key.digest):
                    found = key.name
        return found


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
