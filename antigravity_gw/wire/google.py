"""
Google's error bodies, as they come and as we make them.

What comes is not always the documented object: the body may be wrapped in an
array, its message may hold another error as text, and front ends answer in
HTML (``docs/protocol.md``, "Errors").
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from attrs import define, field, frozen
from msgspec import Raw

from antigravity_gw.errors import GatewayError
from antigravity_gw.wire.jsons import NOTHING, decoded

SHORTEST_PROJECT = 6
"""How many letters a project id has at least, according to Google."""


@frozen
class GoogleError:
    """
    An error body, normalised.

    :ivar code: 0 where it gives none.
    :ivar body: ``{"error":...}`` as upstream spelled it; empty where it cannot
        be handed on.
    """

    code: int = 0
    message: str = ""
    status: str = ""
    details: tuple[Mapping[str, Any], ...] = ()
    body: bytes = field(default=b"", repr=False)

    def told_with(self, status: int) -> bytes:
        """
        The body to hand on under an HTTP status.

        It is upstream's own, unless that lacks what clients read.
        """
        if self.body and self.code == status and self.message and self.status:
            return self.body
        error = decoded(self.body, dict[str, dict[str, Any]]) or {"error": {}}
        told = {
            **error["error"],
            "code": status,
            "message": self.message or f"upstream answered {status}",
            "status": self.status or "UNKNOWN",
        }
        return msgspec.json.encode({"error": told})

    def of_type(self, name: str) -> Iterable[Mapping[str, Any]]:
        """The details of one type, named without its package."""
        end = f"google.rpc.{name}"
        return (d for d in self.details if str(d.get("@type", "")).endswith(end))

    def reasons(self) -> set[str]:
        """Every ``reason`` given, in ``ErrorInfo`` and in the legacy list."""
        return {str(d["reason"]) for d in self.details if "reason" in d}

    def metadata(self, key: str) -> Iterable[Any]:
        """Every value an ``ErrorInfo`` gives for *key*."""
        for info in self.of_type("ErrorInfo"):
            metadata = info.get("metadata")
            if isinstance(metadata, Mapping) and key in metadata:
                yield metadata[key]


UNREADABLE = GoogleError()
"""Stands for an error that is none of Google's."""


@define
class UpstreamError(Exception):
    """
    Upstream reported an error where an answer should be.

    :ivar error: what it said.
    """

    error: GoogleError


def read_error(body: bytes) -> GoogleError | None:
    """
    The error in *body*, or None when there is no error object to be found.

    Never raises, whatever the bytes.
    """
    elements = decoded(body, list[Raw])
    document = decoded(bytes(elements[0]) if elements else body, dict[str, Raw])
    raw = _stripped(document).get("error", NOTHING)
    error = _stripped(decoded(bytes(raw), dict[str, Any]))
    return _normalised(error, b'{"error":%b}' % bytes(raw)) if error else None


def _normalised(error: Mapping[str, Any], body: bytes) -> GoogleError:
    """What *error* says, or what the error says that its message holds as text."""
    message, code, status = (error.get(k) for k in ("message", "code", "status"))
    if isinstance(message, str) and message.lstrip().startswith(("{", "[")):
        inner = read_error(message.encode("utf-8", "replace"))
        if inner is not None:
            return inner
    return GoogleError(
        code=code if isinstance(code, int) else 0,
        message=message if isinstance(message, str) else "",
        status=status if isinstance(status, str) else "",
        details=tuple(_details(error)),
        body=body,
    )


def _stripped(document: Mapping[str, Any] | None) -> dict[str, Any]:
    """*document* without the blanks that some keys were seen to have."""
    return {key.strip(): value for key, value in (document or {}).items()}


def _details(error: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """All details, the legacy list among them, whatever their order."""
    for key in ("details", "errors"):
        listed = error.get(key)
        if isinstance(listed, list):
            yield from (detail for detail in listed if isinstance(detail, dict))


def error_body(error: GatewayError) -> bytes:
    """*error* in Google's shape, on one line, with ``error`` as its first key."""
    told: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "status": error.status,
    }
    if details := error.details():
        told["details"] = details
    return json.dumps({"error": told}, separators=(",", ":")).encode("ascii")


def on_one_line(body: bytes) -> bytes:
    """A JSON *body* without the line ends it may have been written with."""
    return msgspec.json.format(body, indent=-1)


def redacted(body: bytes, *secrets: str) -> bytes:
    """*body* without words that belong to the operator, such as project ids."""
    for secret in secrets:
        if len(secret) >= SHORTEST_PROJECT:  # a shorter one may be any word
            body = body.replace(secret.encode(), b"REDACTED")
    return body
