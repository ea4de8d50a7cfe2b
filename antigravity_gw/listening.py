"""The sockets that clients connect to."""

import contextlib
import errno
from typing import Any, Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import (
    IAddress,
    IListeningPort,
    IProtocolFactory,
    IStreamServerEndpoint,
)
from twisted.logger import Logger
from twisted.python.failure import Failure

from antigravity_gw.accepting import make_patient
from antigravity_gw.inheriting import (
    PREFIX,
    NotInherited,
    check_spelling,
    inherited,
)
from antigravity_gw.sending import accept_prompt
from antigravity_gw.web.guard import is_local

BACKLOG = 4096
"""How many connections may wait to be accepted; the kernel may allow fewer."""

EXAMPLE = (
    "curl {url}/v1beta/models/gemini-2.5-flash:generateContent "
    "-H 'Content-Type: application/json' "
    """-d '{{"contents":[{{"parts":[{{"text":"Hello"}}]}}]}}'"""
)


class CannotStart(SystemExit):
    """The daemon does not start; the message says why in one line, on stderr."""

    def __init__(self, message: str) -> None:
        super().__init__(f"antigravity-gw: {message}")


class Door(Protocol):
    """What is told where the listeners are, before anybody can come in."""

    def settle(self, addresses: list[IAddress]) -> bool:
        """
        Take note of the addresses that are listened on.

        :returns: whether a key is asked of those who come.
        """


class Listeners(Service):
    """
    Listens on every configured endpoint, or does not start.

    :param endpoints: Twisted server endpoint strings.
    :param insecure: whether strangers may be let in without a key.
    :param simulated_by: the URL of the sandbox that plays Google, if one does.
    :param handed_over: the names of the sockets that systemd has opened.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        endpoints: tuple[str, ...],
        factory: IProtocolFactory,
        door: Door,
        *,
        insecure: bool,
        simulated_by: str | None = None,
        handed_over: tuple[str, ...] = (),
    ) -> None:
        self._reactor = reactor
        self._endpoints = endpoints
        self._factory = factory
        self._door = door
        self._insecure = insecure
        self._simulated_by = simulated_by
        self._handed_over = handed_over
        self._ports: list[IListeningPort] = []

    @property
    def setting(self) -> str:
        """The setting that the endpoints come from."""
        return "listen"

    def privilegedStartService(self) -> None:
        """
        Open the sockets, while there may still be the privilege to.

        Nothing is served before the reactor runs, so it is not too late to
        refuse when it turns out who could come in.

        :raises CannotStart: when a socket cannot be opened, or must not be.
        """
        super().privilegedStartService()
        self._ports = [self._listen(endpoint) for endpoint in self._endpoints]
        urls = [
            described(port.getHost(), encrypted=endpoint.startswith(("ssl:", "tls:")))
            for port, endpoint in zip(self._ports, self._endpoints, strict=True)
        ]
        asks_for_key = self.settle(self._door)
        for url in urls:
            self.announce(url, asks_for_key)
        if self._simulated_by:
            self._invite(urls[0])

    def announce(self, url: str, asks_for_key: bool) -> None:
        """Say where it listens."""
        self._log.info(
            "listening on {url}, {auth}",
            url=url,
            auth="a key is asked for" if asks_for_key else "no key is asked for",
        )

    def settle(self, door: Door) -> bool:
        """
        Tell *door* where people come from.

        :returns: whether it asks them for a key.
        :raises CannotStart: when it must not let them in like that.
        """
        addresses = [port.getHost() for port in self._ports]
        asks_for_key = door.settle(addresses)
        exposed = [address for address in addresses if not is_local(address)]
        if exposed and not asks_for_key and not self._insecure:
            raise CannotStart(
                f"refusing to listen on {described(exposed[0])} with auth.mode = "
                "'off': anybody who can reach it could spend your quota. Have keys "
                "asked for (auth.mode = 'auto'; 'antigravity-gw keys add NAME' makes "
                "one), or listen on 127.0.0.1, or say --insecure if you mean it"
            )
        return asks_for_key

    def stopService(self) -> Deferred[None]:
        """Close the sockets; the Deferred fires when they are closed."""
        super().stopService()
        closing = [port.stopListening() for port in self._ports]
        self._ports.clear()
        waiting = DeferredList([d for d in closing if isinstance(d, Deferred)])
        return waiting.addCallback(lambda _: None)

    def _invite(self, url: str) -> None:
        self._log.warn(
            "SANDBOX: answers are simulated by {simulated_by}, nothing reaches Google",
            simulated_by=self._simulated_by,
        )
        self._log.info("try: {example}", example=EXAMPLE.format(url=url))

    def _listen(self, description: str) -> IListeningPort:
        try:
            endpoint = self._endpoint(description)
            opened: list[IListeningPort | Failure] = []
            endpoint.listen(self._factory).addBoth(opened.append)
        except NotInherited as why:
            raise CannotStart(f"{self.setting} = {description!r}: {why}") from None
        except Exception as error:
            raise CannotStart(_no_endpoint(self.setting, description, error)) from None
        if not opened:
            raise CannotStart(f"{self.setting} = {description!r} does not open at once")
        if isinstance(opened[0], Failure):
            raise CannotStart(self._why_not(description, opened[0].value))
        make_patient(opened[0], self._reactor)
        accept_prompt(opened[0])
        return opened[0]

    def _endpoint(self, description: str) -> IStreamServerEndpoint:
        if description.startswith(PREFIX):
            return inherited(self._reactor, description, self._handed_over)
        return endpoint_of(self._reactor, description)

    def _why_not(self, description: str, error: BaseException | None) -> str:
        cause = error.socketError if isinstance(error, CannotListenError) else error
        reason = getattr(cause, "strerror", None) or str(cause)
        to_do = "stop what uses it, or choose another with --listen"
        if self._handed_over and getattr(cause, "errno", None) == errno.EADDRINUSE:
            to_do = (
                "if systemd has opened it for this service, say "
                f"{self.setting} = ['{PREFIX}domain=INET:name={self._handed_over[0]}']"
            )
        return f"cannot listen on {description!r}: {reason}; {to_do}"


def endpoint_of(reactor: Any, description: str) -> IStreamServerEndpoint:
    """
    The endpoint that *description* names.

    As many clients as can be may wait to be accepted, unless it says how many:
    with Twisted's default of 50, a crowd is let in by fits and starts.
    """
    endpoint: IStreamServerEndpoint
    if "backlog=" not in description:
        with contextlib.suppress(Exception):  # endpoints that have no such thing
            endpoint = serverFromString(reactor, f"{description}:backlog={BACKLOG}")
            return endpoint
    endpoint = serverFromString(reactor, description)
    return endpoint


def check_endpoints(
    reactor: Any, endpoints: tuple[str, ...], setting: str = "listen"
) -> list[str]:
    """
    What is wrong with *endpoints*, as far as can be seen without opening them.

    :param setting: where they come from.
    """
    problems = []
    for description in endpoints:
        is_inherited = description.startswith(PREFIX)
        look = check_spelling if is_inherited else endpoint_of
        try:
            look(reactor, description)
        except Exception as error:
            problems.append(_no_endpoint(setting, description, error))
    return problems


def described(address: IAddress, encrypted: bool = False) -> str:
    """*address* as a person would type it."""
    host, port = getattr(address, "host", None), getattr(address, "port", None)
    if host is None:
        name = getattr(address, "name", None)
        return f"unix:{name.decode()}" if isinstance(name, bytes) else str(address)
    return f"http{'s' * encrypted}://{f'[{host}]' if ':' in host else host}:{port}"


def _no_endpoint(setting: str, description: str, error: Exception) -> str:
    return (
        f"{setting} = {description!r} is no endpoint this machine has ({error}); "
        "try 'tcp:8045:interface=127.0.0.1'"
    )
