"""Google's ``@google/genai`` for JavaScript works with the gateway."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from daemons import (
    KEY,
    OTHERS,
    Daemon,
    Sandbox,
    Serve,
    asked,
    contents,
    ruin,
    served,
    split,
    turns,
)
from nodejs import installed, output_of, tool

from antigravity_sandbox.model.picture import png

SCRIPTS = Path(__file__).parents[1] / "node"
MODEL = "gemini-2.5-flash"

Run = Callable[..., Any]


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts and what they import, away from the checkout."""
    return installed(SCRIPTS, tmp_path_factory.mktemp("node") / "package")


@pytest.fixture
def run(package: Path) -> Run:
    """Runs a scenario of the script against a gateway."""

    def run(
        scenario: str,
        url: str | None,
        key: str = KEY,
        retry: dict[str, Any] | None = None,
        environ: dict[str, str] | None = None,
        **options: Any,
    ) -> Any:
        http_options = {"baseUrl": url, "retryOptions": retry}
        given = {k: v for k, v in http_options.items() if v is not None}
        options["client"] = {"apiKey": key, "httpOptions": given}
        script = (tool("node"), "genai.mjs", scenario, json.dumps(options))
        return json.loads(output_of(*script, folder=package, **environ or {}))

    return run


def test_models_are_listed(run: Run, gateway: Daemon) -> None:
    """The list of models is the same, whatever the size of its pages."""
    paged = run("models", gateway.url, pageSize=2)

    assert paged["names"] == run("models", gateway.url)["names"]
    assert paged["names"][:2] == paged["firstPage"]
    assert {"models/gemini-2.5-flash", "models/flash"} < set(paged["names"])


@pytest.mark.parametrize("name", [MODEL, "flash"])
def test_one_model(run: Run, gateway: Daemon, name: str) -> None:
    """A model is described by its own name or by an alias."""
    assert run("model", gateway.url, model=name)["model"]["name"] == f"models/{name}"


@pytest.mark.parametrize("name", [MODEL, "flash"])
def test_answer(run: Run, gateway: Daemon, sandbox: Sandbox, name: str) -> None:
    """A question is answered by the model, whichever of its names is used."""
    seen = run("generate", gateway.url, model=name)

    assert "You said “Hello”" in seen["text"]
    assert seen["finishReason"] == "STOP"
    assert [call["model"] for call in asked(sandbox)] == [MODEL]


def test_stream(run: Run, gateway: Daemon, slow: Sandbox) -> None:
    """The chunks of a stream arrive while upstream is still at it."""
    seen = run("stream", gateway.url, sandbox=slow.url)

    assert len(seen["texts"]) == 6
    assert seen["upstream"][0] is None
    assert "You said “Hello”" in "".join(seen["texts"])


@pytest.mark.parametrize("streamed", [False, True])
def test_chat(run: Run, gateway: Daemon, sandbox: Sandbox, streamed: bool) -> None:
    """A conversation stays with one account, which sees all of it every time."""
    questions = ["Hello", "And now?", "Goodbye"]
    seen = run(
        "chat", gateway.url, questions=questions, streamed=streamed, others=OTHERS
    )
    said = [
        turn
        for question, answer in zip(questions, seen["answers"], strict=True)
        for turn in (("user", question), ("model", answer))
    ]

    ours, others = split(asked(sandbox))
    assert [turns(call) for call in ours] == [said[:1], said[:3], said[:5]]
    assert len({call["account"] for call in ours}) == 1
    assert len({call["account"] for call in others}) > 1


def test_function_call(run: Run, gateway: Daemon, sandbox: Sandbox) -> None:
    """A model calls a declared function, and speaks of what it is answered."""
    seen = run("functionCall", gateway.url)

    assert seen["call"] == {"name": "weather", "args": {"city": "Turin"}}
    assert 'The function weather answered {"sky": "clear"}' in seen["text"]
    assert len({call["account"] for call in asked(sandbox)}) == 1


def test_json(run: Run, gateway: Daemon) -> None:
    """An answer in JSON matches the schema that was asked for."""
    assert run("json", gateway.url)["value"] == {"city": "Turin", "degrees": 42}


def test_image(run: Run, gateway: Daemon, sandbox: Sandbox) -> None:
    """A picture reaches the model byte for byte."""
    picture = png("a square")
    seen = run("image", gateway.url, data=base64.b64encode(picture).decode())

    assert f"I was shown image/png of {len(picture)} bytes" in seen["text"]
    [call] = asked(sandbox)
    parts = [part for content in contents(call) for part in content["parts"]]
    assert base64.b64decode(parts[1]["inlineData"]["data"]) == picture


def test_tokens_are_not_counted(run: Run, gateway: Daemon, sandbox: Sandbox) -> None:
    """Counting tokens gives 0, and costs no account a call."""
    assert run("count", gateway.url)["counted"]["totalTokens"] == 0
    assert sandbox.calls() == []


@pytest.mark.parametrize("scenario", ["generate", "stream"])
def test_wrong_key(run: Run, gateway: Daemon, sandbox: Sandbox, scenario: str) -> None:
    """A client with a wrong key is told so, and reaches nothing."""
    error = run(scenario, gateway.url, key="wrong")["error"]

    assert (error["kind"], error["status"]) == ("ApiError", 401)
    assert "UNAUTHENTICATED" in error["message"]
    assert sandbox.calls() == []


def test_exhausted_pool(run: Run, serve: Serve, sandbox: Sandbox) -> None:
    """When all accounts are out of quota the client is told at once until when."""
    gateway = serve()
    ruin(sandbox, quota=0)
    errors = [run(name, gateway.url)["error"] for name in ("generate", "stream")]

    assert served(gateway, f"models/{MODEL}:", 2) == 2
    for error in errors:
        assert (error["kind"], error["status"]) == ("ApiError", 429)
        told = json.loads(error["message"])["error"]
        assert "no account of this gateway can serve" in told["message"]
        [info] = told["details"]
        assert f"back in {info['retryDelay'].removesuffix('s')} s" in told["message"]


def test_accounts_without_login(run: Run, serve: Serve, sandbox: Sandbox) -> None:
    """When only a person can help, not even a persistent client asks again."""
    gateway = serve()
    ruin(sandbox, revokeRefresh=True)
    retry = {"attempts": 3}
    errors = [
        run(name, gateway.url, retry=retry)["error"] for name in ("generate", "stream")
    ]

    assert served(gateway, f"models/{MODEL}:", 2) == 2
    for error in errors:
        assert (error["kind"], error["status"]) == ("ApiError", 400)
        assert "FAILED_PRECONDITION" in error["message"]
        assert "no account of this gateway can serve" in error["message"]


def test_broken_stream(run: Run, gateway: Daemon, sandbox: Sandbox) -> None:
    """A stream that breaks off raises."""
    sandbox.rule("cut", method="streamGenerateContent", after=2)
    seen = run("stream", gateway.url)

    # What it has not read when the connection ends is lost to Node's fetch.
    assert seen["error"]["kind"] in {"ApiError", "TypeError"}
    assert len(seen["texts"]) <= 2


@pytest.mark.parametrize("scenario", ["generate", "stream"])
def test_upstream_refuses(
    run: Run, gateway: Daemon, sandbox: Sandbox, scenario: str
) -> None:
    """What upstream says of a bad request is what the client reads."""
    error = run(scenario, gateway.url, model="sandbox-400-unknown-name")["error"]

    assert (error["kind"], error["status"]) == ("ApiError", 400)
    told = json.loads(error["message"])["error"]
    assert 'Unknown name "$schema"' in told["message"]
    assert [call["status"] for call in asked(sandbox)] == [400]


def test_base_url_with_a_slash(run: Run, gateway: Daemon) -> None:
    """A base URL may end in a slash."""
    assert "Hello" in run("generate", f"{gateway.url}/")["text"]


def test_base_url_from_the_environment(run: Run, gateway: Daemon) -> None:
    """``GOOGLE_GEMINI_BASE_URL`` turns a program to the gateway unchanged."""
    environ = {"GOOGLE_GEMINI_BASE_URL": gateway.url}

    assert "Hello" in run("generate", None, environ=environ)["text"]
