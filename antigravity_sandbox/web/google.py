"""The tree of Google's paths."""

from attrs import frozen
from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Request

from antigravity_sandbox.acts import Acts
from antigravity_sandbox.calls import Call
from antigravity_sandbox.google.errors import no_such_method
from antigravity_sandbox.google.paths import VERSIONS, Address, read_path
from antigravity_sandbox.kinds import CODE_ASSIST, kind_of
from antigravity_sandbox.sandbox import Sandbox
from antigravity_sandbox.web.performance import Performance

_VERSION = b"v1internal"
_VERSIONS = tuple(version.encode() for version in VERSIONS)


@frozen
class House:
    """What every resource of the tree needs."""

    sandbox: Sandbox
    clock: IReactorTime

    def begin(
        self, request: Request, address: Address, endpoint: str, body: bytes
    ) -> Call:
        """Put the call that *request* is on record."""
        return self.sandbox.record.begin(
            at=self.clock.seconds(),
            method=address.method,
            kind=address.kind,
            named=address.named,
            endpoint=endpoint,
            query=request.uri.partition(b"?")[2].decode("latin-1"),
            headers=_headers(request),
            bearer=_bearer(request),
            api_key=_only(request, b"x-goog-api-key"),
            origin=origin_of(request),
            body=body,
        )

    def perform(self, request: Request, acts: Acts, call: Call) -> int:
        """Answer *request* with *acts*."""
        record = self.sandbox.record
        Performance(request, acts, self.clock, call, record).start()
        return NOT_DONE_YET


def body_of(request: Request) -> bytes:
    """The body of a request that has arrived."""
    body: bytes = request.content.read() if request.content else b""
    return body


def _headers(request: Request) -> list[tuple[str, str]]:
    return [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in request.requestHeaders.getAllRawHeaders()
        for value in values
    ]


def _only(request: Request, name: bytes) -> str | None:
    """The header *name*, None unless there is exactly one."""
    values = request.requestHeaders.getRawHeaders(name, [])
    return values[0].decode("latin-1") if len(values) == 1 else None


def _bearer(request: Request) -> str | None:
    scheme, _, token = (_only(request, b"authorization") or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def origin_of(request: Request) -> str:
    """The URL of the sandbox, as its caller has spelled it."""
    scheme = "https" if request.isSecure() else "http"
    return f"{scheme}://{_only(request, b'host') or '127.0.0.1'}"


class Host(Resource):
    """
    One of Google's hosts: everything below its base URL.

    :param endpoint: the path segment it is told apart by, "" for none.
    """

    def __init__(self, house: House, endpoint: str = "") -> None:
        super().__init__()
        self._house = house
        self._endpoint = endpoint

    def getChild(self, path: bytes, request: Request) -> IResource:
        """A method, the operations, or another host."""
        version, colon, method = path.partition(b":")
        if version == _VERSION and colon:
            return Method(self._house, method.decode("latin-1"), self._endpoint)
        if path == _VERSION:
            return Operations(self._house, self._endpoint)
        if path in _VERSIONS:
            return Addressed(self._house, self._endpoint, path)
        if not self._endpoint:
            return Host(self._house, path.decode("latin-1"))
        return Nowhere()

    def render(self, request: Request) -> bytes:
        """Nothing is here."""
        return Nowhere().render(request)


class Nowhere(Resource):
    """A path that does not exist."""

    isLeaf = True

    def render(self, request: Request) -> bytes:
        """Say so, as Google does."""
        reply = no_such_method(request.path.decode("latin-1"))
        request.setResponseCode(reply.status)
        for name, value in reply.headers:
            request.setHeader(name, value)
        return reply.body


class Method(Resource):
    """``POST v1internal:method``, and the token endpoint."""

    isLeaf = True

    def __init__(self, house: House, method: str, endpoint: str = "") -> None:
        super().__init__()
        self._house = house
        self._method = method
        self._endpoint = endpoint

    def render(self, request: Request) -> int | bytes:
        """Answer a call."""
        if request.method != b"POST":
            return Nowhere().render(request)
        body = body_of(request)
        address = Address(kind_of(self._method), self._method)
        call = self._house.begin(request, address, self._endpoint, body)
        acts = self._house.sandbox.answer(call, body, self._house.clock.seconds())
        return self._house.perform(request, acts, call)


class Addressed(Resource):
    """A call whose path says more than its method: see ``google/paths.py``."""

    isLeaf = True

    def __init__(self, house: House, endpoint: str, version: bytes) -> None:
        super().__init__()
        self._house = house
        self._endpoint = endpoint
        self._version = version

    def render(self, request: Request) -> int | bytes:
        """Answer a call, if that is one."""
        path = [self._version, *(request.postpath or [])]
        segments = [segment.decode("latin-1") for segment in path]
        address = read_path(request.method.decode("latin-1"), segments)
        if address is None:
            return Nowhere().render(request)
        body = body_of(request)
        call = self._house.begin(request, address, self._endpoint, body)
        acts = self._house.sandbox.answer(call, body, self._house.clock.seconds())
        return self._house.perform(request, acts, call)


class Operations(Resource):
    """``GET v1internal/operations/name``."""

    isLeaf = True

    def __init__(self, house: House, endpoint: str) -> None:
        super().__init__()
        self._house = house
        self._endpoint = endpoint

    def render(self, request: Request) -> int | bytes:
        """Answer a poll."""
        kind, _, name = (
            b"/".join(request.postpath or []).decode("latin-1").partition("/")
        )
        if request.method != b"GET" or kind != "operations" or not name:
            return Nowhere().render(request)
        address = Address(CODE_ASSIST, "operations", {"operation": name})
        call = self._house.begin(request, address, self._endpoint, b"")
        acts = self._house.sandbox.answer(call, b"", self._house.clock.seconds())
        return self._house.perform(request, acts, call)
