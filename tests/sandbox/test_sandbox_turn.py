"""Tests for ``antigravity_sandbox.model.turn`` and what it needs."""

import base64
import json
import zlib
from typing import Any

import pytest
from sandbox_helpers import prompt

from antigravity_sandbox.model.picture import png
from antigravity_sandbox.model.prompt import Prompt
from antigravity_sandbox.model.turn import EVENTS, joined, topic, turn
from antigravity_sandbox.model.usage import counted, usage

WEATHER = {
    "name": "get_weather",
    "parameters": {"type": 6, "properties": {"city": {"type": 1}}},
}


def parts(model: str = "gemini-2.5-flash", **request: Any) -> list[dict[str, Any]]:
    return turn(model, Prompt(prompt(**request)))


def test_text_reflects_the_prompt() -> None:
    """The first words of the prompt come back, in several parts."""
    said = parts(text="one two three")

    assert len(said) == EVENTS
    assert "one two three" in "".join(part["text"] for part in said)
    assert all(part["text"].strip() for part in said)


def test_joined() -> None:
    """In one piece the text is the same."""
    said = parts()

    assert [{"text": "".join(part["text"] for part in said)}] == joined(said)


def test_signature_of_text() -> None:
    """The last text of a Gemini 3 has a thought signature, earlier ones none."""
    *earlier, last = parts("gemini-3-pro")

    assert "thoughtSignature" in last
    assert not any("thoughtSignature" in part for part in earlier)
    assert last["thoughtSignature"] == joined([*earlier, last])[0]["thoughtSignature"]


def test_function_call() -> None:
    """A function is called with arguments that match, and a signature."""
    (call,) = parts(tools=[{"functionDeclarations": [WEATHER]}])

    assert call["functionCall"] == {"name": "get_weather", "args": {"city": "Paris"}}
    assert base64.b64decode(call["thoughtSignature"])


def test_function_without_parameters() -> None:
    """A function that takes nothing is called with nothing."""
    (call,) = parts(tools=[{"functionDeclarations": [{"name": "look"}]}])

    assert call["functionCall"] == {"name": "look", "args": {}}


def test_function_response() -> None:
    """A function's response is talked about."""
    response = {"name": "get_weather", "response": {"sky": "clear"}}
    request = prompt(tools=[{"functionDeclarations": [WEATHER]}])
    request["contents"] += [
        {"role": "function", "parts": {"functionResponse": response}}
    ]

    (said,) = joined(turn("gemini-2.5-flash", Prompt(request)))

    assert 'get_weather answered {"sky": "clear"}' in said["text"]


def test_json() -> None:
    """JSON that is asked for matches its schema, over several parts."""
    config = {
        "responseMimeType": "application/json",
        "responseSchema": {
            "type": "OBJECT",
            "properties": {"city": {"type": "STRING"}, "hot": {"type": "BOOLEAN"}},
        },
    }

    said = parts(generationConfig=config)

    text = "".join(part["text"] for part in said)
    assert json.loads(text) == {"city": "Paris", "hot": True}
    assert len(said) > 1


def test_picture() -> None:
    """A model that paints sends a PNG between two texts."""
    first, picture, last = parts("gemini-3.1-flash-image")

    data = base64.b64decode(picture["inlineData"]["data"])
    assert picture["inlineData"]["mimeType"] == "image/png"
    assert data.startswith(b"\x89PNG")
    assert first["text"]
    assert last["text"]


def test_png_is_sound() -> None:
    """The chunks of a PNG have the right lengths and checksums."""
    data, kinds = png("x")[8:], []
    while data:
        end = 8 + int.from_bytes(data[:4], "big")
        kinds.append(data[4:8])
        assert zlib.crc32(data[4:end]) == int.from_bytes(data[end : end + 4], "big")
        data = data[end + 4 :]
    assert kinds == [b"IHDR", b"IDAT", b"IEND"]


def test_inline_data_is_noticed() -> None:
    """A picture that is shown is mentioned, with its size."""
    data = base64.b64encode(bytes(1234)).decode()
    inline = {"inlineData": {"mimeType": "image/webp", "data": data}}
    request = {"contents": [{"parts": [{"text": "Look"}, inline]}]}

    said = joined(turn("gemini-2.5-flash", Prompt(request)))

    assert "image/webp of 1234 bytes" in said[0]["text"]


def test_thoughts() -> None:
    """Thoughts are shown when they are asked for."""
    first, *rest = parts(generationConfig={"thinkingConfig": {"includeThoughts": True}})

    assert first["thought"]
    assert not any("thought" in part for part in rest)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("What is the weather in Paris today?", "Paris"),
        ("tell me everything", "everything"),
        ("", "something"),
        ("42!", "something"),
    ],
)
def test_topic(text: str, word: str) -> None:
    """A prompt is about its last name, or about its longest word."""
    assert word == topic(Prompt(prompt(text)))


def test_usage_adds_up() -> None:
    """The total is the sum of its parts, whatever they are."""
    thinking = {"thinkingConfig": {"includeThoughts": True}}
    request = Prompt(prompt(generationConfig=thinking))
    said = turn("gemini-3-pro", request)

    counts = usage(counted(request.all_parts), said, final=True)

    details = counts["promptTokensDetails"] + counts["candidatesTokensDetails"]
    by_modality = sum(detail["tokenCount"] for detail in details)
    assert counts["totalTokenCount"] == by_modality + counts["thoughtsTokenCount"]


def test_usage_grows_with_the_text() -> None:
    """A text four times as long costs four times as much."""
    assert counted([{"text": "x" * 100}]) == {"TEXT": 25}
    assert counted([{"text": "x" * 400}]) == {"TEXT": 100}
    assert counted([{"inline_data": {}}]) == {"IMAGE": 258}
