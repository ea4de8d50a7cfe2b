"""JSON Web Tokens, as service accounts sign them (RFC 7515, RFC 7523)."""

import binascii
import json
from base64 import urlsafe_b64decode
from math import inf, nan

from attrs import field, frozen

from antigravity_sandbox.reply import Json


@frozen
class Assertion:
    """
    A token that has been taken apart, and not been believed.

    :ivar signed: the bytes that the signature is of.
    """

    header: Json
    claims: Json
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    def text(self, name: str) -> str:
        """The claim *name*, "" when it is not a string."""
        value = self.claims.get(name)
        return value if isinstance(value, str) else ""

    def instant(self, name: str) -> float:
        """The claim *name* in POSIX seconds, NaN when it is not a number."""
        value = self.claims.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return nan
        try:
            return float(value)
        except OverflowError:
            return inf


def read_assertion(token: str) -> Assertion:
    """
    The parts of *token*.

    :raises ValueError: when it is not a signed token.
    """
    header, claims, signature = (_decoded(part) for part in _parts(token))
    signed = token.rpartition(".")[0].encode("ascii")
    return Assertion(_object(header), _object(claims), signed, signature)


def _parts(token: str) -> list[str]:
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError("a signed token has three parts")
    return parts


def _decoded(part: str) -> bytes:
    plain = part.rstrip("=")
    try:
        return urlsafe_b64decode(plain + "=" * (-len(plain) % 4))
    except binascii.Error as error:
        raise ValueError("not base64url") from error


def _object(data: bytes) -> Json:
    try:
        value = json.loads(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value
