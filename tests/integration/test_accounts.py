"""The operator's commands, beside the daemon and without it."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from daemons import KEY, Daemon, Sandbox, Serve, antigravity_gw, asked

HELLO = b'{"contents":[{"role":"user","parts":[{"text":"Hello"}]}]}'
MODEL = "gemini-3.1-pro"
"""What a test asks when nobody names a model."""

TAKE_UP_SECONDS = 2.0
"""As long as a daemon may take to go by what a command has changed."""

NO_QUOTAS = {"ANTIGRAVITY_GW_POOL_QUOTA_CHECK_SECONDS": "0"}
"""For tests that count calls."""

Accounts = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    """Runs ``antigravity-gw accounts`` for the gateways of this test."""

    def run(*arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        config = ("--config", str(tmp_path / "config.toml"))
        return antigravity_gw(*config, "accounts", *arguments, folder=tmp_path, **more)

    return run


def status_of(daemon: Daemon, path: str, body: bytes | None = None) -> int:
    """The status of one request."""
    headers = {"x-goog-api-key": KEY, "content-type": "application/json"}
    request = urllib.request.Request(daemon.url + path, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def is_ready(daemon: Daemon) -> bool:
    """Whether any account can serve."""
    return status_of(daemon, "/readyz") == 200


def soon(holds: Callable[[], bool]) -> bool:
    """Whether something comes to hold while a command is taken up."""
    deadline = time.monotonic() + TAKE_UP_SECONDS
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return False


def states(accounts: Accounts) -> dict[str, Any]:
    """The state of every account, by its name."""
    listed = json.loads(accounts("list", "--json").stdout)
    return {entry["name"]: entry["state"] for entry in listed}


def test_good_revoked_and_exhausted(
    serve: Serve, sandbox: Sandbox, accounts: Accounts
) -> None:
    """Each account is asked, and a daemon that runs goes by what came of it."""
    daemon = serve(**NO_QUOTAS)
    sandbox.control("POST", "/accounts/grace", {"revokeRefresh": True})
    sandbox.control("POST", "/accounts/edsger", {"quota": 0})
    done = accounts("test", "--json")
    ada, grace, edsger = json.loads(done.stdout)

    assert (done.returncode, done.stderr) == (1, "")
    assert (ada["serves"], ada["model"], ada["reason"]) == (True, MODEL, None)
    assert (grace["serves"], grace["state"]) == (False, "needs login")
    assert "antigravity-gw login grace" in grace["to_do"]
    assert (edsger["serves"], edsger["state"]) == (False, "cooling")
    assert (edsger["cooling"][0]["model"], edsger["reason"]) == (MODEL, "out of quota")
    assert states(accounts) == {
        "ada": "serving",
        "grace": "needs login",
        "edsger": "cooling",
    }
    time.sleep(TAKE_UP_SECONDS)
    sandbox.control("DELETE", "/calls")
    for _ in range(6):
        path = f"/v1beta/models/{MODEL}:generateContent"
        assert status_of(daemon, path, HELLO) == 200
    assert {call["account"] for call in sandbox.calls()} == {"ada"}
    assert {call["method"] for call in sandbox.calls()} == {"generateContent"}


def test_for_people(serve: Serve, sandbox: Sandbox, accounts: Accounts) -> None:
    """A line for each account, and what to do about those that do not serve."""
    serve(accounts=("ada", "grace"))
    sandbox.rule("403-validation-required", account="grace", method="generateContent")
    accounts("disable", "ada")
    done = accounts("test")
    link = "https://accounts.google.com/signin/continue?sarp=1&scc=1&plt=sandbox"

    assert done.returncode == 1
    assert done.stderr == ""
    assert "ada: not tested, since it is disabled" in done.stdout
    assert f"grace: does not serve {MODEL} (" in done.stdout
    assert f"  link   {link}\n" in done.stdout
    assert "'antigravity-gw accounts enable grace'" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    named = accounts("test", "ada", "--model", "flash")

    assert named.returncode == 0
    assert named.stdout.startswith("ada: serves gemini-2.5-flash (")
    assert "still  disabled" in named.stdout
    assert states(accounts)["ada"] == "disabled"


def test_suspended(serve: Serve, sandbox: Sandbox, accounts: Accounts) -> None:
    """Only the operator has it asked again; if it serves, it is used again."""
    daemon = serve(accounts=("ada",))
    sandbox.rule("403-terms", times=2, method="generateContent")
    assert status_of(daemon, "/v1/models/x:generateContent", HELLO) == 400
    assert not is_ready(daemon)
    assert "ada: not tested, since it is suspended" in accounts("test").stdout
    assert len(asked(sandbox)) == 1

    assert accounts("test", "ada").returncode == 1
    assert not soon(lambda: is_ready(daemon))
    assert states(accounts) == {"ada": "suspended"}
    assert accounts("test", "ada").returncode == 0
    assert soon(lambda: is_ready(daemon))
    assert len(asked(sandbox)) == 3


def test_a_failure_that_is_nobodys_fault(
    serve: Serve, sandbox: Sandbox, accounts: Accounts
) -> None:
    """Nothing is held against the account, and what was is not forgotten."""
    serve(accounts=("ada",))
    sandbox.rule("403-license", times=1, method="generateContent")
    assert accounts("test").returncode == 1
    sandbox.rule("500", method="generateContent")
    told = accounts("test")

    assert told.returncode == 1
    assert "why    upstream answered 500" in told.stdout
    assert "which is not to blame" in told.stdout
    assert "still  not entitled: the account has no Gemini" in told.stdout
    assert states(accounts) == {"ada": "not entitled"}


def test_the_clients_fault(sandbox: Sandbox, serve: Serve, accounts: Accounts) -> None:
    """One account finds out for all, and the client is told once."""
    serve(accounts=("ada", "grace"), **NO_QUOTAS)
    wrong = {"ANTIGRAVITY_GW_OAUTH_CLIENT_ID": "wrong.apps.example"}
    assert accounts("test", **wrong).returncode == 1
    listed = accounts("list", **wrong).stdout

    assert set(states(accounts).values()) == {"misconfigured"}
    assert len(sandbox.calls("token")) == 1
    assert listed.count("wrong.apps.example") == 1
    assert "its 2 accounts are not to blame" in listed
    assert accounts("test").returncode == 0
    assert set(states(accounts).values()) == {"serving"}


def test_what_cannot_be_tested(serve: Serve, accounts: Accounts) -> None:
    """One line says why."""
    serve(accounts=("ada",))
    for arguments, complaint in (
        (("eve",), "there is no account 'eve'"),
        (("--model", "a/b"), "'a/b' is not the name of a model"),
    ):
        done = accounts("test", *arguments)

        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"antigravity-gw: {complaint}")
    unconfigured = accounts("test", ANTIGRAVITY_GW_OAUTH_CLIENT_SECRET_FILE="/none")
    no_model = accounts("test", ANTIGRAVITY_GW_MODELS_SERVE="[]")

    assert "/none cannot be read" in unconfigured.stderr
    assert no_model.stderr.endswith("name one with --model\n")


def test_interrupted(
    serve: Serve, sandbox: Sandbox, accounts: Accounts, tmp_path: Path
) -> None:
    """Ctrl-C ends it at once, and nothing is held against the account."""
    serve(accounts=("ada",))
    sandbox.rule("delay", seconds=30, method="generateContent")
    command = [str(Path(sys.executable).with_name("antigravity-gw"))]
    command += ["--config", str(tmp_path / "config.toml"), "accounts", "test"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "HOME": str(tmp_path)},
        # Where the tests run in the background, it may be ignored from birth.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 20
    while not asked(sandbox) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)

    assert (process.returncode, out, err) == (130, b"", b"")
    assert states(accounts) == {"ada": "serving"}


def test_the_daemon_follows(serve: Serve, sandbox: Sandbox, accounts: Accounts) -> None:
    """What commands change is taken up while an answer goes on undisturbed."""
    daemon = serve(accounts=("ada",))
    # Too much for all buffers: it goes on until it is read.
    events = {"n": 40_000, "size": 1000}
    sandbox.rule("many-events", **events, method="streamGenerateContent")
    path = "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    request = urllib.request.Request(daemon.url + path, HELLO, {"x-goog-api-key": KEY})
    with urllib.request.urlopen(request, timeout=60) as answer:
        first = answer.readline()
        for command, is_ready_then in (
            (("disable", "ada"), False),
            (("enable", "ada"), True),
            (("rename", "ada", "eve"), True),
            (("remove", "eve"), False),
        ):
            assert accounts(*command).returncode == 0
            assert soon(lambda then=is_ready_then: is_ready(daemon) is then)
        is_under_way = sandbox.control("GET", "/calls?summary=1")["open"] > 0
        rest = answer.read()

    assert first.startswith(b"data: ")
    assert is_under_way
    assert b'"finishReason":"STOP"' in rest
    assert b'"error"' not in rest


def test_settings_are_followed(
    serve: Serve, sandbox: Sandbox, accounts: Accounts
) -> None:
    """New conversations go to the account that is to be asked first."""
    daemon = serve(accounts=("ada", "grace"))
    assert accounts("set", "grace", "--priority", "-1").returncode == 0
    time.sleep(TAKE_UP_SECONDS)
    for number in range(6):
        text = json.dumps({"contents": [{"parts": [{"text": f"number {number}"}]}]})
        path = f"/v1beta/models/{MODEL}:generateContent"
        assert status_of(daemon, path, text.encode()) == 200

    assert {call["account"] for call in asked(sandbox)} == {"grace"}


def test_a_reader_that_has_seen_enough(tmp_path: Path) -> None:
    """A pipe that is closed ends a command, quietly."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [str(Path(sys.executable).with_name("antigravity-gw")), "keys", "list"],
            stdout=writing,
            stderr=subprocess.PIPE,
            env={**os.environ, "HOME": str(tmp_path)},
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)

    assert (done.returncode, done.stderr) == (1, b"")
