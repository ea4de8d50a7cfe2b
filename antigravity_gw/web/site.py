"""The tree of paths, and the site that serves it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.logger import Logger, LogLevel
from twisted.web.http import datetimeToString
from twisted.web.resource import Resource
from twisted.web.server import Site

from antigravity_gw.allowances import Allowances
from antigravity_gw.errors import GatewayError
from antigravity_gw.happenings import Listener, Rejected, unheard
from antigravity_gw.journal import Served, Witness
from antigravity_gw.logs.bodies import Bodies
from antigravity_gw.pool.pool import AccountPool
from antigravity_gw.tally import Tally
from antigravity_gw.web.admission import Admission, Limits
from antigravity_gw.web.channel import GatewayChannel
from antigravity_gw.web.connections import Connections
from antigravity_gw.web.deadlines import Deadlines
from antigravity_gw.web.forms import Form
from antigravity_gw.web.guard import Guard
from antigravity_gw.web.models import Api, Models
from antigravity_gw.web.paths import VERSIONS
from antigravity_gw.web.request import GatewayRequest
from antigravity_gw.web.resource import Branch
from antigravity_gw.web.status import Health, Readiness


def make_tree(
    api: Api, pool: AccountPool, others: Mapping[bytes, Resource] | None = None
) -> Resource:
    """
    Everything there is, by path.

    :param others: what there is besides the API, by the first segment.
    """
    root = Branch()
    root.putChild(b"healthz", Health())
    root.putChild(b"readyz", Readiness(pool))
    for name, resource in (others or {}).items():
        root.putChild(name, resource)
    for version in VERSIONS:
        branch = Branch()
        branch.putChild(b"models", Models(api))
        root.putChild(version, branch)
    return root


class GatewaySite(Site):
    """
    Serves the tree.

    :ivar guard: decides who may call.
    :ivar default_form: how a stream is written when the URL does not say.
    :ivar connections: those that are open now.
    :ivar admission: what the requests under way take up of the limits.
    :ivar allowances: what the clients have used of what their keys allow.
    :ivar names_of: says what the operator calls the model of some name.
    :ivar deadlines: how long clients may take.
    :ivar tally: how all requests so far have ended.
    :ivar under_way: the requests that have not ended.
    :ivar new_id: makes an id for a request whose client has given it none.
    :ivar witnesses: are told of each that has ended.
    :ivar tell: is told who was turned away before there was a request.
    :ivar bodies: records what is sent to and fro, if the operator wants that.
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
        limits: Limits,
        deadlines: Deadlines,
        default_form: Form,
        new_id: Callable[[], str],
        names_of: Callable[[str], Sequence[str]] = lambda name: (name,),
        witnesses: Sequence[Witness] = (),
        tell: Listener = unheard,
    ) -> None:
        # Twisted's own timeout is off: the channel has its deadlines instead.
        super().__init__(
            tree, reactor=reactor, timeout=None, parsePOSTFormSubmission=False
        )
        self.guard = guard
        self.default_form = default_form
        self.tally = Tally()
        self.connections = Connections(reactor, self._count_rejected, new_id)
        self.admission = Admission(limits)
        self.allowances = Allowances()
        self.names_of = names_of
        self.deadlines = deadlines
        self.under_way: set[GatewayRequest] = set()
        self.new_id = new_id
        self.witnesses: Sequence[Witness] = (self.allowances.note, *witnesses)
        self.tell = tell
        self.bodies: Bodies | None = None
        self._date = (0, "")

    def go_by(self, other: "GatewaySite") -> None:
        """Serve what *other* would, from the next request on."""
        self.resource, self.guard = other.resource, other.guard
        self.deadlines, self.default_form = other.deadlines, other.default_form
        self.admission.limits, self.names_of = other.admission.limits, other.names_of

    def protocol(self) -> GatewayChannel:  # type: ignore[override]
        """A new connection's protocol."""
        return GatewayChannel()

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Somebody connects, and is let in unless there are too many."""
        return self.connections.refusal() or super().buildProtocol(addr)

    def acceptableProtocols(self) -> list[bytes]:
        """What a TLS listener may agree on: this channel speaks no HTTP/2."""
        return [b"http/1.1"]

    def date(self) -> str:
        """The time, for the header ``Date``; put into words once a second."""
        now = int(self.reactor.seconds())
        if now != self._date[0]:
            self._date = now, datetimeToString(now).decode("ascii")
        return self._date[1]

    def log(self, request: Any) -> None:
        """Twisted's own access log would show the query, and a key may be in it."""

    def has_ended(self, served: Served) -> None:
        """A request has ended, well or not: one line tells of it."""
        self.tally.count(served.ended)
        level = LogLevel.warn if served.is_trouble else LogLevel.info
        self._log.emit(level, "{served}", served=served)
        for witness in self.witnesses:
            try:
                witness(served)
            except Exception:  # a bug, which is no reason to keep a client waiting
                self._log.failure("while keeping account of {id}", id=served.id)

    def log_rejected(self, error: GatewayError, id: str) -> None:
        """The same for what could not be understood as a request."""
        self._count_rejected(error.word())
        self._log.info(
            'rejected {status} ended={ended} trouble="{trouble}" id={id}',
            status=error.code,
            ended=error.word(),
            trouble=error.message,
            id=id,
        )

    def _count_rejected(self, word: str) -> None:
        self.tally.count(word)
        self.tell(Rejected(word))

    def log_totals(self) -> None:
        """One line with the numbers of all requests so far."""
        self._log.info(
            "requests: {totals}", totals=self.tally.line() or "none since the start"
        )
