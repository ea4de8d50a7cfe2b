"""The whole tree, and the connections to it."""

from collections.abc import Callable

from twisted.internet.interfaces import IProtocolNegotiationFactory, IReactorTime
from twisted.protocols.policies import WrappingFactory
from twisted.web.http import datetimeToString
from twisted.web.resource import IResource
from twisted.web.server import Request, Site
from zope.interface import implementer

from antigravity_sandbox.sandbox import Sandbox
from antigravity_sandbox.web.consent import ConsentPage, UserInfo, below
from antigravity_sandbox.web.control import control_tree
from antigravity_sandbox.web.google import Host, House, Method


@implementer(IProtocolNegotiationFactory)
class SandboxFactory(WrappingFactory):
    """Serves a sandbox, and can drop its connections so that none outlives it."""

    noisy = False

    def __init__(self, sandbox: Sandbox, clock: IReactorTime) -> None:
        house = House(sandbox, clock)
        root = Host(house)
        root.putChild(b"token", Method(house, "token"))
        root.putChild(b"revoke", Method(house, "revoke"))
        root.putChild(b"o", below(ConsentPage(house), b"oauth2", b"v2", b"auth"))
        root.putChild(b"oauth2", below(UserInfo(house), b"v2", b"userinfo"))
        root.putChild(b"sandbox", control_tree(sandbox))
        site = QuietSite(root, reactor=clock, parsePOSTFormSubmission=False)
        site.told_time = lambda: clock.seconds() + sandbox.clock_ahead
        super().__init__(site)

    def acceptableProtocols(self) -> list[bytes]:
        """What a TLS listener may agree on; without it clients that ask are refused."""
        return [b"http/1.1"]

    def drop(self) -> None:
        """Cut every connection, whatever it is doing."""
        for connection in list(self.protocols):
            connection.transport.abortConnection()


class QuietSite(Site):
    """
    A site without an access log: the record of calls says more.

    :ivar told_time: the time that answers are dated with, in POSIX seconds.
    """

    noisy = False
    told_time: Callable[[], float]

    def getResourceFor(self, request: Request) -> IResource:
        """What answers *request*, which is dated by the sandbox's own clock."""
        request.setHeader(b"date", datetimeToString(self.told_time()))
        found: IResource = super().getResourceFor(request)
        return found

    def log(self, request: object) -> None:
        """Write nothing."""
