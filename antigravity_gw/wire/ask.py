"""What a client asks: its body checked, and the conversation it belongs to."""

import hashlib
from collections.abc import Callable
from typing import TypeVar

import msgspec
from attrs import field, frozen
from msgspec import Raw

from antigravity_gw.errors import BadRequest
from antigravity_gw.wire.answer import Framing
from antigravity_gw.wire.jsons import NOTHING, decoded, tamed

LONGEST_LOOK = 64 * 1024
"""As much of each part goes into the fingerprint, in bytes."""

LONGEST_LETTER = 12
"""In bytes of JSON: two escapes, as of a letter beyond the sixteen bits of one."""

MOST_PARTS = 100
"""As many parts of a message do."""

T = TypeVar("T")


@frozen
class Conversation:
    """
    What a request is part of.

    :ivar fingerprint: the same for every turn.
    :ivar is_new: whether this is the first turn.
    """

    fingerprint: bytes = field(repr=False)
    is_new: bool


@frozen
class Ask:
    """
    One generation request.

    :ivar id: ours, and unique; upstream is told the same for every call.
    :ivar model: the model the client named, already looked up in the aliases.
    :ivar body: the client's JSON object, byte for byte.
    :ivar conversation: None when the body has no user message to tell it by.
    :ivar framing: makes the framing of a streamed answer, a new one for each
        call; None when the answer is wanted in one piece.
    :ivar began: when it came, in POSIX seconds.
    :ivar seconds: how long the client gives its server, if it says.
    :ivar kinds: of account that may serve the model; None for any.
    """

    id: str
    model: str
    body: bytes = field(repr=False)
    conversation: Conversation | None
    framing: Callable[[], Framing] | None
    began: float
    seconds: float | None = None
    kinds: frozenset[str] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the answer is wanted in one piece."""
        return self.framing is None


class _Attached(msgspec.Struct):
    """Inline data or the name of a file; keys come in both spellings."""

    data: Raw = NOTHING
    file_uri: Raw = NOTHING
    fileUri: Raw = NOTHING


class _Part(msgspec.Struct):
    """As much of a part as tells it from another."""

    text: Raw = NOTHING
    inline_data: _Attached | None = None
    inlineData: _Attached | None = None
    file_data: _Attached | None = None
    fileData: _Attached | None = None


class _Content(msgspec.Struct):
    role: str | None = None
    parts: list[_Part] | _Part | None = None


class _Body(msgspec.Struct):
    contents: list[_Content] | _Content | None = None


_bodies = msgspec.json.Decoder(_Body)
_objects = msgspec.json.Decoder(dict[str, Raw])


def read_body(body: bytes) -> Conversation | None:
    """
    Check that *body* is one JSON object in UTF-8 and nothing more.

    Only then can it be put into the envelope as it is, without breaking out.
    What the object says is for upstream to judge.

    :returns: the conversation it belongs to, if there is a way to tell.
    :raises BadRequest: when it is something else.
    """
    try:
        if not body.isascii():
            body.decode("utf-8")  # msgspec does not look into what it skips
        try:
            return _read(body)
        except msgspec.DecodeError:
            plain = tamed(body)
            if plain == body:
                raise
            return _read(plain)
    except UnicodeDecodeError as error:
        raise BadRequest(
            f"the request body is not UTF-8: byte {error.start} is wrong"
        ) from error
    except RecursionError as error:
        raise BadRequest("the request body is nested too deeply") from error
    except msgspec.MsgspecError as error:
        raise BadRequest(f"the request body must be one JSON object: {error}") from None


def _read(body: bytes) -> Conversation | None:
    try:
        return _conversation(_bodies.decode(body))
    except msgspec.ValidationError:
        _objects.decode(body)  # an odd one, but an object?
        return None


def _conversation(body: _Body) -> Conversation | None:
    """
    A conversation is told by its first user message, however that is spelled.

    Clients send camelCase, snake_case and both in one body, one part where a
    list belongs, and no role at all (``docs/protocol.md``, "Bodies").
    """
    contents = _as_list(body.contents)
    for place, content in enumerate(contents, 1):
        if content.role in (None, "", "user") and content.parts is not None:
            digest = hashlib.blake2b(digest_size=16)
            for part in _as_list(content.parts)[:MOST_PARTS]:
                said = _said(part)
                digest.update(b"%d:" % len(said))
                digest.update(said)
            return Conversation(digest.digest(), is_new=place == len(contents))
    return None


def _said(part: _Part) -> bytes:
    """The beginning of what a part says: of its text, or of the file it attaches."""
    if part.text is not NOTHING:
        return _beginning(part.text)
    for attached in (part.inline_data, part.inlineData, part.file_data, part.fileData):
        if attached is not None:
            named = attached.data or attached.file_uri or attached.fileUri
            return bytes(memoryview(named)[:LONGEST_LOOK])
    return b"something else"


def _beginning(text: Raw) -> bytes:
    """
    The beginning of a JSON string.

    Decoded, since a letter can be written as itself or as an escape; without
    the last letter that was looked at, if only some of it was.
    """
    if len(memoryview(text)) <= LONGEST_LOOK:
        whole = decoded(bytes(text), str)
        return b"text" if whole is None else whole.encode("utf-8", "surrogatepass")
    looked_at = bytes(memoryview(text)[:LONGEST_LOOK])
    for end in range(LONGEST_LOOK, LONGEST_LOOK - LONGEST_LETTER, -1):
        some = decoded(looked_at[:end] + b'"', str)
        if some is not None:
            return bytes(some.encode("utf-8", "surrogatepass"))
    return b"text"


def _as_list(value: list[T] | T | None) -> list[T]:
    """The elements of a list, or the one thing that stands in its place."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
