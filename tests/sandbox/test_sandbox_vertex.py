"""Tests for Vertex AI as the sandbox plays it."""

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

from antigravity_sandbox.google.vertex import LOCATIONS
from antigravity_sandbox.kinds import VERTEX

CALL = "generateContent"


def answered(
    method: str = CALL, body: bytes | None = None, **how: str
) -> tuple[int | None, Any]:
    """The status and the JSON that ada is answered."""
    acts = Desk().at_vertex(method, bare() if body is None else body, **how)[1]
    return status(acts), json.loads(written(acts))


def test_bare_answer() -> None:
    """An answer is the response itself, with the traffic type that was paid for."""
    code, whole = answered()
    stream = events(written(Desk().at_vertex(STREAM, bare())[1]))

    assert code == 200
    assert whole["usageMetadata"]["trafficType"] == "ON_DEMAND"
    assert {"createTime", "responseId", "modelVersion"} < set(whole)
    assert "".join(texts(stream)) == "".join(texts([whole]))


@pytest.mark.parametrize("location", LOCATIONS)
def test_locations(location: str) -> None:
    """Every region serves, and so does the global endpoint."""
    assert answered(location=location)[0] == 200


def test_unknown_location() -> None:
    """For a location that does not exist there is a page, as there is no host."""
    acts = Desk().at_vertex(CALL, bare(), location="us-east5-a")[1]

    assert status(acts) == 404
    assert written(acts).startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize("bearer", [None, "ya29.nobody"])
def test_no_token(bearer: str | None) -> None:
    """Only an access token opens, and the 401 names the service."""
    home = {"project": "sandbox-project-ada", "location": "global", "model": FLASH}
    acts = Desk().call(CALL, bare(), kind=VERTEX, bearer=bearer, **home)[1]

    (info,) = json.loads(written(acts))["error"]["details"]
    assert status(acts) == 401
    assert info["metadata"]["service"] == "aiplatform.googleapis.com"
    assert info["metadata"]["method"].endswith("PredictionService.GenerateContent")


def test_foreign_project() -> None:
    """The project must be the account's."""
    code, body = answered(project="sandbox-project-grace", location="us-central1")

    error = body["error"]
    resource = (
        "projects/sandbox-project-grace/locations/us-central1/publishers/google/models/"
        + FLASH
    )
    assert code == 403
    assert error["message"] == (
        "Permission 'aiplatform.endpoints.predict' denied on resource "
        f"'//aiplatform.googleapis.com/{resource}' (or it may not exist)."
    )
    (info,) = error["details"]
    assert info["reason"] == "IAM_PERMISSION_DENIED"
    assert info["domain"] == "aiplatform.googleapis.com"
    assert info["metadata"] == {
        "resource": resource,
        "permission": "aiplatform.endpoints.predict",
    }


def test_moved_project() -> None:
    """An account whose project was moved must name the new one."""
    desk = Desk()
    desk.tell("ada", project="new-home")

    codes = [
        status(desk.at_vertex(CALL, bare(), project=project)[1])
        for project in ("sandbox-project-ada", "new-home")
    ]

    assert codes == [403, 200]


@pytest.mark.parametrize("model", ["gemini-9", "sandbox-nonsense"])
def test_unknown_models(model: str) -> None:
    """A model that is not known is a 404 with its full name."""
    code, body = answered(model=model)

    place = "projects/sandbox-project-ada/locations/global"
    name = f"{place}/publishers/google/models/{model}"
    assert code == 404
    assert body["error"]["message"].startswith(
        f"Publisher Model `{name}` was not found or your project does not have access"
    )


@pytest.mark.parametrize("method", [CALL, STREAM, "countTokens"])
@pytest.mark.parametrize("role", [{}, {"role": "system"}, {"role": ""}])
def test_roles(method: str, role: dict[str, str]) -> None:
    """Every content must say whose it is."""
    contents = [*prompt()["contents"], {**role, "parts": [{"text": "Hi"}]}]

    code, body = answered(method, bare(contents=contents))

    message = body["error"]["message"]
    assert (code, message) == (400, "Please use a valid role: user, model.")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"request": {}}, 'Unknown name "request": Cannot find field.'),
        ({**prompt(), "project": "x"}, 'Unknown name "project"'),
        ({}, "at least one contents field is required."),
        (prompt(systemInstruction="x"), "google.cloud.aiplatform.v1.Content), "),
    ],
)
def test_mistakes(body: object, message: str) -> None:
    """A request is checked as Google checks it."""
    code, answer = answered(body=json.dumps(body).encode())

    assert code == 400
    assert message in answer["error"]["message"]


def test_labels() -> None:
    """Labels are for bills, which there are here only."""
    assert answered(body=bare(labels={"team": "tests"}))[0] == 200


def test_count() -> None:
    """Tokens are counted, and the characters as well."""
    code, counted = answered("countTokens", json.dumps(prompt("x" * 40)).encode())

    assert (code, counted["totalTokens"]) == (200, 10)
    assert counted["totalBillableCharacters"] == 40


def test_empty_purse() -> None:
    """The 429 says nothing of when, so that no call can be too soon."""
    desk = Desk()
    desk.tell("ada", quota=0)

    calls = [desk.at_vertex(CALL, bare()) for _ in range(2)]

    error = json.loads(written(calls[0][1]))["error"]
    assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert error["message"].startswith("Resource exhausted. Please try again later. ")
    assert "details" not in error
    assert not any(call.too_soon for call, _ in calls)


def test_record() -> None:
    """The path says what a call is about, and the record has it."""
    desk = Desk()
    desk.at_vertex(CALL, bare(), location="us-central1")

    shown = desk.sandbox.record.overview()["calls"][-1]

    assert (shown["kind"], shown["account"]) == ("vertex", "ada")
    assert (shown["project"], shown["location"]) == (
        "sandbox-project-ada",
        "us-central1",
    )
    assert (shown["model"], shown["method"]) == (FLASH, CALL)
