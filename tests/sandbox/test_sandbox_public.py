"""Tests for the public Gemini API that the sandbox plays."""

import json
from typing import Any

import pytest
from sandbox_helpers import (
    FLASH,
    STREAM,
    Desk,
    bare,
    events,
    prompt,
    status,
    texts,
    written,
)

from antigravity_sandbox.kinds import GEMINI

CALL = "generateContent"
RATES = "https://ai.google.dev/gemini-api/docs/rate-limits"


def answer(
    desk: Desk, method: str = CALL, body: bytes | None = None, **how: str
) -> Any:
    """The JSON that ada is answered."""
    sent = bare() if body is None else body
    return json.loads(written(desk.by_key(method, sent, **how)[1]))


def refusal(body: bytes = b"", **how: Any) -> tuple[int | None, Any]:
    """The status and the error that a call meets."""
    how = {"kind": GEMINI, "key": "AIzaSy-sandbox-ada", "model": FLASH} | how
    acts = Desk().call(how.pop("method", CALL), body or bare(), **how)[1]
    return status(acts), json.loads(written(acts))["error"]


def test_bare_answer() -> None:
    """An answer is the response itself, and so is every event of a stream."""
    whole = answer(Desk())
    stream = events(written(Desk().by_key(STREAM, bare())[1]))

    assert list(whole) == ["candidates", "usageMetadata", "modelVersion", "responseId"]
    assert len(stream) == 6
    assert all("candidates" in event for event in stream)
    assert "".join(texts(stream)) == "".join(texts([whole]))


def test_stream_headers() -> None:
    """What belongs to the private API is not in the headers."""
    head = Desk().by_key(STREAM, bare())[1][0]

    names = {name.lower() for name, _ in head.headers}  # type: ignore[union-attr]
    assert "server-timing" in names
    assert "x-cloudaicompanion-trace-id" not in names


def test_every_account_has_a_key() -> None:
    """A key tells who calls, and so does the key of a newcomer."""
    desk = Desk()
    calls = [desk.by_key(CALL, bare(), account=name)[0] for name in ("ada", "grace")]

    assert [call.account for call in calls] == ["ada", "grace"]
    assert {call.kind for call in calls} == {"gemini_api_key"}


def test_no_key() -> None:
    """Without a key a caller is nobody."""
    code, error = refusal(key=None)

    assert (code, error["status"]) == (403, "PERMISSION_DENIED")
    assert error["message"].startswith("Method doesn't allow unregistered callers")


@pytest.mark.parametrize("key", ["AIzaSy-sandbox-nobody", "ada", "1//sandbox-ada"])
def test_wrong_key(key: str) -> None:
    """A wrong key is a 400, not a 401."""
    code, error = refusal(key=key)

    info, localized = error["details"]
    assert (code, error["status"]) == (400, "INVALID_ARGUMENT")
    assert error["message"] == "API key not valid. Please pass a valid API key."
    assert (info["reason"], info["domain"]) == ("API_KEY_INVALID", "googleapis.com")
    assert info["metadata"] == {"service": "generativelanguage.googleapis.com"}
    assert localized["message"] == error["message"]


@pytest.mark.parametrize("key", [None, "AIzaSy-sandbox-ada"])
def test_access_tokens_are_not_taken(key: str | None) -> None:
    """An access token is not good here, be it beside a key that is."""
    desk = Desk()
    token = desk.token()
    found = []
    for bearer in (token, "ya29.nobody"):
        acts = desk.call(CALL, bare(), kind=GEMINI, key=key, bearer=bearer)[1]
        error = json.loads(written(acts))["error"]
        found.append((status(acts), error["details"][0]["reason"]))

    assert found == [
        (403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
        (401, "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
    ]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"request": {}}, 'Unknown name "request": Cannot find field.'),
        ({**prompt(), "sessionId": "1"}, 'Unknown name "sessionId"'),
        ({**prompt(), "labels": {}}, 'Unknown name "labels"'),
        ({}, "* GenerateContentRequest.contents: contents is not specified"),
        (prompt(systemInstruction="x"), "Invalid value at 'system_instruction' (type"),
        ([], "Root element must be a message."),
    ],
)
def test_mistakes(body: object, message: str) -> None:
    """A request is checked as Google checks it."""
    code, error = refusal(json.dumps(body).encode())

    assert code == 400
    assert message in error["message"]


def test_spellings() -> None:
    """Members may be spelled in either way; a content may lack its role."""
    body = {"contents": [{"parts": [{"text": "Hi"}]}], "generation_config": {}}

    assert answer(Desk(), body=json.dumps(body).encode())["candidates"]


@pytest.mark.parametrize("model", ["gemini-9", "gemini-3-pro-high", "sandbox-nonsense"])
def test_unknown_models(model: str) -> None:
    """A model that only another API has does not exist."""
    code, error = refusal(model=model)

    assert (code, error["status"]) == (404, "NOT_FOUND")
    said = f"models/{model} is not found for API version v1beta, or is not supported "
    assert error["message"].startswith(said + "for generateContent. Call ListModels")


def test_models_with_a_quota_are_known() -> None:
    """A model exists for the account that has a quota for it."""
    desk = Desk()
    desk.tell("ada", quotas={"gemini-9": 1})

    assert status(desk.by_key(CALL, bare(), model="gemini-9")[1]) == 200


def test_models() -> None:
    """The models are listed, those that misbehave too, and shown one by one."""
    desk = Desk()

    listed = {m["name"]: m for m in answer(desk, "listModels", b"")["models"]}

    assert "models/sandbox-400-key-invalid" in listed
    assert "models/sandbox-400-role" not in listed
    shown = answer(desk, "getModel", b"")
    assert shown == listed[f"models/{FLASH}"]
    assert "generateContent" in shown["supportedGenerationMethods"]


@pytest.mark.parametrize(
    "body",
    [
        prompt("x" * 40),
        {"generateContentRequest": {"model": f"models/{FLASH}", **prompt("x" * 40)}},
    ],
)
def test_count(body: dict[str, Any]) -> None:
    """Tokens are counted of contents, or of a whole request."""
    counted = answer(Desk(), "countTokens", json.dumps(body).encode())

    assert counted["totalTokens"] == 10
    assert counted["promptTokensDetails"] == [{"modality": "TEXT", "tokenCount": 10}]


def test_stream_without_sse() -> None:
    """A stream must be asked for as server-sent events."""
    assert refusal(method=STREAM, query="")[0] == 400


def test_empty_purse() -> None:
    """The 429 of a quota per day tells its size, and when it is full again."""
    desk = Desk()
    desk.tell("ada", quota=2, quotaReset="1h30m0.5s")
    for _ in range(2):
        assert answer(desk)["candidates"]
    desk.now += 1800

    error = answer(desk)["error"]

    *_, metric, retry = error["message"].split("\n")
    assert error["message"].startswith("You exceeded your current quota, please check")
    assert metric.endswith(f"free_tier_requests, limit: 2, model: {FLASH}")
    assert retry == "Please retry in 3600.5s."
    links, failure, info = error["details"]
    assert links["links"][0]["url"] == RATES
    assert info["retryDelay"] == "3600.5s"
    (violation,) = failure["violations"]
    assert violation["quotaId"] == "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
    assert violation["quotaDimensions"] == {"location": "global", "model": FLASH}
    assert violation["quotaValue"] == "2"


def test_empty_purse_for_a_minute() -> None:
    """A quota that is full again within a minute is one per minute."""
    desk = Desk()
    desk.tell("ada", quotas={FLASH: 0}, quotaReset="30s")

    failure = answer(desk)["error"]["details"][0]

    (violation,) = failure["violations"]
    quota = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"
    assert violation["quotaId"] == quota


def test_one_purse() -> None:
    """An account has one quota, whatever it calls with."""
    desk = Desk()
    desk.tell("ada", quota=2)

    codes = [status(desk.by(k, CALL)[1]) for k in ("code_assist", GEMINI, "vertex")]

    assert codes == [200, 200, 429]


def test_retrying_too_soon() -> None:
    """Who calls before the time that a 429 has named is found out."""
    desk = Desk()
    desk.tell("ada", quota=0)

    assert [desk.by_key(CALL, bare())[0].too_soon for _ in range(2)] == [False, True]


def test_suspension_tells_the_key() -> None:
    """Google repeats the key in a message, which a gateway must not pass on."""
    message = answer(Desk(), model="sandbox-403-suspended")["error"]["message"]

    assert "'api_key:AIzaSy-sandbox-ada'" in message
