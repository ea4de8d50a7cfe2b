"""What to send upstream, but for the client's own words."""

from attrs import field, frozen

Headers = tuple[tuple[str, str], ...]
"""Names in lower case, and values; few of them make up all calls of an account."""


@frozen
class Order:
    """
    A request to upstream.

    :ivar head: of the body; the client's JSON object follows it.
    :ivar tail: what follows that.
    """

    url: str
    headers: Headers = field(repr=False)
    head: bytes = field(default=b"", repr=False)
    tail: bytes = field(default=b"", repr=False)


def bearer(token: str) -> tuple[str, str]:
    """The header that shows an access token."""
    return "authorization", f"Bearer {token}"
