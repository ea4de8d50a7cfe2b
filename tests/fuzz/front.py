"""
The HTTP server in front: whatever bytes a client sends, in whatever pieces.

Upstream is asked for what a strict reader sees as well, and for nothing else;
every answer is HTTP with one framing; every error is Google's JSON.
"""

import json
import re
import tempfile
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import unquote_to_bytes

from attrs import define, field, frozen
from twisted.logger import capturedLogs
from world import HELLO, OPEN, STREAM, WHOLE, Call, Reply, World

from antigravity_gw.web.forms import Form
from antigravity_gw.web.guard import Mode
from fuzz.engine import Case, Complaint, cut, damaged
from fuzz.plainjson import NotJson, read
from fuzz.strict import (
    Answer,
    Asked,
    Conversation,
    End,
    Incomplete,
    Unclear,
    answers,
    requests,
)

MOST_ANSWERS = 500
"""After so many a gateway is replaced by a new one, which has new ids to give."""

SETTINGS: dict[str, dict[str, Any]] = {
    "open": {},
    "keys": {"mode": Mode.STRICT},
    "array": {"form": Form.ARRAY, "origins": ("https://page.example",)},
}
KEY = b"right"
"""The key of the gateway that wants one."""

TARGETS = b"""\
/v1beta/models/pro:generateContent
/v1beta/models/pro:generateContent
/v1beta/models/pro:generateContent
/v1beta/models/pro:streamGenerateContent?alt=sse
/v1beta/models/pro:streamGenerateContent?alt=sse
/v1/models/fast-1:streamGenerateContent
/v1alpha//models/pro:generateContent
/v1beta/models/p%72o:generate%43ontent
/v1/models/%70ro%3agenerateContent
/v1/models/pro:generateContent?key=right
/v1/models/pro:generateContent?%6bey=%72ight&key=wrong
/v1/models/pro:streamGenerateContent?alt=x&$alt=json;enum-encoding=int
/v1/models%2fpro:generateContent
/v1/models/models/pro:generateContent
/v1/models/..:generateContent
/v1/models/pro:generateContent/x
http://localhost/v1/models/pro:generateContent
http://elsewhere/v1/models/pro:generateContent
/v1/models/pro:countTokens
/v1/models
/v1/models/pro
/v1/models?pageSize=1&pageToken=x
/healthz
/readyz
/
*
localhost:80
/%ff
/%00
/%2e%2e/healthz
/a%0d%0aX:%20y
//healthz
?a""".split(b"\n")
METHODS = (
    b"POST POST POST POST GET GET HEAD OPTIONS PUT CONNECT TRACE post PRI P\0 T".split()
)
FIELDS = b"""\
Connection: close
Connection: keep-alive
Connection: Upgrade, close
Expect: 100-continue
Expect: x
X-Goog-Api-Key: right
X-Api-Key: wrong
Authorization: Bearer right
Authorization: Basic eA==
Host: localhost
Host: localhost:8045
Host: other
Host:
Host: [::1]:1
Host: @
Origin: https://page.example
Origin: https://evil.example
Origin: null
Access-Control-Request-Method: POST
Access-Control-Request-Headers: a\x80
Transfer-Encoding: chunked
Transfer-Encoding: gzip, chunked
Transfer-Encoding: chunked, identity
transfer-encoding:chunked \x20
Transfer-Encoding: \x0bchunked
Transfer-Encoding : chunked
Content-Length: 0
Content-Length: 5
Content-Length: +5
Content-Length: -1
Content-Length: 0x5
Content-Length: 5, 5
Content-Length: 5 5
Content-Length: \xb2
Content-Length:
Content-Length: 10001
Content-Length: 99999999999999999999
Content-Length: 000000000000000005
Content-Length\t: 5
Content-Type: application/x-www-form-urlencoded
Content-Type: multipart/x
Content-Encoding: gzip
Trailer: X
TE: trailers
Upgrade: h2c
Cookie: a=b
X-HTTP-Method-Override: GET
X: \x00
X: \xff
X\xff: y
X
: y
 folded
\tX: y""".split(b"\n")
LONG_FIELDS = (b"X: " + b"y" * 17_000, b"\r\n".join([b"X: y"] * 101))
ENDS = (b"\n", b"\r", b"\r\r\n", b"\r\n\r\n", b"\n\r", b"", b"\x0b", b" \r\n", b"\x85")
SIZES = (
    *(b"%x;ext", b'%x;ext="a;b"', b"0%x", b"%x ", b" %x", b"+%x", b"0x%x", b"-%x"),
    *(b"%x\t", b"%x;\n", b"%x,1", b"%x\x00", b"%X", b"000000000000000000000%x", b"1%x"),
)
BODIES = (
    *(HELLO, HELLO, HELLO, b"", b"{}", b"[]", b"nonsense", b'{"a":1}}'),
    *(b'{"a":"\xff"}', b'{"contents":[]},"project":"x"', b" {}\r\n", b"0\r\n\r\n"),
    *(b'{"x":"' + b"y" * 9_990 + b'"}', b"x" * 10_001),
    b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
)
WORDS = (
    *(*FIELDS, *LONG_FIELDS, *ENDS),
    *(b"\r\n", b"0\r\n\r\n", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1.1 ", b"%"),
    *(b"GET ", b"POST ", b" ", b"\t", b"%0d%0a", b"%00", b"%2f", b"../", b"\xc0\xaf"),
    *(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"\xff\xf4"),
)
PLAIN: dict[bytes, tuple[bytes, ...]] = {
    b"host": (b"localhost",),
    b"x-goog-api-key": (KEY,),
    b"content-length": (),
    b"transfer-encoding": (),
    b"connection": (),
    b"content-type": (),
    b"cookie": (),
    b"te": (),
}
"""Headers with which a request has to be served; none where any value will do."""

_ID = re.compile(rb"id-[0-9]+")
_DATE = re.compile(rb"\r\nDate: [^\r\n]*", re.IGNORECASE)


class Front:
    """Requests, right and wrong, one after the other on one connection."""

    name = "front"

    def __init__(self) -> None:
        self._gateways: dict[str, Gateway] = {}

    def make(self, chance: Random) -> Case:
        """A few requests, and something wrong with one of them, or with all."""
        asked = [_request(chance) for _ in range(chance.choice((1, 1, 1, 2, 2, 3)))]
        data = b"".join(asked)
        if chance.random() < 0.35:
            data = damaged(chance, data, WORDS)
        return Case(cut(chance, data), chance.choice(tuple(SETTINGS)))

    def check(self, case: Case) -> None:
        """Send it in these pieces, in one, and perhaps in single bytes."""
        data = case.whole
        ways = [case.pieces, (data,)]
        if len(data) < 400:
            ways.append(tuple(data[i : i + 1] for i in range(len(data))))
        seen = [self._sent(case.setting, way) for way in ways]
        conversation = requests(data)
        told = [_check(conversation, each, case.setting) for each in seen]
        if not conversation.is_decided:  # some are told sooner what is wrong
            told = [each[: len(conversation.requests)] for each in told]
        for other in (1, -1):
            if (told[0], seen[0].calls) != (told[other], seen[other].calls):
                raise Complaint("the pieces matter", f"{seen[0]} and {seen[other]}")

    def close(self) -> None:
        """Close the gateways."""
        for gateway in self._gateways.values():
            gateway.close()
        self._gateways.clear()

    def _sent(self, setting: str, pieces: tuple[bytes, ...]) -> "Seen":
        gateway = self._gateways.get(setting)
        if gateway is None or gateway.is_used_up:
            if gateway is not None:
                gateway.close()
            gateway = self._gateways[setting] = Gateway(setting)
        gateway.is_used_up = True  # what has failed is not to be trusted
        seen = gateway.sent(pieces)
        gateway.is_used_up = gateway.answers > MOST_ANSWERS
        return seen


@frozen
class Seen:
    """What came of some bytes: the answers, the end, and what upstream was asked."""

    received: bytes
    is_closed: bool
    calls: tuple[tuple[str, str, bytes], ...]


@define
class Gateway:
    """A gateway in memory, for some thousand connections."""

    setting: str
    answers: int = 0
    is_used_up: bool = False
    _folder: Any = field(factory=tempfile.TemporaryDirectory)
    _world: Any = None

    def __attrs_post_init__(self) -> None:
        """Have it ready to serve."""
        self._world = World(Path(self._folder.name), **SETTINGS[self.setting])
        self._world.google.script = [_reply]

    def close(self) -> None:
        """Leave nothing behind."""
        OPEN.remove(self._world.store)
        self._world.store.close()
        self._folder.cleanup()

    def sent(self, pieces: tuple[bytes, ...]) -> Seen:
        """What comes of sending these on a connection of their own."""
        world = self._world

        with capturedLogs() as events:
            client = world.client()
            for piece in pieces:
                if not client.transport.closed:
                    client.send(piece)
            received = _DATE.sub(b"", client.received())
            is_closed = client.transport.closed or client.transport.half_closed
            if not client.transport.closed:
                client.leave()
        calls = tuple(
            (call.envelope["model"], call.method, _ID.sub(b"", call.raw))
            for call in world.google.calls
        )
        self.answers += received.count(b"HTTP/1.1 ")
        world.google.calls.clear()
        world.google.gone.clear()
        world.clients.clear()
        for event in events:
            if "log_failure" in event:
                failure = event["log_failure"].getTraceback()
                raise Complaint("a failure was logged", failure)
        taken, is_open = world.site.admission, len(world.site.connections)
        if taken.requests or taken.bodies or taken.streams or is_open:
            raise Complaint("not all was given back", f"{taken}")
        if left := world.clock.getDelayedCalls():
            raise Complaint("a timer was left", f"{left}")
        return Seen(received, is_closed, calls)


def _reply(call: Call) -> Reply:
    return STREAM if "stream" in call.method else WHOLE


def _request(chance: Random) -> bytes:
    """One request, mostly right."""
    target, method = chance.choice(TARGETS), chance.choice(METHODS)
    version = b"HTTP/1.1" if chance.random() < 0.9 else b"HTTP/1.0"
    fields = [b"Host: localhost"]
    if chance.random() < 0.5:
        fields.append(b"X-Goog-Api-Key: right")
    body = chance.choice(BODIES) if method not in (b"GET", b"HEAD") else b""
    if chance.random() < 0.4:
        fields.append(b"Transfer-Encoding: chunked")
        body = _chunked(chance, body)
    elif body or chance.random() < 0.5:
        fields.append(b"Content-Length: %d" % len(body))
    while chance.random() < 0.3:
        field_ = chance.choice(LONG_FIELDS if chance.random() < 0.02 else FIELDS)
        fields.insert(chance.randrange(len(fields) + 1), field_)
    if chance.random() < 0.1:
        fields.append(chance.choice(fields))
    if chance.random() < 0.1:
        fields.remove(chance.choice(fields))
    line_end = chance.choice(ENDS) if chance.random() < 0.05 else b"\r\n"
    if chance.random() < 0.05:
        target = damaged(chance, target, WORDS, times=1)
    head = b"%b %b %b\r\n" % (method, target, version) + line_end.join(fields)
    return head + b"\r\n\r\n" + body


def _chunked(chance: Random, body: bytes) -> bytes:
    chunks = b""
    for piece in cut(chance, body) if len(body) < 200 else (body,):
        size = b"%x"
        if chance.random() < 0.1:
            size = chance.choice(SIZES)
        end = chance.choice(ENDS) if chance.random() < 0.03 else b"\r\n"
        if piece:
            chunks += size % len(piece) + b"\r\n" + piece + end
    trailer = chance.choice(FIELDS) + b"\r\n" if chance.random() < 0.1 else b""
    return chunks + b"0\r\n" + trailer + b"\r\n"


def _check(
    conversation: Conversation, seen: Seen, setting: str
) -> list[tuple[int, bytes]]:
    """What was answered, but for how exactly the unclear was refused."""
    asked, methods = conversation.requests, conversation.methods
    try:
        told = answers(seen.received, methods, seen.is_closed)
    except (Unclear, Incomplete) as error:
        raise Complaint(
            "not clear HTTP", f"{type(error).__name__} {error}: {seen.received!r}"
        ) from None
    for place, answer in enumerate(told):
        _check_answer(answer, is_head=methods[place : place + 1] == [b"HEAD"])
        flaw = asked[place].flaw if place < len(asked) else conversation.why
        if answer.status < 400 and (flaw or place >= len(asked)):
            raise Complaint(f"served in spite of {flaw}", repr(seen.received))
    if len(told) > len(asked) + 1:
        raise Complaint("more answers than requests", repr(seen.received))
    if not seen.is_closed:
        if len(told) < len(asked):
            raise Complaint("a request without an answer", repr(seen.received))
        if conversation.end in (End.UNCLEAR, End.CLOSED) and conversation.is_decided:
            raise Complaint(
                f"kept open though {conversation.end.value} {conversation.why}",
                repr(seen.received),
            )
    _check_calls(seen, asked, setting)
    for request, answer in zip(asked, told, strict=False):
        _check_served(request, answer, setting)
    return [
        (0 if place >= len(asked) else a.status, a.body if a.status < 400 else b"")
        for place, a in enumerate(told)
    ]


def _check_answer(answer: Answer, is_head: bool) -> None:
    body, kind = answer.body, b"".join(answer.all(b"content-type"))
    if any(word in body.lower() for word in (b"traceback", b"<html", b"twisted")):
        raise Complaint("an answer not for clients", repr(body))
    if answer.status >= 400:
        if not kind.startswith(b"application/json"):
            raise Complaint("an error that is not JSON", repr(answer))
        if not is_head:
            _check_error(answer)
    elif body and kind.startswith(b"application/json"):
        json.loads(body)


def _check_error(answer: Answer) -> None:
    told = json.loads(answer.body)
    error = (told[0] if isinstance(told, list) else told)["error"]
    if error["code"] != answer.status or not error["message"] or not error["status"]:
        raise Complaint("an error that is not Google's", repr(answer))


def _check_calls(seen: Seen, asked: list[Asked], setting: str) -> None:
    """Each call has a request of its own, and they come in the same order."""
    candidates = iter(asked)
    for model, method, raw in seen.calls:
        for candidate in candidates:
            if _is_for(candidate, model, method, raw, setting):
                break
        else:
            raise Complaint(
                "upstream was asked for what nobody asked", f"{model} {method} {raw!r}"
            )


def _check_served(asked: Asked, answer: Answer, setting: str) -> None:
    """What has nothing odd about it is not refused."""
    names = {name for name, _ in asked.fields}
    is_plain = (
        (asked.method, asked.flaw) == (b"POST", "")
        and asked.target in TARGETS[:6]
        and names <= set(PLAIN)
        and len(names) == len(asked.fields)
        and all(not PLAIN[name] or value in PLAIN[name] for name, value in asked.fields)
        and (setting != "keys" or b"x-goog-api-key" in names)
        and len(asked.body) <= 10_000
        and sum(len(name) + len(value) for name, value in asked.fields) < 5_000
    )
    if not is_plain:
        return
    try:
        is_object = read(asked.body, halves=True).kind == "object"
    except NotJson:
        is_object = False
    if answer.status != (200 if is_object else 400):
        raise Complaint("refused what is right, or served what is wrong", repr(answer))


def _is_for(asked: Asked, model: str, method: str, raw: bytes, setting: str) -> bool:
    """Whether a call upstream is what this request asks for."""
    segments = [unquote_to_bytes(s) for s in asked.path.split(b"/") if s]
    name, _, action = segments[-1].partition(b":") if segments else (b"", b"", b"")
    known = {b"pro": "pro"}.get(name, "flash" if name.startswith(b"fast") else None)
    resolved = name.decode("latin-1") if known is None else known
    actions = {
        b"generateContent": "generateContent",
        b"streamGenerateContent": "streamGenerateContent?alt=sse",
    }
    fields = b"".join(value for _, value in asked.fields)
    return (
        asked.method == b"POST"
        and not asked.flaw
        and len(segments) == 3
        and segments[1] == b"models"
        and actions.get(action) == method
        and resolved == model
        and raw.endswith(b'"request":' + asked.body + b"}")
        and (setting != "keys" or KEY in fields or b"ight" in asked.target)
    )
