"""Keys of clients that come, go and are limited while the daemon runs."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from daemons import KEY, Daemon, Sandbox, Serve, antigravity_gw, asked
from google import genai
from google.genai import errors

TAKE_UP_SECONDS = 2.0
"""As long as a daemon may take to go by what a command has changed."""

MODEL = "gemini-2.5-flash"
HELLO = b'{"contents":[{"parts":[{"text":"Hello"}]}]}'

Keys = Callable[..., dict[str, Any]]


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """Runs ``antigravity-gw keys`` for the gateways of this test."""

    def run(*arguments: str) -> dict[str, Any]:
        config = ("--config", str(tmp_path / "config.toml"))
        done = antigravity_gw(*config, "keys", *arguments, "--json", folder=tmp_path)
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        return said if isinstance(said, dict) else {"all": said}

    return run


def ask(
    daemon: Daemon, key: str, path: str = "/v1beta/models", body: bytes | None = None
) -> tuple[int, Mapping[str, str], dict[str, Any]]:
    """The status, headers and JSON of one answer."""
    headers = {"x-goog-api-key": key, "content-type": "application/json"}
    request = urllib.request.Request(daemon.url + path, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.headers, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, error.headers, json.load(error)


def soon(daemon: Daemon, key: str, status: int) -> bool:
    """Whether *key* comes to be answered so, in the time that it may take."""
    deadline = time.monotonic() + TAKE_UP_SECONDS
    while time.monotonic() < deadline:
        if ask(daemon, key)[0] == status:
            return True
        time.sleep(0.05)
    return False


def test_the_life_of_a_key(serve: Serve, sandbox: Sandbox, keys: Keys) -> None:
    """It works, is limited, is rotated and revoked while the daemon runs."""
    daemon = serve()
    key = keys("add", "ann", "--requests-per-minute", "2")["key"]
    assert soon(daemon, key, 200)

    path = f"/v1beta/models/{MODEL}:generateContent"
    assert ask(daemon, key, path, HELLO)[0] == 200
    client = genai.Client(api_key=key, http_options={"base_url": daemon.url})
    assert client.models.generate_content(model=MODEL, contents="Hello").text
    with pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(model=MODEL, contents="Hello")
    assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")
    status, headers, answer = ask(daemon, key, path, HELLO)
    assert (status, len(asked(sandbox))) == (429, 2)
    assert 1 <= int(headers["retry-after"]) <= 60
    delay = answer["error"]["details"][0]["retryDelay"]
    assert delay == f"{headers['retry-after']}s"
    assert ask(daemon, KEY, path, HELLO)[0] == 200

    new = keys("rotate", "ann", "--keep-old", "1h")["key"]
    assert soon(daemon, new, 200)
    assert ask(daemon, key)[0] == 200
    newest = keys("rotate", "ann")["key"]
    assert soon(daemon, newest, 200)
    assert [ask(daemon, old)[0] for old in (key, new)] == [401, 401]
    assert ask(daemon, newest, path, HELLO)[0] == 429
    keys("revoke", "ann")
    assert soon(daemon, newest, 401)

    assert "key=ann" in daemon.output()
    assert [k for k in (key, new, newest, KEY) if k in daemon.output()] == []


@pytest.mark.usefixtures("config")
def test_a_restart(serve: Serve, keys: Keys) -> None:
    """What is stored lets in from the first request on."""
    key = keys("add", "ann", "--models", MODEL)["key"]
    daemon = serve()
    status, _, listed = ask(daemon, key)

    assert status == 200
    names = [model["displayName"] for model in listed["models"]]
    assert names == [MODEL, "flash"]  # which stands for it
