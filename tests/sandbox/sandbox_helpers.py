"""What several tests of the sandbox need."""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from random import Random
from typing import Any
from urllib.parse import urlencode, urlsplit

import treq
from attrs import define, field
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from antigravity_sandbox.accounts import CLIENT_ID, CLIENT_SECRET
from antigravity_sandbox.acts import Act, Head, Silence, Write
from antigravity_sandbox.calls import Call
from antigravity_sandbox.control import add_rules, tell_account
from antigravity_sandbox.kinds import CODE_ASSIST, GEMINI, VERTEX, kind_of
from antigravity_sandbox.mischief.catalogue import CATALOGUE
from antigravity_sandbox.sandbox import Sandbox
from antigravity_sandbox.service import SandboxService

STREAM = "streamGenerateContent"
FLASH = "gemini-2.5-flash"
ORIGIN = "http://sandbox.example"
TEXT = "What is the weather in Paris today?"


def form(account: str = "ada", **changed: str) -> bytes:
    """What a client posts to refresh the token of *account*."""
    fields = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": f"1//sandbox-{account}",
        "grant_type": "refresh_token",
    }
    return urlencode(fields | changed).encode()


def prompt(text: str = TEXT, **more: Any) -> dict[str, Any]:
    """A request of one text."""
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], **more}


def envelope(account: str = "ada", **changed: Any) -> bytes:
    """A generate call, in order unless *changed*."""
    body = {
        "project": f"sandbox-project-{account}",
        "requestId": "request-1",
        "model": "gemini-2.5-flash",
        "userAgent": "tests",
        "requestType": "agent",
        "request": prompt(),
    }
    return json.dumps(body | changed).encode()


def bare(**changed: Any) -> bytes:
    """A generate call without an envelope, in order unless *changed*."""
    return json.dumps(prompt() | changed).encode()


def performed(acts: Iterable[Act]) -> list[Act]:
    """*acts* to their end, or to the silence that has none."""
    done = []
    for act in acts:
        done.append(act)
        if isinstance(act, Silence):
            break
    return done


def status(acts: Iterable[Act]) -> int | None:
    """The status that *acts* send."""
    return next((act.status for act in acts if isinstance(act, Head)), None)


def written(acts: Iterable[Act]) -> bytes:
    """The body that *acts* send."""
    return b"".join(act.data for act in acts if isinstance(act, Write))


def events(body: bytes) -> list[Any]:
    """The events of a stream in Google's framing."""
    *blocks, rest = body.split(b"\r\n\r\n")
    assert rest == b""
    return [json.loads(block.removeprefix(b"data: ")) for block in blocks]


def texts(found: Iterable[Any]) -> list[str]:
    """The texts of events."""
    responses = [event.get("response", event) for event in found]
    contents = [response["candidates"][0]["content"] for response in responses]
    return [part["text"] for content in contents for part in content["parts"]]


def kind_meeting(slug: str) -> str:
    """A kind of account that can meet the behaviour *slug*."""
    return (CATALOGUE[slug].kinds or (CODE_ASSIST,))[0]


@define
class Desk:
    """A sandbox without a socket, and somebody calling it."""

    sandbox: Sandbox = field(factory=lambda: Sandbox(Random(1), pace=0.5))
    now: float = 1_000_000.0

    def call(
        self,
        method: str,
        body: bytes = b"",
        *,
        bearer: str | None = None,
        endpoint: str = "",
        query: str = "alt=sse",
        kind: str | None = None,
        key: str | None = None,
        **named: str,
    ) -> tuple[Call, list[Act]]:
        """One call, on record, and what was done about it."""
        call = self.sandbox.record.begin(
            at=self.now,
            method=method,
            kind=kind or kind_of(method),
            api_key=key,
            origin=ORIGIN,
            named=named,
            endpoint=endpoint,
            query=query,
            headers=[],
            bearer=bearer,
            body=body,
        )
        return call, performed(self.sandbox.answer(call, body, self.now))

    def tell(self, account: str, **orders: object) -> None:
        """Give orders to *account*."""
        tell_account(self.sandbox, account, orders)

    def rule(self, behaviour: str, **more: object) -> None:
        """Lay down a rule."""
        add_rules(self.sandbox, {"behaviour": behaviour, **more})

    def refresh(self, body: bytes | None = None) -> tuple[int | None, Any]:
        """The status and the JSON of a refresh."""
        _, acts = self.call("token", form() if body is None else body)
        return status(acts), json.loads(written(acts))

    def token(self, account: str = "ada") -> str:
        """A new access token."""
        token: str = self.refresh(form(account))[1]["access_token"]
        return token

    def ask(self, method: str, body: bytes = b"", account: str = "ada") -> list[Act]:
        """What is done about a call by *account* with a good token."""
        return self.call(method, body, bearer=self.token(account))[1]

    def by_key(
        self, method: str, body: bytes = b"", *, account: str = "ada", **more: str
    ) -> tuple[Call, list[Act]]:
        """A call of the public API by *account*."""
        key = f"AIzaSy-sandbox-{account}"
        named = {"model": FLASH, **more}
        return self.call(method, body, kind=GEMINI, key=key, **named)

    def at_vertex(
        self, method: str, body: bytes = b"", *, account: str = "ada", **more: str
    ) -> tuple[Call, list[Act]]:
        """A call of Vertex AI by *account*."""
        home = {"project": f"sandbox-project-{account}", "location": "global"}
        named = {"model": FLASH, **home, **more}
        return self.call(method, body, kind=VERTEX, bearer=self.token(account), **named)

    def by(
        self, kind: str, method: str, model: str = FLASH, account: str = "ada"
    ) -> tuple[Call, list[Act]]:
        """A generate call by the *kind* of account that *account* is to be."""
        if kind == GEMINI:
            return self.by_key(method, bare(), account=account, model=model)
        if kind == VERTEX:
            return self.at_vertex(method, bare(), account=account, model=model)
        body = envelope(account, model=model)
        return self.call(method, body, bearer=self.token(account))

    def json(self, method: str, body: bytes = b"") -> Any:
        """The JSON that such a call is answered."""
        return json.loads(written(self.ask(method, body)))


@asynccontextmanager
async def running(pace: float = 0.0) -> AsyncIterator[SandboxService]:
    """A sandbox on a socket."""
    service = SandboxService(reactor, pace=pace)
    service.startService()
    try:
        yield service
    finally:
        await service.stopService()


async def told(service: SandboxService, path: str, body: Any = None) -> Any:
    """What the control endpoint answers to a POST, or to a GET without *body*."""
    url = f"{service.url}/sandbox{path}"
    if body is None:
        response = await treq.get(url, persistent=False)
    else:
        response = await treq.post(url, json=body, persistent=False)
    return await response.json()


async def token(service: SandboxService, account: str = "ada") -> str:
    """A new access token, fetched over HTTP."""
    response = await treq.post(
        f"{service.url}/token", data=form(account), persistent=False
    )
    bearer: str = (await response.json())["access_token"]
    return bearer


class Visitor(Protocol):
    """
    A client that sees every byte.

    :ivar received: what has arrived.
    :ivar pieces: in how many pieces it did.
    :ivar lost: why the connection went, once it has.
    """

    def __init__(self) -> None:
        self.received = bytearray()
        self.pieces = 0
        self.lost: Deferred[BaseException] = Deferred()
        self._awaited: list[tuple[int, bytes, Deferred[None]]] = []

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        self.pieces += 1
        self._look()

    def _look(self) -> None:
        for waiting in list(self._awaited):
            count, what, found = waiting
            if self.received.count(what) >= count:
                self._awaited.remove(waiting)
                found.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost.callback(reason.value)

    def seen(self, what: bytes, count: int = 1) -> Deferred[None]:
        """Wait until *what* has been received *count* times."""
        found: Deferred[None] = Deferred()
        self._awaited.append((count, what, found))
        self._look()
        return found


async def visit(service: SandboxService, head: str, body: bytes = b"") -> Visitor:
    """Send one request by hand; *head* lacks its length and the blank line."""
    port = urlsplit(service.url).port
    endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port)
    visitor = Visitor()
    await connectProtocol(endpoint, visitor)
    length = f"\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    visitor.transport.write((head + length).encode() + body)
    return visitor


async def streaming(service: SandboxService, model: str = "gemini-3-pro") -> Visitor:
    """A stream, just asked for by a client that sees every byte."""
    bearer = await token(service)
    head = (
        f"POST /v1internal:{STREAM}?alt=sse HTTP/1.1\r\nAuthorization: Bearer {bearer}"
    )
    return await visit(service, head, envelope(model=model))
