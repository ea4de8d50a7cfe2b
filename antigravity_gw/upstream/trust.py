"""
Whom to believe that they are who they say: certificates, and what is wrong with them.

Twisted's own policy verifies the same, but says of a failure neither which host
it was nor what was wrong.  It also accepts a certificate that names no host at all.
"""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from attrs import define, field
from OpenSSL import SSL, crypto
from OpenSSL.SSL import X509VerificationCodes as Codes
from service_identity import CertificateError, VerificationError
from service_identity.pyopenssl import (
    extract_patterns,
    verify_hostname,
    verify_ip_address,
)
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    platformTrust,
    trustRootFromCertificates,
)
from zope.interface import implementer

from antigravity_gw.upstream.failures import Flaw, Peer, TlsFailed

MOST_NAMES = 3
"""So many of the names in a certificate are told."""

_PEM = re.compile(
    rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL
)
_FLAWS: Mapping[int, Flaw] = {
    Codes.ERR_CERT_HAS_EXPIRED: Flaw.EXPIRED,
    Codes.ERR_CERT_NOT_YET_VALID: Flaw.EARLY,
    Codes.ERR_DEPTH_ZERO_SELF_SIGNED_CERT: Flaw.SELF_SIGNED,
    Codes.ERR_SELF_SIGNED_CERT_IN_CHAIN: Flaw.UNTRUSTED,
    Codes.ERR_UNABLE_TO_GET_ISSUER_CERT: Flaw.UNTRUSTED,
    Codes.ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY: Flaw.UNTRUSTED,
    Codes.ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: Flaw.UNTRUSTED,
}
_REASONS = {
    "wrong version number": Flaw.NOT_TLS,
    "http request": Flaw.NOT_TLS,
    "https proxy request": Flaw.NOT_TLS,
    "packet length too long": Flaw.NOT_TLS,
    "record layer failure": Flaw.NOT_TLS,
    "unsupported protocol": Flaw.VERSION,
    "wrong ssl version": Flaw.VERSION,
    "protocol version": Flaw.VERSION,
}
"""What the words of OpenSSL mean, by how they end."""


class UselessFile(ValueError):
    """A file with certificates cannot be used; its ``str`` names it and says why."""


def read_trust(path: str) -> Any:
    """
    The certificates in a PEM file, to be trusted: a trust root of Twisted's.

    :raises UselessFile: when there are none, or not only certificates.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        why = (error.strerror or "it cannot be read").lower()
        raise UselessFile(f"cannot read {path!r}: {why}") from None
    blocks = _PEM.findall(data)
    if not blocks:
        raise UselessFile(
            f"there is no certificate in {path!r}; it has to be PEM: text with a "
            "line '-----BEGIN CERTIFICATE-----'"
        )
    found = [_certificate(block, n, path) for n, block in enumerate(blocks, 1)]
    return trustRootFromCertificates(found)


def _certificate(block: bytes, number: int, path: str) -> Certificate:
    try:
        return Certificate.loadPEM(block)
    except (crypto.Error, ValueError):
        raise UselessFile(f"certificate {number} in {path!r} is damaged") from None


def trusting(ca_file: str) -> CertificateOptions:
    """
    What TLS connections need to know: whom to trust, and what is safe by now.

    :param ca_file: see :class:`~antigravity_gw.upstream.way.Way`.
    :raises UselessFile: when it cannot be used.
    """
    root = read_trust(ca_file) if ca_file else platformTrust()
    return CertificateOptions(trustRoot=root)


@implementer(IOpenSSLClientConnectionCreator)
@define(eq=False)
class Handshake:
    """
    One TLS handshake, and what is found wrong with the certificate meanwhile.

    :ivar peer: whose name the certificate has to bear.
    """

    options: CertificateOptions
    peer: Peer
    _flaw: TlsFailed | None = field(default=None, init=False)

    def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """A connection that will be as secure as the certificate is."""
        connection = self.options.clientConnectionForTLS(tlsProtocol)
        if not _is_address(self.peer.host):  # which SNI does not allow
            connection.set_tlsext_host_name(self.peer.host.encode("ascii"))
        required = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT
        connection.set_verify(required, self._verify)
        return connection

    def _verify(
        self,
        _: SSL.Connection,
        certificate: crypto.X509,
        code: int,
        depth: int,
        ok: int,
    ) -> bool:
        """Note what OpenSSL objects to; its objection stands."""
        if not ok and self._flaw is None:
            self._flaw = _objection(self.peer, certificate, code)
        return bool(ok)

    def check_name(self, connection: SSL.Connection) -> None:
        """
        Once all else is well, see that the certificate is for this peer.

        :raises TlsFailed: when it is for others, or for none.
        """
        host = self.peer.host
        verify = verify_ip_address if _is_address(host) else verify_hostname
        try:
            verify(connection, host)
        except (VerificationError, CertificateError, ValueError) as error:
            shown = connection.get_peer_certificate()
            assert shown is not None  # there is no TLS without one
            raise TlsFailed(
                self.peer, Flaw.OTHER_NAME, _names(shown), _issuer(shown)
            ) from error

    def explained(self, error: BaseException) -> TlsFailed:
        """What it means that the handshake came to nothing, by *error*."""
        if self._flaw is not None:
            return self._flaw
        if not isinstance(error, SSL.Error):
            return TlsFailed(self.peer, Flaw.CUT)
        words = _last_words(error)
        for end, flaw in _REASONS.items():
            if words.endswith(end):
                return TlsFailed(self.peer, flaw, words)
        return TlsFailed(self.peer, Flaw.OTHER, words)


def _objection(peer: Peer, certificate: crypto.X509, code: int) -> TlsFailed:
    flaw, detail = _FLAWS.get(code, Flaw.REFUSED), f"OpenSSL's error {code}"
    try:
        shown = certificate.to_cryptography()
        if flaw is Flaw.EXPIRED:
            detail = f"{shown.not_valid_after_utc:%Y-%m-%d}"
        elif flaw is Flaw.EARLY:
            detail = f"{shown.not_valid_before_utc:%Y-%m-%d}"
        return TlsFailed(peer, flaw, detail, _issuer(certificate))
    except ValueError:
        return TlsFailed(peer, Flaw.REFUSED, "it cannot be read")


def _issuer(certificate: crypto.X509) -> str:
    """The name in it by which a person knows who issued *certificate*."""
    issuer = certificate.to_cryptography().issuer
    parts = {part.rfc4514_attribute_name: str(part.value) for part in issuer}
    return _printable(parts.get("CN") or parts.get("O") or "somebody without a name")


def _names(certificate: crypto.X509) -> str:
    """For whom *certificate* is."""
    try:
        patterns = extract_patterns(certificate)
    except (CertificateError, ValueError):
        return "names that cannot be read"
    found = [getattr(each, "pattern", b"") for each in patterns[:MOST_NAMES]]
    names = [p.decode() if isinstance(p, bytes) else str(p) for p in found]
    return _printable(", ".join(names)) or "no host at all"


def _printable(text: str) -> str:
    """A peer's *text*, fit for one line of a log."""
    return "".join(c if c.isprintable() else "?" for c in text)[:100]


def _last_words(error: SSL.Error) -> str:
    """OpenSSL's reason; these are words of its own, none of the peer's."""
    queue = error.args[0] if error.args else ()
    if isinstance(queue, list) and queue:
        return str(queue[-1][-1])
    return "the handshake broke off"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
