"""
Why a connection did not come about: values to look at, which say it in plain words.

No message holds a password; all name the host, or the proxy, that it is about.
"""

from enum import StrEnum

from attrs import define, frozen

from antigravity_gw.waiting import NotConnected

COULD_NOT_REACH = (502, 503, 504)
"""What a proxy answers when it is the host behind it that cannot be reached."""


@frozen
class Peer:
    """
    Whom we connect to.

    :ivar is_proxy: whether only to be connected with somebody else.
    """

    host: str
    port: int
    is_proxy: bool = False

    @property
    def address(self) -> str:
        """Host and port, as URLs and ``CONNECT`` have them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"the proxy {self.address}" if self.is_proxy else self.address


@define
class NotReached(NotConnected):
    """
    There is no connection to *peer*.

    :ivar why: completes the sentence "it could not be reached: ...".
    """

    peer: Peer
    why: str

    def __str__(self) -> str:
        return f"{self.peer} could not be reached: {self.why}"


@define
class TunnelRefused(NotConnected):
    """
    A proxy does not connect us with *target*.

    :ivar status: what it answered; None if that was no answer of a proxy.
    :ivar why: completes a sentence that begins with the proxy.
    """

    proxy: Peer
    target: Peer
    status: int | None
    why: str

    def __str__(self) -> str:
        return f"{self.proxy} {self.why}"


def refused(
    proxy: Peer, target: Peer, status: int, has_credentials: bool
) -> TunnelRefused:
    """What it means that *proxy* answered with *status*."""
    if status == 407:
        why = f"wants {'other ' if has_credentials else ''}credentials"
    elif status in COULD_NOT_REACH:
        why = f"could not reach {target}"
    else:
        why = f"refuses a tunnel to {target}"
    return TunnelRefused(proxy, target, status, f"{why} ({status})")


class Flaw(StrEnum):
    """What can be wrong with TLS, and how to say so."""

    EXPIRED = "its certificate expired on {detail}, or this machine's clock is wrong"
    EARLY = "its certificate is good from {detail} on, or this machine's clock is wrong"
    UNTRUSTED = (
        'its certificate was issued by "{issuer}", which is not trusted here; '
        "a certificate authority of your own belongs in ca_file"
    )
    SELF_SIGNED = "it has signed its certificate itself"
    OTHER_NAME = "its certificate is for {detail}"
    REFUSED = "its certificate is not acceptable: {detail}"
    NOT_TLS = "it does not speak TLS"
    VERSION = "it has no version of TLS in common with us"
    CUT = "it closed the connection during the handshake"
    SILENT = "no answer in time"
    OTHER = "{detail}"


@define
class TlsFailed(NotConnected):
    """
    There is a connection to *peer*, and no TLS over it.

    :ivar detail: what makes the flaw particular: a date, names, OpenSSL's words.
    :ivar issuer: who has signed the certificate, if it is the certificate's fault.
    """

    peer: Peer
    flaw: Flaw
    detail: str = ""
    issuer: str = ""

    def __str__(self) -> str:
        why = self.flaw.format(detail=self.detail, issuer=self.issuer)
        return f"TLS with {self.peer} failed: {why}"
