"""Google's ``google-genai`` works with the gateway, by calls and by awaiting."""

import asyncio
import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from daemons import (
    KEY,
    OTHERS,
    WEATHER,
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
from google import genai
from google.genai import errors, types
from pydantic import BaseModel

from antigravity_sandbox.model.picture import png

# Where aiohttp is installed the SDK awaits with it, in a way aiohttp frowns upon.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Inheritance class AiohttpClientSession:DeprecationWarning"
)

MODEL = "gemini-2.5-flash"
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


def ask(sdk: Sdk, asked: Any, streamed: bool = False, **more: Any) -> list[Any]:
    """The chunks of an answer; one, when it is not streamed."""
    question = {"model": MODEL, "contents": asked, **more}
    if streamed:
        return list(sdk.each(sdk.api.models.generate_content_stream(**question)))
    return [sdk.done(sdk.api.models.generate_content(**question))]


def refused(sdk: Sdk) -> list[Any]:
    """The errors that a question raises, in one piece and streamed."""
    caught = []
    for streamed in (False, True):
        with pytest.raises(errors.ClientError) as error:
            ask(sdk, "Hello", streamed)
        caught.append(error.value)
    return caught


def text(chunks: list[Any]) -> str:
    """The text of all chunks."""
    return "".join(chunk.text for chunk in chunks)


def test_models_are_listed(sdk: Sdk) -> None:
    """The list of models is the same, whatever the size of its pages."""
    everything = [m.name for m in sdk.each(sdk.api.models.list())]
    paged = [m.name for m in sdk.each(sdk.api.models.list(config={"page_size": 2}))]
    first = sdk.done(sdk.api.models.list(config={"page_size": 2})).page

    assert paged == everything
    assert [m.name for m in first] == everything[:2]
    assert {"models/gemini-2.5-flash", "models/flash"} < set(everything)


@pytest.mark.parametrize("name", [MODEL, "flash"])
def test_one_model(sdk: Sdk, name: str) -> None:
    """A model is described by its own name or by an alias."""
    model = sdk.done(sdk.api.models.get(model=name))

    assert model.name == f"models/{name}"
    assert "generateContent" in model.supported_actions


@pytest.mark.parametrize("name", [MODEL, "flash"])
def test_answer(sdk: Sdk, sandbox: Sandbox, name: str) -> None:
    """A question is answered by the model, whichever of its names is used."""
    [answer] = ask(sdk, "Hello", model=name)

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
    assert states[0] is None
    assert "You said “Hello”" in text(chunks)
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP


@pytest.mark.parametrize("streamed", [False, True])
def test_chat(sdk: Sdk, sandbox: Sandbox, streamed: bool) -> None:
    """A conversation stays with one account, which sees all of it every time."""
    chat = sdk.api.chats.create(model=MODEL)
    said = []
    for question in ("Hello", "And now?", "Goodbye"):
        if streamed:
            answer = text(list(sdk.each(chat.send_message_stream(question))))
        else:
            answer = sdk.done(chat.send_message(question)).text
        said += [("user", question), ("model", answer)]
        for number in range(OTHERS):  # as many conversations, in between
            ask(sdk, f"Not {question} {number}")

    ours, others = split(asked(sandbox))
    assert [turns(call) for call in ours] == [said[:1], said[:3], said[:5]]
    assert len({call["account"] for call in ours}) == 1
    assert len({call["account"] for call in others}) > 1


def test_function_call(sdk: Sdk, sandbox: Sandbox) -> None:
    """A model calls a declared function, and speaks of what it is answered."""
    config = {"tools": [{"function_declarations": [WEATHER]}]}
    question = types.UserContent("What is the weather in Turin?")
    [first] = ask(sdk, question, config=config)
    [call] = first.function_calls
    result = types.Part.from_function_response(
        name=call.name, response={"sky": "clear"}
    )
    conversation = [question, first.candidates[0].content, types.UserContent(result)]
    [second] = ask(sdk, conversation, config=config)

    assert (call.name, call.args) == ("weather", {"city": "Turin"})
    assert 'The function weather answered {"sky": "clear"}' in second.text
    [sent_back] = contents(asked(sandbox)[1])[1]["parts"]
    signature = first.candidates[0].content.parts[0].thought_signature
    assert base64.b64decode(sent_back["thoughtSignature"], altchars=b"-_") == signature


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
    [answer] = ask(sdk, "The weather in Turin", config=config)

    assert answer.parsed == Weather(city="Turin", degrees=42)


def test_image(sdk: Sdk, sandbox: Sandbox) -> None:
    """A picture reaches the model byte for byte."""
    picture = png("a square")
    part = types.Part.from_bytes(data=picture, mime_type="image/png")
    [answer] = ask(sdk, ["What is this?", part])

    assert f"I was shown image/png of {len(picture)} bytes" in answer.text
    [call] = asked(sandbox)
    data = contents(call)[0]["parts"][1]["inlineData"]["data"]
    assert base64.b64decode(data, altchars=b"-_") == picture


def test_tokens_are_not_counted(sdk: Sdk, sandbox: Sandbox) -> None:
    """Counting tokens gives 0, and costs no account a call."""
    counted = sdk.done(sdk.api.models.count_tokens(model=MODEL, contents="Hello"))

    assert counted.total_tokens == 0
    assert sandbox.calls() == []


def test_wrong_key(connect: Connect, gateway: Daemon, sandbox: Sandbox) -> None:
    """A client with a wrong key is told so, and reaches nothing."""
    for told in refused(connect(gateway.url, key="wrong")):
        assert (told.code, told.status) == (401, "UNAUTHENTICATED")
    assert sandbox.calls() == []


def test_exhausted_pool(connect: Connect, serve: Serve, sandbox: Sandbox) -> None:
    """When all accounts are out of quota the client is told at once until when."""
    gateway = serve()
    ruin(sandbox, quota=0)
    refusals = refused(connect(gateway.url))

    count = len(refusals)
    assert served(gateway, f"models/{MODEL}:", count) == count
    for told in refusals:
        assert (told.code, told.status) == (429, "RESOURCE_EXHAUSTED")
        assert "no account of this gateway can serve" in told.message
        [info] = told.details["error"]["details"]
        assert info["@type"] == "type.googleapis.com/google.rpc.RetryInfo"
        assert f"back in {info['retryDelay'].removesuffix('s')} s" in told.message


def test_accounts_without_login(
    connect: Connect, serve: Serve, sandbox: Sandbox
) -> None:
    """When only a person can help, not even a persistent client asks again."""
    gateway = serve()
    ruin(sandbox, revokeRefresh=True)
    refusals = refused(connect(gateway.url, retry_options=PERSISTENT))

    count = len(refusals)
    assert served(gateway, f"models/{MODEL}:", count) == count
    for told in refusals:
        assert (told.code, told.status) == (400, "FAILED_PRECONDITION")
        assert "no account of this gateway can serve" in told.message


def test_broken_stream(sdk: Sdk, sandbox: Sandbox) -> None:
    """A stream that breaks off raises, after what was whole."""
    sandbox.rule("cut", method="streamGenerateContent", after=2)
    chunks: list[Any] = []
    stream = sdk.api.models.generate_content_stream(model=MODEL, contents="Hello")
    with pytest.raises(errors.APIError, match="upstream broke off its answer"):
        chunks.extend(sdk.each(stream))

    assert len(chunks) == 2


@pytest.mark.parametrize("streamed", [False, True])
def test_upstream_refuses(sdk: Sdk, sandbox: Sandbox, streamed: bool) -> None:
    """What upstream says of a bad request is what the client reads."""
    with pytest.raises(errors.ClientError) as caught:
        ask(sdk, "Hello", streamed, model="sandbox-400-unknown-name")

    assert (caught.value.code, caught.value.status) == (400, "INVALID_ARGUMENT")
    assert 'Unknown name "$schema"' in caught.value.message
    assert [call["status"] for call in asked(sandbox)] == [400]


@pytest.mark.parametrize("streamed", [False, True])
def test_base_url_with_a_slash(
    connect: Connect, gateway: Daemon, streamed: bool
) -> None:
    """A base URL may end in a slash."""
    assert "Hello" in text(ask(connect(f"{gateway.url}/"), "Hello", streamed))


@pytest.mark.parametrize("streamed", [False, True])
def test_base_url_from_the_environment(
    connect: Connect, gateway: Daemon, monkeypatch: pytest.MonkeyPatch, streamed: bool
) -> None:
    """``GOOGLE_GEMINI_BASE_URL`` turns a program to the gateway unchanged."""
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", gateway.url)

    assert "Hello" in text(ask(connect(None), "Hello", streamed))
