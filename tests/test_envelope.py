"""Tests for ``antigravity_gw.wire.envelope``."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.errors import BadRequest, MalformedStream
from antigravity_gw.wire.ask import read_body
from antigravity_gw.wire.envelope import on_one_line, seal, unseal
from antigravity_gw.wire.google import UpstreamError

texts = st.text(max_size=20)


def sealed(body: bytes, **fields: str) -> bytes:
    """*body* as it goes upstream."""
    given_fields = {
        "project": "p",
        "request_id": "r",
        "model": "m",
        "user_agent": "u",
        "request_type": "agent",
        **fields,
    }
    head, tail = seal(**given_fields)
    return head + body + tail


def test_fields() -> None:
    """The envelope has the six fields of its dialect, in their order."""
    document = json.loads(sealed(b'{"contents":[]}'))

    assert list(document.items()) == [
        ("project", "p"),
        ("requestId", "r"),
        ("model", "m"),
        ("userAgent", "u"),
        ("requestType", "agent"),
        ("request", {"contents": []}),
    ]


@given(texts, texts)
def test_no_field_breaks_out(project: str, model: str) -> None:
    """Whatever a field holds, it is one string of the envelope."""
    document = json.loads(sealed(b"{}", project=project, model=model))

    assert (project, model) == (document["project"], document["model"])


@given(st.binary(max_size=60) | st.text('{}[]",:\\x 0', max_size=20).map(str.encode))
def test_no_body_breaks_out(body: bytes) -> None:
    """A body that passes the check is one member of the envelope, and no more."""
    try:
        read_body(body)
    except BadRequest:
        return
    document = json.loads(sealed(body))

    assert len(document) == 6
    assert json.loads(body) == document["request"]


@pytest.mark.parametrize(
    "response",
    [
        b'{"n":1e400,"big":123456789012345678901234567890,"f":1.0,"e":1E5}',
        b'{"s":"\\u00e9\\/","t":"\xc3\xa9"}',
        b'{"a":1,"a":2}',
    ],
)
def test_spelling_is_kept(response: bytes) -> None:
    """What upstream wrote is what the client reads, to the digit."""
    opened = unseal(b'{"traceId":"t", "response" : %b }' % response)
    held = opened.response_or_raise(b"")

    assert held is not None
    assert response == held == on_one_line(held)


@pytest.mark.parametrize(
    ("response", "line"),
    [
        (b'{\n"a":[ 1,\n2 ],"b":" \\n "}', b'{ "a":[ 1, 2 ],"b":" \\n "}'),
        (b'{ "a" : [ 1, 2 ], "b": " \\n " }', b'{ "a" : [ 1, 2 ], "b": " \\n " }'),
        (b'{"a":\n1e400,"b":"\\ud83d\\/"}', b'{"a": 1e400,"b":"\\ud83d\\/"}'),
    ],
)
def test_one_line(response: bytes, line: bytes) -> None:
    """Line ends have to go; strings stay as they are."""
    assert line == on_one_line(response)


@pytest.mark.parametrize(
    "data",
    [
        rb'{"a":{"x":"\u0800"},"response":{"x":"\ud800"}}',
        rb'{"a":{"x":"xud800"},"response":{"x":"\ud800"},"b":"\\ud800"}',
        rb'{"response":{"x":"\ud800"},"a":"\uDC00\\\ud83d"}',
    ],
)
def test_half_letters(data: bytes) -> None:
    """Half a surrogate pair is JSON, and what is around it is not taken for it."""
    assert unseal(data).response_or_raise(data) == rb'{"x":"\ud800"}'


@pytest.mark.parametrize("data", [b"", b"[]", b"1", b"{", b'{"response":"\xff"}'])
def test_no_envelope(data: bytes) -> None:
    """What is no JSON object in UTF-8 is no envelope."""
    with pytest.raises(MalformedStream):
        unseal(data)


@pytest.mark.parametrize("data", [b"{}", b'{"response":null,"error":null}'])
def test_empty_envelope(data: bytes) -> None:
    """An envelope may hold nothing for the client."""
    assert unseal(data).response_or_raise(data) is None


def test_error() -> None:
    """An error in an envelope is raised, even beside a response."""
    data = b'{"response":{},"error":{"code":429,"message":"no"}}'
    with pytest.raises(UpstreamError) as caught:
        unseal(data).response_or_raise(data)

    assert (caught.value.error.code, caught.value.error.message) == (429, "no")


def test_error_that_cannot_be_read() -> None:
    """An error that is no object is an error all the same."""
    data = b'{"error":"no"}'
    with pytest.raises(UpstreamError):
        unseal(data).response_or_raise(data)
