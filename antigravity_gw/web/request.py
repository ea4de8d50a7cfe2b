"""One client's request, from its head to its end."""

from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from twisted.python.failure import Failure
from twisted.web.http import datetimeToString, parse_qs
from twisted.web.server import Request

from antigravity_gw.errors import BadRequest, GatewayError, TooLarge
from antigravity_gw.journal import Served
from antigravity_gw.web.forms import ALT, Form
from antigravity_gw.web.replies import write_error, write_nothing


class GatewayRequest(Request):
    """
    A request that is judged by its head, and whose body stays in memory.

    :ivar refusal: why it is not served, once that is known.
    :ivar page_origin: the listed origin of the page that calls, if one does.
    :ivar served: what is remembered of it for the log.
    :ivar segments: its path, unquoted; ``//`` counts as one slash, since SDKs
        make it of a base URL that ends in one.
    """

    site: Any  # a GatewaySite, which this module comes before
    channel: Any  # a GatewayChannel; None once the client has left
    content: BytesIO
    defaultContentType = None
    refusal: GatewayError | None = None
    page_origin: str | None = None

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
        self.path, _, query = _origin_form(target).partition(b"?")
        self.args = parse_qs(query, True)
        self.segments = [
            unquote_to_bytes(part) for part in self.path.split(b"/") if part
        ]
        self.began = self.site.reactor.seconds()
        self.notifyFinish().addBoth(self._ended)
        self.page_origin = self.site.guard.allows_origin(self)
        if self.page_origin is not None:
            self.setHeader("access-control-allow-origin", self.page_origin)
            self.setHeader("vary", "Origin")
        try:
            if not self.is_preflight():
                if not self.path.startswith(b"/"):
                    raise BadRequest("the request target must be a path")
                self.served.key = self.site.guard.admit(self, self.segments)
            if length is not None and length > self.site.body_limit:
                raise self._too_large()
        except GatewayError as error:
            self.refusal = error

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
        if self.refusal is not None:
            return
        self.content.write(data)
        if self.content.tell() > self.site.body_limit:
            self.content = BytesIO()
            self.refusal = self._too_large()
            self.channel.bodyTooLong(self)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """All of the request has come.  Forms are not parsed: nothing here has any."""
        self.process()

    def process(self) -> None:
        """Answer the request, by way of the resource it addresses."""
        self.setHeader("date", datetimeToString())
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
        self.fail(GatewayError("internal error"))
        return reason

    def fail(self, error: GatewayError) -> None:
        """Answer with *error*, or cut short an answer that has begun."""
        if self.channel is None:
            return  # the client has left: nobody to tell
        self.served.trouble = self.served.trouble or error.message
        if self.startedWriting:
            self.loseConnection()
        else:
            write_error(self, error, in_array=self._wants_array())
            self.finish()

    def _wants_array(self) -> bool:
        """
        Whether errors go into an array, as the answer would by default.

        Asked of the path, since a request may be refused before it is routed.
        """
        return (
            self.site.default_form is Form.ARRAY
            and self.segments[-1:] != []
            and self.segments[-1].endswith(b":streamGenerateContent")
            and not any(name in self.args for name in ALT)
        )

    def _too_large(self) -> TooLarge:
        return TooLarge(
            f"the request body is longer than {self.site.body_limit} bytes, which is "
            "the most this gateway takes (limits.body_bytes)"
        )

    def _preflight_headers(self) -> dict[str, str]:
        wanted = self.getHeader(b"access-control-request-headers") or b""
        return {
            "access-control-allow-methods": "GET, HEAD, POST",
            "access-control-allow-headers": wanted.decode("latin-1"),
            "access-control-max-age": "600",
        }

    def _ended(self, result: object) -> None:
        if isinstance(result, Failure) and not self.served.trouble:
            self.served.trouble = "the client left"
        self.site.log_served(self)


def _origin_form(target: bytes) -> bytes:
    """A target without the scheme and authority that proxies put there."""
    if not target.lower().startswith((b"http://", b"https://")):
        return target
    _, _, rest = target.partition(b"://")
    _, slash, path = rest.partition(b"/")
    return slash + path
