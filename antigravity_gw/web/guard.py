"""Who may call: the one gate in front of every path."""

from collections.abc import Sequence
from enum import Enum

from attrs import define, evolve, field
from twisted.internet.address import UNIXAddress
from twisted.internet.interfaces import IAddress
from twisted.logger import Logger
from twisted.web.http import Request

from antigravity_gw.errors import BadRequest, Forbidden, Unauthenticated
from antigravity_gw.keys import (
    ANYBODY,
    HEADERS,
    Key,
    KeyRing,
    StoredKey,
    presented,
)
from antigravity_gw.web.operators import Operators
from antigravity_gw.web.origins import (
    host_of,
    is_expected_host,
    is_loopback,
    is_same_site,
)
from antigravity_gw.web.paths import Area

OTHER_HOST = (
    "the Host header names another machine; if that name is this gateway's, its "
    "operator has to add it to http.hosts"
)


class Mode(Enum):
    """When a key is asked for."""

    OFF = "off"
    STRICT = "strict"
    ALL_EXCEPT_HEALTH = "all_except_health"
    AUTO = "auto"


def is_local(address: IAddress) -> bool:
    """Whether only this machine can connect to *address*."""
    if isinstance(address, UNIXAddress):
        return True
    return is_loopback(str(getattr(address, "host", "")))


@define
class Guard:
    """
    Looks at the head of each request, before its body is read.

    :ivar mode: never AUTO once :meth:`settle` was called.
    :ivar hosts: names besides loopback that ``Host`` may have, in lower case.
    :ivar origins: web origins whose pages may call.
    :ivar operators: the gate in front of what is for operators only.
    """

    mode: Mode
    keys: KeyRing
    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    operators: Operators = field(factory=Operators)
    _log: Logger = field(factory=Logger, init=False)
    _warned: bool = field(default=False, init=False)

    def settle(self, addresses: list[IAddress]) -> bool:
        """
        Decide what ``auto`` means for the addresses that are listened on.

        It means "off" where only this machine can connect.

        :returns: whether a key is asked for now.
        """
        if self.mode is Mode.AUTO:
            local = all(map(is_local, addresses))
            self.mode = Mode.OFF if local else Mode.ALL_EXCEPT_HEALTH
        return self.mode is not Mode.OFF

    def take_up(self, stored: Sequence[StoredKey]) -> None:
        """Go by these keys of the store, beside those of the configuration."""
        if self.keys.stored == tuple(stored):
            return
        before = self.keys.twice()
        self.keys = evolve(self.keys, stored=tuple(stored))
        for name in sorted(self.keys.twice() - before):
            self._log.warn(
                "there are two keys called {name}: the one of auth.keys counts, and "
                "that of the store lets nobody in. Give one of them another name: "
                "'antigravity-gw keys revoke {name}' forgets that of the store.",
                name=name,
            )

    def admit(self, request: Request, area: Area, now: float) -> Key:
        """
        Let *request* pass, or not.

        :param area: what its path is about.
        :returns: the key that was shown, which may have expired; ANYBODY where none
            is asked for, and none of ours is shown.
        :raises GatewayError: when it may not pass, saying why.
        """
        authority = self._authority(request)
        is_open = self.mode is Mode.OFF
        if is_open:
            self._admit_local(request, authority)
        if area is Area.OPERATORS:
            return self.operators.admit(request, now, asks_clients=not is_open)
        if self.mode is not Mode.STRICT and area is Area.HEALTH:
            return ANYBODY
        if is_open:
            return self._recognised(request, now)
        return self._admit_key(request, now)

    def allows_origin(self, request: Request) -> str | None:
        """The ``Origin`` of *request* if pages from there may read the answer."""
        if not self.origins:
            return None
        origin = (request.getHeader(b"origin") or b"").decode("latin-1")
        return origin if origin in self.origins else None

    def _authority(self, request: Request) -> str | None:
        """The ``Host`` header; HTTP/1.1 wants exactly one (RFC 9112, 3.2)."""
        hosts = request.requestHeaders.getRawHeaders(b"host", [])
        if len(hosts) > 1 or (not hosts and request.clientproto == b"HTTP/1.1"):
            raise BadRequest("the request must have one Host header")
        authority = hosts[0].decode("latin-1") if hosts else None
        if authority and host_of(authority) is None:
            raise BadRequest("the Host header is malformed")
        return authority

    def _admit_local(self, request: Request, authority: str | None) -> None:
        """Without keys, a web page must not be able to spend the quota."""
        if isinstance(request.getHost(), UNIXAddress):
            return
        if authority is not None and not is_expected_host(authority, self.hosts):
            raise Forbidden(OTHER_HOST)
        for origin in request.requestHeaders.getRawHeaders(b"origin", []):
            text = origin.decode("latin-1")
            if not is_same_site(text, authority or "", self.origins):
                raise Forbidden(
                    "requests from other web sites are refused; the operator can "
                    "list this one in http.cors_origins"
                )

    def _recognised(self, request: Request, now: float) -> Key:
        """Whose key it shows, though none is asked for: SDKs always show some."""
        if self.keys.is_empty:
            return ANYBODY
        try:
            return self.keys.owner(_shown(request), now) or ANYBODY
        except Unauthenticated:  # two of a kind: it cannot be told which is meant
            return ANYBODY

    def _admit_key(self, request: Request, now: float) -> Key:
        secrets = _shown(request)
        if self.keys.is_empty:
            self._warn()
            raise Unauthenticated(
                "this gateway has no key yet, so it lets nobody in: its operator has "
                "to make one with 'antigravity-gw keys add NAME'"
            )
        owner = self.keys.owner(secrets, now)
        if owner is None:
            raise Unauthenticated(
                "the key is not one of this gateway's"
                if secrets
                else "this gateway wants its key in x-goog-api-key, x-api-key or "
                "Authorization: Bearer"
            )
        return owner

    def _warn(self) -> None:
        if not self._warned:
            self._warned = True
            self._log.critical(
                "EVERY REQUEST IS REFUSED: keys are asked for (auth.mode = {mode}) "
                "and there is none. Make one with 'antigravity-gw keys add NAME'; it "
                "works within two seconds.",
                mode=self.mode.value,
            )


def _shown(request: Request) -> list[bytes]:
    """
    The secrets that *request* shows.

    :raises Unauthenticated: when it shows two in the same way.
    """
    headers = request.requestHeaders
    return presented(
        headers.getRawHeaders(b"authorization", []),
        [headers.getRawHeaders(name, []) for name in HEADERS],
        (request.args or {}).get(b"key", []),
    )
