"""The envelope of a generate call, checked as strictly as Google checks it."""

import json
from collections.abc import Collection
from typing import Any

from antigravity_sandbox.accounts import Standing
from antigravity_sandbox.google import denials
from antigravity_sandbox.google.errors import (
    About,
    bad_request,
    invalid_project,
    invalid_value,
    not_json,
    project_not_found,
    refusal,
    unknown_name,
)
from antigravity_sandbox.google.request import Ask, Dialect
from antigravity_sandbox.reply import Json, Refused

KEYS = ("project", "requestId", "model", "userAgent", "requestType", "request")
_TEXTS = KEYS[:-1]
DIALECT = Dialect("google.cloud.aiplatform")


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def read_json(body: bytes) -> object:
    """
    The JSON in *body*.

    :raises Refused: when there is none.
    """
    try:
        value: object = json.loads(body, parse_constant=_constant)
    except (ValueError, RecursionError):
        raise Refused(not_json()) from None
    return value


def read_object(body: bytes) -> Json:
    """
    The JSON object in *body*.

    :raises Refused: when there is none.
    """
    return check_object(read_json(body))


def check_object(value: object) -> Json:
    """
    See that the whole of a body is an object.

    :raises Refused: when it is something else.
    """
    if not isinstance(value, dict):
        message = 'Invalid JSON payload received. Unknown name "": '
        message += "Root element must be a message."
        raise Refused(refusal(400, message, bad_request("", message)))
    return value


def check_names(body: Json, known: Collection[str]) -> None:
    """
    Look for members that nobody knows.

    :raises Refused: for the first one.
    """
    for name in body:
        if name not in known:
            raise Refused(unknown_name(name))


def check_texts(body: Json, names: Collection[str]) -> None:
    """
    See that the members *names*, as far as they are there, are strings.

    :raises Refused: for the first one that is not.
    """
    for name in names:
        value = body.get(name, "")
        if not isinstance(value, str):
            raise Refused(invalid_value(name, "TYPE_STRING", json.dumps(value)[:80]))


def check_project(named: object, standing: Standing) -> None:
    """
    See that a call names the project of its account.

    :raises Refused: when it names none, one that it had before, or somebody
        else's.
    """
    if not named:
        raise Refused(invalid_project())
    if named == standing.project:
        return
    about = About(project=str(named))
    if named in standing.former_projects:
        raise Refused(project_not_found(about))
    raise Refused(denials.iam_denied(about))


def check(body: Json, standing: Standing) -> Ask:
    """
    Open the envelope of a call by *standing*.

    :raises Refused: when it is not in order.
    """
    check_names(body, KEYS)
    check_texts(body, _TEXTS)
    check_project(body.get("project"), standing)
    return Ask(_model(body), DIALECT.prompt(body.get("request"), "request"))


def _model(body: Json) -> str:
    model: str = body.get("model", "")
    if not model or "/" in model:
        message = f"Invalid model name '{model}': expected a bare model id."
        raise Refused(refusal(400, message, bad_request("model", message)))
    return model
