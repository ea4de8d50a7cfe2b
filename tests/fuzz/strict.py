"""
A strict reader of HTTP/1.1 (RFC 9112), for comparing.

Of a client's bytes it sees the requests that are complete and leave nothing
open; it stops at the first thing that two readers could take for two things.
"""

import re
from collections.abc import Sequence
from enum import Enum

from attrs import define, evolve, field, frozen

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(rb"(%b) ([^\x00-\x20]+) (HTTP/1\.[01])" % TOKEN)
_TARGET = re.compile(rb"/[\x21-\x7e]*|\*|(?i:https?)://[\x21-\x7e]+")
_FIELD = re.compile(rb"(%b):([^\x00\r\n]*)" % TOKEN)
_CHUNK = re.compile(rb"0*([0-9a-fA-F]{1,15})(?:;[\x21-\x7e\x80-\xff \t]*)?")
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9]) [\x20-\x7e]*")
_AUTHORITY = re.compile(rb"|(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")
_ABSOLUTE = re.compile(rb"(?i)https?://([^/?#]+)([^#]*)")


class End(Enum):
    """Why no more requests are seen."""

    ALL = "all of it was read"
    INCOMPLETE = "the last request is not complete"
    CLOSED = "the last request said that it is the last"
    UNCLEAR = "what comes next is not clear"


class Unclear(Exception):
    """It could be taken for two things, or is nothing at all."""


class Incomplete(Exception):
    """More has to come."""


@frozen
class Asked:
    """
    One request.

    :ivar flaw: why it has to be refused; it is clear all the same where it ends.
    """

    method: bytes
    target: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes = b""
    flaw: str = ""

    def all(self, name: bytes) -> list[bytes]:
        """The values of a header, whose name is in lower case."""
        return [value for key, value in self.fields if key == name]

    @property
    def path(self) -> bytes:
        """The path without its query, as it is spelled."""
        absolute = _ABSOLUTE.fullmatch(self.target)
        target = absolute[2] if absolute else self.target
        return target.partition(b"?")[0]


@define
class Lines:
    """What is left to read."""

    data: bytes
    place: int = 0

    def line(self) -> bytes:
        """The next line, whose end is CR LF and nothing else."""
        end = self.data.find(b"\r\n", self.place)
        line = self.data[self.place : None if end < 0 else end]
        if end < 0:
            raise Incomplete
        if b"\n" in line or b"\r" in line:
            raise Unclear("a bare CR or LF")
        self.place = end + 2
        return line

    def bytes(self, count: int) -> bytes:
        """So many bytes."""
        if len(self.data) - self.place < count:
            raise Incomplete
        self.place += count
        return self.data[self.place - count : self.place]

    @property
    def is_over(self) -> bool:
        """Whether nothing is left."""
        return self.place == len(self.data)


@define
class Conversation:
    """
    The requests that a client's bytes are, and what comes after them.

    :ivar is_decided: whether so much has come that a server can say the end.
    :ivar methods: those of the requests, and of the one that is not complete.
    """

    requests: list[Asked] = field(factory=list)
    end: End = End.ALL
    why: str = ""
    is_decided: bool = True
    methods: list[bytes] = field(factory=list)


def requests(data: bytes) -> Conversation:
    """What a client asks for in *data*."""
    lines, seen = Lines(data), Conversation()
    while not lines.is_over:
        begin = lines.place
        if found := _REQUEST_LINE.match(data[begin:].lstrip(b"\r\n")):
            seen.methods.append(found[1])
        try:
            asked, is_last = _request(lines)
        except Incomplete:
            seen.end, seen.is_decided = End.INCOMPLETE, False
            break
        except Unclear as error:
            seen.end, seen.why = End.UNCLEAR, str(error)
            head = data.find(b"\r\n\r\n", begin)
            seen.is_decided = data.find(b"\r\n\r\n", max(head, lines.place - 2)) >= 0
            break
        if asked is None:
            break
        seen.requests.append(asked)
        if is_last:
            seen.end = End.CLOSED
            break
    return seen


def _request(lines: Lines) -> tuple[Asked | None, bool]:
    first = lines.line()
    while not first:  # blank lines before it are to be skipped (2.2)
        if lines.is_over:
            return None, False
        first = lines.line()
    found = _REQUEST_LINE.fullmatch(first)
    if found is None:
        raise Unclear("the request line")
    method, target, version = found.groups()
    asked = Asked(method, target, _fields(lines, "a header"))
    asked = evolve(asked, flaw=_flaw(asked, version))
    asked = evolve(asked, body=_body(lines, asked, version))
    words = b",".join(asked.all(b"connection")).lower().split(b",")
    options = {word.strip() for word in words}
    is_last = b"close" in options or (
        version == b"HTTP/1.0" and b"keep-alive" not in options
    )
    return asked, is_last


def _fields(lines: Lines, what: str) -> tuple[tuple[bytes, bytes], ...]:
    fields = []
    while line := lines.line():
        found = _FIELD.fullmatch(line)
        if found is None:
            raise Unclear(what)
        fields.append((found[1].lower(), found[2].strip(b" \t")))
    return tuple(fields)


def _flaw(asked: Asked, version: bytes) -> str:
    hosts = asked.all(b"host")
    if len(hosts) > 1 or (not hosts and version == b"HTTP/1.1"):
        return "not one Host"
    is_absolute = _ABSOLUTE.fullmatch(asked.target)  # and counts instead (3.2.2)
    if hosts and not is_absolute and not _AUTHORITY.fullmatch(hosts[0]):
        return "a Host that is none"
    return "" if _TARGET.fullmatch(asked.target) else "the target"


def _body(lines: Lines, asked: Asked, version: bytes) -> bytes:
    lengths = asked.all(b"content-length")
    codings = asked.all(b"transfer-encoding")
    if codings:
        if lengths or version != b"HTTP/1.1" or len(codings) > 1:
            raise Unclear("where the body ends")
        if codings[0].lower() != b"chunked":
            raise Unclear("the transfer coding")
        return _chunks(lines)
    if not lengths:
        return b""
    if len(lengths) > 1 or not re.fullmatch(rb"[0-9]{1,18}", lengths[0]):
        raise Unclear("how long the body is")
    return lines.bytes(int(lengths[0]))


def _chunks(lines: Lines) -> bytes:
    body = b""
    while True:
        found = _CHUNK.fullmatch(lines.line())
        if found is None:
            raise Unclear("the size of a chunk")
        size = int(found[1], 16)
        if size == 0:
            _fields(lines, "a trailer")
            return body
        body += lines.bytes(size)
        if lines.bytes(2) != b"\r\n":
            raise Unclear("the end of a chunk")


@frozen
class Answer:
    """One response."""

    status: int
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def all(self, name: bytes) -> list[bytes]:
        """The values of a header, whose name is in lower case."""
        return [value for key, value in self.fields if key == name]


def answers(data: bytes, methods: Sequence[bytes], is_closed: bool) -> list[Answer]:
    """
    The responses in *data*, each of them whole; interim ones are left out.

    :param methods: of the requests, as far as they are known.
    :raises Unclear: when there is anything else in it.
    :raises Incomplete: when the last is not whole.
    """
    lines, seen = Lines(data), list[Answer]()
    while not lines.is_over:
        found = _STATUS.fullmatch(lines.line())
        if found is None:
            raise Unclear("no status line")
        status, fields = int(found[1]), _fields(lines, "an answer's header")
        if status < 200:
            if status != 100 or fields:
                raise Unclear("an odd interim response")
            continue
        method = methods[len(seen)] if len(seen) < len(methods) else b""
        body = _answer_body(lines, Answer(status, fields, b""), method, is_closed)
        seen.append(Answer(status, fields, body))
    return seen


def _answer_body(lines: Lines, answer: Answer, method: bytes, is_closed: bool) -> bytes:
    lengths = answer.all(b"content-length")
    codings = answer.all(b"transfer-encoding")
    if len(lengths) + len(codings) > 1:
        raise Unclear("more than one framing")
    rest = len(lines.data) - lines.place
    if method == b"HEAD" and is_closed and lines.data.startswith(b"{", lines.place):
        return lines.bytes(rest)  # none should come, but then, nothing follows it
    if method == b"HEAD" or answer.status in (204, 304):
        if answer.status == 204 and (lengths or codings):
            raise Unclear("a framing of nothing")
        return b""
    if codings:
        if codings != [b"chunked"]:
            raise Unclear("the transfer coding of an answer")
        return _chunks(lines)
    if lengths:
        return lines.bytes(int(lengths[0]))
    if not is_closed:
        raise Unclear("no framing")
    return lines.bytes(rest)
