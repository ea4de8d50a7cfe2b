"""
The ``v1internal`` envelope, around a request and off an answer.

What is inside is never parsed into objects and never written anew: the
client's body travels byte for byte, and so does upstream's ``response``.
"""

import msgspec
from msgspec import Raw

from antigravity_gw.errors import MalformedStream
from antigravity_gw.wire.google import UNREADABLE, UpstreamError, read_error
from antigravity_gw.wire.jsons import NOTHING, tamed

_NULL = Raw(b"null")


def seal(
    *, project: str, request_id: str, model: str, user_agent: str, request_type: str
) -> tuple[bytes, bytes]:
    """
    What to write before and after the client's JSON object.

    The order of the fields is that of the client whose dialect this is; the
    client's object comes last, so that no copy of it has to be made.
    """
    head = msgspec.json.encode(
        {
            "project": project,
            "requestId": request_id,
            "model": model,
            "userAgent": user_agent,
            "requestType": request_type,
        }
    )
    return head[:-1] + b',"request":', b"}"


class Opened(msgspec.Struct, frozen=True):
    """An envelope upstream sent; its two members are the JSON bytes that came."""

    response: Raw = NOTHING
    error: Raw = NOTHING

    def response_or_raise(self, data: bytes) -> bytes | None:
        """
        What the envelope holds for the client, or None when it holds nothing.

        :param data: the bytes that were opened.
        :raises UpstreamError: when it holds an error.
        :raises MalformedStream: when that is not a JSON object.
        """
        if self.error is not NOTHING and self.error != _NULL:
            raise UpstreamError(read_error(data) or UNREADABLE)
        response = bytes(self.response)
        if response.startswith(b"{"):
            return response
        if response in (b"", b"null"):
            return None
        raise MalformedStream("upstream sent a response that is not an object")


_opener = msgspec.json.Decoder(Opened)


def unseal(data: bytes) -> Opened:
    """
    Open one answer, or one event of a streamed answer.

    :raises MalformedStream: when *data* is not a JSON object in UTF-8.
    """
    try:
        if not data.isascii():
            data.decode("utf-8")  # msgspec does not look into what it skips
        return _opened(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedStream(
            f"upstream sent {len(data)} bytes that are not a JSON object in UTF-8"
        ) from error


def unsealed(data: bytes) -> bytes | None:
    """
    What an answer, or one event of an answer, holds for the client, if anything.

    :raises UpstreamError: when it holds an error.
    :raises MalformedStream: when it is not a JSON object in UTF-8.
    """
    return unseal(data).response_or_raise(data)


def unwrapped(data: bytes) -> bytes:
    """
    An answer, or one event of an answer, that came without an envelope.

    :returns: *data*, which is found to be what it should be.
    :raises UpstreamError: when it holds an error.
    :raises MalformedStream: when it is not a JSON object in UTF-8.
    """
    error = unseal(data).error
    if error is not NOTHING and error != _NULL:
        raise UpstreamError(read_error(data) or UNREADABLE)
    return data


def _opened(data: bytes) -> Opened:
    try:
        return _opener.decode(data)
    except msgspec.DecodeError:
        plain = tamed(data)
        if plain == data:
            raise
        opened = _opener.decode(plain)
        start = plain.find(bytes(opened.response))
        response = data[start : start + len(bytes(opened.response))]
        return Opened(Raw(response), opened.error)


def on_one_line(payload: bytes) -> bytes:
    """
    *payload*, with a blank for each line end; those are always between tokens.

    :param payload: JSON that has been read once, and so is JSON throughout.
    """
    return payload.replace(b"\n", b" ")
