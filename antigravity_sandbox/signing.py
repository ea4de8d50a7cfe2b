"""The keys with which service accounts sign."""

from hashlib import sha256

from attrs import define, field
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

BITS = 2048


def _new_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=BITS)


@define(eq=False)
class ServiceKey:
    """An RSA key.  Making one takes a good part of a second."""

    _private: RSAPrivateKey = field(factory=_new_key, repr=False)

    @property
    def pem(self) -> str:
        """The private key in PKCS #8, as Google hands it out."""
        encoding, form = Encoding.PEM, PrivateFormat.PKCS8
        return self._private.private_bytes(encoding, form, NoEncryption()).decode()

    @property
    def key_id(self) -> str:
        """Its name, in forty hexadecimal digits as Google's."""
        modulus = self._private.public_key().public_numbers().n
        return sha256(str(modulus).encode()).hexdigest()[:40]

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        """Whether *signature* is this key's of *message*, by RS256."""
        try:
            self._private.public_key().verify(signature, message, PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return True
