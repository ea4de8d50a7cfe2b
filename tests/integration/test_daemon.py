"""The daemon: how it starts, how it does not, and what it serves."""

import hashlib
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
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

HELLO = {"contents": [{"parts": [{"text": "Hello"}]}]}
FILL = '[pool]\nstrategy = "fill"'
LISTEN = ["--listen", "tcp:0:interface=127.0.0.1"]


def ask(url: str, path: str, body: Any = None, key: str = KEY) -> tuple[int, Any]:
    """Status and JSON of one request."""
    request = urllib.request.Request(
        url + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"x-goog-api-key": key, "content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def generate(daemon: Daemon, model: str = "gemini-2.5-flash") -> tuple[int, Any]:
    """Ask for an answer."""
    return ask(daemon.url, f"/v1beta/models/{model}:generateContent", HELLO)


def refusal(*arguments: str, folder: Path, expected: int = 1, **environ: str) -> str:
    """What a daemon says that does not start: one line, perhaps behind a time stamp."""
    daemon = twistd("antigravity-gw", *arguments, folder=folder, **environ)
    status = daemon.process.wait(60)
    said = [x for x in daemon.output().splitlines() if "antigravity-gw: " in x]

    assert status == expected
    assert "Traceback" not in daemon.output()
    assert len(said) == 1
    return said[0]


def test_taken_port(tmp_path: Path) -> None:
    """It says which, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
        said = refusal("--listen", endpoint, folder=tmp_path)

    assert endpoint in said
    assert "in use" in said
    assert "--listen" in said


@pytest.mark.parametrize(
    ("listen", "hint", "status"),
    [
        ("tcp:0:interface=0.0.0.0", "--insecure", 1),
        ("nonsense:8045", "nonsense", os.EX_CONFIG),
        ("tcp:notanumber", "notanumber", os.EX_CONFIG),
        ("unix:/no/such/directory/socket", "/no/such/directory/socket", 1),
    ],
)
def test_listeners_that_cannot_be(
    tmp_path: Path, listen: str, hint: str, status: int
) -> None:
    """Strangers, unknown endpoints and impossible ones are refused."""
    file = tmp_path / "c.toml"
    file.write_text("[auth]\nmode = 'off'")

    assert hint in refusal(
        *("--config", str(file), "--listen", listen),
        folder=tmp_path,
        expected=status,
    )


def test_insecure(tmp_path: Path) -> None:
    """Who says so plainly may listen to strangers without a key."""
    file = tmp_path / "c.toml"
    file.write_text("[auth]\nmode = 'off'")
    options = ["--config", str(file), "--insecure", "--listen", "tcp:0"]
    with running("antigravity-gw", *options, folder=tmp_path) as daemon:
        port = daemon.url.rpartition(":")[2]

        assert ask(f"http://127.0.0.1:{port}", "/healthz") == (200, {"status": "ok"})


def test_auto_asks_strangers_for_a_key(tmp_path: Path) -> None:
    """Listening beyond this machine needs no --insecure: a key is asked for."""
    options = ["--listen", "tcp:0"]
    with running("antigravity-gw", *options, folder=tmp_path) as daemon:
        url = f"http://127.0.0.1:{daemon.url.rpartition(':')[2]}"

        assert ask(url, "/healthz")[0] == 200
        assert ask(url, "/v1beta/models")[0] == 401
        daemon.wait_for("EVERY REQUEST IS REFUSED")


def test_configuration_that_cannot_be_used(tmp_path: Path) -> None:
    """A file that is missing or wrong is named."""
    file = tmp_path / "c.toml"
    mistake = {"folder": tmp_path, "expected": os.EX_CONFIG}
    assert "no such file" in refusal("--config", str(file), **mistake)
    file.write_text("[timeouts]\nidle_seconds = 'x'")

    assert f"{file}: timeouts.idle_seconds: expected a number, not 'x'" in refusal(
        "--config", str(file), **mistake
    )
    assert "ANTIGRAVITY_GW_UPSTREAM_ATTEMPTS: expected" in refusal(
        **mistake, ANTIGRAVITY_GW_UPSTREAM_ATTEMPTS="9"
    )


def test_state_directory_that_cannot_be_used(tmp_path: Path) -> None:
    """It is named, with what to do."""
    (tmp_path / "file").write_text("")
    said = refusal("--state-dir", str(tmp_path / "file" / "s"), folder=tmp_path)

    assert "--state-dir" in said
    (tmp_path / "accounts.sqlite3").write_text("no database, but precious")
    assert "not a database" in refusal("--state-dir", str(tmp_path), folder=tmp_path)
    assert (tmp_path / "accounts.sqlite3").read_text().endswith("precious")


def in_the_background(folder: Path, *arguments: str) -> tuple[int, str]:
    """Status and output of a twistd that goes into the background."""
    started = subprocess.run(
        [str(Path(sys.executable).with_name("twistd")), "antigravity-gw", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "HOME": str(folder)},
        text=True,
        timeout=60,
        check=False,
    )
    return started.returncode, started.stdout


def test_background(tmp_path: Path) -> None:
    """Without -n it goes into the background, and says if that came to nothing."""
    endpoint = f"unix:{tmp_path}/gw.sock"
    started = in_the_background(tmp_path, "--sandbox", "--listen", endpoint)
    pid = int((tmp_path / "twistd.pid").read_text())
    try:
        (tmp_path / "twistd.pid").unlink()
        again = in_the_background(tmp_path, "--sandbox", "--listen", endpoint)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(tmp_path / "gw.sock"))
            client.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = client.recv(1000)
    finally:
        os.kill(pid, signal.SIGTERM)

    assert started == (0, "")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert again[0] == 1
    assert not (tmp_path / "twistd.pid").exists()
    assert "antigravity-gw: cannot listen on" in again[1]


def test_check(tmp_path: Path) -> None:
    """Validates and exits, without listening."""
    good = twistd("antigravity-gw", "--check", folder=tmp_path)
    assert good.process.wait(60) == 0
    assert "is good" in good.output()

    assert "no such setting" in refusal(
        "--check",
        folder=tmp_path,
        expected=os.EX_CONFIG,
        ANTIGRAVITY_GW_NO_SUCH="1",
    )
    assert antigravity_gw("check-config", folder=tmp_path).returncode == 0


def test_options_that_make_no_sense(tmp_path: Path) -> None:
    """twistd's own way of saying so."""
    daemon = twistd("antigravity-gw", "--sandbox", "--state-dir", "x", folder=tmp_path)

    assert daemon.process.wait(60) == 1
    assert "--sandbox has a state directory of its own" in daemon.output()


def test_foreground_leaves_nothing_behind(tmp_path: Path) -> None:
    """No twistd.pid that would keep the next start from succeeding."""
    with running("antigravity-gw", "--sandbox", *LISTEN, folder=tmp_path) as daemon:
        assert generate(daemon)[0] == 200
        assert daemon.stop() == 0

    assert not (tmp_path / "twistd.pid").exists()


@pytest.mark.parametrize("kind", ["tcp6", "unix"])
def test_other_endpoints(tmp_path: Path, kind: str) -> None:
    """Any Twisted endpoint will do; these are still only this machine."""
    path = tmp_path / "gw.sock"
    endpoint = f"unix:{path}" if kind == "unix" else "tcp6:0:interface=\\:\\:1"
    daemon = twistd(
        *("antigravity-gw", "--sandbox", "--listen", endpoint), folder=tmp_path
    )
    try:
        where = daemon.wait_for(r"listening on (\S+), no key is asked for")[1]
        if kind == "unix":
            client = socket.socket(socket.AF_UNIX)
            client.connect(str(path))
        else:
            client = socket.create_connection(("::1", int(where.rpartition(":")[2])))
        with client:
            client.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"200 OK" in client.recv(1000)
    finally:
        daemon.stop()


def test_tls(tmp_path: Path) -> None:
    """A listener with a certificate speaks TLS."""
    key, certificate = self_signed(tmp_path)
    options = [
        "--listen",
        f"ssl:0:interface=127.0.0.1:privateKey={key}:certKey={certificate}",
    ]
    daemon = twistd("antigravity-gw", "--sandbox", *options, folder=tmp_path)
    try:
        url = daemon.wait_for(r"listening on (https://\S+), no key is asked for")[1]
        context = ssl.create_default_context(cafile=certificate)
        with urllib.request.urlopen(f"{url}/readyz", context=context) as response:
            assert json.loads(response.read()) == {"status": "ok"}
    finally:
        daemon.stop()


def test_sandbox_says_so(tmp_path: Path) -> None:
    """Nobody takes simulated answers for real ones, and everybody can try."""
    with running("antigravity-gw", "--sandbox", *LISTEN, folder=tmp_path) as daemon:
        daemon.wait_for("SANDBOX: answers are simulated")
        daemon.wait_for(f"try: curl {daemon.url}/v1beta/models/")

        assert ask(daemon.url, "/readyz") == (200, {"status": "ok"})
        assert generate(daemon)[0] == 200


def test_no_quota_then_revoked_then_good(serve: Serve, sandbox: Sandbox) -> None:
    """The client notices nothing, and it takes three calls at most."""
    sandbox.rule("429-quota-exhausted", account="ada", method="generateContent")
    sandbox.rule("401", account="grace", method="generateContent")
    status, answer = generate(serve(FILL))
    calls = sandbox.calls("generateContent")

    assert status == 200
    assert "Hello" in answer["candidates"][0]["content"]["parts"][0]["text"]
    assert len(calls) <= 3
    assert [call["account"] for call in calls] == ["ada", "grace", "edsger"]
    for call in calls:
        assert call["bearer"].startswith(f"ya29.sandbox-{call['account']}-")
        assert call["project"] == f"sandbox-project-{call['account']}"


def test_endpoint_that_is_down(serve: Serve, sandbox: Sandbox) -> None:
    """A host that cannot be reached is passed over for the next."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = f"http://127.0.0.1:{server.getsockname()[1]}"
    hosts = f'["{closed}", "{sandbox.url}"]'
    daemon = serve(ANTIGRAVITY_GW_UPSTREAM_CODE_ASSIST_ENDPOINTS=hosts)

    assert generate(daemon)[0] == 200
    assert generate(daemon)[0] == 200
    assert len(sandbox.calls("generateContent")) == 2


def test_upstream_that_is_down_at_first(serve: Serve, tmp_path: Path) -> None:
    """The daemon starts all the same, says so to clients, and heals by itself."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    daemon = serve(
        ANTIGRAVITY_GW_UPSTREAM_CODE_ASSIST_ENDPOINTS=f'["{url}"]',
        ANTIGRAVITY_GW_OAUTH_TOKEN_URL=f"{url}/token",
    )
    assert ask(daemon.url, "/healthz") == (200, {"status": "ok"})
    status, answer = generate(daemon)
    assert (status, answer["error"]["status"]) == (502, "UNAVAILABLE")
    options = ["--listen", f"tcp:{port}:interface=127.0.0.1"]
    with running("antigravity-sandbox", *options, folder=tmp_path):
        deadline = time.monotonic() + 60
        while generate(daemon)[0] != 200:
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_revoked_login(serve: Serve, sandbox: Sandbox) -> None:
    """An account whose login was revoked takes itself out, and says so."""
    sandbox.control("POST", "/accounts/ada", {"revokeRefresh": True})
    daemon = serve(accounts=("ada", "grace"))

    assert generate(daemon)[0] == 200
    daemon.wait_for("is out \\(needs login\\)")
    assert [call["account"] for call in sandbox.calls("generateContent")] == ["grace"]


def test_accounts_come_and_go(serve: Serve, sandbox: Sandbox, tmp_path: Path) -> None:
    """What the command line changes is live in the daemon, without a restart."""
    daemon = serve(accounts=())
    state = ["--state-dir", str(tmp_path / "state")]
    assert generate(daemon)[0] == 400
    assert ask(daemon.url, "/readyz")[0] == 503
    antigravity_gw(
        *state, "accounts", "add", "ada", folder=tmp_path, stdin="1//sandbox-ada\n"
    )
    daemon.wait_for("accounts in the pool: 1")
    assert generate(daemon)[0] == 200
    antigravity_gw(*state, "accounts", "remove", "ada", folder=tmp_path)
    daemon.wait_for("(?s)pool: 1.*pool: 0")

    assert generate(daemon)[0] == 400


def test_turns(serve: Serve, sandbox: Sandbox) -> None:
    """New conversations are spread, and each stays where it began."""
    daemon = serve()
    for turn in range(2):
        for number in range(15):
            contents = [{"parts": [{"text": f"conversation {number}"}]}]
            contents += [{"role": "model", "parts": [{"text": "yes"}]}] * turn
            contents += [{"role": "user", "parts": [{"text": "and?"}]}] * turn
            status, _ = ask(
                daemon.url,
                "/v1/models/gemini-2.5-flash:generateContent",
                {"contents": contents},
            )
            assert status == 200
    served = [call["account"] for call in sandbox.calls("generateContent")]

    assert served[:15] == served[15:]
    assert len(set(served)) >= 2


def test_configuration_is_read_again(
    serve: Serve, slow: Sandbox, tmp_path: Path
) -> None:
    """SIGHUP takes up a new one without letting go of anybody; a bad one is refused."""
    daemon = serve()
    config = tmp_path / "config.toml"
    old = config.read_text()
    path = "/v1/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    request = urllib.request.Request(
        daemon.url + path,
        data=json.dumps(HELLO).encode(),
        headers={"x-goog-api-key": KEY},
    )
    with urllib.request.urlopen(request, timeout=30) as stream:
        begun = stream.readline()
        digest = hashlib.sha256(b"another key").hexdigest()
        ours = hashlib.sha256(KEY.encode()).hexdigest()
        config.write_text(old.replace(ours, digest))
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for("the configuration was read again")
        assert ask(daemon.url, "/v1/models")[0] == 401
        assert ask(daemon.url, "/v1/models", key="another key")[0] == 200
        events = begun + stream.read()
    assert b'"finishReason":"STOP"' in events

    config.write_text("[auth]\nmode = 'of'\n")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for(r"not taken up.*auth\.mode: expected one of")
    assert ask(daemon.url, "/v1/models", key="another key")[0] == 200
    config.write_text(old.replace("tcp:0:", "tcp:1:"))
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for("a new listen takes a restart")

    assert generate(daemon)[0] == 200


def test_nothing_secret_is_logged(serve: Serve, sandbox: Sandbox) -> None:
    """Whatever goes wrong: no token, key, secret, project, prompt or name."""
    daemon = serve()
    behaviours = ["403-validation-required", "401", "429-bare", "500", "cut-json"]
    for behaviour in behaviours:
        sandbox.rule(behaviour, times=2)
        generate(daemon)
    ask(daemon.url, f"/v1/models/x:generateContent?key={KEY}", HELLO, key="")
    ask(daemon.url, "/v1/models/x:generateContent", HELLO, key="wrong-key")
    daemon.stop()

    words = ("ya29.", "1//sandbox", KEY, "wrong-key", "secret-of-no-value", "Hello")
    assert [word for word in words if word in daemon.output()] == []
    names = r"\b(sandbox-project|ada|grace|edsger|accounts\.google\.com)\b"
    assert re.findall(names, daemon.output()) == []  # but an id may have "ada" in it
