"""Writing responses that are complete at once."""

from http import HTTPStatus
from typing import Any

import msgspec
from twisted.web.http import Request

from antigravity_gw.errors import GatewayError, Passed
from antigravity_gw.wire.google import error_body

JSON = "application/json; charset=UTF-8"


def write_json(request: Request, value: Any) -> None:
    """Write *value* as the whole response; finishing is left to the caller."""
    _write(request, 200, msgspec.json.encode(value))


def write_error(request: Request, error: GatewayError, in_array: bool = False) -> None:
    """
    Write *error* as the whole response; finishing is left to the caller.

    :param in_array: as the only element of an array, which is how the stream
        of a client that asked for an array starts.
    """
    if isinstance(error, Passed):
        code, body = error.answered, error.body
    else:
        code, body = error.code, error_body(error)
    for name, value in error.headers().items():
        request.setHeader(name, value)
    _write(request, code, b"[%b]" % body if in_array else body)


def write_nothing(request: Request, headers: dict[str, str]) -> None:
    """Write a response that is only headers; finishing is left to the caller."""
    request.setResponseCode(204)
    for name, value in headers.items():
        request.setHeader(name, value)


def _write(request: Request, code: int, body: bytes) -> None:
    request.setResponseCode(code, _phrase(code).encode("ascii"))
    request.setHeader("content-type", JSON)
    request.setHeader("content-length", str(len(body)))
    request.write(body)


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return "Unknown"


def raw_error(error: GatewayError, id: str) -> bytes:
    """
    *error* as a whole HTTP response, for a request that could not be parsed.

    :param id: what its line in the log is found by.
    """
    body = error_body(error)
    head = (
        f"HTTP/1.1 {error.code} {_phrase(error.code)}\r\n"
        f"Content-Type: {JSON}\r\nContent-Length: {len(body)}\r\n"
        f"X-Request-Id: {id}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
