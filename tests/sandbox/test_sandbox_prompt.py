"""Tests for ``antigravity_sandbox.model.prompt``."""

import base64

import pytest

from antigravity_sandbox.model.prompt import Blob, Prompt


def test_either_spelling() -> None:
    """camelCase, snake_case and both in one body say the same."""
    prompt = Prompt(
        {
            "generation_config": {
                "responseMimeType": "application/json",
                "thinkingConfig": {"include_thoughts": True},
            },
            "tools": {"function_declarations": {"name": "look"}},
        }
    )

    assert prompt.wants_json
    assert prompt.wants_thoughts
    assert [d["name"] for d in prompt.declarations] == ["look"]


@pytest.mark.parametrize(
    "contents",
    [
        {"parts": {"text": "hello"}},
        [{"parts": [{"text": ""}, {"text": "hello"}]}],
        [{"role": "user", "parts": {"text": "hello"}}, {"role": "model", "parts": []}],
        [{"role": "model", "parts": [{"text": "no"}]}, {"parts": ["hello"]}],
    ],
)
def test_last_text(contents: object) -> None:
    """Lists may be missing, roles too, and parts may be bare strings."""
    assert Prompt({"contents": contents}).last_text == "hello"


@pytest.mark.parametrize("request_", [{}, {"contents": 3}, {"contents": [None, "x"]}])
def test_nonsense(request_: dict[str, object]) -> None:
    """What makes no sense is taken as absent."""
    prompt = Prompt(request_)

    assert (prompt.last_text, prompt.blobs, prompt.declarations) == ("", [], [])


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("padding", ["", "="])
def test_blobs(encode: object, padding: str) -> None:
    """Data may be in base64 of either alphabet, padded or not."""
    data = base64.b64encode(b"\xfb\xff\xfe\xfa").decode().rstrip("=")
    if encode is base64.urlsafe_b64encode:
        data = data.translate(str.maketrans("+/", "-_"))
    part = {"inline_data": {"mime_type": "image/png", "data": data + 2 * padding}}

    prompt = Prompt({"contents": {"parts": [part]}})

    assert [Blob("image/png", 4)] == prompt.blobs


@pytest.mark.parametrize("mode", ["NONE", 3])
def test_no_calls(mode: object) -> None:
    """A model that must not call has no functions to call."""
    calling = {"functionCallingConfig": {"mode": mode}}
    tools = [{"functionDeclarations": [{"name": "look"}]}]

    assert Prompt({"tools": tools, "toolConfig": calling}).declarations == []


def test_allowed_functions() -> None:
    """Only the functions that are allowed count."""
    calling = {"function_calling_config": {"mode": 2, "allowed_function_names": ["b"]}}
    tools = [{"functionDeclarations": [{"name": "a"}, {"name": "b"}]}]

    prompt = Prompt({"tools": tools, "tool_config": calling})

    assert prompt.declarations == [{"name": "b"}]
