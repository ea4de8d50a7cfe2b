"""The daemon as systemd runs it: what it reports, and sockets that outlive it."""

import os
import signal
import socket
import stat
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from daemons import KEY, Sandbox, antigravity_gw
from sockets import PATIENCE, eventually, read_to_the_end, read_until
from supervising import Systemd

HELLO = b'{"contents":[{"parts":[{"text":"Hello"}]}]}'
WHOLE = b"/v1beta/models/gemini-2.5-flash:generateContent"
STREAM = b"/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    """One without socket units."""
    with closing(Systemd(tmp_path)) as systemd:
        yield systemd


@pytest.fixture
def options(config: Path, tmp_path: Path) -> list[str]:
    """Those of a gateway with an account at the sandbox."""
    options = ["--config", str(config)]
    command = (*options, "accounts", "add", "ada")
    added = antigravity_gw(*command, folder=tmp_path, stdin="1//sandbox-ada\n")
    assert added.returncode == 0, added.stderr
    return options


def post(path: bytes) -> bytes:
    """A request that is the only one of its connection."""
    return (
        b"POST %b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"x-goog-api-key: %b\r\nContent-Length: %d\r\n\r\n%b"
        % (path, KEY.encode(), len(HELLO), HELLO)
    )


def test_a_life(
    systemd: Systemd, options: list[str], sandbox: Sandbox, tmp_path: Path
) -> None:
    """Ready, alive, read again or not, and ending: all is told, in its order."""
    sandbox.rule("stall", after=1, method="streamGenerateContent")
    config = tmp_path / "config.toml"
    daemon = systemd.start(*options, WATCHDOG_USEC="1000000")
    try:
        ready = systemd.next()
        port = int(daemon.wait_for(r"listening on http://127.0.0.1:(\d+)")[1])
        client = socket.create_connection(("127.0.0.1", port), PATIENCE)
        client.sendall(post(STREAM))
        read_until(client, b"Hello")
        assert ready[0] == "READY=1"
        assert ready[1].startswith("STATUS=accounts: 1 serving")
        assert systemd.hear("WATCHDOG=1")

        before = time.monotonic_ns() // 1000
        daemon.process.send_signal(signal.SIGHUP)
        told = systemd.hear("RELOADING=1")
        assert before < int(told["MONOTONIC_USEC"]) < time.monotonic_ns() // 1000
        assert "refused" not in systemd.hear("READY=1")["STATUS"]
        good = config.read_text()
        config.write_text(good + "\nnonsense = 1\n")
        daemon.process.send_signal(signal.SIGHUP)
        assert systemd.hear("RELOADING=1")
        assert "the configuration was refused" in systemd.hear("READY=1")["STATUS"]

        daemon.process.terminate()
        assert "EXTEND_TIMEOUT_USEC" in systemd.hear("STOPPING=1")
        assert systemd.hear("WATCHDOG=1")  # it is alive as long as it drains
        daemon.process.terminate()
        assert b"shutting down" in read_to_the_end(client)
        client.close()
        assert daemon.process.wait(PATIENCE) == 0
    finally:
        daemon.stop()


def test_a_mistake_in_the_configuration(systemd: Systemd, options: list[str]) -> None:
    """It is told apart by the exit status, since starting again does not mend it."""
    with open(options[1], "a") as config:
        config.write("\nnonsense = 1\n")
    daemon = systemd.start(*options)

    assert daemon.process.wait(60) == os.EX_CONFIG
    assert "models.aliases.nonsense: expected a string" in daemon.output()
    assert "Traceback" not in daemon.output()


def test_nobody_to_tell(tmp_path: Path, systemd: Systemd) -> None:
    """A manager that is gone keeps nobody from serving; one line says so."""
    gone = str(tmp_path / "gone")
    listen = ("--sandbox", "--listen", "tcp:0:interface=127.0.0.1")
    daemon = systemd.start(*listen, NOTIFY_SOCKET=gone, WATCHDOG_USEC="100000")
    try:
        daemon.wait_for("systemd cannot be told .* No such file or directory")
        port = int(daemon.wait_for(r"listening on http://127.0.0.1:(\d+)")[1])
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
            client.sendall(post(WHOLE))
            assert read_to_the_end(client).startswith(b"HTTP/1.1 200 ")
        assert daemon.stop() == 0
        assert daemon.output().count("systemd cannot be told") == 1
    finally:
        daemon.stop()


class Crowd:
    """Clients that ask and ask, each request on a connection of its own."""

    def __init__(self, connect: Callable[[], socket.socket], size: int) -> None:
        self.answers = Counter[str]()
        self._connect = connect
        self._enough = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(size)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        while not self._enough.is_set():
            try:
                with self._connect() as client:
                    client.settimeout(PATIENCE)
                    client.sendall(post(WHOLE))
                    answer = read_to_the_end(client)
                self.answers[answer[:15].decode() if answer else "nothing"] += 1
            except OSError as error:
                self.answers[repr(error)] += 1

    def leave(self) -> None:
        """Have them ask no more, and wait until they have been answered."""
        self._enough.set()
        for thread in self._threads:
            thread.join()


def restarted(
    systemd: Systemd, options: list[str], connect: Callable[[], socket.socket]
) -> Counter[str]:
    """Start the service three times under a crowd; how its requests were answered."""
    crowd = Crowd(connect, 8)
    try:
        for _ in range(3):
            before = crowd.answers.total()
            with systemd.running(*options) as daemon:
                eventually(lambda: crowd.answers.total() > before + 50)  # noqa: B023
            assert daemon.stop() == 0
        with systemd.running(*options):
            crowd.leave()
    finally:
        crowd.leave()
    return crowd.answers


def test_no_connection_is_lost(
    tmp_path: Path, options: list[str], sandbox: Sandbox
) -> None:
    """Over restarts every request is answered: who comes between them waits."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        where = listener.getsockname()
        with closing(Systemd(tmp_path, {"antigravity-gw": listener})) as systemd:
            answers = restarted(
                systemd,
                [*options, "--listen", "systemd:domain=INET:name=antigravity-gw"],
                lambda: socket.create_connection(where, PATIENCE),
            )

    assert set(answers) == {"HTTP/1.1 200 OK"}
    assert answers.total() > 150


def test_a_unix_socket_stays(
    tmp_path: Path, options: list[str], sandbox: Sandbox
) -> None:
    """So it is with a socket in the file system, whose file is left as it was."""
    path = tmp_path / "gateway.sock"

    def connect() -> socket.socket:
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(PATIENCE)
        client.connect(str(path))
        return client

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o640)
        listener.listen(100)
        with closing(Systemd(tmp_path, {"web": listener})) as systemd:
            answers = restarted(
                systemd, [*options, "--listen", "systemd:domain=UNIX:name=web"], connect
            )

    assert set(answers) == {"HTTP/1.1 200 OK"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_several_sockets(tmp_path: Path) -> None:
    """By index or by name, of either version of IP; keys are asked for beyond here."""
    with ExitStack() as stack:
        four = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        six = stack.enter_context(
            socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        )
        sockets = {"four": four, "six": six}
        systemd = stack.enter_context(closing(Systemd(tmp_path, sockets)))
        listen = ("--listen", "systemd:domain=INET:index=0")
        listen += ("--listen", "systemd:domain=INET6:name=six")
        daemon = stack.enter_context(systemd.running("--sandbox", *listen))
        addresses = [("127.0.0.1", six.getsockname()[1]), four.getsockname()]
        answers = []
        for address in addresses:
            with socket.create_connection(address, PATIENCE) as client:
                client.sendall(post(WHOLE))
                answers.append(read_to_the_end(client)[:12])

        assert answers == [b"HTTP/1.1 401"] * 2
        assert "a key is asked for" in daemon.output()


@pytest.mark.parametrize(
    ("listen", "told"),
    [
        ("domain=INET:name=other", "systemd has opened 'web', and no such socket"),
        ("domain=INET6:name=web", "of another domain; say domain=INET"),
        ("domain=INET:index=1", "systemd has opened 'web', and no such socket"),
    ],
)
def test_another_socket(tmp_path: Path, listen: str, told: str) -> None:
    """One that was not handed over is told in one line, with what to say instead."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        closing(Systemd(tmp_path, {"web": listener})) as systemd,
    ):
        daemon = systemd.start("--sandbox", "--listen", f"systemd:{listen}")
        assert daemon.process.wait(60) == 1

    assert told in daemon.output()
    assert "Traceback" not in daemon.output()


def test_no_socket(systemd: Systemd) -> None:
    """Without the socket unit the daemon says how to start it."""
    daemon = systemd.start("--sandbox", "--listen", "systemd:domain=INET:name=web")

    assert daemon.process.wait(60) == 1
    assert "systemctl enable --now antigravity-gw.socket" in daemon.output()
    assert "Traceback" not in daemon.output()


def test_a_socket_that_is_not_used(tmp_path: Path) -> None:
    """Whose port is taken by the socket unit is told how to use that."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with closing(Systemd(tmp_path, {"web": listener})) as systemd:
            listen = f"tcp:{port}:interface=127.0.0.1"
            daemon = systemd.start("--sandbox", "--listen", listen)
            assert daemon.process.wait(60) == 1

    assert "say listen = ['systemd:domain=INET:name=web']" in daemon.output()
