"""
The HTTP client: treq's interface, over Twisted's connections.

A call costs treq 0.1 ms, as much as everything else about it together, for
what a gateway must not do anyway: keep cookies, follow redirects, inflate
without a bound.  Twisted's agent takes the URL apart for every request, though
there are few of them.  So each is asked for less here; ``tests/test_http.py``
pins what is relied upon.
"""

from typing import Any, cast

from attrs import define, field, frozen
from treq.client import HTTPClient
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IStreamClientEndpoint, ITransport
from twisted.internet.ssl import CertificateOptions
from twisted.web._newclient import Request
from twisted.web.client import URI, HTTPConnectionPool
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

from antigravity_gw.errors import OutOfDescriptors
from antigravity_gw.upstream.body import SealedBody
from antigravity_gw.upstream.failures import Peer
from antigravity_gw.upstream.heads import BoundedConnections
from antigravity_gw.upstream.inflating import InflatingAgent
from antigravity_gw.upstream.outbound import Outbound
from antigravity_gw.upstream.trust import trusting
from antigravity_gw.upstream.way import Way, read_proxy
from antigravity_gw.waiting import is_room_left

ACCEPTED = b"identity"
"""What to ask for: inflating costs more than the bytes it saves, see
``docs/performance.md``.  Answers that come in gzip are read all the same."""

KEPT_CONNECTIONS = 100
KEPT_SECONDS = 60
"""How many idle connections to keep to each of Google's hosts, and how long."""

DIRECTLY = Way()

MOST_ROUTES = 64
"""So many hosts are remembered; a daemon asks a handful of them."""


class PlainClient(HTTPClient):
    """treq's client, which hands requests to its agent and adds nothing."""

    def request(  # type: ignore[override]
        self, method: str, url: str, *, headers: Headers, data: IBodyProducer | None
    ) -> Deferred[IResponse]:
        """
        Make one request.

        :returns: a Deferred that fires with the response once its head is there,
            the body yet to be delivered; it can be cancelled until then.
        """
        return self._agent.request(method.encode(), url.encode(), headers, data)


@frozen
class Route:
    """
    How to reach a host.

    :ivar key: tells the connections that can be used for it.
    :ivar name: what the ``Host`` header has to say.
    """

    key: tuple[Any, ...]
    endpoint: IStreamClientEndpoint
    name: bytes


@implementer(IAgent)
@define(eq=False)
class RoutingAgent:
    """
    An agent that finds out only once how to reach a host.

    :ivar connect_seconds: how long a connection may take to come about.
    :ivar options: whom TLS connections trust.
    """

    reactor: Any
    connections: HTTPConnectionPool
    connect_seconds: float
    way: Way
    options: CertificateOptions
    _routes: dict[bytes, Route] = field(factory=dict, init=False)

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,
    ) -> Deferred[IResponse]:
        """Make one request, see :class:`twisted.web.iweb.IAgent`."""
        origin, path = _parted(uri)
        route = self._routes.get(origin) or self._remembered(origin)
        request = OneWriteRequest(
            method,
            path,
            Headers() if headers is None else headers,
            bodyProducer,
            self.connections.persistent,
        )
        request.host = route.name
        connected = self.connections.getConnection(route.key, route.endpoint)
        return connected.addCallback(lambda connection: connection.request(request))

    def _remembered(self, origin: bytes) -> Route:
        if len(self._routes) >= MOST_ROUTES:
            self._routes.clear()
        route = self._routes[origin] = self._route(URI.fromBytes(origin))
        return route

    def _route(self, uri: URI) -> Route:
        endpoint = Outbound(
            self.reactor,
            Peer(uri.host.decode("ascii"), uri.port),
            uri.scheme == b"https",
            read_proxy(self.way.proxy) if self.way.proxy else None,
            self.options,
            self.connect_seconds,
        )
        # A connection is as good as the way it was made, so never used for another.
        key = (uri.scheme, uri.host, uri.port, self.way.proxy, self.way.ca_file)
        return Route(key, endpoint, uri.netloc)


def _parted(url: bytes) -> tuple[bytes, bytes]:
    """The host of *url*, with its scheme, and the path with the query."""
    slash = url.find(b"/", url.find(b"://") + 3)
    return (url[:slash], url[slash:]) if slash >= 0 else (url, b"/")


class OneWriteRequest(Request):
    """
    A request whose head and body go out together when both are short.

    :ivar host: the value of its ``Host``; its headers may be shared with others.
    """

    host = b""

    def writeTo(self, transport: ITransport) -> Deferred[None]:
        """The Deferred fires when all of it has been handed to *transport*."""
        body = self.bodyProducer
        whole = body.in_one_piece() if isinstance(body, SealedBody) else None
        if whole is None:
            self.headers = self.headers.copy()
            self.headers.setRawHeaders(b"host", [self.host])
            return cast("Deferred[None]", super().writeTo(transport))
        lines = [
            b"%b %b HTTP/1.1" % (self.method, self.uri),
            b"Host: %b" % self.host,
        ]
        if not self.persistent:
            lines.append(b"Connection: close")
        lines.append(b"Content-Length: %d" % len(whole))
        for name, values in self.headers.getAllRawHeaders():
            lines += [b"%b: %b" % (name, value) for value in values]
        lines += [b"", whole]
        transport.write(b"\r\n".join(lines))
        return succeed(None)


class Connections(HTTPConnectionPool):
    """Connections to upstream, kept for the next request."""

    _factory = BoundedConnections
    maxPersistentPerHost = KEPT_CONNECTIONS
    cachedConnectionTimeout = KEPT_SECONDS
    retryAutomatically = False

    def _newConnection(self, key: Any, endpoint: IStreamClientEndpoint) -> Any:
        # Looking up a name without a descriptor may never come to an end.
        if not is_room_left():
            return fail(OutOfDescriptors())
        return super()._newConnection(key, endpoint)

    def _putConnection(self, key: Any, connection: Any) -> None:
        # One that we are closing looks idle once its answer has ended, too.  The
        # next request would be written to it, and its answer never read.
        if not connection.transport.disconnecting:
            super()._putConnection(key, connection)


def make_client(
    reactor: Any, connections: Connections, seconds: float, way: Way = DIRECTLY
) -> PlainClient:
    """
    A client that asks over *connections*.

    :param seconds: how long a new one may take to come about.
    :raises UselessFile: when the certificates of *way* cannot be read.
    """
    agent = RoutingAgent(reactor, connections, seconds, way, trusting(way.ca_file))
    return PlainClient(InflatingAgent(agent, ACCEPTED))
