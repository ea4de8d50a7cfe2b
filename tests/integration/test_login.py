"""``antigravity-gw login``, with the sandbox's consent page, and no browser."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from consenting import (
    Login,
    accounts,
    answers,
    complaint,
    consent,
    logging_in,
    page_at,
)
from daemons import Sandbox, Serve, antigravity_gw, asked

ADA = "ada@sandbox.example"
CLOUD = "https://www.googleapis.com/auth/cloud-platform"
NO_BROWSER = {"PATH": "", "BROWSER": ""}
"""What keeps a browser of whoever runs the tests from being opened."""

SECRETS = ("1//", "ya29.", "sandbox-secret")


def outcome(config: Path, *arguments: str, **consented: Any) -> tuple[int, str, str]:
    """The exit status, output and messages of a login that is pasted."""
    with logging_in(config, "--no-browser", *arguments) as login:
        status, out = login.end(consent(login.url(), **consented))
    assert not [secret for secret in SECRETS if secret in out + login.said]
    return status, out, login.said


@pytest.fixture
def client_file(tmp_path: Path, sandbox: Sandbox) -> Path:
    """What the Google Cloud console would let one download."""
    fields = {
        "client_id": "sandbox-client.apps.example",
        "client_secret": "sandbox-secret-of-no-value",
        "auth_uri": f"{sandbox.url}/o/oauth2/v2/auth",
        "token_uri": f"{sandbox.url}/token",
        "redirect_uris": ["http://localhost"],
    }
    file = tmp_path / "client_secret_x.json"
    file.write_text(json.dumps({"installed": fields}))
    return file


def test_pasted(serve: Serve, sandbox: Sandbox, tmp_path: Path) -> None:
    """On a server, what the browser ends at is pasted; a daemon serves at once."""
    daemon, config = serve(accounts=()), tmp_path / "config.toml"
    status, out, said = outcome(config)

    assert status == 0, said
    assert out.splitlines()[0] == f"{ADA}: added"
    assert f"  email  {ADA}" in out
    assert "Google Cloud, in its name; its e-mail address; its name" in out
    assert "  ends   when it is revoked" in out
    assert f"'antigravity-gw accounts test {ADA}'" in out
    assert "breaks Google's terms" in said.splitlines()[0]
    assert "fails to open a page at 127.0.0.1" in said
    assert "warning" not in said
    assert answers(daemon)
    assert [call["account"] for call in asked(sandbox)] == ["ada"]
    file = tmp_path / "state" / "accounts.sqlite3"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_is_pasted_amiss(config: Path) -> None:
    """It is said what is wrong with it, and asked again; a query alone will do."""
    with logging_in(config, "--no-browser") as earlier:
        other = consent(earlier.url())
    with logging_in(config, "--no-browser") as login:
        url = login.url()
        login.wait_for("Paste the whole address")
        for text, word in (
            ("", ""),
            ("4/0Acode", "no state in it"),
            (other, "belongs to another login, perhaps an earlier one"),
            (url, "no code in it"),
        ):
            login.paste(text)
            login.wait_for(word)
        status, _ = login.end(urlsplit(consent(url)).query)

    assert status == 0, login.said
    assert login.said.count("Paste it here:") == 3


def test_received(config: Path) -> None:
    """A browser that can come back does, even if nobody counted on it."""
    with logging_in(config, "--no-browser", "work") as login:
        url = login.url()
        here = parse_qs(urlsplit(url).query)["redirect_uri"][0]
        wrong = page_at(f"{here}?code=x&state=y")
        page = page_at(consent(url))
        status, out = login.end()

    assert (wrong[0], "belongs to another login" in wrong[1]) == (400, True)
    assert (page[0], "You can close this window" in page[1]) == (200, True)
    assert (status, out.splitlines()[0]) == (0, "work: added")


def test_port(config: Path) -> None:
    """A port can be named, for a tunnel to it, and nothing else may have it."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        with logging_in(config, "--no-browser", "--port", port) as login:
            status, _ = login.end()
        assert status == 1
        assert complaint(login.said).startswith(
            f"port {port} of 127.0.0.1 cannot be listened on (Address already in use): "
        )
        assert "--port" in complaint(login.said)
    with logging_in(config, "--no-browser", "--port", port) as login:
        assert f"127.0.0.1%3A{port}%2F" in login.url()


def test_output_that_cannot_be_written(config: Path) -> None:
    """A full disk is told in one line."""
    command = Path(sys.executable).with_name("antigravity-gw")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [command, "--config", config, "accounts", "list"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
        )

    assert done.returncode == 1
    assert "cannot be written (No space left on device)" in complaint(done.stderr)


def test_for_programs(config: Path) -> None:
    """With --json, standard output has one object and nothing else."""
    status, out, _ = outcome(config, "--json", "--weight", "2", account="grace")
    told = json.loads(out)
    (listed,) = accounts(config, "show", "grace@sandbox.example")

    assert status == 0
    assert told == {
        "name": "grace@sandbox.example",
        "id": listed["id"],
        "result": "added",
        "email": "grace@sandbox.example",
        "scopes": sorted([*told["scopes"]]),
        "missing_scopes": [],
        "ends": None,
        "to_do": "'antigravity-gw accounts test grace@sandbox.example' asks it a small "
        "question",
    }
    assert CLOUD in told["scopes"]
    assert (listed["weight"], listed["has_own_client"]) == (2.0, False)


def test_again(serve: Serve, sandbox: Sandbox, tmp_path: Path) -> None:
    """An account that needs a login serves after it, and keeps what was set."""
    daemon, config = serve(accounts=("ada",)), tmp_path / "config.toml"
    accounts(config, "set", "ada", "--priority", "7")
    (before,) = accounts(config, "show", "ada")
    sandbox.control("POST", "/accounts/ada", {"revokeRefresh": True})
    assert not answers(daemon)
    (dead,) = accounts(config, "show", "ada")
    status, out, said = outcome(config, before["id"])
    (after,) = accounts(config, "show", "ada")

    assert dead["state"] == "needs login"
    assert "'antigravity-gw login ada'" in dead["to_do"]
    assert (status, out.splitlines()[0]) == (0, "ada: updated"), said
    assert answers(daemon)
    assert after["state"] == "serving"
    assert (after["id"], after["priority"]) == (before["id"], 7)


def test_client_of_its_own(config: Path, client_file: Path) -> None:
    """A client that is named stays with the account, for the next login, too."""
    config.write_text(config.read_text().replace('client_id = "', 'client_id = "x'))
    named = ("--client-secret-file", str(client_file))
    first = outcome(config, "ada", *named)
    (listed,) = accounts(config, "show", "ada")
    second = outcome(config, "ada")

    assert (first[0], second[0]) == (0, 0), first[2] + second[2]
    assert listed["client_id"] == "sandbox-client.apps.example"
    assert listed["has_own_client"] is True
    assert "warning" not in first[2]
    assert accounts(config, "test", "ada")[0]["serves"] is True


def test_a_token_url_of_its_own(
    config: Path, client_file: Path, sandbox: Sandbox
) -> None:
    """If the daemon renews tokens elsewhere than the file says, that is told."""
    configured = f'token_url = "{sandbox.url}/token"'
    config.write_text(config.read_text().replace(configured, ""))
    status, _, said = outcome(config, "--client-secret-file", str(client_file))

    assert status == 0
    assert "its token_uri is not oauth.token_url" in said


@pytest.mark.parametrize(
    ("orders", "rule", "consented", "words"),
    [
        ({}, None, {"decision": "cancel"}, ("consent was denied", "nothing is stored")),
        ({}, None, {"untick": ("/cloud-platform",)}, (CLOUD, "leave its box ticked")),
        (
            {"refreshWithheld": True},
            None,
            {},
            ("no refresh token", "https://myaccount.google.com/permissions"),
        ),
        ({}, "token-bad-request", {}, ("expired or was used already", "begin again")),
        ({}, "token-wrong-secret", {}, ("id or secret is wrong", "correct the OAuth")),
        ({}, "token-deleted-client", {}, ("client was deleted",)),
        (
            {},
            "token-admin-policy",
            {},
            ("admin of its organisation", "see that it may"),
        ),
        ({}, "token-500", {}, ("the token endpoint answered 500", "begin again later")),
        ({}, "cut", {}, ("the token endpoint did not answer", "begin again when")),
    ],
)
def test_failures(
    config: Path,
    sandbox: Sandbox,
    orders: dict[str, Any],
    rule: str | None,
    consented: dict[str, Any],
    words: tuple[str, ...],
) -> None:
    """One line says why nobody was logged in, and what to do; nothing is stored."""
    if orders:
        sandbox.control("POST", "/accounts/ada", orders)
    if rule is not None:
        sandbox.rule(
            rule, method="token", **{"after": "nothing"} if rule == "cut" else {}
        )
    status, out, said = outcome(config, **consented)

    assert (status, out) == (1, "")
    assert all(word in complaint(said) for word in words), said
    assert accounts(config, "list") == []


def test_forbidden_by_an_admin(config: Path, sandbox: Sandbox) -> None:
    """Google says so on its page; if it says so in the redirect, we do, too."""
    sandbox.control("POST", "/accounts/ada", {"consentBlocked": "org_internal"})
    with logging_in(config, "--no-browser") as login:
        url = login.url()
        with pytest.raises(AssertionError, match="Error 400: org_internal"):
            consent(url)
        state = parse_qs(urlsplit(url).query)["state"][0]
        status, _ = login.end(f"error=org_internal&state={state}")

    assert status == 1
    assert "the OAuth client is for another organisation" in complaint(login.said)


def test_in_testing(config: Path, sandbox: Sandbox) -> None:
    """A grant that ends is stored, with a warning that says when and why."""
    sandbox.control("POST", "/accounts/ada", {"refreshExpiresIn": 604799})
    status, out, said = outcome(config)
    day = time.strftime("%Y-%m-%dT", time.gmtime(time.time() + 604799))

    assert status == 0
    assert f"  ends   {day}" in out
    assert f"warning: {ADA}: the grant ends at {day}" in said
    assert "consent screen of the OAuth client is in testing" in said


def test_without_an_email(config: Path) -> None:
    """An account whose e-mail is not known is stored under its id."""
    status, out, said = outcome(config, untick=("email", "profile"))
    (listed,) = accounts(config, "list")

    assert status == 0
    assert out.splitlines()[0] == f"{listed['id']}: added"
    assert "its e-mail address was not granted" in said
    assert f"'antigravity-gw accounts rename {listed['id']} NAME'" in said


def test_an_email_that_the_id_token_lacks(config: Path, sandbox: Sandbox) -> None:
    """It is asked for; the account's name is its e-mail as ever."""
    sandbox.control("POST", "/accounts/ada", {"idTokenWithheld": True})
    status, out, _ = outcome(config)

    assert (status, out.splitlines()[0]) == (0, f"{ADA}: added")
    assert len(sandbox.calls("userinfo")) == 1


def test_somebody_else(config: Path) -> None:
    """Who logs in as another than the account is called replaces nothing."""
    status, out, said = outcome(config, "Ada@sandbox.example")
    before = accounts(config, "show", "Ada@sandbox.example")
    other = outcome(config, "Ada@sandbox.example", account="grace")

    assert (status, "warning" in said) == (0, False)
    assert f"  email  {ADA}" in out
    assert other[:2] == (1, "")
    assert "grace@sandbox.example has logged in, and not Ada@" in complaint(other[2])
    assert accounts(config, "show", "Ada@sandbox.example") == before


def test_an_account_that_is_there_already(config: Path) -> None:
    """Nor does one account's grant replace that of another name."""
    outcome(config, "work")
    outcome(config, account="grace")
    other = outcome(config, "work", account="grace")

    assert other[:2] == (1, "")
    assert "which is an account already, and not work" in complaint(other[2])


def test_whose_login_serves(config: Path) -> None:
    """A name that is no e-mail says nothing of its owner, so that is told."""
    outcome(config, "work")
    status, _, said = outcome(config, "work", account="grace")

    assert status == 0
    assert "work: the login of grace@sandbox.example serves it from now on" in said


def test_an_email_that_is_taken(config: Path) -> None:
    """If the e-mail is known and cannot be the name, that is what is said."""
    key = config.parent / "key"
    key.write_text("AIza" + "x" * 35)
    kind = ("--kind", "gemini_api_key", "--credential-file", str(key))
    accounts(config, "add", ADA, *kind)
    status, _, said = outcome(config)

    assert status == 0
    assert "Google does not say" not in said
    assert "is another account's name" in said


def test_disabled(config: Path) -> None:
    """A login does not enable what its operator has disabled."""
    outcome(config, "ada")
    accounts(config, "disable", "ada")
    status, _, said = outcome(config, "ada")

    assert status == 0
    assert "'antigravity-gw accounts enable ada' uses it again" in said


def failed(login: Login) -> str:
    """Why a login has failed by itself."""
    status, out = login.end()
    assert (status, out) == (1, "")
    return complaint(login.said)


def test_no_client(config: Path, tmp_path: Path) -> None:
    """It is said how to get one."""
    config.write_text("")
    with logging_in(config) as login:
        message = failed(login)

    assert "--client-secret-file" in message
    assert "[oauth]" in message
    assert "'Desktop app'" in message


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ('{"web":{"client_id":"x","client_secret":"y"}}', "'Web application'"),
        ("GOCSPX-secret", "not the JSON of an OAuth client"),
        (None, "No such file"),
    ],
)
def test_files_without_a_client(config: Path, content: str | None, word: str) -> None:
    """The file is named, and what is wrong with it."""
    file = config.parent / "client.json"
    if content is not None:
        file.write_text(content)
    with logging_in(config, "--client-secret-file", str(file)) as login:
        message = failed(login)

    assert message.startswith(f"{file}: ")
    assert word in message
    assert "secret" not in message.replace("client_secret", "")


@pytest.mark.parametrize("text", ["", "hello\n"])
def test_no_input(config: Path, text: str) -> None:
    """Where nobody can paste anything more, nobody is waited for."""
    with logging_in(config, "--no-browser") as login:
        login.url()
        assert login.process.stdin
        login.process.stdin.write(text)
        assert "the input ended before an address was pasted" in failed(login)


def test_no_terminal(config: Path) -> None:
    """Nor where there is no input at all."""
    done = antigravity_gw(
        "--config", str(config), "login", "--no-browser", folder=config.parent
    )

    assert done.returncode == 1
    assert "the input ended" in complaint(done.stderr)


def test_an_address_without_a_line_end(config: Path) -> None:
    """What is piped in need not be a line."""
    with logging_in(config, "--no-browser") as login:
        answer = consent(login.url())
        assert login.process.stdin
        login.process.stdin.write(answer)
        status, out = login.end()

    assert (status, out.splitlines()[0]) == (0, f"{ADA}: added")


@pytest.mark.parametrize("way", [(), ("--no-browser",)])
def test_interrupted(config: Path, way: tuple[str, ...]) -> None:
    """Ctrl-C ends it at once."""
    with logging_in(config, *way, **NO_BROWSER) as login:
        login.url()
        login.process.send_signal(signal.SIGINT)
        login.process.wait(10)
        assert login.end() == (130, "")


def test_no_browser_here(config: Path) -> None:
    """Where none opens, it is said what to do."""
    with logging_in(config, **NO_BROWSER) as login:
        login.wait_for("No browser could be opened here")
        assert page_at(consent(login.url()))[0] == 200
        assert login.end()[0] == 0
    assert "--no-browser" in login.said


def test_a_browser_that_prints_and_stays(config: Path, tmp_path: Path) -> None:
    """Standard output is ours alone, and nobody waits for the browser to be closed."""
    script, pid = tmp_path / "browser", tmp_path / "pid"
    script.write_text(f"#!/bin/sh\necho noise\necho $$ >{pid}\nexec sleep 60\n")
    script.chmod(0o755)
    with logging_in(config, "--json", BROWSER=f"{script} %s") as login:
        url = login.url()
        deadline = time.monotonic() + 30
        while not (pid.exists() and pid.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        consent_page = page_at(consent(url))
        login.process.wait(10)
        status, out = login.end()
    os.kill(int(pid.read_text()), signal.SIGKILL)

    assert (consent_page[0], status) == (200, 0)
    assert json.loads(out)["result"] == "added"


@pytest.mark.parametrize("name", ["-x", " ", "a\nb", "x" * 300])
def test_names_that_are_none(config: Path, name: str) -> None:
    """An account is called something that can be typed."""
    with logging_in(config, "--", name) as login:
        assert "an account cannot be called" in failed(login)
