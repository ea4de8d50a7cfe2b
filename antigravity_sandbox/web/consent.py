"""The consent page, for a person in a browser, and whose a token is."""

from urllib.parse import parse_qs, parse_qsl

from twisted.web.resource import IResource, Resource
from twisted.web.server import Request

from antigravity_sandbox.accounts import CLIENT_ID
from antigravity_sandbox.google import consent, pages
from antigravity_sandbox.google.paths import Address
from antigravity_sandbox.reply import Refused, Reply
from antigravity_sandbox.web.google import House, Nowhere, body_of


class ConsentPage(Resource):
    """``/o/oauth2/v2/auth``: asks the owner of an account, who answers with a form."""

    isLeaf = True

    def __init__(self, house: House) -> None:
        super().__init__()
        self._house = house

    def render_GET(self, request: Request) -> bytes:
        """Ask."""
        try:
            asked = consent.read_asked(_query(request))
        except Refused as refused:
            return _shown(request, refused.reply)
        emails = [each.account.email for each in self._house.sandbox.accounts]
        emails.sort(key=lambda email: email != asked.hint)
        return _shown(request, pages.consent(CLIENT_ID, emails, asked.scopes))

    def render_POST(self, request: Request) -> bytes:
        """Take the answer, and send the browser back to who asked."""
        form = parse_qs(body_of(request).decode("latin-1"))
        try:
            location = self._decided(consent.read_asked(_query(request)), form)
        except Refused as refused:
            return _shown(request, refused.reply)
        request.setResponseCode(302)
        request.setHeader(b"location", location.encode())
        request.setHeader(b"cache-control", b"no-store")
        return b""

    def _decided(self, asked: consent.Asked, form: dict[str, list[str]]) -> str:
        sandbox = self._house.sandbox
        standing = sandbox.accounts.by_email(form.get("account", [""])[-1])
        if form.get("decision") != ["allow"] or standing is None:
            return asked.answer(error="access_denied")
        now = self._house.clock.seconds()
        return sandbox.consents.decide(asked, standing, form.get("scope", []), now)


class UserInfo(Resource):
    """``GET /oauth2/v2/userinfo``."""

    isLeaf = True

    def __init__(self, house: House) -> None:
        super().__init__()
        self._house = house

    def render_GET(self, request: Request) -> int:
        """Answer whoever has a token."""
        call = self._house.begin(request, Address(None, "userinfo"), "", b"")
        acts = self._house.sandbox.answer(call, b"", self._house.clock.seconds())
        return self._house.perform(request, acts, call)


def below(leaf: Resource, *path: bytes) -> Resource:
    """A resource that has nothing but *leaf*, so far down."""
    for segment in reversed(path):
        parent = _Folder()
        parent.putChild(segment, leaf)
        leaf = parent
    return leaf


class _Folder(Resource):
    """A path that has something below it, and is nothing itself."""

    def getChild(self, path: bytes, request: Request) -> IResource:
        """Nothing is below, unless it was put there."""
        return Nowhere()

    def render(self, request: Request) -> bytes:
        """Nothing is here."""
        return Nowhere().render(request)


def _query(request: Request) -> dict[str, str]:
    """The query, of a name given twice the last value."""
    query = request.uri.partition(b"?")[2].decode("latin-1")
    return dict(parse_qsl(query, keep_blank_values=True))


def _shown(request: Request, reply: Reply) -> bytes:
    request.setResponseCode(reply.status)
    for name, value in reply.headers:
        request.setHeader(name, value)
    return reply.body
