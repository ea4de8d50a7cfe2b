"""Credentials exchanged over HTTP, as the daemon does it."""

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest

from antigravity_gw.errors import Unreachable
from antigravity_gw.upstream.credentials import Exchange
from antigravity_gw.upstream.way import Way
from antigravity_gw.wire.oauth import RenewalFailed

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
    """Grants a token at /token; elsewhere it is in the wrong."""

    def do_POST(self) -> None:
        """Answer as the path says."""
        form = self.rfile.read(int(self.headers["content-length"]))
        status = {"/token": 200, "/moved": 307, "/down": 503}.get(self.path)
        if status is None:
            OVER.wait(20)
            return
        granted = {"access_token": "t", "expires_in": 100, "scope": form.decode()}
        self.send_response(status)
        self.send_header("location", "/token")
        self.end_headers()
        self.wfile.write(json.dumps(granted).encode())

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


def exchange(url: str) -> Exchange:
    """What exchanges credentials there."""
    return Exchange(url, 1.0, Way())


def test_a_token(base: str) -> None:
    """It comes directly: what the environment says of proxies does not matter."""
    token = exchange(f"{base}/token").token_for(USER)

    assert token.value == "t"
    assert 90.0 < token.expires_in <= 100.0


@pytest.mark.parametrize(("path", "status"), [("moved", 307), ("down", 503)])
def test_no_token(base: str, path: str, status: int) -> None:
    """A redirect is not followed with a secret in hand, and nothing is repeated."""
    with pytest.raises(RenewalFailed, match=str(status)) as caught:
        exchange(f"{base}/{path}").token_for(USER)

    assert caught.value.need is None


def test_silence(base: str) -> None:
    """Who says nothing is not waited for any longer than there is time."""
    began = time.monotonic()
    with pytest.raises(Unreachable):
        exchange(f"{base}/silent").token_for(USER)

    assert time.monotonic() - began < 10.0


def test_nobody(base: str) -> None:
    """Nor is it a person's affair that nobody is there."""
    with pytest.raises(Unreachable):
        exchange("http://127.0.0.1:1/token").token_for(USER)
