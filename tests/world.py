"""
A gateway in memory, with a scripted Google behind it.

Nothing here opens a socket or waits: what the client sends is handed to the
site's protocol, and Google's replies are written by the test.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from attrs import define, evolve, field
from secrecy import secret
from treq.testing import RequestTraversalAgent
from twisted.internet.address import IPv4Address
from twisted.internet.defer import execute
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.http import Request
from twisted.web.iweb import IAgent
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from antigravity_gw.catalog import Catalog, Model
from antigravity_gw.gateway import Gateway, Limits
from antigravity_gw.journal import Served
from antigravity_gw.keys import Key, KeyRing
from antigravity_gw.kind import Caller, Kind, Kinds, Means
from antigravity_gw.kinds.code_assist import CodeAssist
from antigravity_gw.metrics.collector import Counting
from antigravity_gw.metrics.page import MetricsPage
from antigravity_gw.metrics.present import Present
from antigravity_gw.pool.account import Account
from antigravity_gw.pool.choosing import Chooser, Strategy
from antigravity_gw.pool.consequences import Consequences
from antigravity_gw.pool.learnt import project_found
from antigravity_gw.pool.pool import AccountPool
from antigravity_gw.pool.preparing import Preparation
from antigravity_gw.pool.store import Store
from antigravity_gw.pool.tokens import Tokens
from antigravity_gw.pool.watch import StoreWatch
from antigravity_gw.pool.writer import StoreWriter
from antigravity_gw.reach import Reach
from antigravity_gw.record import CODE_ASSIST, Record
from antigravity_gw.upstream.client import Patience, Upstream
from antigravity_gw.upstream.credentials import Exchange
from antigravity_gw.upstream.endpoints import Endpoints
from antigravity_gw.upstream.http import PlainClient
from antigravity_gw.usage.ledger import Keeping, Ledger
from antigravity_gw.web.admission import Limits as Limited
from antigravity_gw.web.deadlines import Deadlines
from antigravity_gw.web.forms import Form
from antigravity_gw.web.guard import Guard, Mode
from antigravity_gw.web.models import Api
from antigravity_gw.web.operators import Operators
from antigravity_gw.web.site import GatewaySite, make_tree
from antigravity_gw.web.timed import LINGER
from antigravity_gw.wire.companion import Remaining
from antigravity_gw.wire.oauth import (
    AccessToken,
    OAuthClient,
    read_renewal,
    renewal_form,
)

HELLO = b'{"contents":[{"parts":[{"text":"Hello"}]}]}'
TEXT = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hi"}]}}]}
LAST = {
    "candidates": [
        {
            "content": {"role": "model", "parts": [{"text": "!"}]},
            "finishReason": "STOP",
        }
    ]
}


def event(response: object) -> bytes:
    """One event as Google sends it."""
    return b"data: " + json.dumps({"response": response}).encode() + b"\r\n\r\n"


@define
class Reply:
    """What Google is to answer: a status and a body, which may stay open, if at all."""

    status: int = 200
    body: bytes = b""
    stays_open: bool = False
    is_silent: bool = False
    headers: dict[str, str] = field(factory=dict)


WHOLE = Reply(body=json.dumps({"response": LAST}).encode())
STREAM = Reply(body=event(TEXT) + event(LAST))


@define
class Call:
    """What Google was asked: the account whose token or key it was, and the body."""

    host: str
    account: str
    method: str
    envelope: dict[str, Any]
    raw: bytes
    headers: dict[str, list[str]]
    request: Request


class Google(Resource):
    """Answers calls from the script, in order; the last reply is repeated."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.script: list[Reply | Callable[[Call], Reply]] = []
        self.calls: list[Call] = []
        self.gone: list[Call] = []

    def render(self, request: Request) -> bytes | int:
        """Record the call, and answer it."""
        raw = request.content.read() if request.content else b""
        headers = request.requestHeaders.getAllRawHeaders()
        call = Call(
            host=(request.getHeader(b"host") or b"").decode(),
            account=_account(request),
            method=request.uri.decode().rpartition(":")[2],
            envelope=json.loads(raw),
            raw=raw,
            headers={k.decode().lower(): [v.decode() for v in vs] for k, vs in headers},
            request=request,
        )
        self.calls.append(call)
        request.notifyFinish().addErrback(lambda _: self.gone.append(call))
        reply = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if not isinstance(reply, Reply):
            reply = reply(call)
        if reply.is_silent:
            return NOT_DONE_YET
        request.setResponseCode(reply.status)
        for name, value in reply.headers.items():
            request.setHeader(name, value)
        request.write(reply.body)
        if not reply.stays_open:
            request.finish()
        return NOT_DONE_YET


class Socket(StringTransport):
    """A connection that closes as a socket does: not at once, but soon."""

    closed = False
    half_closed = False

    def loseWriteConnection(self) -> None:
        """Close one half."""
        self.half_closed = True

    def abortConnection(self) -> None:
        """Close without sending what is left."""
        self.loseConnection()


@define
class Client:
    """One client's connection to the gateway."""

    transport: Socket
    protocol: Any
    world: "World"

    def send(self, data: bytes) -> "Client":
        """Send some bytes, and let everything happen that follows from them."""
        self.protocol.dataReceived(data)
        self.world.settle()
        return self

    def received(self) -> bytes:
        """All bytes that came back so far."""
        return bytes(self.transport.value())

    def leave(self) -> None:
        """Close the connection from this side."""
        self.transport.closed = True
        self.protocol.connectionLost(Failure(ConnectionDone()))
        self.world.settle()

    def is_closed(self) -> bool:
        """Whether the gateway has closed the connection."""
        self.world.clock.advance(LINGER)
        return self.transport.disconnecting

    @property
    def status(self) -> int:
        """The status of the first response."""
        return int(self.received().split(b" ", 2)[1])

    @property
    def head(self) -> str:
        """The first response's header section, in lower case."""
        return self.received().partition(b"\r\n\r\n")[0].decode().lower()

    @property
    def body(self) -> bytes:
        """The body of the first response, its chunks joined."""
        body = self.received().partition(b"\r\n\r\n")[2]
        if "transfer-encoding: chunked" not in self.head:
            return body
        chunks = []
        while body and not body.startswith(b"0\r\n"):
            size, _, body = body.partition(b"\r\n")
            chunks.append(body[: int(size, 16)])
            body = body[int(size, 16) + 2 :]
        return b"".join(chunks)

    @property
    def ended_well(self) -> bool:
        """Whether the first response is complete."""
        if "transfer-encoding: chunked" in self.head:
            return self.received().endswith(b"\r\n0\r\n\r\n")
        return f"content-length: {len(self.body)}" in self.head.split("\r\n")

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)

    def error(self) -> tuple[int, str]:
        """The status of an error response, as HTTP and Google put it."""
        error = self.json()["error"]
        assert self.status == error["code"]
        return self.status, error["status"]


TOKEN_URL = "http://google.example/token"
CATALOG = Catalog(
    (Model(name="pro"), Model(name="flash")), {"fast*": "flash"}, ("*-image",)
)


def key_of(name: str) -> Key:
    """The key of a client, which it shows as ``key-of-`` and its name."""
    return Key.of(name, f"key-of-{name}".encode())


def make_upstream(agent: IAgent, clock: Clock) -> Upstream:
    """What asks Google through *agent*."""
    return Upstream(
        http=PlainClient(agent),
        clock=clock,
        patience=Patience(token=15.0, lookup=30.0),
        user_agent="gw/test",
        errors=CodeAssist.errors,
        answer_limit=10_000,
    )


def unreachable(**_: Any) -> Any:
    """A transport for Google's library that reaches nobody."""
    raise OSError


def make_means(
    upstream: Upstream, endpoints: Endpoints, hosts: tuple[str, ...] = (), **more: Any
) -> Means:
    """What a kind of account works with."""
    means = Means(
        upstream=upstream,
        reach=Reach(endpoints=hosts),
        endpoints=endpoints,
        in_thread=execute,
        exchange=Exchange(TOKEN_URL, 15.0, unreachable),
        client=OAuthClient("client", "secret-of-client"),
        token_url=TOKEN_URL,
        userinfo_url="http://google.example/userinfo",
        token_seconds=15.0,
        onboarding_seconds=60.0,
        makes_images=CATALOG.makes_images,
    )
    return evolve(means, **more)


@define(eq=False)
class Scripted(CodeAssist):
    """
    Code Assist, but that a test may answer what is asked around generating.

    :ivar post: in place of the token endpoint.
    :ivar find: in place of looking for a project.
    :ivar left: in place of looking for what is left of quotas.
    """

    post: Callable[[bytes], Awaitable[tuple[int, bytes]]] | None = None
    find: Callable[[str, str | None], Awaitable[str | None]] | None = None
    left: Callable[[str, str], Awaitable[dict[str, Remaining]]] | None = None

    async def mint(self, record: Record) -> AccessToken:
        """By way of the test's token endpoint, if it has one."""
        client = self.client_of(record)
        if self.post is None or client is None:
            return await super().mint(record)
        form = renewal_form(client, record.credential)
        return read_renewal(*await self.post(form))

    async def find_project(self, record: Record, token: str) -> str | None:
        """As the test says, if it says something."""
        if self.find is None:
            return await super().find_project(record, token)
        return await self.find(token, record.project)

    async def find_quotas(self, caller: Caller) -> dict[str, Remaining]:
        """As the test says, if it says something."""
        if self.left is None:
            return await super().find_quotas(caller)
        return await self.left(caller.token, caller.project)

    def has_client(self, client: OAuthClient | None) -> None:
        """Let that be the configured OAuth client."""
        self.means = evolve(self.means, client=client)


OPEN: list[Store] = []
"""The stores of worlds that have not ended; the fixture ``logged`` closes them."""


LIMITS = Limits(
    attempts=3,
    total=600.0,
    whole=600.0,
    headers=60.0,
    first_event=120.0,
    idle=300.0,
    stream=0.0,
    patience=0.0,
)


class World:
    """The gateway, wired as the daemon wires it, but in memory."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.clock = Clock()
        self.clock.advance(settings.get("time", 1_000_000.0))
        self.google = Google()
        self.clients: list[Client] = []
        self.peer = settings.get("peer", IPv4Address("TCP", "127.0.0.1", 50_000))
        self.ended: list[Served] = []
        self.token_calls: list[bytes] = []
        self.token_reply: Callable[[str], tuple[int, bytes]] = _token
        self.agent = RequestTraversalAgent(settings.get("site", self.google))
        self.upstream = make_upstream(self.agent, self.clock)
        self.counting = Counting()
        tell = self.counting.meters.hear
        self.endpoints = Endpoints(30.0, tell)
        hosts = settings.get("hosts", ("http://one.example",))
        means = make_means(self.upstream, self.endpoints, hosts)
        self.kind = Scripted(means, self._post)
        self.kinds = Kinds({self.kind.name: self.kind, **self._others(settings)})
        self.store = Store.open(folder)
        OPEN.append(self.store)
        writer = StoreWriter(self.store, execute)
        tokens = Tokens(self.kinds, self.clock, writer.learn, tell)
        consequences = Consequences(
            writer, self.clock.seconds, chance=lambda: 0.0, tell=tell
        )
        self.pool = self.make_pool(
            tokens,
            consequences,
            chooser=Chooser(settings.get("strategy", Strategy.FILL)),
        )
        for name in settings.get("accounts", ("a", "b", "c")):
            self.add(name)
        gateway = self.make_gateway(
            evolve(
                LIMITS,
                patience=settings.get("patience", 0.0),
                stream=settings.get("stream_seconds", 0.0),
            ),
            settings.get("tells", False),
        )
        ids, requests = count(), count()
        form = settings.get("form", Form.SSE)
        api = Api(
            gateway,
            settings.get("catalog", CATALOG),
            form,
            new_id=lambda: f"id-{next(ids)}",
        )
        self.guard = Guard(
            settings.get("mode", Mode.OFF),
            KeyRing(settings.get("keys", (Key.of("alice", secret("right").encode()),))),
            hosts=frozenset(settings.get("names", ())),
            origins=frozenset(settings.get("origins", ())),
            operators=Operators(KeyRing(settings.get("operators", ()))),
        )
        self.watch = StoreWatch(self.pool, self.store, self.guard.take_up, execute)
        self.site = GatewaySite(
            make_tree(
                api,
                self.pool,
                {b"metrics": MetricsPage(self.counting.registry, self.clock)},
            ),
            self.guard,
            self.clock,
            limits=settings.get("limits", Limited(body_bytes=10_000)),
            deadlines=settings.get("deadlines", Deadlines()),
            default_form=form,
            new_id=lambda: f"request-{next(requests)}",
            names_of=settings.get("catalog", CATALOG).names_of,
            witnesses=[self.ended.append, self.counting.meters.note],
            tell=tell,
        )
        self.ledger = Ledger(folder, self.clock, Keeping(30.0, 10.0), execute)
        self.counting.look_at(
            Present(self.pool, self.site, self.endpoints, self.ledger)
        )

    def _others(self, settings: Mapping[str, Any]) -> dict[str, Kind]:
        """
        The other kinds of account that a test wants, by name.

        ``kinds`` has the hosts of each, ``exchange`` what mints their tokens.
        """
        more = {"exchange": settings["exchange"]} if "exchange" in settings else {}
        others: dict[str, Kind] = {}
        for kind, hosts in settings.get("kinds", {}).items():
            upstream = evolve(self.upstream, errors=kind.errors)
            means = make_means(upstream, self.endpoints, hosts, **more)
            others[kind.name] = kind(means)
        return others

    def make_pool(
        self, tokens: Tokens, consequences: Consequences, **more: Any
    ) -> AccountPool:
        """A pool of this world, with no account in it."""
        return AccountPool(
            clock=self.clock,
            writer=consequences.writer,
            tokens=tokens,
            kinds=self.kinds,
            preparation=Preparation(tokens, self.kinds, consequences, self.clock),
            consequences=consequences,
            **more,
        )

    def make_gateway(self, limits: Limits, tells: bool = False) -> Gateway:
        """What serves from this world's pool."""
        return Gateway(
            pool=self.pool,
            endpoints=self.endpoints,
            limits=limits,
            clock=self.clock,
            tells=tells,
        )

    def add(
        self,
        name: str,
        project: str | None = "project-of-it",
        kind: str = CODE_ASSIST,
        **more: Any,
    ) -> None:
        """
        Put an account into the pool.

        :param project: what Google is known to have given it; None for ask.
        """
        added = float(len(self.store.accounts()))
        given = {"credential": f"refresh-of-{name}", "added": added, **more}
        named = None if kind == CODE_ASSIST else project
        record = Record(name, f"{name}@x", kind=kind, project=named, **given)
        for word in filter(None, (record.credential, record.project, project)):
            secret(word)
        self.store.put(record)
        if kind != CODE_ASSIST:  # of others Google has nothing to say
            self.take_up()
            return
        epochs = {
            known.record.id: known.record.epoch for known in self.store.accounts()
        }
        if name in epochs:
            self.store.apply([project_found(name, epochs[name], project)])
        self.take_up()

    def take_up(self) -> None:
        """Let the pool see what was changed in the store."""
        self.pool.take_up(self.store.accounts())

    def account(self, id: str) -> Account:
        """An account in the pool."""
        return next(a for a in self.pool.accounts if a.id == id)

    def settle(self) -> None:
        """Let everything happen that can happen at this moment."""
        for _ in range(10):
            self.agent.flush()
            self.clock.advance(0)
        for client in self.clients:
            if client.transport.disconnecting and not client.transport.closed:
                client.leave()

    def client(self) -> Client:
        """A new connection."""
        protocol: Any = self.site.buildProtocol(None)
        transport = Socket(peerAddress=self.peer)
        protocol.makeConnection(transport)
        self.clients.append(Client(transport, protocol, self))
        return self.clients[-1]

    def get(self, path: str, *headers: str, method: str = "GET") -> Client:
        """Ask for *path*."""
        head = [f"{method} {path} HTTP/1.1", "Host: localhost:8045", *headers, "", ""]
        return self.client().send("\r\n".join(head).encode("latin-1"))

    def post(self, path: str, body: bytes = HELLO, *headers: str) -> Client:
        """Post *body* to *path*."""
        head = [
            f"POST {path} HTTP/1.1",
            "Host: localhost:8045",
            f"Content-Length: {len(body)}",
            *headers,
            "",
            "",
        ]
        return self.client().send("\r\n".join(head).encode("latin-1") + body)

    def generate(self, body: bytes = HELLO, model: str = "pro") -> Client:
        """Ask for an answer in one piece."""
        return self.post(f"/v1beta/models/{model}:generateContent", body)

    def stream(self, query: str = "?alt=sse", body: bytes = HELLO) -> Client:
        """Ask for a streamed answer."""
        return self.post(f"/v1beta/models/pro:streamGenerateContent{query}", body)

    async def _post(self, form: bytes) -> tuple[int, bytes]:
        self.token_calls.append(form)
        return self.token_reply(form.decode().partition("refresh-of-")[2][:1])


def _account(request: Request) -> str:
    """Whose a request is, by what it shows: ``token-of-a`` or ``key-of-a``."""
    shown = request.getHeader(b"authorization") or request.getHeader(b"x-goog-api-key")
    return (shown or b"").decode().rpartition("-of-")[2]


def _token(account: str) -> tuple[int, bytes]:
    return 200, json.dumps(
        {"access_token": f"token-of-{account}", "expires_in": 3599}
    ).encode()
