"""What a client asks: its body checked, and the conversation it belongs to."""

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
from attrs import field, frozen
from msgspec import UNSET, Raw, UnsetType

from antigravity_gw.errors import BadRequest
from antigravity_gw.wire.answer import Framing


@frozen
class Ask:
    """
    One generation request.

    :ivar id: ours, and unique; upstream is told the same for every call.
    :ivar model: the model the client named, already looked up in the aliases.
    :ivar body: the client's JSON object, byte for byte.
    :ivar conversation: the same for every turn of a conversation; None when
        the body has no user message to tell it by.
    :ivar framing: makes the framing of a streamed answer, a new one for each
        call; None when the answer is wanted in one piece.
    """

    id: str
    model: str
    body: bytes = field(repr=False)
    conversation: bytes | None
    framing: Callable[[], Framing] | None


class _Body(msgspec.Struct):
    contents: Raw | UnsetType = UNSET


class _Content(msgspec.Struct):
    role: str | None = None
    parts: Raw | UnsetType = UNSET


class _Part(msgspec.Struct):
    """A part, in either spelling; what else it holds does not matter here."""

    text: str | None = None
    inline_data: Raw | UnsetType = UNSET
    inlineData: Raw | UnsetType = UNSET
    file_data: Raw | UnsetType = UNSET
    fileData: Raw | UnsetType = UNSET


_bodies = msgspec.json.Decoder(_Body)


def read_body(body: bytes) -> bytes | None:
    """
    Check that *body* is one JSON object in UTF-8 and nothing more.

    Only then can it be put into the envelope as it is, without breaking out.

    :returns: the conversation's fingerprint, see :class:`Ask`.
    :raises BadRequest: when it is something else.
    """
    try:
        if not body.isascii():
            body.decode("utf-8")  # msgspec does not look into what it skips
        document = _bodies.decode(body)
    except UnicodeDecodeError as error:
        raise BadRequest(
            f"the request body is not UTF-8: byte {error.start} is wrong"
        ) from error
    except RecursionError as error:
        raise BadRequest("the request body is nested too deeply") from error
    except msgspec.MsgspecError as error:
        raise BadRequest(f"the request body must be one JSON object: {error}") from None
    if document.contents is UNSET:
        return None
    return fingerprint(bytes(document.contents))


def fingerprint(contents: bytes) -> bytes | None:
    """
    What tells a conversation: its first user message, however it is spelled.

    Clients send camelCase, snake_case and both in one body, one part where a
    list belongs, and no role at all (``docs/protocol.md``, "Bodies").

    :param contents: the value of ``contents``, as JSON.
    """
    for content in _as_list(contents):
        message = _decoded(content, _Content)
        if message is None or message.role not in (None, "", "user"):
            continue
        if message.parts is not UNSET:
            return _digest(_as_list(bytes(message.parts)))
    return None


def _digest(parts: list[bytes]) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for raw in parts:
        part = _decoded(raw, _Part)
        said = raw if part is None else _said(part) or raw
        digest.update(b"%d:" % len(said))
        digest.update(said)
    return digest.digest()


def _said(part: _Part) -> bytes:
    if part.text is not None:
        return part.text.encode("utf-8", "surrogatepass")
    for attached in (
        part.inline_data,
        part.inlineData,
        part.file_data,
        part.fileData,
    ):
        if attached is not UNSET:
            # A list of values does not depend on how the keys are spelled.
            values = _decoded(bytes(attached), dict[str, Any])
            if values is not None:
                return "\n".join(sorted(map(str, values.values()))).encode()
    return b""


def _as_list(value: bytes) -> list[bytes]:
    """The elements of a JSON array, or the one thing that stands in its place."""
    elements = _decoded(value, list[Raw])
    return [value] if elements is None else [bytes(raw) for raw in elements]


def _decoded(value: bytes, kind: Any) -> Any:
    """*value* as a *kind*, or None when it is something else."""
    try:
        return msgspec.json.decode(value, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
