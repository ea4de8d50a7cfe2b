"""The tree of paths, and the site that serves it."""

from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import Site

from antigravity_gw.errors import GatewayError
from antigravity_gw.pool.pool import AccountPool
from antigravity_gw.web.channel import GatewayChannel
from antigravity_gw.web.forms import Form
from antigravity_gw.web.guard import Guard
from antigravity_gw.web.models import Api, Models
from antigravity_gw.web.request import GatewayRequest
from antigravity_gw.web.resource import Branch
from antigravity_gw.web.status import Health, Readiness

VERSIONS = (b"v1beta", b"v1", b"v1alpha")
"""The same API: SDKs differ in which one they ask for by default."""


def make_tree(api: Api, pool: AccountPool) -> Resource:
    """Everything there is, by path."""
    root = Branch()
    root.putChild(b"healthz", Health())
    root.putChild(b"readyz", Readiness(pool))
    for version in VERSIONS:
        branch = Branch()
        branch.putChild(b"models", Models(api))
        root.putChild(version, branch)
    return root


class GatewaySite(Site):
    """
    Serves the tree.

    :ivar guard: decides who may call.
    :ivar body_limit: the longest request body to take, in bytes.
    :ivar default_form: how a stream is written when the URL does not say.
    """

    requestFactory = GatewayRequest
    noisy = False
    _log = Logger()

    def __init__(
        self,
        tree: Resource,
        guard: Guard,
        reactor: IReactorTime,
        *,
        body_limit: int,
        idle: float,
        default_form: Form,
    ) -> None:
        """
        :param idle: seconds after which a connection without a request is closed.
        """
        super().__init__(
            tree, reactor=reactor, timeout=idle, parsePOSTFormSubmission=False
        )
        self.guard = guard
        self.body_limit = body_limit
        self.default_form = default_form

    def go_by(self, other: "GatewaySite") -> None:
        """Serve what *other* would, from the next request on."""
        self.resource, self.guard = other.resource, other.guard
        self.body_limit, self.default_form = other.body_limit, other.default_form
        self.timeOut = other.timeOut

    def protocol(self) -> GatewayChannel:  # type: ignore[override]
        """A new connection's protocol."""
        return GatewayChannel()

    def acceptableProtocols(self) -> list[bytes]:
        """What a TLS listener may agree on: this channel speaks no HTTP/2."""
        return [b"http/1.1"]

    def log(self, request: Any) -> None:
        """Twisted's own access log would show the query, and a key may be in it."""

    def log_served(self, request: GatewayRequest) -> None:
        """One line for a request that has ended, well or not."""
        self._log.info(
            "{method} {path} {code} {sent} B {seconds:.3f} s {facts}",
            method=_printable(request.method),
            path=_printable(request.path),
            code=request.code if request.startedWriting else "-",
            sent=request.sentLength,
            seconds=self.reactor.seconds() - request.began,
            facts=request.served.line(),
        )

    def log_rejected(self, error: GatewayError) -> None:
        """One line for what could not be understood as a request."""
        self._log.info(
            "rejected with {code}: {reason}", code=error.code, reason=error.message
        )


def _printable(word: bytes) -> str:
    """*word* from the network, with nothing in it that a terminal would obey."""
    text = word[:200].decode("latin-1")
    return "".join(c if "!" <= c <= "~" else f"\\x{ord(c):02x}" for c in text)
