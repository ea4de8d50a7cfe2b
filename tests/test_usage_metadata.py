"""Tests for ``antigravity_gw.wire.usage``."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.wire.usage import LARGEST, Usage, read_usage

REAL = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "Hi"}]}}],
    "usageMetadata": {
        "promptTokenCount": 9,
        "candidatesTokenCount": 74,
        "totalTokenCount": 1175,
        "cachedContentTokenCount": 4,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 9}],
        "toolUsePromptTokenCount": 1,
        "thoughtsTokenCount": 1091,
    },
}


def of(response: object) -> Usage | None:
    """What is read of a response."""
    return read_usage(json.dumps(response).encode())


def test_as_google_tells_it() -> None:
    """What tools have said is part of the prompt, and thoughts are part of the cost."""
    usage = of(REAL)

    assert usage == Usage(prompt=10, output=74, thoughts=1091, cached=4)
    assert usage is not None
    assert (usage.total_output, usage.total) == (1165, 1175)


@pytest.mark.parametrize("odd", ["7", -1, 1.5, None, True, [], LARGEST + 1, 10**30])
def test_odd_numbers(odd: Any) -> None:
    """What is no number of tokens counts as none, and the others count."""
    told = {"promptTokenCount": odd, "candidatesTokenCount": 2}

    assert of({"usageMetadata": told}) == Usage(output=2)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b'{"usageMetadata":null}',
        b'{"usageMetadata":[1]}',
        b'{"usageMetadata":{"promptTokenCount":',
        b'{"text":"\\"usageMetadata\\""}',
        b'{"usageMetadata":' + b"[" * 100_000,
    ],
)
def test_nothing_to_read(body: bytes) -> None:
    """An answer need not say what it has cost."""
    assert read_usage(body) is None


def test_half_a_surrogate_pair() -> None:
    """A text that was cut within a letter does not hide the cost."""
    body = b'{"text":"\\ud83d","usageMetadata":{"promptTokenCount":3}}'

    assert read_usage(body) == Usage(prompt=3)


@given(st.binary())
def test_any_bytes(body: bytes) -> None:
    """Whatever comes, reading it does not fail."""
    usage = read_usage(b'{"usageMetadata":' + body)

    assert usage is None or usage.total >= 0
