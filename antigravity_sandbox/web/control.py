"""The control endpoint: JSON in, JSON out, for callers on this machine."""

from collections.abc import Callable
from functools import partial
from ipaddress import ip_address
from urllib.parse import parse_qsl

from twisted.web.resource import IResource, Resource
from twisted.web.server import Request

from antigravity_sandbox import control
from antigravity_sandbox.google.envelope import read_json, read_object
from antigravity_sandbox.google.errors import refusal
from antigravity_sandbox.reply import Json, Refused, Reply, json_reply
from antigravity_sandbox.sandbox import Sandbox
from antigravity_sandbox.web.google import Nowhere, body_of, origin_of

Action = Callable[..., Json | Reply]
"""Takes the sandbox, and what the caller sent along if there can be something."""


class Switch(Resource):
    """
    A path of the control endpoint.

    :param actions: what to do, by the HTTP method.
    """

    _reader: Callable[[bytes], object] = staticmethod(read_object)

    def __init__(self, sandbox: Sandbox, **actions: Action) -> None:
        super().__init__()
        self._sandbox = sandbox
        self._actions = actions

    def getChild(self, path: bytes, request: Request) -> IResource:
        """Nothing is below, unless it was put there."""
        return Nowhere()

    def render(self, request: Request) -> bytes:
        """Do it, and answer what came of it."""
        try:
            answer = self._act(request)
            reply = answer if isinstance(answer, Reply) else json_reply(200, answer)
        except Refused as refused:
            reply = refused.reply
        request.setResponseCode(reply.status)
        for name, value in reply.headers:
            request.setHeader(name, value)
        return reply.body

    def _act(self, request: Request) -> Json | Reply:
        if not _is_local(request):
            raise Refused(refusal(403, "Only callers on this machine may do that."))
        method = request.method.decode("latin-1")
        if method not in self._actions:
            known = ", ".join(self._actions)
            raise Refused(refusal(404, f"{method} is not among {known} here."))
        return self._actions[method](self._sandbox, *self._told(method, request))

    def _told(self, method: str, request: Request) -> tuple[object, ...]:
        """What the action is to be told besides the sandbox."""
        return (self._reader(body_of(request)),) if method == "POST" else ()


def _is_local(request: Request) -> bool:
    """Whether the caller is on this machine, as one on a UNIX socket always is."""
    host = getattr(request.getClientAddress(), "host", "127.0.0.1")
    return ip_address(host).is_loopback


def _query(request: Request) -> dict[str, str]:
    query = request.uri.partition(b"?")[2].decode("latin-1")
    return dict(parse_qsl(query, keep_blank_values=True))


class Rules(Switch):
    """``/sandbox/rules``, which takes a list as well as an object."""

    _reader = staticmethod(read_json)


class Calls(Switch):
    """``/sandbox/calls``, of which one can ask for a part."""

    def _told(self, method: str, request: Request) -> tuple[object, ...]:
        return (_query(request),) if method == "GET" else ()


class Accounts(Switch):
    """``/sandbox/accounts``, and every account below it."""

    def getChild(self, path: bytes, request: Request) -> IResource:
        """The switch of one account."""
        name = path.decode("latin-1")
        switch = Switch(
            self._sandbox,
            GET=partial(control.account, name=name),
            PUT=partial(control.add_account, name=name),
            POST=lambda sandbox, body: control.tell_account(sandbox, name, body),
        )
        switch.putChild(b"credentials", Credentials(self._sandbox, name))
        vouch = partial(control.subject_token, name=name)
        switch.putChild(b"subject-token", Asked(self._sandbox, GET=vouch))
        return switch


class Asked(Switch):
    """A path that takes what is asked of it from the query."""

    def _told(self, method: str, request: Request) -> tuple[object, ...]:
        return (_query(request),)


class Credentials(Switch):
    """The credential files of one account, by their types."""

    def __init__(self, sandbox: Sandbox, name: str) -> None:
        super().__init__(sandbox)
        self._name = name

    def getChild(self, path: bytes, request: Request) -> IResource:
        """The file of one type."""
        find = partial(
            control.credentials,
            name=self._name,
            kind=path.decode("latin-1"),
            origin=origin_of(request),
        )
        return Asked(self._sandbox, GET=find)


def control_tree(sandbox: Sandbox) -> Resource:
    """Everything below ``/sandbox``."""
    root = Switch(sandbox, GET=control.overview)
    root.putChild(
        b"rules",
        Rules(
            sandbox,
            GET=control.rules,
            POST=control.add_rules,
            DELETE=control.drop_rules,
        ),
    )
    root.putChild(
        b"calls", Calls(sandbox, GET=control.calls, DELETE=control.drop_calls)
    )
    root.putChild(b"seed", Switch(sandbox, POST=control.set_seed))
    root.putChild(b"pace", Switch(sandbox, GET=control.pace, POST=control.set_pace))
    root.putChild(b"clock", Switch(sandbox, GET=control.clock, POST=control.set_clock))
    root.putChild(b"accounts", Accounts(sandbox, GET=control.accounts))
    return root
