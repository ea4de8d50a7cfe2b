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
