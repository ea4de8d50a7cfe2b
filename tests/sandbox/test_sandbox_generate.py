"""Tests for the envelope, and for what generate calls answer."""

import json
from typing import Any

import pytest
from sandbox_helpers import (
    STREAM,
    Desk,
    envelope,
    events,
    prompt,
    status,
    texts,
    written,
)

from antigravity_sandbox.acts import Head, Wait


def refusal(body: bytes) -> tuple[int | None, str]:
    """The status and the message of the error that *body* gets."""
    acts = Desk().ask("generateContent", body)
    error = json.loads(written(acts))["error"]
    assert error["code"] == status(acts)
    return status(acts), error["message"]


@pytest.mark.parametrize(
    ("changed", "code", "message"),
    [
        ({"project": ""}, 400, "Invalid project resource name projects/"),
        ({"project": "sandbox-project-grace"}, 403, "Permission 'cloudaicompanion."),
        ({"project": 3}, 400, "Invalid value at 'project' (TYPE_STRING), 3"),
        ({"request_id": "x"}, 400, 'Invalid JSON payload received. Unknown name "requ'),
        ({"model": ""}, 400, "Invalid model name ''"),
        ({"model": "models/gemini"}, 400, "Invalid model name 'models/gemini'"),
        ({"request": []}, 400, "Invalid value at 'request'"),
        ({"request": {}}, 400, "* GenerateContentRequest.contents: contents is not"),
        (
            {"request": prompt(systemInstruction="be brief")},
            400,
            "Invalid value at 'request.system_instruction'",
        ),
    ],
)
def test_envelope(changed: dict[str, Any], code: int, message: str) -> None:
    """An envelope that is not in order is refused in Google's words."""
    answered, said = refusal(envelope(**changed))

    assert (code, message) == (answered, said[: len(message)])


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"3", b'{"a": NaN}', b"\xff", b"[" * 100_000]
)
def test_not_an_object(body: bytes) -> None:
    """A body that is no JSON object is refused."""
    assert (refusal(body)[0], refusal(body)[1][:20]) == (400, "Invalid JSON payload")


def test_missing_project() -> None:
    """A project that is not there is as good as an empty one."""
    assert refusal(b"{}") == (400, "Invalid project resource name projects/")


def test_whole() -> None:
    """A unary answer has all that clients read."""
    answer = Desk().json("generateContent", envelope())

    response = answer["response"]
    (candidate,) = response["candidates"]
    assert "Paris" in candidate["content"]["parts"][0]["text"]
    assert (
        candidate["content"]["role"],
        candidate["finishReason"],
    ) == ("model", "STOP")
    assert response["modelVersion"] == "gemini-2.5-flash"
    assert response["responseId"]
    assert answer["traceId"]


def test_stream() -> None:
    """A stream says the same, in several events that are all complete."""
    desk = Desk()
    found = events(written(desk.ask(STREAM, envelope())))

    assert len(found) == 6
    whole = desk.json("generateContent", envelope())
    assert texts([whole]) == ["".join(texts(found))]
    for event in found:
        response = event["response"]
        assert response["candidates"][0]["content"]["role"] == "model"
        assert response["usageMetadata"]["totalTokenCount"]
    *others, last = [event["response"]["candidates"][0] for event in found]
    assert last["finishReason"] == "STOP"
    assert not any("finishReason" in candidate for candidate in others)


def test_usage_of_stream_and_whole() -> None:
    """The last event counts what the whole answer counts."""
    desk = Desk()
    last = events(written(desk.ask(STREAM, envelope())))[-1]
    whole = desk.json("generateContent", envelope())

    usage = whole["response"]["usageMetadata"]
    assert usage == last["response"]["usageMetadata"]
    spent = usage["promptTokenCount"] + usage["candidatesTokenCount"]
    assert spent == usage["totalTokenCount"]


@pytest.mark.parametrize("model", ["gemini-3-pro", "gemini-3.1-flash-image"])
def test_half_a_character(model: str) -> None:
    """What JSON can say and UTF-8 cannot is no reason to fail."""
    asked = envelope(model=model, request=prompt("Half of \ud83d is lost"))

    assert events(written(Desk().ask(STREAM, asked)))


def test_pace() -> None:
    """Between two events passes the time that was asked for."""
    acts = Desk().ask(STREAM, envelope())

    assert 5 * [Wait(0.5)] == [act for act in acts if isinstance(act, Wait)]


def test_headers() -> None:
    """Answers bring the headers that are worth logging."""
    head = Desk().ask(STREAM, envelope())[0]

    assert isinstance(head, Head)
    headers = dict(head.headers)
    assert headers["Content-Type"] == "text/event-stream"
    assert len(headers["x-cloudaicompanion-trace-id"]) == 16
    assert headers["server-timing"].startswith("gfet4t7; dur=")


def test_alt() -> None:
    """A stream has to be asked for as events."""
    desk = Desk()
    token = desk.token()

    _, acts = desk.call(STREAM, envelope(), bearer=token, query="")

    assert status(acts) == 400


def test_same_request_id() -> None:
    """A requestId that was seen before is only recorded."""
    desk = Desk()

    codes = [status(desk.ask("generateContent", envelope())) for _ in range(2)]

    assert codes == [200, 200]


def test_record() -> None:
    """The record has what the envelope said, even if it was refused."""
    desk = Desk()
    call, _ = desk.call("generateContent", envelope(), bearer="nobody's")

    overview = call.overview()

    assert overview["project"] == "sandbox-project-ada"
    assert [overview[name] for name in ("requestId", "userAgent", "requestType")] == [
        "request-1",
        "tests",
        "agent",
    ]
    assert None is overview["account"]


def test_quota() -> None:
    """When the quota is used up, it says until when."""
    desk = Desk()
    desk.tell("ada", quota=1)

    acts = [desk.ask("generateContent", envelope()) for _ in range(2)]

    assert [status(a) for a in acts] == [200, 429]
    details = json.loads(written(acts[1]))["error"]["details"]
    assert details[0]["reason"] == "QUOTA_EXHAUSTED"
    assert details[0]["metadata"]["quotaResetDelay"] == "108h48m20.795762633s"
    assert details[1]["retryDelay"] == "391700.795762633s"
    assert status(desk.ask("generateContent", envelope("grace"), "grace")) == 200
