"""Tests for what the gateway takes on at one time, and how it counts its requests."""

from pathlib import Path
from typing import Any

import pytest
from world import HELLO, LAST, TEXT, WHOLE, Client, Reply, World, event, key_of

from antigravity_gw.web.admission import Limits
from antigravity_gw.web.deadlines import Deadlines
from antigravity_gw.web.forms import Form
from antigravity_gw.web.guard import Mode
from antigravity_gw.web.site import GatewaySite

POST = b"POST /v1/models/pro:generateContent HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
SILENT = Reply(stays_open=True)
BEGUN = Reply(body=event(TEXT), stays_open=True)


def limited(folder: Path, **limits: int) -> World:
    """A gateway with these limits, and a Google that takes its time."""
    world = World(folder, limits=Limits(**limits))
    world.google.script = [SILENT]
    return world


def declared(world: World, length: int) -> Client:
    """A request whose body is still to come."""
    return world.client().send(POST + b"Content-Length: %d\r\n\r\n" % length)


def told_to_wait(client: Client) -> bool:
    """Whether it was refused, and told to come again in a second."""
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"}
    assert client.error() == (429, "RESOURCE_EXHAUSTED")
    assert client.json()["error"]["details"] == [info]
    return "retry-after: 1" in client.head.split("\r\n")


def test_requests(tmp_path: Path) -> None:
    """So many at a time; the next is refused, and let in when one has ended."""
    world = limited(tmp_path, requests=2)
    first, second = world.generate(), world.generate()
    assert told_to_wait(world.generate())
    first.leave()
    world.google.script = [WHOLE]
    assert world.generate().json() == LAST
    assert world.generate().json() == LAST
    second.leave()

    assert world.site.admission.requests == 0
    assert world.site.tally.ends == {
        "client_left": 2,
        "too_many_requests": 1,
        "served": 2,
    }


def test_health_does_not_count(tmp_path: Path) -> None:
    """Who looks after the gateway gets in even when it is full."""
    world = limited(tmp_path, requests=1)
    world.generate()

    assert world.get("/healthz").status == 200
    assert world.get("/readyz").status == 200
    assert told_to_wait(world.get("/v1/models"))


def test_refused_before_the_body(tmp_path: Path) -> None:
    """A request too many is told before it has sent its body, and not to go on."""
    world = limited(tmp_path, requests=1)
    world.generate()
    head = POST + b"Expect: 100-continue\r\nContent-Length: 5000\r\n\r\n"
    client = world.client().send(head)

    assert told_to_wait(client)
    assert "connection: close" in client.head
    assert b"100 Continue" not in client.received()
    assert client.is_closed()


def test_the_key_comes_first(tmp_path: Path) -> None:
    """A stranger does not learn how busy the gateway is."""
    world = World(tmp_path, mode=Mode.STRICT, limits=Limits(requests=1))
    world.google.script = [SILENT]
    world.post("/v1/models/pro:generateContent", HELLO, "x-api-key: right")

    assert world.generate().error() == (401, "UNAUTHENTICATED")


def test_pipelined_requests(tmp_path: Path) -> None:
    """One after the other is one at a time."""
    world = limited(tmp_path, requests=1, bodies_bytes=2 * len(HELLO) - 1)
    world.google.script = [WHOLE]
    request = POST + b"Content-Length: %d\r\n\r\n" % len(HELLO) + HELLO
    client = world.client().send(request * 3)

    assert client.received().count(b"HTTP/1.1 200 OK") == 3


def test_declared_bodies(tmp_path: Path) -> None:
    """Room is reserved for what is declared, also while none of it has come."""
    world = limited(tmp_path, bodies_bytes=10_000)
    first = declared(world, 6000)
    assert declared(world, 4000).received() == b""
    assert told_to_wait(declared(world, 1))
    assert world.get("/v1/models").status == 200
    first.leave()

    assert declared(world, 6000).received() == b""


def test_bodies_that_come_in_chunks(tmp_path: Path) -> None:
    """They are counted as they come, and cut off when there is no more room."""
    world = limited(tmp_path, bodies_bytes=10_000)
    first = world.client().send(CHUNKED)
    second = world.client().send(CHUNKED + b"fa0\r\n" + b"x" * 4000 + b"\r\n")
    first.send(b"1770\r\n" + b"x" * 6000 + b"\r\n")
    second.send(b"1\r\nx\r\n")

    assert told_to_wait(second)
    assert second.is_closed()
    assert first.received() == b""
    assert world.site.admission.bodies == 6000


def test_bodies_that_were_answered(tmp_path: Path) -> None:
    """They count until the answer begins; a stream that goes on holds none."""
    world = limited(tmp_path, bodies_bytes=10_000)
    waiting = world.stream()
    assert world.site.admission.bodies == len(HELLO)
    waiting.leave()
    world.google.script = [BEGUN]
    streaming = world.stream()

    assert streaming.status == 200
    assert (world.site.admission.bodies, world.site.admission.requests) == (0, 1)


@pytest.mark.parametrize(
    "head",
    [
        b"POST /healthz HTTP/1.1\r\n",
        b"OPTIONS /v1/models HTTP/1.1\r\nOrigin: https://a.example\r\n"
        b"Access-Control-Request-Method: POST\r\n",
    ],
)
def test_bodies_of_those_who_need_no_key(tmp_path: Path, head: bytes) -> None:
    """What is open to all cannot be used to fill the memory: there are none."""
    world = World(
        tmp_path,
        mode=Mode.ALL_EXCEPT_HEALTH,
        limits=Limits(bodies_bytes=10_000),
        origins=("https://a.example",),
    )
    declared = b"Host: localhost\r\nContent-Length: 9000\r\n\r\n"
    chunked = b"Host: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello"
    for body in (declared, chunked):
        client = world.client().send(head + body)
        assert client.error() == (413, "INVALID_ARGUMENT")

    assert world.site.admission.bodies == 0


def test_a_body_that_never_fits(tmp_path: Path) -> None:
    """It is no use to come again with it."""
    world = limited(tmp_path, bodies_bytes=10_000)

    assert declared(world, 10_001).error() == (413, "INVALID_ARGUMENT")


@pytest.mark.parametrize("length", [b"33554433", b"1073741824", b"9" * 18, b"9" * 5000])
def test_declared_sizes(tmp_path: Path, length: bytes) -> None:
    """Nothing of a body that is too long is read."""
    world = World(tmp_path, limits=Limits())
    client = world.client().send(POST + b"Content-Length: %b\r\n\r\n" % length)

    assert client.error() == (413, "INVALID_ARGUMENT")
    assert client.is_closed()


def test_streams_of_a_client(tmp_path: Path) -> None:
    """Each key has so many streams; answers in one piece are no streams."""
    keys = tuple(map(key_of, ("ann", "bob")))
    limits = Limits(streams_per_key=1)
    world = World(tmp_path, mode=Mode.STRICT, keys=keys, limits=limits)
    world.google.script = [BEGUN]

    def stream(key: str, path: str = "pro:streamGenerateContent") -> Client:
        return world.post(f"/v1/models/{path}", HELLO, f"x-api-key: key-of-{key}")

    first = stream("ann")
    assert told_to_wait(stream("ann"))
    assert told_to_wait(stream("ann", "pro%3AstreamGenerateContent"))
    assert stream("bob").status == 200
    first.leave()
    assert stream("ann").status == 200
    world.google.script = [WHOLE]
    assert stream("ann", "pro:generateContent").status == 200


def test_streams_without_keys(tmp_path: Path) -> None:
    """Without keys, all are one client."""
    world = limited(tmp_path, streams_per_key=2)
    world.google.script = [BEGUN]
    world.stream()
    world.stream()

    assert told_to_wait(world.stream())


def test_any_number_of_streams(tmp_path: Path) -> None:
    """By default there is no such limit."""
    world = limited(tmp_path)
    world.google.script = [BEGUN]

    assert {world.stream().status for _ in range(200)} == {200}
    assert world.site.admission.streams == {"": 200}


def test_new_limits(tmp_path: Path) -> None:
    """A reload changes the limits, and loses nothing of what is under way."""
    world = limited(tmp_path, requests=10)
    clients = [world.generate() for _ in range(3)]
    world.site.go_by(
        GatewaySite(
            world.site.resource,
            world.guard,
            world.clock,
            limits=Limits(requests=2),
            deadlines=Deadlines(head=1.0),
            default_form=Form.SSE,
            new_id=str,
        )
    )

    assert world.site.deadlines.head == 1.0
    assert told_to_wait(world.generate())
    assert all(client.received() == b"" for client in clients)
    for client in clients[:2]:
        client.leave()
    world.google.script = [WHOLE]
    assert world.generate().json() == LAST
    assert world.site.admission.requests == 1


def test_a_long_head(tmp_path: Path) -> None:
    """A target of 8 KB with a header of 8 KB is fine; what is beyond is named."""
    world = World(tmp_path, limits=Limits(head_bytes=16_384))
    long = "x" * 8192

    def ask(target: str, *headers: str) -> int:
        return world.get(target, *headers).status

    assert ask(f"/healthz?{long}", f"X: {long}") == 200
    assert ask(f"/healthz?{long}{long}") == 414
    assert ask("/healthz", f"X: {long}", f"Y: {long}") == 431
    assert ask("/healthz", f"X: {long}{long}") == 431
    assert world.site.tally.ends["headers_too_large"] == 2


def test_limits_of_a_head(tmp_path: Path) -> None:
    """The limit can be raised, and lowered."""
    world = World(tmp_path, limits=Limits(head_bytes=1024))
    long = World(tmp_path, limits=Limits(head_bytes=100_000))

    assert world.get("/healthz", "X: " + "x" * 1024).status == 431
    assert world.get("/healthz?" + "x" * 1024).status == 414
    assert long.get("/healthz?" + "x" * 90_000, "X: " + "x" * 90_000).status == 200


def test_numbers(tmp_path: Path, logged: list[dict[str, Any]]) -> None:
    """How requests end is counted, and logged in one line when the daemon does."""
    world = limited(tmp_path)
    world.site.log_totals()
    world.get("/healthz")
    world.get("/healthz", method="OPTIONS")
    world.get("/x")
    world.client().send(b"nonsense\r\n\r\n")
    world.generate(b"[]")
    world.generate().leave()
    world.google.script = [Reply(body=event(TEXT) + b"data: nonsense\n\n")]
    world.stream()
    world.site.log_totals()
    empty, totals = (e["totals"] for e in logged if "totals" in e)

    assert empty == "none since the start"
    assert totals == (
        "served=2 bad_request=2 not_found=1 client_left=1 malformed_stream=1"
    )


def test_how_it_ended_is_logged(tmp_path: Path, logged: list[dict[str, Any]]) -> None:
    """A line says how a request ended, if not well."""
    world = limited(tmp_path)
    world.get("/healthz")
    world.get("/x")
    world.client().send(b"nonsense\r\n\r\n")
    lines = [e["log_format"].format(**e) for e in logged if "GET" in str(e)]

    assert "ended" not in lines[0]
    assert "ended=not_found" in lines[1]
    assert [e["ended"] for e in logged if "ended" in e] == ["bad_request"]


def test_a_body_that_is_malformed(tmp_path: Path, logged: list[dict[str, Any]]) -> None:
    """It is counted once, and told of in the line of its request."""
    world = limited(tmp_path)
    client = world.client().send(CHUNKED + b"xyz\r\n")
    (served,) = world.ended

    assert client.error() == (400, "INVALID_ARGUMENT")
    assert (served.status, served.ended) == (400, "bad_request")
    assert [e["served"] for e in logged if "served" in e] == [served]
    assert world.site.tally.ends == {"bad_request": 1}
    assert world.site.admission.requests == 0
