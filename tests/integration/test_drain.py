"""How the daemon ends: what is under way is served, and then it goes."""

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from daemons import (
    KEY,
    Daemon,
    Sandbox,
    Serve,
    antigravity_gw,
    running,
    self_signed,
    twistd,
)
from sockets import PATIENCE, connected, eventually, read_to_the_end, read_until

HELLO = b'{"contents":[{"parts":[{"text":"Hello"}]}]}'
STREAM = "/v1beta/models/gemini-2.5-flash:streamGenerateContent"
WHOLE = "/v1beta/models/gemini-2.5-flash:generateContent"
LISTEN = ["--listen", "tcp:0:interface=127.0.0.1"]


def request(path: str, body: bytes = b"") -> bytes:
    """A request, as bytes."""
    head = f"{'POST' if body else 'GET'} {path} HTTP/1.1\r\nHost: localhost\r\n"
    head += f"x-goog-api-key: {KEY}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@contextlib.contextmanager
def asked(daemon: Daemon, path: str) -> Iterator[socket.socket]:
    """A connection on which *path* has been posted to."""
    with connected(daemon) as client:
        client.sendall(request(path, HELLO))
        yield client


def error_in(response: bytes) -> Any:
    """The error that is the body of a whole response."""
    head, _, body = response.partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}\r\n".encode() in head.lower() + b"\r\n"
    assert b"connection: close" in head.lower()
    error = json.loads(body)["error"]
    assert head.startswith(b"HTTP/1.1 %d " % error["code"])
    return error


def end(daemon: Daemon, expected: str = "waiting up to") -> None:
    """Tell the daemon to end, and wait until it has taken note."""
    daemon.process.send_signal(signal.SIGTERM)
    daemon.wait_for(f"SIGTERM: no new connections; {expected}")


def is_refused(daemon: Daemon) -> bool:
    """Whether nobody can connect any more."""
    try:
        connected(daemon).close()
    except ConnectionRefusedError:
        return True
    return False


def test_streams_are_served(serve: Serve, slow: Sandbox) -> None:
    """One under way comes to its end; nobody else is let in; the exit status is 0."""
    daemon = serve()
    with asked(daemon, f"{STREAM}?alt=sse") as client:
        data = read_until(client, b"data: ")
        end(daemon, "waiting up to 30 s for 1 request")
        assert is_refused(daemon)
        data += read_to_the_end(client)

    assert b'"finishReason":"STOP"' in data
    assert data.endswith(b"\r\n0\r\n\r\n")
    assert daemon.process.wait(PATIENCE) == 0
    assert "drained" in daemon.output()


def test_whole_answers_are_served(serve: Serve, sandbox: Sandbox) -> None:
    """They say that they are the last of their connection, and they are."""
    sandbox.rule("delay", seconds=2.0, method="generateContent")
    daemon = serve()
    with asked(daemon, WHOLE) as client:
        eventually(lambda: sandbox.calls("generateContent"))
        end(daemon)
        head, _, body = read_to_the_end(client).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nconnection: close" in head.lower()
    assert "candidates" in json.loads(body)
    assert daemon.process.wait(PATIENCE) == 0


def test_idle_connections(serve: Serve) -> None:
    """They do not hold up the end for more than a moment, used before or not."""
    daemon = serve()
    with connected(daemon) as unused, connected(daemon) as kept:
        kept.sendall(request("/healthz"))
        read_until(kept, b"}")  # so that both have been let in
        end(daemon, "no request is under way")

        assert read_to_the_end(unused) == b""
        assert kept.recv(1) == b""
        assert daemon.process.wait(PATIENCE) == 0


def test_new_requests(serve: Serve, sandbox: Sandbox) -> None:
    """On a connection that was used before they are answered, with a 503."""
    daemon = serve()
    with connected(daemon) as balancer, connected(daemon) as client:
        ready, more = request("/readyz"), request(WHOLE, HELLO)
        for one in (balancer, client):
            one.sendall(request("/healthz"))
            read_until(one, b"}")
        balancer.sendall(ready[:20])
        client.sendall(more[:20])
        with asked(daemon, WHOLE) as other:  # so that both halves have been read
            read_until(other, b"candidates")
        end(daemon)
        balancer.sendall(ready[20:])
        client.sendall(more[20:])
        errors = [error_in(read_to_the_end(one)) for one in (balancer, client)]

    assert [error["status"] for error in errors] == ["UNAVAILABLE"] * 2
    assert "shutting down" in errors[0]["message"]
    assert daemon.process.wait(PATIENCE) == 0


@pytest.mark.parametrize("query", ["?alt=sse", "?alt=json"])
def test_streams_that_take_too_long(serve: Serve, sandbox: Sandbox, query: str) -> None:
    """They get an error as their last event, and are cut; the exit status is 0."""
    sandbox.rule("stall", after=1, method="streamGenerateContent")
    daemon = serve("[http]\ndrain_seconds = 0.5")
    with asked(daemon, STREAM + query) as client:
        data = read_until(client, b"Hello")
        end(daemon)
        data += read_to_the_end(client)

    assert b'{"error":{"code":503,"message":"the gateway is shutting down"' in data
    assert b'"status":"UNAVAILABLE"' in data
    assert not data.endswith(b"0\r\n\r\n")
    assert daemon.process.wait(PATIENCE) == 0
    assert "gave up on 1 request after 0.5 s" in daemon.output()
    eventually(lambda: sandbox.calls("streamGenerateContent")[0]["ended"])
    assert sandbox.calls("streamGenerateContent")[0]["ended"] == "client-left"


@pytest.mark.parametrize("path", [WHOLE, f"{STREAM}?alt=sse"])
def test_answers_that_do_not_begin(serve: Serve, sandbox: Sandbox, path: str) -> None:
    """Their clients get a complete 503."""
    for method in ("generateContent", "streamGenerateContent"):
        sandbox.rule("stall", after="headers", method=method)
    daemon = serve("[http]\ndrain_seconds = 0.5")
    with asked(daemon, path) as client:
        eventually(lambda: sandbox.calls("generateContent", "streamGenerateContent"))
        end(daemon)
        error = error_in(read_to_the_end(client))

    assert (error["code"], error["status"]) == (503, "UNAVAILABLE")
    assert daemon.process.wait(PATIENCE) == 0


def test_a_client_that_does_not_read(serve: Serve, sandbox: Sandbox) -> None:
    """It is not waited for any longer than the others."""
    sandbox.rule("big-event", n=16 * 2**20)
    daemon = serve("[http]\ndrain_seconds = 0.5")
    with asked(daemon, f"{STREAM}?alt=sse"):
        eventually(lambda: sandbox.calls("streamGenerateContent"))
        end(daemon)

        assert daemon.process.wait(PATIENCE) == 0


def test_a_second_signal(serve: Serve, sandbox: Sandbox) -> None:
    """It ends the waiting, and clients are told as if the time was over."""
    sandbox.rule("stall", after=1, method="streamGenerateContent")
    daemon = serve()
    with asked(daemon, f"{STREAM}?alt=sse") as client:
        read_until(client, b"Hello")
        end(daemon)
        daemon.process.send_signal(signal.SIGTERM)

        assert b"shutting down" in read_to_the_end(client)
    assert daemon.process.wait(PATIENCE) == 0
    assert "gave up on 1 request since there was another SIGTERM" in daemon.output()


def test_the_sandbox_stays(tmp_path: Path) -> None:
    """With --sandbox, the simulated Google goes on until its answers are served."""
    with running("antigravity-gw", "--sandbox", *LISTEN, folder=tmp_path) as daemon:
        google = Sandbox(daemon.wait_for(r"simulated by (http://[\d.:]+)")[1])
        google.control("POST", "/pace", {"seconds": 0.5})
        with asked(daemon, f"{STREAM}?alt=sse") as client:
            data = read_until(client, b"data: ")
            end(daemon)
            data += read_to_the_end(client)

        assert b'"finishReason":"STOP"' in data
        assert data.endswith(b"\r\n0\r\n\r\n")
        assert daemon.process.wait(PATIENCE) == 0


def test_what_is_learnt_meanwhile(
    serve: Serve, sandbox: Sandbox, tmp_path: Path
) -> None:
    """It is on disk when the daemon has ended."""
    sandbox.rule("token-slow", seconds=2.0)
    daemon = serve(accounts=("ada",))
    with asked(daemon, WHOLE) as client:
        eventually(lambda: sandbox.calls("token"))
        end(daemon)
        assert read_to_the_end(client).startswith(b"HTTP/1.1 200 ")
    assert daemon.process.wait(PATIENCE) == 0
    config = ("--config", str(tmp_path / "config.toml"))
    shown = antigravity_gw(
        *config, "accounts", "show", "ada", "--json", folder=tmp_path
    )

    assert json.loads(shown.stdout)[0]["access_token_expires"] is not None


def test_ctrl_c(tmp_path: Path) -> None:
    """SIGINT does the same."""
    log = tmp_path / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [
                str(Path(sys.executable).with_name("twistd")),
                *("-n", "antigravity-gw", "--sandbox", *LISTEN),
            ],
            cwd=tmp_path,
            stdout=out,
            stderr=out,
            # Where the tests run in the background, it may be ignored from birth.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    daemon = Daemon(process, log)
    try:
        daemon.url = daemon.wait_for(r"listening on (http://\S+), no key")[1]
        with asked(daemon, WHOLE) as client:
            read_until(client, b"candidates")
        process.send_signal(signal.SIGINT)

        assert process.wait(PATIENCE) == 0
        daemon.wait_for("SIGINT: no new connections")
    finally:
        daemon.stop()


def test_tls(tmp_path: Path) -> None:
    """A client that keeps a TLS connection and does not look at it holds up nothing."""
    key, certificate = self_signed(tmp_path)
    endpoint = f"ssl:0:interface=127.0.0.1:privateKey={key}:certKey={certificate}"
    options = ["--sandbox", "--listen", endpoint]
    context = ssl.create_default_context(cafile=certificate)
    daemon = twistd("antigravity-gw", *options, folder=tmp_path)
    try:
        daemon.url = daemon.wait_for(r"listening on (https://\S+), no key")[1]
        google = Sandbox(daemon.wait_for(r"simulated by (http://[\d.:]+)")[1])
        google.control("POST", "/pace", {"seconds": 0.5})
        with (
            context.wrap_socket(connected(daemon), server_hostname="127.0.0.1") as kept,
            context.wrap_socket(connected(daemon), server_hostname="127.0.0.1") as busy,
        ):
            kept.sendall(request("/healthz"))
            assert b"200 OK" in kept.recv(1000)
            busy.sendall(request(f"{STREAM}?alt=sse", HELLO))
            data = read_until(busy, b"data: ")
            end(daemon)
            data += read_until(busy, b"\r\n0\r\n\r\n")

            assert b'"finishReason":"STOP"' in data
            assert daemon.process.wait(PATIENCE) == 0
    finally:
        daemon.stop()


def test_in_the_background(tmp_path: Path) -> None:
    """There it does the same, and takes its pid file with it."""
    path, pidfile = tmp_path / "gw.sock", tmp_path / "twistd.pid"
    options = ["--sandbox", "--listen", f"unix:{path}"]
    subprocess.run(
        [str(Path(sys.executable).with_name("twistd")), "antigravity-gw", *options],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path)},
        timeout=60,
        check=True,
    )
    pid = int(pidfile.read_text())
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        client.connect(str(path))
        client.sendall(request(f"{STREAM}?alt=sse", HELLO))
        data = read_until(client, b"data: ")
        os.kill(pid, signal.SIGTERM)
        data += read_to_the_end(client)

    assert data.endswith(b"\r\n0\r\n\r\n")
    eventually(lambda: not pidfile.exists())
    assert not path.exists()
