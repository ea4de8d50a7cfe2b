"""Reading JSON of which nothing is promised."""

from typing import Any

import msgspec
from msgspec import Raw

NOTHING = Raw(b"")
"""Stands for a member that is not there."""


def decoded(data: bytes, kind: Any) -> Any:
    """
    *data* as a *kind*, or None when it is something else.

    Never raises, whatever the bytes.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def tamed(data: bytes) -> bytes:
    """
    *data* with other letters for all surrogates; as long, and JSON if it is.

    RFC 8259 allows the escape of half a surrogate pair, and who cuts a string in
    two sends it; msgspec does not take it.  Outside of strings, where a
    backslash must not be, it leaves what must not be there either.
    """
    data = data.replace(rb"\\", b"xx")  # each backslash that is left begins an escape
    return data.replace(rb"\ud", rb"\u0").replace(rb"\uD", rb"\u0")
