"""Tests for the gate in front of what is for operators, over HTTP in memory."""

import base64
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from world import WHOLE, Client, Socket, World

from antigravity_gw.keys import Key
from antigravity_gw.web.guard import Mode
from antigravity_gw.web.operators import FORWARDED, SHIELD
from antigravity_gw.web.resource import CoroutineResource

OPERATORS = (Key.of("root", b"of-root"), Key.of("dba", b"of-dba"))
CLIENTS = (Key.of("alice", b"right"),)


class Room(CoroutineResource):
    """Something that is for operators."""

    async def render_GET(self, request: Any) -> None:
        """Say who has come."""
        request.write(request.served.key.encode() or b"somebody")


def made(folder: Path, **settings: Any) -> World:
    """A gateway with something for operators in it."""
    world = World(folder, keys=CLIENTS, **settings)
    world.google.script = [WHOLE]
    world.site.resource.putChild(b"admin", Room())
    world.site.resource.putChild(b"metrics", Room())
    return world


def basic(user: str, password: str) -> str:
    """The header of a browser that was told a password."""
    told = base64.b64encode(f"{user}:{password}".encode()).decode()
    return f"Authorization: Basic {told}"


@pytest.mark.parametrize("path", ["/admin", "/metrics", "/%61dmin", "//metrics/"])
@pytest.mark.parametrize("mode", [Mode.OFF, Mode.STRICT, Mode.ALL_EXCEPT_HEALTH])
@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("x-goog-api-key: of-root", b"root"),
        ("X-Api-Key: of-dba", b"dba"),
        ("Authorization: bearer of-root", b"root"),
        (basic("anybody", "of-dba"), b"dba"),
        (basic("", "of-root"), b"root"),
        ("x-api-key: right", None),  # a client's
        ("x-api-key: of-roo", None),
        (basic("of-root", ""), None),
        (basic("root", "of-root:"), None),
        ("Authorization: Basic of-root", None),
        ("Authorization: Basic !", None),
        ("X-Nothing: at-all", None),
    ],
)
def test_with_keys(
    tmp_path: Path, path: str, mode: Mode, header: str, name: bytes | None
) -> None:
    """Where operators have keys, one of these opens, from wherever it is shown."""
    stranger = IPv4Address("TCP", "203.0.113.9", 1)
    world = made(tmp_path, mode=mode, operators=OPERATORS, peer=stranger)
    client = world.get(path, header)

    if name is None:
        assert client.error() == (401, "UNAUTHENTICATED")
        assert "www-authenticate: basic realm=" in client.head
    else:
        assert (client.status, client.body) == (200, name)


def test_not_in_the_url(tmp_path: Path) -> None:
    """A key in a URL would stay in the history of a browser."""
    world = made(tmp_path, operators=OPERATORS)

    assert world.get("/admin?key=of-root").status == 401


def test_no_client(tmp_path: Path) -> None:
    """An operator's key is none of a client's."""
    world = made(tmp_path, mode=Mode.STRICT, operators=OPERATORS)

    assert world.get("/v1beta/models", "x-api-key: of-root").status == 401
    assert world.get("/v1beta/models", "x-api-key: right").status == 200


def test_from_here(tmp_path: Path) -> None:
    """Without keys, a program on this machine may come in."""
    world = made(tmp_path)
    for address in (
        IPv4Address("TCP", "127.0.0.1", 1),
        IPv6Address("TCP", "::1", 1),
    ):
        world.peer = address
        assert world.get("/admin").body == b"somebody"


@pytest.mark.parametrize(
    "name",
    [*(name.decode() for name in FORWARDED), "X-Forwarded-For", "x-forwarded-proto"],
)
def test_by_way_of_a_proxy(tmp_path: Path, name: str) -> None:
    """Whom a proxy on this machine brings may come from anywhere."""
    client = made(tmp_path).get("/admin", f"{name}: for=203.0.113.9")

    assert client.error() == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize("peer", ["203.0.113.9", "10.0.0.2", "192.168.1.1"])
def test_from_elsewhere(tmp_path: Path, peer: str) -> None:
    """Without keys, nobody from elsewhere comes in, and is told what it takes."""
    world = made(tmp_path, peer=IPv4Address("TCP", peer, 1))
    client = world.get("/metrics")

    assert client.error() == (403, "PERMISSION_DENIED")
    assert b"admin.keys" in client.body


def test_another_name_for_this_machine(tmp_path: Path) -> None:
    """A name that clients may use can be that of a proxy."""
    world = made(tmp_path, names=["gw.example"])
    head = b"GET /admin HTTP/1.1\r\nHost: gw.example\r\n\r\n"

    assert world.client().send(head).error() == (403, "PERMISSION_DENIED")


def test_a_unix_socket(tmp_path: Path) -> None:
    """Who connects to it is on this machine, but may bring somebody else's request."""
    world = made(tmp_path)
    protocol: Any = world.site.buildProtocol(None)
    transport = Socket(hostAddress=UNIXAddress(b"/run/gw.sock"))
    protocol.makeConnection(transport)
    client = Client(transport, protocol, world)
    client.send(b"GET /admin HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert client.status == 200
    client.send(b"GET /admin HTTP/1.1\r\nHost: gw.public.example\r\n\r\n")

    assert client.received().count(b"HTTP/1.1 403 ") == 1


def test_no_page_of_others(tmp_path: Path) -> None:
    """Origins whose pages may call the API may not read what is for operators."""
    origin = "https://chat.example"
    world = made(tmp_path, origins=[origin], operators=OPERATORS)
    preflight = world.get(
        "/admin",
        f"Origin: {origin}",
        "Access-Control-Request-Method: GET",
        "x-api-key: of-root",
        method="OPTIONS",
    )
    client = world.get("/metrics", f"Origin: {origin}", "x-api-key: of-root")

    for each in (preflight, client):
        assert "access-control-" not in each.head


@pytest.mark.parametrize("header", ["x-api-key: of-root", "x-api-key: wrong"])
def test_shield(tmp_path: Path, header: str) -> None:
    """Whoever asks and whatever is answered: no other page has any use of it."""
    client = made(tmp_path, operators=OPERATORS).get("/admin/nothing", header)

    for name, value in SHIELD.items():
        assert f"{name}: {value}".lower() in client.head


@pytest.mark.parametrize("mode", [Mode.STRICT, Mode.ALL_EXCEPT_HEALTH])
def test_where_clients_have_keys(tmp_path: Path, mode: Mode) -> None:
    """A gateway that asks for keys does not take a local address for one."""
    world = made(tmp_path, mode=mode)

    for header in ("X-Nothing: at-all", "x-api-key: right"):
        assert world.get("/admin", header).error() == (403, "PERMISSION_DENIED")


def test_a_web_page(tmp_path: Path) -> None:
    """A page of somebody else's in a browser on this machine is no operator."""
    world = made(tmp_path)
    client = world.get("/admin", "Origin: https://evil.example")

    assert client.error() == (403, "PERMISSION_DENIED")


def test_a_busy_gateway(tmp_path: Path) -> None:
    """However many requests are under way, an operator can look."""
    world = made(tmp_path)
    world.site.admission.requests = world.site.admission.limits.requests

    assert world.get("/v1beta/models").error() == (429, "RESOURCE_EXHAUSTED")
    assert world.get("/admin").status == 200
