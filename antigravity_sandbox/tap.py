"""``twistd antigravity-sandbox``: the sandbox on its own."""

import sys
from random import Random
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import SSL4ServerEndpoint, serverFromString
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint
from twisted.logger import Logger
from twisted.python import usage
from twisted.python.failure import Failure

from antigravity_sandbox.accounts import CLIENT_ID, CLIENT_SECRET, DEMO_ACCOUNTS
from antigravity_sandbox.mischief.behaviour import read_count, read_seconds
from antigravity_sandbox.sandbox import Sandbox
from antigravity_sandbox.web.site import SandboxFactory

WELCOME = (
    "the sandbox plays Google at {url}; what it can do wrong: curl {url}/sandbox",
    "a token to begin with: curl {url}/token -d grant_type=refresh_token "
    "-d client_id={client_id} -d client_secret={client_secret} "
    "-d refresh_token={refresh_token}",
)


def _pace(text: str) -> float:
    return read_seconds(float(text))


def _seed(text: str) -> int:
    return read_count(int(text))


class Options(usage.Options):
    """What the command line may say."""

    synopsis = "[--listen ENDPOINT] [--pace SECONDS] [--seed NUMBER]"
    longdesc = "Plays Google on this machine, for trying and testing the gateway."
    optParameters = [
        ["listen", "l", "tcp:8046:interface=127.0.0.1", "Where, as an endpoint."],
        ["pace", "p", 0.15, "Seconds between two events of a stream.", _pace],
        ["seed", "s", None, "Of its dice, for a run that can be repeated.", _seed],
    ]


class Standalone(Service):
    """The sandbox on an endpoint that the operator chose."""

    _log = Logger()

    def __init__(
        self, endpoint: IStreamServerEndpoint, factory: SandboxFactory
    ) -> None:
        self._endpoint = endpoint
        self._scheme = "https" if isinstance(endpoint, SSL4ServerEndpoint) else "http"
        self._factory = factory
        self._port: IListeningPort | None = None

    def privilegedStartService(self) -> None:
        """
        Listen, and say where.

        :raises SystemExit: when that cannot be.
        """
        super().privilegedStartService()
        failures: list[Failure] = []
        listening = self._endpoint.listen(self._factory)
        listening.addCallbacks(self._listens, failures.append)
        if failures:
            # twistd has put the log in the place of sys.stderr
            message = f"antigravity-sandbox: {failures[0].getErrorMessage()}"
            print(message, file=sys.__stderr__)
            raise SystemExit(1)

    def _listens(self, port: IListeningPort) -> None:
        self._port = port
        address = port.getHost()
        host, number = getattr(address, "host", "?"), getattr(address, "port", "?")
        for line in WELCOME:
            self._log.info(
                line,
                url=f"{self._scheme}://{host}:{number}",
                client_id=CLIENT_ID,
                client_secret=CLIENT_SECRET,
                refresh_token=DEMO_ACCOUNTS[0].refresh_token,
            )

    def stopService(self) -> Deferred[Any]:
        """
        Stop listening, and cut what is under way.

        :returns: a Deferred firing when the port is free.
        """
        super().stopService()
        self._factory.drop()
        port, self._port = self._port, None
        return maybeDeferred(port.stopListening if port else lambda: None)


def makeService(options: Options) -> Standalone:
    """
    The service that *options* describe.

    :raises SystemExit: when the endpoint is not one.
    """
    from twisted.internet import reactor  # only now has one been chosen

    clock: Any = reactor
    sandbox = Sandbox(Random(options["seed"]), options["pace"])
    factory = SandboxFactory(sandbox, clock)
    try:
        endpoint = serverFromString(reactor, options["listen"])
    except ValueError as error:
        raise SystemExit(f"antigravity-sandbox: --listen: {error}") from None
    return Standalone(endpoint, factory)
