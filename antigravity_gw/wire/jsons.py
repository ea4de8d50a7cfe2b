"""Reading JSON of which nothing is promised."""

import re
from typing import Any

import msgspec
from msgspec import Raw

_SURROGATE = re.compile(rb"\\(u[dD][0-9a-fA-F]{3})")

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
    *data* with other letters for all escaped surrogates and backslashes.

    It is as long, it is JSON if that is, and what differed differs still.

    RFC 8259 allows the escape of half a surrogate pair, and who cuts a string in
    two sends it; msgspec does not take it.  Outside of strings, where a
    backslash must not be, it leaves what must not be there either.
    """
    data = data.replace(rb"\\", b"\x7f\x7f")  # what is left of them begins an escape
    return _SURROGATE.sub(b"\x7f\\1", data)
