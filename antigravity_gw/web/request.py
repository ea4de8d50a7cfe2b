"""One client's request, from its head to its end."""

import re
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.web.http import parse_qs
from twisted.web.server import Request

from antigravity_gw.errors import (
    BadRequest,
    BodyTooLarge,
    ExpectationFailed,
    GatewayError,
    InternalError,
    ModelNotAllowed,
    ShuttingDown,
)
from antigravity_gw.journal import CLIENT_LEFT, Served
from antigravity_gw.keys import ANYBODY, HEADERS, Key
from antigravity_gw.logs.bodies import Recording
from antigravity_gw.web.admission import Share
from antigravity_gw.web.forms import ALT, Form
from antigravity_gw.web.operators import SHIELD
from antigravity_gw.web.paths import Area, area_of, model_asked
from antigravity_gw.web.replies import write_error, write_nothing

LONGEST_WORD = 200
"""So much of a path, or of a method, is shown to operators."""

NO_BODY = "a request to this path may have no body"
_ABSOLUTE = re.compile(rb"https?://([^/?]*)", re.IGNORECASE)
_PRINTABLE = re.compile(rb"[!-~]+")
_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")


class GatewayRequest(Request):
    """
    A request that is judged by its head, and whose body stays in memory.

    :ivar refusal: why it is not served, once that is known.
    :ivar key: the client's; what it may do is in it.
    :ivar page_origin: the listed origin of the page that calls, if one does.
    :ivar is_under_way: whether its head has come, and it has not ended.
    :ivar takes_body: whether it may have one.
    :ivar share: what it takes up of the site's limits, once it is admitted.
    :ivar served: what is remembered of it for the log.
    :ivar serving: fires when its resource is done with it; cancelled when the
        client leaves.
    :ivar cut: what it is ended with, if it must not take any longer.
    :ivar recording: what its bodies are recorded by, if the operator wants that.
    :ivar segments: its path, unquoted; ``//`` counts as one slash, since SDKs
        make it of a base URL that ends in one.
    :ivar area: what that is about.
    """

    site: Any  # a GatewaySite, which this module comes before
    channel: Any  # a GatewayChannel; None once the client has left
    content: BytesIO
    defaultContentType = None
    refusal: GatewayError | None = None
    key: Key = ANYBODY
    page_origin: str | None = None
    is_under_way = False
    share: Share | None = None
    takes_body = False
    area = Area.API
    serving: Deferred[None] | None = None
    cut: GatewayError | None = None
    recording: Recording | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.served = Served()
        self.segments: list[bytes] = []
        self.content = BytesIO()

    def headReceived(
        self, method: bytes, target: bytes, version: bytes, length: int | None
    ) -> None:
        """
        The head has come; decide whether to read on.

        :param length: of the body, in bytes; None when it does not say.
        """
        self.site = self.channel.site
        self.method, self.uri, self.clientproto = method, target, version
        if target[:1] != b"/":
            target = self._without_authority(target)
        self.path, _, query = target.partition(b"?")
        self.args = parse_qs(query, True)
        self.segments = [
            unquote_to_bytes(part) for part in self.path.split(b"/") if part
        ]
        self.area = area_of(self.segments)
        self._note()
        if self.area is not Area.OPERATORS:
            self.page_origin = self.site.guard.allows_origin(self)
        if self.page_origin is not None:
            self.setHeader("access-control-allow-origin", self.page_origin)
            self.setHeader("access-control-expose-headers", "x-request-id")
            self.setHeader("vary", "Origin")
        try:
            self._admit(length or 0)
        except GatewayError as error:
            self.refusal = error

    def _note(self) -> None:
        """Begin to keep account of it."""
        served, self.is_under_way = self.served, True
        served.id = self._given_id() or self.site.new_id()
        served.method, served.path = printable(self.method), printable(self.path)
        served.began = self.site.reactor.seconds()
        served.streams = self._asks_for_stream()
        self.setHeader("x-request-id", served.id)
        self.site.under_way.add(self)
        if self.area is Area.OPERATORS:
            self._shield()
        elif self.site.bodies is not None:
            self.recording = self.site.bodies.begin(served.id, served.began)

    def _shield(self) -> None:
        """What is for operators is for no page but our own, be it an error or not."""
        for name, value in SHIELD.items():
            self.setHeader(name, value)

    def _given_id(self) -> str:
        """The id that the client has given it; empty if none can be used."""
        given = self.requestHeaders.getRawHeaders(b"x-request-id", ())
        is_one = len(given) == 1 and _ID.fullmatch(given[0])
        return given[0].decode("ascii") if is_one else ""

    def _admit(self, length: int) -> None:
        """
        Let it pass, or not.

        :param length: what it declares for its body, in bytes.
        :raises GatewayError: when it may not pass, saying why.
        """
        if self.site.connections.is_draining and self._comes_too_late():
            raise ShuttingDown()
        if not self.is_preflight():
            if not self.path.startswith(b"/") or not _PRINTABLE.fullmatch(self.uri):
                raise BadRequest("the request target must be a path, in ASCII")
            self.key = self.site.guard.admit(self, self.area, self.served.began)
            self.served.key = self.key.name
            self.key.expect_good(self.served.began)
        if self.clientproto == b"HTTP/1.1":
            self._check_expectations()
        # What needs no key takes no body: strangers could take up all the room.
        self.takes_body = self.area is not Area.HEALTH and not self.is_preflight()
        if length and not self.takes_body:
            raise BodyTooLarge(NO_BODY)
        wants_answer = self.key.is_limited and self._asks_for_answer()
        self.share = self.site.admission.admit(
            length,
            counts=self.area is Area.API,  # the rest is told however busy we are
            stream_of=self.served.key if self.served.streams else None,
            streams=self.key.allowance.streams,
        )
        if wants_answer:  # last, so that none is counted that is refused
            self.site.allowances.admit(self.key, self.served.began)

    def _asks_for_answer(self) -> bool:
        """
        Whether it asks a model for an answer; all else is free.

        :raises ModelNotAllowed: when the client's key is not good for that model.
        """
        model = model_asked(self.method, self.segments)
        if model is not None:
            self.expect_allowed(model)
        return model is not None

    def expect_allowed(self, model: str) -> None:
        """
        :raises ModelNotAllowed: when its client may not use what it calls *model*.
        """
        if not self.may_use(model):
            raise ModelNotAllowed(
                f"this key may not use {model}; GET models lists what it may use"
            )

    def may_use(self, model: str) -> bool:
        """Whether its client may use what it calls *model*."""
        allowance = self.key.allowance
        return not allowance.models or allowance.allows(self.site.names_of(model))

    def _comes_too_late(self) -> bool:
        """
        Whether it is not served any more when the daemon is about to end.

        The first of its connection is, since who was let in is not turned away; but
        who asks whether we are ready is told that we are not.
        """
        if self.area is Area.HEALTH:
            return self.segments == [b"readyz"]
        return bool(self.channel.has_asked)

    def _check_expectations(self) -> None:
        for expected in self.requestHeaders.getRawHeaders(b"expect", ()):
            if expected.lower() != b"100-continue":
                raise ExpectationFailed("the only Expect here is 100-continue")

    def _without_authority(self, target: bytes) -> bytes:
        """
        A target without the scheme and authority that proxies put there.

        The authority counts instead of the Host header (RFC 9112, 3.2.2).
        """
        found = _ABSOLUTE.match(target)
        if found is None:
            return target
        if len(self.requestHeaders.getRawHeaders(b"host", ())) == 1:
            self.requestHeaders.setRawHeaders(b"host", [found[1]])
        rest = target[found.end() :]
        return rest if rest[:1] == b"/" else b"/" + rest

    def is_preflight(self) -> bool:
        """Whether a browser asks if a page from a listed origin may call."""
        return (
            self.method == b"OPTIONS"
            and self.requestHeaders.hasHeader(b"access-control-request-method")
            and self.page_origin is not None
        )

    def gotLength(self, length: int | None) -> None:
        """The body stays in memory, which is bounded by the site's limit."""

    def handleContentChunk(self, data: bytes) -> None:
        """Some of the body has come."""
        if self.share is None or self.refusal is not None:
            return
        if data and not self.takes_body:
            self.channel.refuse(self, BodyTooLarge(NO_BODY))
            return
        self.content.write(data)
        self.served.received += len(data)
        more = self.content.tell() - self.share.body
        if more > 0:  # of a body that did not say its length
            try:
                self.site.admission.grow(self.share, more)
            except GatewayError as error:
                self.channel.refuse(self, error)

    def take_body(self) -> bytes:
        """Its body, which it holds no longer."""
        body, self.content = self.content.getvalue(), BytesIO()
        return body

    def refuse(self, error: GatewayError) -> None:
        """Do not serve it after all; what has come of its body is dropped."""
        self.refusal, self.content = error, BytesIO()

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """All of the request has come.  Forms are not parsed: nothing here has any."""
        self.process()

    def process(self) -> None:
        """Answer the request, by way of the resource it addresses."""
        self.setHeader("date", self.site.date())
        if self.recording is not None:
            self.recording.receive(self.content.getvalue())
        self.prepath, self.postpath = [], list(self.segments)
        try:
            if self.refusal is not None:
                self.fail(self.refusal)
            elif self.is_preflight():
                write_nothing(self, self._preflight_headers())
                self.finish()
            else:
                self.site.getResourceFor(self).render(self)
        except Exception:
            self.processingFailed(Failure())

    def processingFailed(self, reason: Failure) -> Failure:
        """A bug: it is logged, and the client learns nothing about it."""
        self._log.failure(
            "while serving {method} {path}",
            failure=reason,
            method=self.method,
            path=self.path,
        )
        self.served.trouble = "internal error"
        self.fail(InternalError("internal error"))
        return reason

    def fail(self, error: GatewayError) -> None:
        """Answer with *error*, or cut short an answer that has begun."""
        if self.channel is None:
            return  # the client has left: nobody to tell
        self.served.fail(error.word(), error.message)
        if self.startedWriting:
            self.loseConnection()
        else:
            write_error(self, error, in_array=self._wants_array())
            self.finish()

    def write(self, data: bytes) -> None:
        """Write some of its answer; the head of that goes out with the first."""
        if self.recording is not None:
            self.recording.send(data)
        if self.chunked and data and not (self.finished or self._disconnected):
            self.sentLength += len(data)
            self.channel.write(b"%x\r\n%b\r\n" % (len(data), data))
        else:
            if self.share is not None:  # who answers does not need the body any more
                self.site.admission.let_go(self.share)
            super().write(data)
            if self.channel is not None:
                self.channel.flush()

    def finish(self) -> None:
        """Its answer is complete."""
        if not self.startedWriting:
            self.write(b"")  # which writes the head
        self._over()  # what it took up is free for the next on its connection
        super().finish()

    def connectionLost(self, reason: Failure) -> None:
        """The client has left, or was cut off, before its answer was complete."""
        self.served.fail(CLIENT_LEFT, "the client left")
        super().connectionLost(reason)
        if self.serving is not None:
            self.serving.cancel()
        self._over()

    def _over(self) -> None:
        """It takes up nothing any more."""
        if self.is_under_way:
            self.is_under_way = False
            self.site.under_way.discard(self)
            if self.share is not None:
                self.site.admission.give_back(self.share)
            served = self.served
            served.status = self.code if self.startedWriting else 0
            served.sent = self.sentLength
            served.seconds = self.site.reactor.seconds() - served.began
            self.site.has_ended(served)
            # The operator may not want it any more.
            if self.recording is not None and self.site.bodies is not None:
                self.site.bodies.write(self.recording, self._secrets())

    def _secrets(self) -> list[str]:
        """What its client has shown that may be a secret, right or wrong."""
        headers, found = self.requestHeaders, list(self.args.get(b"key", ()))
        for name in (b"authorization", *HEADERS):
            found += headers.getRawHeaders(name, ())
        return [value.decode("latin-1").rpartition(" ")[2] for value in found]

    def cut_short(self, error: GatewayError) -> None:
        """
        End with *error* what is under way.

        What produces an answer bit by bit can be broken off, and a relay puts the
        error into its stream.
        """
        self.cut = error
        if self.producer is not None:
            self.producer.break_off(error)
        elif self.serving is not None:
            self.serving.cancel()

    def _wants_array(self) -> bool:
        """Whether errors go into an array, as the answer would by default."""
        return (
            self.site.default_form is Form.ARRAY
            and self.served.streams
            and not any(name in self.args for name in ALT)
        )

    def _asks_for_stream(self) -> bool:
        """Asked of the path, since a request may be refused before it is routed."""
        segments = self.segments
        return bool(segments) and segments[-1].endswith(b":streamGenerateContent")

    def _preflight_headers(self) -> dict[str, str]:
        wanted = self.getHeader(b"access-control-request-headers") or b""
        return {
            "access-control-allow-methods": "GET, HEAD, POST",
            "access-control-allow-headers": wanted.decode("latin-1"),
            "access-control-max-age": "600",
        }


def printable(word: bytes) -> str:
    """*word* from the network, with nothing in it that a terminal would obey."""
    word = word[:LONGEST_WORD]
    if _PRINTABLE.fullmatch(word):
        return word.decode("ascii")
    text = word.decode("latin-1")
    return "".join(c if "!" <= c <= "~" else f"\\x{ord(c):02x}" for c in text)
