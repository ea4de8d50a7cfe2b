"""The whole tree, and the connections to it."""

from twisted.internet.interfaces import IProtocolNegotiationFactory, IReactorTime
from twisted.protocols.policies import WrappingFactory
from twisted.web.server import Site
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
        super().__init__(QuietSite(root, reactor=clock, parsePOSTFormSubmission=False))

    def acceptableProtocols(self) -> list[bytes]:
        """What a TLS listener may agree on; without it clients that ask are refused."""
        return [b"http/1.1"]

    def drop(self) -> None:
        """Cut every connection, whatever it is doing."""
        for connection in list(self.protocols):
            connection.transport.abortConnection()


class QuietSite(Site):
    """A site without an access log: the record of calls says more."""

    noisy = False

    def log(self, request: object) -> None:
        """Write nothing."""
