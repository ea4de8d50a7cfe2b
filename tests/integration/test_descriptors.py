"""The daemon with few file descriptors, and with many connections."""

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from daemons import KEY, Daemon, Serve, running
from sockets import eventually

GET = (
    b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
    b"x-goog-api-key: %b\r\n\r\n" % KEY.encode()
)
HELLO = b'{"contents":[{"parts":[{"text":"Hello"}]}]}'
ASK = (
    b"POST /v1beta/models/gemini-2.5-flash:generateContent HTTP/1.1\r\n"
    b"Host: localhost\r\nContent-Length: %d\r\n\r\n" % len(HELLO) + HELLO
)
LISTEN = ("--listen", "tcp:0:interface=127.0.0.1")
PATIENCE = 30.0
"""Seconds to wait for what must happen soon; generous, for busy machines."""


@contextlib.contextmanager
def limited(files: int, folder: Path, **environ: str) -> Iterator[Daemon]:
    """A daemon that may open so many files, with a simulated Google."""
    twistd = Path(sys.executable).with_name("twistd")
    script = f"ulimit -n {files}; exec {twistd} -n antigravity-gw --sandbox $0 $1"
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["sh", "-c", script, *LISTEN],
            cwd=folder,
            stdout=out,
            stderr=out,
            env={**os.environ, "HOME": str(folder), **environ},
        )
    daemon = Daemon(process, log)
    try:
        daemon.url = daemon.wait_for(r"listening on (http://\S+), no key")[1]
        yield daemon
    finally:
        daemon.stop()


@contextlib.contextmanager
def crowd(daemon: Daemon, count: int) -> Iterator[list[socket.socket]]:
    """So many connections."""
    where = urlsplit(daemon.url)
    with contextlib.ExitStack() as open_ones:
        yield [
            open_ones.enter_context(
                socket.create_connection((where.hostname, where.port), PATIENCE)
            )
            for _ in range(count)
        ]


def answer(client: socket.socket) -> tuple[int, Any]:
    """The status and the JSON of the next response."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = client.recv(65536)
        assert piece, f"the connection ended within {data!r}"
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lines = [line.lower() for line in head.split(b"\r\n")]
    length = next(int(x[15:]) for x in lines if x.startswith(b"content-length:"))
    while len(body) < length:
        body += client.recv(65536)
    return int(head.split()[1]), json.loads(body)


def is_served(daemon: Daemon, sent: bytes = GET) -> bool:
    """Whether a new client gets its answer."""
    with crowd(daemon, 1) as (client,):
        client.sendall(sent)
        return answer(client)[0] == 200


def descriptors(daemon: Daemon) -> int:
    """How many files the daemon has open."""
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


def worked(daemon: Daemon) -> float:
    """How long the daemon has used a processor, in seconds."""
    stat = Path(f"/proc/{daemon.process.pid}/stat").read_text()
    user, system = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def share_of_time(daemon: Daemon, seconds: float) -> float:
    """How busy the daemon is over a while, from 0 to 1."""
    before, began = worked(daemon), time.monotonic()
    time.sleep(seconds)
    return (worked(daemon) - before) / (time.monotonic() - began)


def test_more_clients_than_there_is_room_for(tmp_path: Path) -> None:
    """They are told so, each with a whole answer; the others are served as before."""
    with limited(256, tmp_path) as daemon:
        daemon.wait_for("room for 128 connections of clients only: .* 256 files")
        with crowd(daemon, 300) as clients:
            for client in clients:
                client.sendall(GET)
            answers = [answer(client) for client in clients]
            assert [status for status, _ in answers] == [200] * 128 + [503] * 172
            assert {body["error"]["status"] for _, body in answers[128:]} == {
                "UNAVAILABLE"
            }
            assert all(client.recv(1) == b"" for client in clients[128:])
            clients[0].sendall(ASK)
            assert answer(clients[0])[0] == 200
            daemon.wait_for("connections were refused, since 128 are open")
            assert share_of_time(daemon, 1.0) < 0.9
        eventually(lambda: is_served(daemon))
        assert is_served(daemon, ASK)

        assert len(daemon.output()) < 200_000
        assert "Traceback" not in daemon.output()


def test_a_limit_that_changes(serve: Serve, tmp_path: Path) -> None:
    """SIGHUP takes up another limit for connections."""
    daemon = serve("[limits]\nconnections = 2")
    config = tmp_path / "config.toml"
    with crowd(daemon, 3) as clients:
        assert answer(clients[-1])[0] == 503
        text = config.read_text().replace("connections = 2", "connections = 4")
        config.write_text(text)
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for("the configuration was read again")

        assert is_served(daemon)


def test_no_descriptor_left(tmp_path: Path) -> None:
    """Nobody is let in for a while, and nobody is blamed for what cannot be asked."""
    many = {"ANTIGRAVITY_GW_LIMITS_CONNECTIONS": "10000"}
    with limited(128, tmp_path, **many) as daemon, crowd(daemon, 1) as (early,):
        early.sendall(GET)
        assert answer(early)[0] == 200
        with crowd(daemon, 300):
            daemon.wait_for("cannot accept connections just now: Too many open files")
            assert share_of_time(daemon, 3.0) < 0.9
            early.sendall(ASK)
            status, body = answer(early)
            assert (status, body["error"]["status"]) == (503, "UNAVAILABLE")
            assert "no file descriptors left" in body["error"]["message"]
        eventually(lambda: is_served(daemon))
        early.sendall(ASK)

        assert answer(early)[0] == 200
        assert "cools" not in daemon.output()
        assert len(daemon.output()) < 200_000
        assert "Traceback" not in daemon.output()


def test_many_idle_connections(tmp_path: Path) -> None:
    """They are no burden, and nothing is left of them when they have gone."""
    many = 1500
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= hard < many + 200:
        pytest.skip("this machine does not let the test open so many connections")
    if 0 <= soft < many + 200:
        resource.setrlimit(resource.RLIMIT_NOFILE, (many + 200, hard))
    try:
        options = ("--sandbox", *LISTEN)
        with running("antigravity-gw", *options, folder=tmp_path) as daemon:
            assert is_served(daemon, ASK)
            before = descriptors(daemon)
            with crowd(daemon, many):
                eventually(lambda: descriptors(daemon) >= before + many - 5)
                assert is_served(daemon)
            eventually(lambda: descriptors(daemon) <= before + 5)

            assert is_served(daemon, ASK)
            assert "limits.connections" not in daemon.output()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
