"""How upstream is reached: real sockets, real TLS, and a proxy in between."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from authority import Authority, Identity
from proxies import TestProxy
from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.web.http_headers import Headers
from twisted.web.resource import Resource
from twisted.web.server import Site

from antigravity_gw.upstream.body import SealedBody
from antigravity_gw.upstream.failures import Flaw, NotReached, TlsFailed, TunnelRefused
from antigravity_gw.upstream.http import Connections, make_client
from antigravity_gw.upstream.way import Way
from antigravity_gw.waiting import NotConnected, collect, in_plain_words

reactor: Any = installed_reactor

PATIENCE = 20.0
"""Seconds for what must happen soon; generous, for busy machines."""

NAME = "upstream.test"
"""A host that only the proxy knows."""


class Hello(Resource):
    """Says so."""

    isLeaf = True

    def render_POST(self, request: Any) -> bytes:
        """Answer with what was sent."""
        return b"hello " + request.content.read()


class Abrupt(Protocol):
    """Says one thing to whatever it hears, and hangs up."""

    words = b""

    @classmethod
    def factory(cls, words: bytes) -> Factory:
        """Makes those who say *words*."""
        factory = Factory.forProtocol(type("Abrupt", (cls,), {"words": words}))
        factory.noisy = False
        return factory

    def dataReceived(self, data: bytes) -> None:
        """Answer."""
        transport: Any = self.transport
        transport.write(self.words)
        transport.loseConnection()


class Network:
    """Servers on this machine, and the clients of a test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority("The Test Authority")
        self.ca_file = self.authority.save(folder / "ca.pem")
        self._ports: list[Any] = []
        self._pools: list[Connections] = []
        self._factories: list[Any] = []

    def listen(self, factory: Any, identity: Identity | None = None) -> int:
        """Serve, in TLS if there is an identity; return the port."""
        if identity is None:
            port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        else:
            port = reactor.listenSSL(0, factory, identity, interface="127.0.0.1")
        self._ports.append(port)
        return int(port.getHost().port)

    def upstream(self, identity: Identity | None = None) -> int:
        """A server that greets; return the port."""
        site = Site(Hello())
        site.noisy = False
        return self.listen(site, identity)

    def proxy(self, is_secure: bool = False, login: str = "") -> tuple[TestProxy, str]:
        """A proxy and what stands for it in a URL: host and port."""
        proxy = TestProxy(reactor, login)
        identity = self.authority.issue("localhost") if is_secure else None
        return proxy, f"localhost:{self.listen(proxy, identity)}"

    def client(self, way: Way, seconds: float = PATIENCE) -> Any:
        """A client that goes a certain way."""
        self._pools.append(Connections(reactor))
        return make_client(reactor, self._pools[-1], seconds, way)

    async def ask(
        self, url: str, proxy: str = "", ca_file: str = "", seconds: float = PATIENCE
    ) -> bytes:
        """Make a request, and return the body of its answer."""
        client = self.client(Way(proxy, ca_file or self.ca_file), seconds)
        return await asked(client, url)

    async def close(self) -> None:
        """Stop all of it."""
        for pool in self._pools:
            await pool.closeCachedConnections()
        for port in self._ports:
            await port.stopListening()


async def asked(client: Any, url: str) -> bytes:
    """The answer to a request of some size."""
    body = SealedBody(b"[", b"x", b"]")
    response = await client.request("POST", url, headers=Headers(), data=body)
    return await collect(response, 1000)


async def until(holds: Any) -> None:
    """Let the reactor run until something holds."""
    for _ in range(1000):
        if holds():
            return
        pause: Deferred[None] = Deferred()
        reactor.callLater(0.01, pause.callback, None)
        await pause
    raise AssertionError("it never held")


@pytest_twisted.async_yield_fixture
async def network(tmp_path: Path) -> AsyncIterator[Network]:
    """A network that is gone after the test."""
    network = Network(tmp_path)
    yield network
    await network.close()


async def failing(asking: Any, kind: type[NotConnected]) -> Any:
    """The error of a request that cannot be made."""
    with pytest.raises(kind) as caught:
        await asking
    return caught.value


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest_twisted.ensureDeferred
async def test_directly(network: Network, host: str) -> None:
    """A host shows a certificate of the authority in ca_file, for name or address."""
    port = network.upstream(network.authority.issue(host))

    assert await network.ask(f"https://{host}:{port}/") == b"hello [x]"


@pytest.mark.parametrize("is_secure", [False, True])
@pytest_twisted.ensureDeferred
async def test_by_a_proxy(network: Network, is_secure: bool) -> None:
    """The proxy, in TLS or not, finds the host; TLS is verified with the host."""
    proxy, place = network.proxy(is_secure, login="ann:s3cret/")
    identity = network.authority.issue(NAME)
    proxy.ports[f"{NAME}:443"] = network.upstream(identity)
    scheme = "https" if is_secure else "http"
    way = Way(f"{scheme}://ann:s3cret%2F@{place}", network.ca_file)
    client = network.client(way)

    for _ in range(3):
        assert await asked(client, f"https://{NAME}/") == b"hello [x]"
    assert len(proxy.heads) == 1  # it is one connection
    assert identity.asked_for == [NAME.encode()]
    assert proxy.heads[0].startswith(b"CONNECT upstream.test:443 HTTP/1.1\r\nHost: up")


@pytest_twisted.ensureDeferred
async def test_no_tls_by_a_proxy(network: Network) -> None:
    """What needs no TLS goes through a tunnel all the same."""
    proxy, place = network.proxy()
    proxy.ports[f"{NAME}:80"] = network.upstream()

    assert await network.ask(f"http://{NAME}/", f"http://{place}") == b"hello [x]"


@pytest.mark.parametrize(
    ("login", "answer", "status", "words"),
    [
        ("ann:other", None, 407, "wants other credentials (407)"),
        ("", None, 403, f"refuses a tunnel to {NAME}:443 (403)"),
        ("", b"HTTP/1.1 502 Bad\r\n\r\n", 502, f"could not reach {NAME}:443 (502)"),
        ("", b"SSH-2.0-x\r\n", None, "did not answer as an HTTP proxy does"),
        ("", b"HTTP/1.0 200 OK\r\n\r\n<html>", None, "did not answer as an HTTP"),
    ],
)
@pytest.mark.parametrize("is_secure", [False, True])
@pytest_twisted.ensureDeferred
async def test_refusals(
    network: Network,
    login: str,
    answer: bytes | None,
    status: int | None,
    words: str,
    is_secure: bool,
) -> None:
    """What a proxy has against it is said, and whose proxy it is; not the password."""
    proxy, place = network.proxy(is_secure, login)
    proxy.answer = answer
    scheme = "https" if is_secure else "http"
    asking = network.ask(f"https://{NAME}/", f"{scheme}://ann:s3cret@{place}")
    error = await failing(asking, TunnelRefused)

    assert error.status == status
    assert in_plain_words(error).startswith(f"the proxy {place} {words}")
    assert "s3cret" not in repr(error) + str(error)
    await until(lambda: not proxy.clients)


@pytest_twisted.ensureDeferred
async def test_a_proxy_that_is_none(network: Network) -> None:
    """One that hangs up is told from one that is not there."""

    place = f"127.0.0.1:{network.listen(Abrupt.factory(b''))}"
    refused = await failing(
        network.ask(f"https://{NAME}/", f"http://{place}"), TunnelRefused
    )
    missing = await failing(
        network.ask(f"https://{NAME}/", "http://127.0.0.1:1"), NotReached
    )

    assert str(refused).startswith(f"the proxy {place} closed the connection when")
    assert str(missing) == (
        "the proxy 127.0.0.1:1 could not be reached: connection refused"
    )
    assert missing.peer.is_proxy


@pytest_twisted.ensureDeferred
async def test_other_certificates(network: Network) -> None:
    """What is wrong with a certificate is said, and of which host it is."""
    strange = Authority("Corp Inspection CA")
    found = {}
    for name, identity in {
        "expired": network.authority.issue("localhost", ends=-1),
        "early": network.authority.issue("localhost", ends=9),
        "other": network.authority.issue("a.test", "*.b.test", "10.0.0.1"),
        "none": network.authority.issue(),
        "strange": strange.issue("localhost"),
    }.items():
        url = f"https://localhost:{network.upstream(identity)}/"
        found[name] = error = await failing(network.ask(url), TlsFailed)
        assert url[8:-1] == error.peer.address
        assert str(error).startswith(f"TLS with {error.peer} failed: its certificate ")

    assert {name: error.flaw for name, error in found.items()} == {
        "expired": Flaw.EXPIRED,
        "early": Flaw.EARLY,
        "other": Flaw.OTHER_NAME,
        "none": Flaw.OTHER_NAME,
        "strange": Flaw.UNTRUSTED,
    }
    assert "clock" in str(found["expired"])
    assert str(found["other"]).endswith("is for a.test, *.b.test, 10.0.0.1")
    assert str(found["none"]).endswith("is for no host at all")
    assert found["strange"].issuer == "Corp Inspection CA"
    assert 'issued by "Corp Inspection CA"' in str(found["strange"])


@pytest_twisted.ensureDeferred
async def test_the_system_trusts_others(network: Network) -> None:
    """Without ca_file, what it has is worth nothing; with it, the system's is."""
    port = network.upstream(network.authority.issue("localhost"))
    client = network.client(Way())
    error = await failing(asked(client, f"https://localhost:{port}/"), TlsFailed)

    assert (error.flaw, error.issuer) == (Flaw.UNTRUSTED, "The Test Authority")


@pytest_twisted.ensureDeferred
async def test_a_certificate_of_the_proxy(network: Network) -> None:
    """A proxy cannot pass for the host behind it, nor another for the proxy."""
    proxy, place = network.proxy()
    proxy.ports[f"{NAME}:443"] = network.upstream(network.authority.issue("localhost"))
    behind = await failing(
        network.ask(f"https://{NAME}/", f"http://{place}"), TlsFailed
    )
    port = network.listen(proxy, network.authority.issue("other.test"))
    url = f"https://localhost:{port}"
    before = await failing(network.ask(f"https://{NAME}/", url), TlsFailed)

    assert (behind.peer.address, behind.flaw) == (f"{NAME}:443", Flaw.OTHER_NAME)
    assert (before.peer.is_proxy, before.flaw) == (True, Flaw.OTHER_NAME)
    assert str(before).startswith(f"TLS with the proxy localhost:{port} failed: its")


@pytest_twisted.ensureDeferred
async def test_no_tls_where_it_is_expected(network: Network) -> None:
    """A server, or a proxy, that speaks plain HTTP is recognised."""
    place = f"localhost:{network.listen(Abrupt.factory(b'HTTP/1.1 400 Bad'))}"
    server = await failing(network.ask(f"https://{place}/"), TlsFailed)
    proxy = await failing(
        network.ask(f"https://{NAME}/", f"https://{place}"), TlsFailed
    )

    assert (server.flaw, proxy.flaw) == (Flaw.NOT_TLS, Flaw.NOT_TLS)
    assert str(server) == f"TLS with {place} failed: it does not speak TLS"
    assert str(proxy) == f"TLS with the proxy {place} failed: it does not speak TLS"


@pytest_twisted.ensureDeferred
async def test_a_broken_handshake(network: Network) -> None:
    """It is told apart from a connection that breaks later."""
    port = network.listen(Abrupt.factory(b""))
    cut = await failing(network.ask(f"https://localhost:{port}/"), TlsFailed)
    alert = b"\x15\x03\x03\x00\x02\x02\x46"  # fatal: no such version of TLS
    port = network.listen(Abrupt.factory(alert))
    old = await failing(network.ask(f"https://localhost:{port}/"), TlsFailed)

    assert (cut.flaw, old.flaw) == (Flaw.CUT, Flaw.VERSION)


@pytest_twisted.ensureDeferred
async def test_too_late(network: Network) -> None:
    """Who says nothing is named, and the connection with it is closed."""
    proxy, place = network.proxy()
    proxy.answer = b""
    silent = network.ask(f"https://{NAME}/", f"http://{place}", seconds=0.2)
    error = await failing(silent, TunnelRefused)
    await until(lambda: not proxy.clients)
    tls = network.ask(f"https://{NAME}/", f"https://{place}", seconds=0.2)
    unheard = await failing(tls, TlsFailed)
    await until(lambda: not proxy.clients)

    assert str(error).startswith(f"the proxy {place} did not answer in time when asked")
    assert unheard.flaw is Flaw.SILENT


@pytest_twisted.ensureDeferred
async def test_cancelling(network: Network) -> None:
    """A request that is given up leaves no connection behind."""
    proxy, place = network.proxy()
    proxy.answer = b""
    client = network.client(Way(f"http://{place}"))
    request = client.request("GET", f"https://{NAME}/", headers=Headers(), data=None)
    await until(lambda: proxy.heads)
    request.cancel()
    with pytest.raises(CancelledError):
        await request

    await until(lambda: not proxy.clients)
