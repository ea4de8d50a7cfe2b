"""Google's older ``google-generativeai`` works with the gateway, over REST."""

import base64
import json
import warnings
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
from requests.exceptions import ChunkedEncodingError

from antigravity_sandbox.model.picture import png

with warnings.catch_warnings():
    # That its support has ended, and which Python it would rather have.
    warnings.simplefilter("ignore", FutureWarning)
    warnings.simplefilter("ignore", DeprecationWarning)
    import google.generativeai as genai
    from google.api_core import exceptions

MODEL = "gemini-2.5-flash"
SCHEMA = {
    "type": "OBJECT",
    "properties": {"city": {"type": "STRING"}, "degrees": {"type": "INTEGER"}},
    "required": ["city", "degrees"],
}


def connect(url: str, key: str = KEY) -> None:
    """Turn the SDK, which is one for the whole process, to a gateway."""
    genai.configure(api_key=key, transport="rest", client_options={"api_endpoint": url})


@pytest.fixture
def model(gateway: Daemon) -> Any:
    """A model behind the gateway whose accounts are well."""
    connect(gateway.url)
    return genai.GenerativeModel(MODEL)


def refused(gateway: Daemon, kind: type[Exception], key: str = KEY) -> list[Any]:
    """The errors that a question raises, in one piece and streamed."""
    connect(gateway.url, key)
    caught = []
    for streamed in (False, True):
        with pytest.raises(kind) as error:
            genai.GenerativeModel(MODEL).generate_content("Hello", stream=streamed)
        caught.append(error.value)
    return caught


def text(answer: Any) -> str:
    """The text of all chunks of a streamed answer, taken as they come."""
    return "".join(chunk.text for chunk in answer)


@pytest.mark.usefixtures("model")
def test_models_are_listed() -> None:
    """The list of models is the same, whatever the size of its pages."""
    everything = list(genai.list_models())

    assert list(genai.list_models(page_size=2)) == everything
    assert {"models/gemini-2.5-flash", "models/flash"} < {
        model.name
        for model in everything
        if "generateContent" in model.supported_generation_methods
    }


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("name", [MODEL, "flash"])
def test_one_model(name: str) -> None:
    """A model is described by its own name or by an alias."""
    assert genai.get_model(f"models/{name}").name == f"models/{name}"


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", [MODEL, "flash"])
def test_answer(
    gateway: Daemon, sandbox: Sandbox, slash: str, streamed: bool, name: str
) -> None:
    """A question is answered, and the endpoint may end in a slash."""
    connect(gateway.url + slash)
    answer = genai.GenerativeModel(name).generate_content("Hello", stream=streamed)
    answer.resolve()

    assert "You said “Hello”" in answer.text
    assert answer.candidates[0].finish_reason.name == "STOP"
    assert [call["model"] for call in asked(sandbox)] == [MODEL]


def test_stream(model: Any, slow: Sandbox) -> None:
    """The chunks of a stream arrive while upstream is still at it."""
    chunks, states = [], []
    for chunk in model.generate_content("Hello", stream=True):
        chunks.append(chunk.text)
        states.append(asked(slow)[0]["ended"])

    assert len(chunks) == 6
    assert states[0] is None
    assert "You said “Hello”" in "".join(chunks)


@pytest.mark.parametrize("streamed", [False, True])
def test_chat(model: Any, sandbox: Sandbox, streamed: bool) -> None:
    """A conversation stays with one account, which sees all of it every time."""
    chat = model.start_chat()
    said = []
    for question in ("Hello", "And now?", "Goodbye"):
        answer = chat.send_message(question, stream=streamed)
        answer.resolve()
        said += [("user", question), ("model", answer.text)]
        for number in range(OTHERS):  # as many others, in between
            model.generate_content(f"Not {question} {number}")

    ours, others = split(asked(sandbox))
    assert [turns(call) for call in ours] == [said[:1], said[:3], said[:5]]
    assert len({call["account"] for call in ours}) == 1
    assert len({call["account"] for call in others}) > 1


@pytest.mark.usefixtures("model")
def test_function_call(sandbox: Sandbox) -> None:
    """A model calls a declared function, and speaks of what it is answered."""
    tools = [{"function_declarations": [WEATHER]}]
    chat = genai.GenerativeModel(MODEL, tools=tools).start_chat()
    call = chat.send_message("What is the weather in Turin?").parts[0].function_call
    response = {"name": call.name, "response": {"sky": "clear"}}
    answer = chat.send_message({"function_response": response})

    assert (call.name, dict(call.args)) == ("weather", {"city": "Turin"})
    assert 'The function weather answered {"sky": "clear"}' in answer.text
    assert len({call["account"] for call in asked(sandbox)}) == 1


@pytest.mark.usefixtures("model")
def test_automatic_function_call(sandbox: Sandbox) -> None:
    """The SDK calls a Python function for the model by itself."""

    def weather(city: str) -> str:
        """Tell the weather of a city."""
        return f"clear over {city}"

    chat = genai.GenerativeModel(MODEL, tools=[weather]).start_chat(
        enable_automatic_function_calling=True
    )

    assert "clear over Turin" in chat.send_message("The weather in Turin?").text
    assert len({call["account"] for call in asked(sandbox)}) == 1


def test_json(model: Any) -> None:
    """An answer in JSON matches the schema that was asked for."""
    config = {"response_mime_type": "application/json", "response_schema": SCHEMA}
    answer = model.generate_content("The weather in Turin", generation_config=config)

    assert json.loads(answer.text) == {"city": "Turin", "degrees": 42}


def test_image(model: Any, sandbox: Sandbox) -> None:
    """A picture reaches the model byte for byte."""
    picture = png("a square")
    answer = model.generate_content(
        ["What is this?", {"mime_type": "image/png", "data": picture}]
    )

    assert f"I was shown image/png of {len(picture)} bytes" in answer.text
    [call] = asked(sandbox)
    data = contents(call)[0]["parts"][1]["inlineData"]["data"]
    assert base64.b64decode(data, altchars=b"-_") == picture


def test_tokens_are_not_counted(model: Any, sandbox: Sandbox) -> None:
    """Counting tokens gives 0, and costs no account a call."""
    assert model.count_tokens("Hello").total_tokens == 0
    assert sandbox.calls() == []


def test_wrong_key(gateway: Daemon, sandbox: Sandbox) -> None:
    """A client with a wrong key is told so, and reaches nothing."""
    for told in refused(gateway, exceptions.Unauthorized, key="wrong"):
        assert told.code == 401
    assert sandbox.calls() == []


def test_exhausted_pool(serve: Serve, sandbox: Sandbox) -> None:
    """When all accounts are out of quota the client is told at once until when."""
    gateway = serve()
    ruin(sandbox, quota=0)
    refusals = refused(gateway, exceptions.TooManyRequests)

    count = len(refusals)
    assert served(gateway, f"models/{MODEL}:", count) == count
    for told in refusals:
        assert "no account of this gateway can serve" in told.message
        [info] = told.details
        assert info["@type"] == "type.googleapis.com/google.rpc.RetryInfo"
        assert f"back in {info['retryDelay'].removesuffix('s')} s" in told.message


def test_accounts_without_login(serve: Serve, sandbox: Sandbox) -> None:
    """When only a person can help, the client does not ask again."""
    gateway = serve()
    ruin(sandbox, revokeRefresh=True)
    refusals = refused(gateway, exceptions.BadRequest)

    count = len(refusals)
    assert served(gateway, f"models/{MODEL}:", count) == count
    for told in refusals:
        assert told.response.json()["error"]["status"] == "FAILED_PRECONDITION"
        assert "no account of this gateway can serve" in told.message


def test_broken_stream(model: Any, sandbox: Sandbox) -> None:
    """A stream that breaks off raises, after what was whole."""
    sandbox.rule("cut", method="streamGenerateContent", after=2)
    chunks: list[Any] = []
    with pytest.raises(ChunkedEncodingError):
        chunks.extend(model.generate_content("Hello", stream=True))

    assert len([chunk.text for chunk in chunks if chunk.candidates]) == 2


def test_broken_stream_text(model: Any, sandbox: Sandbox) -> None:
    """A program that takes the text of every chunk sees the break as well."""
    sandbox.rule("cut", method="streamGenerateContent", after=2)
    with pytest.raises(ValueError, match="requires a single candidate"):
        text(model.generate_content("Hello", stream=True))


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("streamed", [False, True])
def test_upstream_refuses(sandbox: Sandbox, streamed: bool) -> None:
    """What upstream says of a bad request is what the client reads."""
    model = genai.GenerativeModel("sandbox-400-unknown-name")
    with pytest.raises(exceptions.BadRequest) as caught:
        model.generate_content("Hello", stream=streamed)

    assert 'Unknown name "$schema"' in caught.value.message
    assert [call["status"] for call in asked(sandbox)] == [400]
