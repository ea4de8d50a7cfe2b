"""One daemon, an account of each kind, and a simulated Google that speaks TLS."""

import hashlib
import json
import shutil
import ssl
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from daemons import KEY, Daemon, Sandbox, antigravity_gw, running, self_signed

CONFIG = """
listen = ["tcp:0:interface=127.0.0.1"]
state_dir = "{folder}/state"

[auth]
mode = "strict"
keys = [{{ name = "suite", sha256 = "{digest}" }}]

[oauth]
client_id = "sandbox-client.apps.example"
client_secret = "sandbox-secret-of-no-value"
token_url = "{url}/token"

[upstream.code_assist]
endpoints = ["{url}"]
ca_file = "cert.pem"
[upstream.gemini_api_key]
endpoints = ["{url}"]
ca_file = "cert.pem"
[upstream.vertex]
endpoints = ["{url}"]
ca_file = "cert.pem"

[models.kinds]
"gemini-2.5-pro" = ["vertex", "gemini_api_key"]
"gemini-2.5-flash-lite" = ["vertex"]
"""
HELLO = '{"contents":[{"role":"user","parts":[{"text":"Hello, %s"}]}]}'
MANY = 40
"""So many requests leave out one of three accounts once in ten million runs."""
KINDS = {"ada": "code_assist", "grace": "gemini_api_key", "edsger": "vertex"}
FLASH = "gemini-2.5-flash"


@pytest.fixture(scope="module")
def google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox that speaks TLS."""
    folder = tmp_path_factory.mktemp("google")
    key, certificate = self_signed(folder)
    where = f"ssl:0:interface=127.0.0.1:privateKey={key}:certKey={certificate}"
    options = ["--listen", where, "--pace", "0.01"]
    with running("antigravity-sandbox", *options, folder=folder) as daemon:
        trust = ssl.create_default_context(cafile=certificate)
        yield Sandbox(daemon.url, trust, certificate)


@pytest.fixture
def gateway(tmp_path: Path, google: Sandbox) -> Iterator[Daemon]:
    """A gateway with three accounts, which were added as an operator adds them."""
    google.reset()
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    config = tmp_path / "config.toml"
    shutil.copy(google.certificate, tmp_path / "cert.pem")
    config.write_text(CONFIG.format(url=google.url, folder=tmp_path, digest=digest))
    credentials = google.control("GET", "/accounts/edsger/credentials/service_account")
    given = {
        "ada": "1//sandbox-ada",
        "grace": "AIzaSy-sandbox-grace",
        "edsger": json.dumps(credentials),
    }
    for name, kind in KINDS.items():
        done = antigravity_gw(
            *("-c", str(config), "accounts", "add", name, "--kind", kind),
            folder=tmp_path,
            stdin=given[name],
        )
        assert (done.returncode, done.stderr) == (0, "")
    with running("antigravity-gw", "--config", str(config), folder=tmp_path) as daemon:
        yield daemon


def ask(gateway: Daemon, model: str, method: str = "generateContent") -> bytes:
    """The body of an answer; each question begins another conversation."""
    request = urllib.request.Request(
        f"{gateway.url}/v1beta/models/{model}:{method}",
        data=(HELLO % uuid4()).encode(),
        headers={"x-goog-api-key": KEY, "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return bytes(response.read())


def who_answered(google: Sandbox) -> Counter[str]:
    """How many answers each account has given."""
    calls = google.calls("generateContent", "streamGenerateContent")
    return Counter(call["account"] for call in calls if call["status"] == 200)


def out_of_quota(google: Sandbox, *names: str) -> None:
    """Let these accounts have nothing left of the model."""
    for name in names:
        google.control("POST", f"/accounts/{name}", {"quotas": {FLASH: 0}})


@pytest.mark.parametrize("empty", KINDS)
def test_one_is_out_of_quota(gateway: Daemon, google: Sandbox, empty: str) -> None:
    """Clients notice nothing, whichever kind it is; the other two serve."""
    out_of_quota(google, empty)
    for _ in range(12):
        answer = json.loads(ask(gateway, FLASH))
        assert answer["candidates"][0]["finishReason"] == "STOP"
        events = ask(gateway, FLASH, "streamGenerateContent?alt=sse").decode()
        assert '"finishReason"' in events.rstrip().splitlines()[-1]
    served = who_answered(google)

    assert empty not in served
    assert sum(served.values()) == 24


@pytest.mark.parametrize("full", KINDS)
def test_two_are_out_of_quota(gateway: Daemon, google: Sandbox, full: str) -> None:
    """The third serves alone, whichever it is."""
    out_of_quota(google, *(set(KINDS) - {full}))
    for _ in range(6):
        ask(gateway, FLASH)

    assert who_answered(google) == {full: 6}


def test_what_each_is_asked(gateway: Daemon, google: Sandbox) -> None:
    """Each API in its own words; the client's own are in them byte for byte."""
    for _ in range(MANY):
        ask(gateway, FLASH)
    calls = {call["account"]: call for call in google.calls("generateContent")}
    credentials = {
        name: {n for n, _ in call["headers"]} & CREDENTIALS
        for name, call in calls.items()
    }

    assert {name: call["kind"] for name, call in calls.items()} == KINDS
    before, after = HELLO.split("%s")
    for name in ("grace", "edsger"):
        assert calls[name]["body"].startswith(before)
        assert calls[name]["body"].endswith(after)
    assert f'"request":{before}' in calls["ada"]["body"]
    assert credentials == {
        "ada": {"Authorization"},
        "grace": {"X-Goog-Api-Key"},
        "edsger": {"Authorization"},
    }


CREDENTIALS = {"Authorization", "X-Goog-Api-Key", "X-Api-Key"}


def test_models_of_some_kinds(gateway: Daemon, google: Sandbox) -> None:
    """A model that is limited to kinds is served by no other."""
    for _ in range(MANY):
        ask(gateway, "gemini-2.5-pro")
    assert set(who_answered(google)) == {"grace", "edsger"}
    before = who_answered(google)
    for _ in range(6):
        ask(gateway, "gemini-2.5-flash-lite")

    assert who_answered(google) - before == {"edsger": 6}


@pytest.mark.parametrize("type", ["authorized_user", "external_account"])
def test_other_credentials(
    tmp_path: Path, gateway: Daemon, google: Sandbox, type: str
) -> None:
    """A user's credentials, and those of an identity elsewhere, do as well."""
    credentials = google.control("GET", f"/accounts/edsger/credentials/{type}")
    done = antigravity_gw(
        *("-c", str(tmp_path / "config.toml"), "accounts", "add", "edsger"),
        *("--project", "sandbox-project-edsger"),
        folder=tmp_path,
        stdin=json.dumps(credentials),
    )
    assert (done.returncode, done.stdout) == (0, "edsger: updated\n"), done.stderr
    tested = antigravity_gw(
        *("-c", str(tmp_path / "config.toml"), "accounts", "test", "edsger"),
        folder=tmp_path,
    )

    assert "edsger: serves" in tested.stdout, tested.stdout
    assert [call["kind"] for call in google.calls("generateContent")] == ["vertex"]


def test_nothing_secret_is_logged(gateway: Daemon, google: Sandbox) -> None:
    """Not even by the libraries that handle it."""
    google.rule("403-suspended", account="grace")
    ask(gateway, FLASH)
    log = gateway.output()

    for secret in ("AIzaSy-sandbox", "ya29.", "PRIVATE KEY", "sandbox-project", KEY):
        assert secret not in log
