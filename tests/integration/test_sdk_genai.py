"""Google's ``google-genai`` works with the gateway, by calls and by awaiting."""

import asyncio
import json
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

import pytest
from daemons import KEY, Daemon, Sandbox
from google import genai
from google.genai import errors, types
from pydantic import BaseModel

MODEL = "gemini-2.5-flash"
PNG = b"\x89PNG\r\n\x1a\n of \xfb\xff bytes"
WEATHER = {
    "name": "weather",
    "description": "Tells the weather of a city.",
    "parameters": {
        "type": "OBJECT",
        "properties": {"city": {"type": "STRING"}},
        "required": ["city"],
    },
}
PERSISTENT = {"attempts": 3, "initial_delay": 0.0, "max_delay": 0.0, "jitter": 0.0}
"""Retry options of a client that does not give up at once."""


class Calls:
    """The SDK whose functions return."""

    def __init__(self, client: genai.Client) -> None:
        self.api: Any = client

    def done(self, result: Any) -> Any:
        """What a function of the API comes to."""
        return result

    def each(self, several: Any) -> Iterator[Any]:
        """What a function of the API gives one by one."""
        yield from several

    def close(self) -> None:
        """Close the connections."""
        self.api.close()


class Awaited:
    """The SDK whose functions are awaited."""

    def __init__(self, client: genai.Client) -> None:
        self.api: Any = client.aio
        self._runner = asyncio.Runner()

    def done(self, awaitable: Any) -> Any:
        """What a function of the API comes to."""

        async def awaited() -> Any:
            return await awaitable

        return self._runner.run(awaited())

    def each(self, awaitable: Any) -> Iterator[Any]:
        """What a function of the API gives one by one."""
        several = aiter(self.done(awaitable))
        while True:
            try:
                yield self.done(anext(several))
            except StopAsyncIteration:
                return

    def close(self) -> None:
        """Close the connections."""
        self.done(self.api.aclose())
        self._runner.close()


Sdk = Calls | Awaited
Connect = Callable[..., Sdk]
Serve = Callable[..., Daemon]


class Weather(BaseModel):
    """What JSON is asked for."""

    city: str
    degrees: int


@pytest.fixture(params=[Calls, Awaited])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Makes clients of a gateway, which are closed at the end."""
    made: list[Sdk] = []

    def connect(url: str | None, key: str = KEY, **options: Any) -> Sdk:
        http_options = {"base_url": url, **options}
        made.append(request.param(genai.Client(api_key=key, http_options=http_options)))
        return made[-1]

    yield connect
    for sdk in made:
        sdk.close()


@pytest.fixture
def sdk(connect: Connect, gateway: Daemon) -> Sdk:
    """A client of the gateway whose accounts are well."""
    return connect(gateway.url)


@pytest.fixture
def slow(sandbox: Sandbox) -> Iterator[Sandbox]:
    """The sandbox, taking its time between two events."""
    pace = sandbox.control("GET", "/pace")
    sandbox.control("POST", "/pace", {"seconds": 0.5})
    yield sandbox
    sandbox.control("POST", "/pace", pace)


def ruin(sandbox: Sandbox, **order: Any) -> None:
    """Tell all accounts the same."""
    for name in ("ada", "grace", "edsger"):
        sandbox.control("POST", f"/accounts/{name}", order)


def asked(sandbox: Sandbox) -> list[dict[str, Any]]:
    """The calls that asked a model something."""
    return sandbox.calls("generateContent", "streamGenerateContent")


def contents(call: dict[str, Any]) -> list[dict[str, Any]]:
    """The conversation that a call brought to the sandbox."""
    found: list[dict[str, Any]] = json.loads(call["body"])["request"]["contents"]
    return found


def turns(call: dict[str, Any]) -> list[tuple[str, str]]:
    """Who has said what in it, however many contents that took."""
    return [
        (role, "".join(part["text"] for c in turn for part in c["parts"]))
        for role, turn in groupby(contents(call), key=lambda c: str(c["role"]))
    ]


def served(gateway: Daemon, path: str) -> int:
    """How many requests whose path contains *path* the gateway has answered."""
    lines = gateway.output().splitlines()
    return sum("GatewaySite#info" in line and path in line for line in lines)


def test_models_are_listed(sdk: Sdk) -> None:
    """The list of models is the same whatever the size of its pages."""
    everything = [m.name for m in sdk.each(sdk.api.models.list())]
    pager = sdk.done(sdk.api.models.list(config={"page_size": 2}))
    first = [m.name for m in pager.page]

    assert everything[:2] == first
    assert {"models/gemini-2.5-flash", "models/flash"} < set(everything)
    assert everything == [
        m.name for m in sdk.each(sdk.api.models.list(config={"page_size": 2}))
    ]


@pytest.mark.parametrize("name", [MODEL, "flash"])
def test_one_model(sdk: Sdk, name: str) -> None:
    """A model is described by its own name or by an alias."""
    model = sdk.done(sdk.api.models.get(model=name))

    assert f"models/{name}" == model.name
    assert "generateContent" in model.supported_actions


@pytest.mark.parametrize("name", [MODEL, "flash"])
def test_answer(sdk: Sdk, sandbox: Sandbox, name: str) -> None:
    """A question is answered by the model, whichever of its names is used."""
    answer = sdk.done(sdk.api.models.generate_content(model=name, contents="Hello"))

    assert "You said “Hello”" in answer.text
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP
    assert [call["model"] for call in asked(sandbox)] == [MODEL]


def test_stream(sdk: Sdk, slow: Sandbox) -> None:
    """The chunks of a stream arrive while upstream is still at it."""
    chunks, states = [], []
    stream = sdk.api.models.generate_content_stream(model=MODEL, contents="Hello")
    for chunk in sdk.each(stream):
        chunks.append(chunk)
        states.append(asked(slow)[0]["ended"])

    assert len(chunks) == 6
    assert None is states[0]
    assert "You said “Hello”" in "".join(chunk.text for chunk in chunks)
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP


@pytest.mark.parametrize("streamed", [False, True])
def test_chat(sdk: Sdk, sandbox: Sandbox, streamed: bool) -> None:
    """A conversation stays with one account, which sees all of it every time."""
    chat = sdk.api.chats.create(model=MODEL)
    said = []
    for question in ("Hello", "And now?", "Goodbye"):
        if streamed:
            chunks = list(sdk.each(chat.send_message_stream(question)))
            answer = "".join(chunk.text for chunk in chunks)
        else:
            answer = sdk.done(chat.send_message(question)).text
        said += [("user", question), ("model", answer)]
        other = sdk.api.models.generate_content(model=MODEL, contents=f"Not {question}")
        sdk.done(other)

    ours, others = asked(sandbox)[::2], asked(sandbox)[1::2]
    assert [said[:1], said[:3], said[:5]] == [turns(call) for call in ours]
    assert len({call["account"] for call in ours}) == 1
    assert len({call["account"] for call in others}) > 1


def test_function_call(sdk: Sdk, sandbox: Sandbox) -> None:
    """A model calls a declared function, and speaks of what it is answered."""
    config = {"tools": [{"function_declarations": [WEATHER]}]}
    question = types.UserContent("What is the weather in Turin?")
    first = sdk.done(
        sdk.api.models.generate_content(model=MODEL, contents=question, config=config)
    )
    [call] = first.function_calls
    said = first.candidates[0].content
    response = types.Part.from_function_response(
        name=call.name, response={"sky": "clear"}
    )
    second = sdk.done(
        sdk.api.models.generate_content(
            model=MODEL,
            contents=[question, said, types.UserContent(response)],
            config=config,
        )
    )

    assert (call.name, call.args) == ("weather", {"city": "Turin"})
    assert (
        "The function weather answered {“sky”".replace("“", '"').replace("”", '"')
        in second.text
    )
    assert said.parts[0].thought_signature
    assert [None, call.name, None] == [
        c["parts"][0].get("functionCall", {}).get("name")
        for c in contents(asked(sandbox)[1])
    ]


def test_automatic_function_call(sdk: Sdk, sandbox: Sandbox) -> None:
    """The SDK calls a Python function for the model by itself."""

    def weather(city: str) -> str:
        """Tell the weather of a city."""
        return f"clear over {city}"

    chat = sdk.api.chats.create(model=MODEL, config={"tools": [weather]})
    answer = sdk.done(chat.send_message("What is the weather in Turin?"))

    assert "clear over Turin" in answer.text
    assert len({call["account"] for call in asked(sandbox)}) == 1


def test_json(sdk: Sdk) -> None:
    """An answer in JSON matches the schema that was asked for."""
    config = {"response_mime_type": "application/json", "response_schema": Weather}
    answer = sdk.done(
        sdk.api.models.generate_content(
            model=MODEL, contents="The weather in Turin", config=config
        )
    )

    assert Weather(city="Turin", degrees=42) == answer.parsed


def test_image(sdk: Sdk, sandbox: Sandbox) -> None:
    """A picture reaches the model byte for byte."""
    picture = types.Part.from_bytes(data=PNG, mime_type="image/png")
    answer = sdk.done(
        sdk.api.models.generate_content(
            model=MODEL, contents=["What is this?", picture]
        )
    )

    assert f"I was shown image/png of {len(PNG)} bytes" in answer.text


def test_tokens_are_not_counted(sdk: Sdk, sandbox: Sandbox) -> None:
    """Counting tokens gives 0, and costs no account a call."""
    counted = sdk.done(sdk.api.models.count_tokens(model=MODEL, contents="Hello"))

    assert counted.total_tokens == 0
    assert sandbox.calls() == []


def test_wrong_key(connect: Connect, gateway: Daemon, sandbox: Sandbox) -> None:
    """A client with a wrong key is told so, and reaches nothing."""
    sdk = connect(gateway.url, key="wrong")
    with pytest.raises(errors.ClientError) as caught:
        sdk.done(sdk.api.models.generate_content(model=MODEL, contents="Hello"))

    assert (caught.value.code, caught.value.status) == (401, "UNAUTHENTICATED")
    assert sandbox.calls() == []


def test_exhausted_pool(connect: Connect, serve: Serve, sandbox: Sandbox) -> None:
    """When all accounts are out of quota the client is told at once until when."""
    gateway = serve()
    ruin(sandbox, quota=0)
    sdk = connect(gateway.url)
    with pytest.raises(errors.ClientError) as caught:
        sdk.done(sdk.api.models.generate_content(model=MODEL, contents="Hello"))

    assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")
    assert "every account of this gateway is resting" in caught.value.message
    [info] = caught.value.details["error"]["details"]
    assert info["@type"] == "type.googleapis.com/google.rpc.RetryInfo"
    assert served(gateway, ":generateContent") == 1


def test_accounts_without_login(
    connect: Connect, serve: Serve, sandbox: Sandbox
) -> None:
    """When only a person can help, not even a persistent client asks again."""
    gateway = serve()
    ruin(sandbox, revokeRefresh=True)
    sdk = connect(gateway.url, retry_options=PERSISTENT)
    with pytest.raises(errors.ClientError) as caught:
        sdk.done(sdk.api.models.generate_content(model=MODEL, contents="Hello"))

    assert (caught.value.code, caught.value.status) == (400, "FAILED_PRECONDITION")
    assert "no account of this gateway can serve" in caught.value.message
    assert served(gateway, ":generateContent") == 1


def test_broken_stream(sdk: Sdk, sandbox: Sandbox) -> None:
    """A stream that breaks off raises, after what was whole."""
    sandbox.rule("cut", method="streamGenerateContent", after=2)
    chunks = []
    stream = sdk.api.models.generate_content_stream(model=MODEL, contents="Hello")
    with pytest.raises(errors.APIError) as caught:
        for chunk in sdk.each(stream):
            chunks.append(chunk)

    assert "upstream broke off its answer" in str(caught.value)
    assert len(chunks) == 2


@pytest.mark.parametrize("streamed", [False, True])
def test_upstream_refuses(sdk: Sdk, sandbox: Sandbox, streamed: bool) -> None:
    """What upstream says of a bad request is what the client reads."""
    asking: dict[str, Any] = {"model": "sandbox-400-unknown-name", "contents": "Hello"}
    with pytest.raises(errors.ClientError) as caught:
        if streamed:
            list(sdk.each(sdk.api.models.generate_content_stream(**asking)))
        else:
            sdk.done(sdk.api.models.generate_content(**asking))

    assert (caught.value.code, caught.value.status) == (400, "INVALID_ARGUMENT")
    assert 'Unknown name "$schema"' in caught.value.message
    assert [call["status"] for call in asked(sandbox)] == [400]


def test_base_url_with_a_slash(connect: Connect, gateway: Daemon) -> None:
    """A base URL may end in a slash."""
    sdk = connect(f"{gateway.url}/")
    answer = sdk.done(sdk.api.models.generate_content(model=MODEL, contents="Hello"))

    assert "Hello" in answer.text


def test_base_url_from_the_environment(
    connect: Connect, gateway: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``GOOGLE_GEMINI_BASE_URL`` turns a program to the gateway unchanged."""
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", gateway.url)
    sdk = connect(None)
    chunks = sdk.each(
        sdk.api.models.generate_content_stream(model=MODEL, contents="Hello")
    )

    assert "Hello" in "".join(chunk.text for chunk in chunks)
