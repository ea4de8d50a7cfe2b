"""
Who may see what is for operators only: metrics, and the page with its API.

That is whoever shows one of their keys.  While there is none, it is whoever comes
from this machine, unless clients are asked for keys: a gateway that asks for them
is meant to be reached from elsewhere, be it through a proxy on this machine that
looks like a local client.
"""

import base64
import binascii

from attrs import field, frozen
from twisted.internet.address import UNIXAddress
from twisted.web.http import Request

from antigravity_gw.errors import Forbidden, NoOperator
from antigravity_gw.keys import ANYBODY, HEADERS, Key, KeyRing, presented
from antigravity_gw.web.origins import host_of, is_loopback

FORWARDED = (
    *(b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"true-client-ip"),
    *(b"cf-connecting-ip", b"x-forwarded"),
)
"""Headers of proxies, or what they begin with: who has one may come from anywhere."""

SHIELD = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
"""What keeps pages of others from what is for operators, and ours from the rest."""


@frozen
class Operators:
    """
    The gate in front of what is for operators.

    :ivar keys: theirs; clients' keys open nothing here.
    """

    keys: KeyRing = field(factory=KeyRing)

    def admit(self, request: Request, now: float, *, asks_clients: bool) -> Key:
        """
        Let *request* pass, or not.

        :param asks_clients: whether clients are asked for their keys.
        :returns: the operator's key; ANYBODY where there is none.
        :raises NoOperator: when it shows no key of an operator's.
        :raises Forbidden: when there is no such key, and it may come from elsewhere.
        """
        if not self.keys.is_empty:
            owner = self.keys.owner(_shown(request), now)
            if owner is None:
                raise NoOperator(
                    "this is for the gateway's operators: show one of admin.keys as "
                    "Authorization: Bearer, x-goog-api-key, x-api-key, or the password "
                    "of HTTP Basic"
                )
            return owner
        if asks_clients:
            raise Forbidden(
                "this is for the gateway's operators, who have to add a key of theirs "
                "to admin.keys first, since this gateway asks its clients for keys"
            )
        if not _is_from_here(request):
            raise Forbidden(
                "this is for the gateway's operators: without admin.keys it is shown "
                "to programs on this machine only, by way of http://127.0.0.1"
            )
        return ANYBODY


def _shown(request: Request) -> list[bytes]:
    """The secrets in its headers; in a URL they would stay in a browser's history."""
    headers = request.requestHeaders
    authorization = headers.getRawHeaders(b"authorization", [])
    secrets = presented(
        authorization, [headers.getRawHeaders(name, []) for name in HEADERS], []
    )
    return secrets + [word for value in authorization if (word := _password(value))]


def _password(authorization: bytes) -> bytes:
    """The password of HTTP Basic (RFC 7617), whatever the user is called."""
    scheme, _, encoded = authorization.partition(b" ")
    if scheme.lower() != b"basic":
        return b""
    try:
        return base64.b64decode(encoded.strip(), validate=True).partition(b":")[2]
    except binascii.Error:
        return b""


def _is_from_here(request: Request) -> bool:
    """Whether only a program on this machine can have sent it."""
    headers = request.requestHeaders
    names = (name.lower() for name, _ in headers.getAllRawHeaders())
    if any(name.startswith(FORWARDED) for name in names):
        return False
    hosts = headers.getRawHeaders(b"host", [])
    named = host_of(hosts[0].decode("latin-1")) if hosts else None
    if named is None or not is_loopback(named):
        return False
    if isinstance(request.getHost(), UNIXAddress):
        return True
    return is_loopback(str(getattr(request.getClientAddress(), "host", "")))
