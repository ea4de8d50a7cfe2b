"""Credentials exchanged over HTTP, as the daemon does it."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import Deferred

from antigravity_gw.errors import Unreachable
from antigravity_gw.upstream.client import Patience, Upstream
from antigravity_gw.upstream.credentials import Exchange, by_way_of
from antigravity_gw.upstream.http import Connections, make_client
from antigravity_gw.upstream.threads import Threads
from antigravity_gw.wire.judging import Table
from antigravity_gw.wire.oauth import RenewalFailed

reactor: Any = installed_reactor

USER = json.dumps(
    {
        "type": "authorized_user",
        "client_id": "id",
        "client_secret": "secret",
        "refresh_token": "1//x",
    }
)
OVER = Event()


class TokenEndpoint(BaseHTTPRequestHandler):
    """Grants a token at /token; elsewhere it is in the wrong, or has no end."""

    def do_POST(self) -> None:
        """Answer as the path says."""
        form = self.rfile.read(int(self.headers["content-length"]))
        status = {"/token": 200, "/moved": 307, "/down": 503}.get(self.path)
        if status is None:
            self._go_on(self.path)
            return
        granted = {"access_token": "t", "expires_in": 100, "scope": form.decode()}
        self.send_response(status)
        self.send_header("location", "/token")
        self.end_headers()
        self.wfile.write(json.dumps(granted).encode())

    def _go_on(self, path: str) -> None:
        """Never come to an end."""
        if path != "/silent":
            self.send_response(200)
            self.end_headers()
        pause = {"/drip": 0.2, "/long": 0.0}.get(path, 20.0)
        with suppress(OSError):
            while not OVER.wait(pause):
                self.wfile.write(b" " * (1 if pause else 65536))

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where such an endpoint is, and an environment that knows of a proxy."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server = ThreadingHTTPServer(("127.0.0.1", 0), TokenEndpoint)
    thread = Thread(target=server.serve_forever)
    thread.start()
    OVER.clear()
    yield f"http://127.0.0.1:{server.server_port}"
    OVER.set()
    server.shutdown()
    server.server_close()
    thread.join()


def exchanged(url: str) -> Deferred[Any]:
    """The token that is exchanged there, in a thread, as the daemon does it."""
    http = make_client(reactor, Connections(reactor, persistent=False), 1.0)
    upstream = Upstream(http, reactor, Patience(1.0, 1.0), "gw/test", Table(), 1000)
    exchange = Exchange(url, 1.0, by_way_of(upstream, reactor))
    return Threads(reactor).run(lambda: exchange.token_for(USER))


@pytest_twisted.ensureDeferred
async def test_a_token(base: str) -> None:
    """It comes directly: what the environment says of proxies does not matter."""
    token = await exchanged(f"{base}/token")

    assert token.value == "t"
    assert 90.0 < token.expires_in <= 100.0


@pytest.mark.parametrize(("path", "status"), [("moved", 307), ("down", 503)])
@pytest_twisted.ensureDeferred
async def test_no_token(base: str, path: str, status: int) -> None:
    """A redirect is not followed with a secret in hand, and nothing is repeated."""
    with pytest.raises(RenewalFailed, match=str(status)) as caught:
        await exchanged(f"{base}/{path}")

    assert caught.value.need is None


@pytest.mark.parametrize("path", ["silent", "drip", "long"])
@pytest_twisted.ensureDeferred
async def test_an_answer_that_does_not_end(base: str, path: str) -> None:
    """Nobody is waited for any longer than there is time, however much comes."""
    began = time.monotonic()
    with pytest.raises(Unreachable, match="did not answer"):
        await exchanged(f"{base}/{path}")

    assert time.monotonic() - began < 10.0


@pytest_twisted.ensureDeferred
async def test_nobody(base: str) -> None:
    """Nor is it a person's affair that nobody is there; it is said who."""
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1 could not be reached"):
        await exchanged("http://127.0.0.1:1/token")
