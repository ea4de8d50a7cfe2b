"""Tests for the sandbox on real sockets."""

import json
from time import monotonic
from typing import Any

import pytest
import pytest_twisted
import treq
from sandbox_helpers import (
    STREAM,
    envelope,
    events,
    form,
    running,
    streaming,
    texts,
    token,
    told,
    visit,
)
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import deferLater

from antigravity_sandbox.service import SandboxService


async def post(
    service: SandboxService, path: str, body: bytes, bearer: str = ""
) -> tuple[int, bytes]:
    """The status and the body that a POST is answered."""
    response = await treq.post(
        service.url + path,
        data=body,
        headers={"Authorization": f"Bearer {bearer or await token(service)}"},
        persistent=False,
    )
    return response.code, await response.content()


async def last_call(service: SandboxService) -> dict[str, Any]:
    """The call that was made last."""
    call: dict[str, Any] = (await told(service, "/calls"))["calls"][-1]
    return call


async def ended(service: SandboxService) -> dict[str, Any]:
    """The last call, once its end has been noticed; which needs some turns."""
    for _ in range(200):
        call = await last_call(service)
        if call["ended"]:
            return call
        await deferLater(reactor, 0.01)
    raise AssertionError("it has not ended")


@pytest_twisted.ensureDeferred
async def test_stream() -> None:
    """A stream arrives, and is on record."""
    async with running() as service:
        path = f"/daily/v1internal:{STREAM}?alt=sse"
        code, body = await post(service, path, envelope())
        call = await last_call(service)

    assert code == 200
    assert "Paris" in "".join(texts(events(body)))
    assert (call["method"], call["endpoint"]) == (STREAM, "daily")
    assert (call["query"], call["account"]) == ("alt=sse", "ada")
    assert (call["status"], call["ended"], call["eventsSent"]) == (200, "finished", 6)
    assert json.loads(call["body"]) == json.loads(envelope())


@pytest_twisted.ensureDeferred
async def test_refresh_is_on_record() -> None:
    """A refresh is a call as well."""
    async with running() as service:
        await token(service)
        call = await last_call(service)

    assert (call["method"], call["account"]) == ("token", "ada")
    assert call["body"] == form().decode()


@pytest_twisted.ensureDeferred
async def test_too_soon() -> None:
    """Who has received a 429 and calls again at once is found out."""
    async with running() as service:
        rule = {"behaviour": "429-rate-limit", "delay": "60s", "times": 1}
        await told(service, "/rules", rule)
        bearer, noted = await token(service), []
        for _ in range(2):
            await post(service, "/v1internal:generateContent", envelope(), bearer)
            call = await last_call(service)
            noted.append((call["status"], call["tooSoon"]))
        shown = await told(service, "")

    assert noted == [(429, False), (200, True)]
    assert shown["tooSoon"] == 1


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("/v1internal:embedContent", "/v1internal:embedContent"),
        ("/v1internal", "/v1internal"),
        ("/nowhere", "/nowhere"),
        ("/daily/token", "/daily/token"),
        ("/", "/"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_nowhere(path: str, where: str) -> None:
    """What does not exist is a 404 in Google's shape."""
    async with running() as service:
        code, body = await post(service, path, b"{}")

    error = json.loads(body)["error"]
    assert (code, error["status"]) == (404, "NOT_FOUND")
    assert where in error["message"]


@pytest.mark.parametrize("prefix", ["", "/daily"])
@pytest_twisted.ensureDeferred
async def test_polling(prefix: str) -> None:
    """Operations are polled below the base URL."""
    async with running() as service:
        await told(service, "/accounts/ada", {"onboarded": False})
        bearer = await token(service)
        asked = b'{"tierId": "free-tier"}'
        _, first = await post(service, "/v1internal:onboardUser", asked, bearer)
        name = json.loads(first)["name"]
        response = await treq.get(
            f"{service.url}{prefix}/v1internal/{name}",
            headers={"Authorization": f"Bearer {bearer}"},
            persistent=False,
        )
        answer = await response.json()

    assert answer["done"] is True


@pytest_twisted.ensureDeferred
async def test_bytes_of_a_stream() -> None:
    """A stream is chunked, and its lines end in CRLF."""
    async with running() as service:
        visitor = await streaming(service)
        await visitor.seen(b"\r\n0\r\n\r\n")

    head, _, body = visitor.received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nContent-Type: text/event-stream\r\n" in head
    assert b"\r\nTransfer-Encoding: chunked" in head
    assert head.count(b"\r\nServer:") == 1
    assert body.count(b"}\r\n\r\n") == 6


@pytest_twisted.ensureDeferred
async def test_pace() -> None:
    """Events are some time apart."""
    async with running(pace=0.05) as service:
        began = monotonic()
        visitor = await streaming(service)
        await visitor.seen(b"data: ", 1)
        first = monotonic() - began
        await visitor.seen(b"data: ", 6)
        last = monotonic() - began

    assert last - first == pytest.approx(0.25, abs=0.15)


@pytest.mark.parametrize("reset", [False, True])
@pytest_twisted.ensureDeferred
async def test_caller_leaves(reset: bool) -> None:
    """A caller that leaves is noticed, be it in the middle of a pause."""
    async with running(pace=60.0) as service:
        visitor = await streaming(service)
        await visitor.seen(b"data: ")
        if reset:
            visitor.transport.abortConnection()
        else:
            visitor.transport.loseConnection()
        call = await ended(service)

    assert (call["ended"], call["eventsSent"]) == ("client-left", 1)


@pytest_twisted.ensureDeferred
async def test_caller_leaves_before_the_headers() -> None:
    """It is noticed as well when nothing has been sent yet."""
    async with running() as service:
        await told(service, "/rules", {"behaviour": "delay", "seconds": 60})
        visitor = await streaming(service)
        while not (await told(service, "/calls"))["open"]:
            pass
        visitor.transport.loseConnection()
        call = await ended(service)

    assert (call["ended"], call["status"]) == ("client-left", None)


@pytest_twisted.ensureDeferred
async def test_backpressure() -> None:
    """A caller that does not read stops a stream of any size."""
    async with running() as service:
        rule = {"behaviour": "many-events", "n": 10_000_000, "size": 10_000}
        await told(service, "/rules", rule)
        visitor = await streaming(service)
        await visitor.seen(b"data: ")
        visitor.transport.pauseProducing()

        before, sent = -1, 0
        while sent != before:  # until the buffers of the kernel are full
            await deferLater(reactor, 0.2)
            before, sent = sent, (await last_call(service))["eventsSent"]
        visitor.transport.resumeProducing()
        while sent == before:
            sent = (await last_call(service))["eventsSent"]
        visitor.transport.abortConnection()
        call = await ended(service)

    assert 0 < before < 3000
    assert sent > before
    assert call["ended"] == "client-left"


@pytest.mark.parametrize(
    ("behaviour", "after", "events_", "done"),
    [
        ("cut", "nothing", 0, False),
        ("cut", "headers", 0, False),
        ("cut", 2, 2, False),
        ("close", "nothing", 0, True),
        ("close", 2, 2, True),
    ],
)
@pytest_twisted.ensureDeferred
async def test_hanging_up(
    behaviour: str, after: object, events_: int, done: bool
) -> None:
    """A cut is a reset, a close is none; what came before them arrives."""
    async with running() as service:
        await told(service, "/rules", {"behaviour": behaviour, "after": after})
        visitor = await streaming(service)
        reason = await visitor.lost

    assert visitor.received.count(b"data: ") == events_
    assert visitor.received.startswith(b"HTTP/1.1 200") is (after != "nothing")
    assert not visitor.received.endswith(b"0\r\n\r\n")
    assert isinstance(reason, ConnectionDone) is done


@pytest_twisted.ensureDeferred
async def test_stall() -> None:
    """A stalled stream stays open and silent."""
    async with running() as service:
        await told(service, "/rules", {"behaviour": "stall", "after": "headers"})
        visitor = await streaming(service)
        await visitor.seen(b"\r\n\r\n")
        await deferLater(reactor, 0.05)
        call = await last_call(service)

    assert (call["status"], call["ended"], call["eventsSent"]) == (200, None, 0)


@pytest_twisted.ensureDeferred
async def test_split() -> None:
    """Split bytes do not travel together."""
    async with running() as service:
        await told(service, "/rules", {"behaviour": "split"})
        visitor = await streaming(service)
        await visitor.seen(b"\r\n0\r\n\r\n")

    assert visitor.pieces > 100


@pytest_twisted.ensureDeferred
async def test_keep_alive() -> None:
    """A connection serves one call after another."""
    async with running() as service:
        visitor = await visit(service, "GET /sandbox/pace HTTP/1.1")
        await visitor.seen(b'"seconds"')
        visitor.transport.write(b"GET /sandbox/pace HTTP/1.1\r\nHost: x\r\n\r\n")
        await visitor.seen(b'"seconds"', 2)

    assert visitor.received.count(b"HTTP/1.1 200 OK") == 2


@pytest_twisted.ensureDeferred
async def test_two_bearers() -> None:
    """With two Authorization headers nobody is known."""
    async with running() as service:
        bearer = f"Authorization: Bearer {await token(service)}\r\n"
        head = f"POST /v1internal:loadCodeAssist HTTP/1.1\r\n{bearer}{bearer.strip()}"
        visitor = await visit(service, head, b"{}")
        await visitor.seen(b"UNAUTHENTICATED")

    assert visitor.received.startswith(b"HTTP/1.1 401")


@pytest_twisted.ensureDeferred
async def test_url_is_known_at_once() -> None:
    """The port is taken before the service starts, and callers can wait there."""
    service = SandboxService(reactor)
    waiting = Deferred.fromCoroutine(told(service, "/pace"))

    service.startService()
    try:
        assert await waiting == {"seconds": 0.15}
    finally:
        await service.stopService()


@pytest_twisted.ensureDeferred
async def test_port_is_taken() -> None:
    """A port that is taken cannot be had a second time."""
    async with running() as service:
        port = int(service.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            SandboxService(reactor, port)


@pytest_twisted.ensureDeferred
async def test_stopping() -> None:
    """Stopping frees the port and cuts what is under way."""
    async with running(pace=60.0) as service:
        visitor = await streaming(service)
        await visitor.seen(b"data: ")
    await visitor.lost

    again = SandboxService(reactor, int(service.url.rpartition(":")[2]))
    await again.stopService()
