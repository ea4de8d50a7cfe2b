"""A certificate authority of the tests', and what it issues."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLContextFactory
from zope.interface import implementer

PEM = serialization.Encoding.PEM
DAY = timedelta(days=1)


@implementer(IOpenSSLContextFactory)
class Identity:
    """
    A server's key and certificate.

    :ivar asked_for: the names that clients have asked for (SNI).
    """

    def __init__(
        self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate
    ) -> None:
        self._context = SSL.Context(SSL.TLS_SERVER_METHOD)
        self._context.use_certificate(certificate)
        self._context.use_privatekey(key)
        self.asked_for: list[bytes | None] = []
        self._context.set_tlsext_servername_callback(
            lambda connection: self.asked_for.append(connection.get_servername())
        )

    def getContext(self) -> SSL.Context:
        """What OpenSSL needs to know."""
        return self._context


class Authority:
    """Issues certificates, each for two days: from yesterday, if nothing is said."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _common_name(name)
        self.certificate = self._signed(self._name, self._key, [], 1, is_authority=True)

    def save(self, path: Path) -> str:
        """Write the authority's own certificate to a PEM file; return its name."""
        path.write_bytes(self.certificate.public_bytes(PEM))
        return str(path)

    def issue(self, *names: str, ends: float = 1) -> "Identity":
        """
        What a server needs to be all of *names*.

        :param ends: in how many days its certificate expires.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        return Identity(key, self._signed(_common_name("server"), key, names, ends))

    def _signed(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        names: Any,
        ends: float,
        is_authority: bool = False,
    ) -> x509.Certificate:
        today = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(today + (ends - 2) * DAY)
            .not_valid_after(today + ends * DAY)
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        )
        if names:
            alternatives = x509.SubjectAlternativeName([_general(n) for n in names])
            builder = builder.add_extension(alternatives, critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
