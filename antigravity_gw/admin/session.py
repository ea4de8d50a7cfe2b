"""Telling the operator's own page from any other that a browser has open.  No I/O."""

import hashlib
import hmac

from attrs import field, frozen

OWN = ("same-origin", "none")
"""What ``Sec-Fetch-Site`` says of a page's own requests, and of a person's."""


@frozen
class Sessions:
    """
    Makes and checks the token without which nothing is changed.

    Only a page that can read what this gateway answers can know it, and no page
    of another origin can, even if the browser sends the operator's key along.

    :ivar secret: of this process, so that a restart makes all tokens void.
    """

    secret: bytes = field(repr=False)

    def token(self, who: str) -> str:
        """The token of whoever has this key."""
        return hmac.new(self.secret, who.encode(), hashlib.sha256).hexdigest()

    def knows(self, who: str, shown: str) -> bool:
        """Whether *shown* is the token of whoever has this key."""
        return hmac.compare_digest(self.token(who).encode(), shown.encode())


def is_from_elsewhere(fetch_site: str | None, origin: str | None, host: str) -> bool:
    """
    Whether a page of another origin has sent a request.

    :param fetch_site: its ``Sec-Fetch-Site``, which is what the browser sees, and
        so holds behind a proxy, too; programs and old browsers send none.
    :param origin: its ``Origin``.
    """
    if fetch_site is not None:
        return fetch_site not in OWN
    return origin is not None and origin.partition("://")[2].lower() != host.lower()
