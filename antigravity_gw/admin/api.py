"""The page's API, which ``docs/admin-api.json`` describes."""

import re
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.web.resource import Resource

from antigravity_gw.admin.actions import Actions, StoreFails
from antigravity_gw.admin.plots import RANGES, Range
from antigravity_gw.admin.session import Sessions, is_from_elsewhere
from antigravity_gw.admin.view import View
from antigravity_gw.admin.watchers import Watchers
from antigravity_gw.checks import is_model_name
from antigravity_gw.database import StoreError
from antigravity_gw.errors import BadRequest, BodyTooLarge, Forbidden, NotFound
from antigravity_gw.times import DAY
from antigravity_gw.usage.counts import By
from antigravity_gw.web.replies import write_json
from antigravity_gw.web.request import GatewayRequest
from antigravity_gw.web.resource import CoroutineResource, Rendering

TOKEN = b"x-csrf-token"
"""The header with the token without which nothing is changed."""

LONGEST_BODY = 4096
"""Nothing that can be said here takes more bytes."""

_POSIX = re.compile(r"\d{1,12}(\.\d{1,6})?")

BYS: tuple[By, ...] = ("key", "account", "model")

Do = Callable[..., Coroutine[Deferred[Any], Any, Any]]


@frozen(eq=False)
class Office:
    """
    What the resources below share.

    :ivar models: those that an account can be asked for in a test, by name.
    """

    view: View
    actions: Actions
    watchers: Watchers
    sessions: Sessions
    models: tuple[str, ...]


def make_api(office: Office) -> Resource:
    """Everything below ``/admin/api``, by path."""
    api = Place()
    view = office.view
    for name in ("status", "requests", "failures"):
        api.putChild(name.encode("ascii"), Section(view, name))
    api.putChild(b"accounts", Accounts(office))
    api.putChild(b"snapshot", Snapshot(view))
    api.putChild(b"plots", Plots(view))
    api.putChild(b"usage", Usage(view))
    api.putChild(b"session", Session(office))
    api.putChild(b"events", Events(office.watchers))
    return api


class Place(CoroutineResource):
    """A path of the API.  Pages of other origins are not answered."""

    def _rendering(self, request: GatewayRequest) -> Rendering:
        request.setHeader("cache-control", "no-store")
        if is_from_elsewhere(
            _header(request, b"sec-fetch-site"),
            _header(request, b"origin"),
            _header(request, b"host") or "",
        ):
            raise Forbidden("pages of other origins may not see or do anything here")
        if not self.renderers:
            raise NotFound("there is nothing at this path")
        return super()._rendering(request)


class Sight(Place):
    """Something there is to see."""

    def __init__(self, view: View) -> None:
        super().__init__()
        self._view = view


class Section(Sight):
    """A part of the snapshot."""

    def __init__(self, view: View, name: str) -> None:
        super().__init__(view)
        self._name = name

    async def render_GET(self, request: GatewayRequest) -> None:
        """As it is now."""
        write_json(request, self._view.sections()[self._name])


class Snapshot(Sight):
    """All of it, for who cannot be told of it by events."""

    async def render_GET(self, request: GatewayRequest) -> None:
        """As it is now."""
        write_json(request, self._view.sections())


class Plots(Sight):
    """The course of an hour or a day."""

    async def render_GET(self, request: GatewayRequest) -> None:
        """In columns."""
        write_json(request, self._view.plots(_range(request)))


class Usage(Sight):
    """Who or what has used how much."""

    async def render_GET(self, request: GatewayRequest) -> None:
        """A line for each, those with most tokens first."""
        by, since = _by(request), _since(request, self._view.pool.now() - DAY)
        try:
            lines = await self._view.usage(by, since)
        except StoreError as error:
            raise StoreFails(error.message) from None
        write_json(request, lines)


class Session(Place):
    """Who looks, and what it takes to change something."""

    def __init__(self, office: Office) -> None:
        super().__init__()
        self._office = office

    async def render_GET(self, request: GatewayRequest) -> None:
        """The token, among others."""
        office, who = self._office, request.served.key
        told = {
            "who": who,
            "csrf_token": office.sessions.token(who),
            "models": office.models,
        }
        write_json(request, told)


class Events(Place):
    """The same parts as they change, as server-sent events."""

    def __init__(self, watchers: Watchers) -> None:
        super().__init__()
        self._watchers = watchers

    async def render_GET(self, request: GatewayRequest) -> None:
        """Until either side ends it."""
        request.setHeader("content-type", "text/event-stream")
        request.setHeader("x-accel-buffering", "no")
        if request.method != b"HEAD":
            await self._watchers.show(request)


class Accounts(Section):
    """All accounts, and each of them below."""

    def __init__(self, office: Office) -> None:
        super().__init__(office.view, "accounts")
        self._office = office

    def getChild(self, path: bytes, request: GatewayRequest) -> Resource:
        """The account of this id."""
        return OneAccount(self._office, path.decode("utf-8", "replace"))


class OneAccount(Place):
    """An account; what can be done to it is below."""

    def __init__(self, office: Office, id: str) -> None:
        super().__init__()
        for name, do in office.actions.doings.items():
            takes = {"model"} if name == "test" else set()
            doing = Doing(office.sessions, id, do, takes)
            self.putChild(name.encode("ascii"), doing)


class Doing(Place):
    """
    Something that can be done to an account.

    :param takes: the members that a body may have.
    """

    def __init__(self, sessions: Sessions, id: str, do: Do, takes: set[str]) -> None:
        super().__init__()
        self._takes = takes
        self._sessions = sessions
        self._id = id
        self._do = do

    async def render_POST(self, request: GatewayRequest) -> None:
        """Do it, and tell of it."""
        who = request.served.key
        if not self._sessions.knows(who, _header(request, TOKEN) or ""):
            raise Forbidden(
                "this changes something, so it takes the csrf_token of "
                "/admin/api/session in the header X-CSRF-Token; a restart makes it void"
            )
        said = _said(request)
        if not said.keys() <= self._takes:
            raise BadRequest("the body has a member that means nothing here")
        if not is_model_name(said.get("model", "any")):
            raise BadRequest("model is not the name of a model")
        write_json(request, await self._do(self._id, who, **said))


def _said(request: GatewayRequest) -> dict[str, str]:
    """What a body says: an object with nothing in it, or the name of a model."""
    kind = (_header(request, b"content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise BadRequest("the body must be JSON, and its Content-Type say so")
    body = request.take_body()
    if len(body) > LONGEST_BODY:
        raise BodyTooLarge(f"the body is longer than {LONGEST_BODY} bytes")
    try:
        said = msgspec.json.decode(body or b"{}", type=dict[str, str])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise BadRequest("the body must be a JSON object") from None
    return said


def _header(request: GatewayRequest, name: bytes) -> str | None:
    value = request.getHeader(name)
    return None if value is None else value.decode("latin-1")


def _range(request: GatewayRequest) -> Range:
    name = _argument(request, b"range", "hour")
    if name not in RANGES:
        raise BadRequest(f"range is one of {', '.join(RANGES)}")
    return RANGES[name]


def _by(request: GatewayRequest) -> By:
    name = _argument(request, b"by", "key")
    for by in BYS:
        if by == name:
            return by
    raise BadRequest(f"by is one of {', '.join(BYS)}")


def _since(request: GatewayRequest, usual: float) -> float:
    text = _argument(request, b"since", "")
    if text and not _POSIX.fullmatch(text):
        raise BadRequest("since is a moment in POSIX seconds")
    return float(text) if text else usual


def _argument(request: GatewayRequest, name: bytes, default: str) -> str:
    values = (request.args or {}).get(name, [])
    return values[-1].decode("utf-8", "replace") if values else default
