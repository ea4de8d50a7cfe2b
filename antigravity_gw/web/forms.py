"""How a client wants its answer: in which form, and how soon.  No I/O."""

import re
from collections.abc import Mapping, Sequence
from enum import Enum

from antigravity_gw.errors import BadRequest
from antigravity_gw.wire.answer import ArrayFraming, EventFraming, Framing

ALT = (b"$alt", b"alt")
_SECONDS = re.compile(rb"[0-9]{1,9}(?:\.[0-9]{0,9})?")


class Form(Enum):
    """A form of stream, by its name in the configuration."""

    SSE = "sse"
    ARRAY = "array"

    def framing(self) -> Framing:
        """A new framing of this form."""
        return EventFraming() if self is Form.SSE else ArrayFraming()


def form_of(query: Mapping[bytes, Sequence[bytes]], default: Form) -> Form:
    """
    What ``alt`` asks for.

    Only the URL tells: no client was seen to say it in ``Accept``.

    :param default: what to return when it asks for nothing.
    :raises BadRequest: when it asks for a form that there is not.
    """
    for name in ALT:
        for value in query.get(name, ()):
            kind, _, _ = value.partition(b";")
            if kind.lower() == b"sse":
                return Form.SSE
            if kind.lower() == b"json":
                return Form.ARRAY
            if kind:
                raise BadRequest("alt must be sse or json")
    return default


def seconds_of(header: bytes | None) -> float | None:
    """
    How long ``X-Server-Timeout`` gives us: seconds, as Google's SDKs send it.

    :raises BadRequest: when it is something else.
    """
    if header is None:
        return None
    if not _SECONDS.fullmatch(header) or float(header) == 0.0:
        raise BadRequest("X-Server-Timeout must be a number of seconds above 0")
    return float(header)
