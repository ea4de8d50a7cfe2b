"""
Google's error bodies, as they come and as we make them.

What comes is not always the documented object: the body may be wrapped in an
array, its message may hold another error as text, and front ends answer in
HTML (``docs/protocol.md``, "Errors").
"""

import json
import re
from collections.abc import Container, Iterable, Mapping
from typing import Any

import msgspec
from attrs import define, evolve, field, frozen
from msgspec import Raw

from antigravity_gw.errors import GatewayError
from antigravity_gw.wire.jsons import NOTHING, decoded

SHORTEST_PROJECT = 6
"""How many letters a project id has at least, according to Google."""

_URL = re.compile(r"https://([a-z0-9.-]+)(?:[/?#][\w.~:/?#@!$&'()*+,;=%\[\]-]*)?", re.A)


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
        document = decoded(self.body, dict[str, dict[str, Any]]) or {}
        error = document.get("error", {})
        told = {
            "code": status,
            "message": self.message or f"upstream answered {status}",
            "status": self.status or "UNKNOWN",
        }
        if all(error.get(name) == value for name, value in told.items()):
            return self.body
        return msgspec.json.encode({"error": {**error, **told}})

    def of_type(self, name: str) -> Iterable[Mapping[str, Any]]:
        """The details of one type, named without its package."""
        end = f"google.rpc.{name}"
        return (d for d in self.details if _text(d.get("@type")).endswith(end))

    def reasons(self) -> set[str]:
        """Every ``reason`` given, in ``ErrorInfo`` and in the legacy list."""
        return {reason for d in self.details if (reason := _text(d.get("reason")))}

    def metadata(self, *keys: str) -> Iterable[Any]:
        """Every value an ``ErrorInfo`` gives for one of *keys*."""
        for info in self.of_type("ErrorInfo"):
            metadata = _stripped(info.get("metadata"))
            yield from (metadata[key] for key in keys if key in metadata)

    def quotas(self) -> list[str]:
        """The ids of the quotas that ran out, in lower case."""
        ids = [violation.get("quotaId") for violation in self._violations()]
        ids += self.metadata("quota_limit")
        return [id.lower() for id in ids if isinstance(id, str)]

    def is_of_every_model(self) -> bool:
        """Whether quotas that ran out are named, and none of them is a model's."""
        dimensions = [v.get("quotaDimensions") for v in self._violations()]
        return (
            any("quotaId" in violation for violation in self._violations())
            and not any("permodel" in id for id in self.quotas())
            and not any(isinstance(d, Mapping) and "model" in d for d in dimensions)
            and not any(self.metadata("model"))
        )

    def link(self, hosts: Container[str]) -> str | None:
        """
        The first link that leads to one of *hosts*, those for programs first.

        A person will open it, or see it in a terminal: it is HTTPS, has no
        port, no user and no character that a URL may not have.
        """
        for link in self._links():
            url = _URL.fullmatch(link)
            if url is not None and url[1] in hosts:
                return link
        return None

    def _violations(self) -> Iterable[Mapping[str, Any]]:
        """What each ``QuotaFailure`` lists: the quotas that ran out."""
        for failure in self.of_type("QuotaFailure"):
            yield from _members(failure.get("violations"))

    def _links(self) -> Iterable[str]:
        """What may be a URL, in metadata, in ``Help`` and in the text."""
        meant = self.metadata("validation_url", "validation_link", "activationUrl")
        yield from map(_text, meant)
        for help in self.of_type("Help"):
            yield from (_text(link.get("url")) for link in _members(help.get("links")))
        for text in (self.message, *self.metadata("validation_error_message")):
            yield from (word.strip("()<>\"',.;") for word in _text(text).split())


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
    code, message = error.get("code"), _text(error.get("message"))
    told = GoogleError(
        code=code if isinstance(code, int) else 0,
        message=message,
        status=_text(error.get("status")),
        details=tuple(_details(error)),
        body=body,
    )
    inner = _nested(message)
    if inner is None:
        return told
    return evolve(
        inner,
        code=inner.code or told.code,
        status=inner.status or told.status,
        details=(*inner.details, *told.details),
    )


def _nested(message: str) -> GoogleError | None:
    """
    The error that *message* is, if it is one.

    Only where it is nothing else: behind words of Google's there may be some
    of the client's, which must not pass for an error of Google's.
    """
    if not message.lstrip().startswith(("{", "[")):
        return None
    # Line ends and blanks that JSON does not have were seen inside.
    flat = message.translate({0xA: " ", 0xD: " ", 0xA0: " "})
    return read_error(flat.encode("utf-8", "replace"))


def _details(error: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """All details, the legacy list among them, whatever their order."""
    for key in ("details", "errors"):
        yield from _members(error.get(key))


def _members(listed: object) -> Iterable[Mapping[str, Any]]:
    """The objects in what should be a list of them."""
    if isinstance(listed, list):
        yield from (_stripped(each) for each in listed if isinstance(each, dict))


def _stripped(document: object) -> dict[str, Any]:
    """*document* without the blanks that some keys were seen to have."""
    if not isinstance(document, Mapping):
        return {}
    return {key.strip(): value for key, value in document.items()}


def _text(value: object) -> str:
    """*value* where text should be."""
    return value if isinstance(value, str) else ""


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
    """*body* without words that belong to the operator: tokens, names, projects."""
    for secret in secrets:
        if len(secret) >= SHORTEST_PROJECT:  # a shorter one may be any word
            body = body.replace(secret.encode(), b"REDACTED")
    return body
