"""
What can be wrong with the events of an answer.

Each function takes the events of an honest answer and gives those to be sent
instead.  Where it says so in the catalogue it also suits an answer in one
piece, which is a single event.
"""

import copy
from collections.abc import Iterable, Iterator
from typing import Any

from antigravity_sandbox.google.errors import error
from antigravity_sandbox.reply import Json

Events = Iterable[Json]

MESSAGES = {
    429: "Resource has been exhausted (e.g. check quota).",
    500: "Internal error encountered.",
    503: "The model is overloaded. Please try again later.",
}
"""The errors that come when an answer has begun, by their code."""


def response_in(event: Json) -> Any:
    """The response in *event*, be it in an envelope or bare."""
    return event.get("response", event)


def _candidate(event: Json) -> Any:
    return response_in(event)["candidates"][0]


def _ending(last: Json, *parts: Json) -> tuple[Json, Json]:
    """*last* split in two: what it says, and that it is the last, with *parts*."""
    said, ending = copy.deepcopy(last), copy.deepcopy(last)
    del _candidate(said)["finishReason"]
    content = {"role": "model", "parts": list(parts)} if parts else {"role": "model"}
    _candidate(ending)["content"] = content
    return said, ending


def none(_: Events) -> Events:
    """A success without any event."""
    return ()


def without_finish_reason(events: Events) -> Iterator[Json]:
    """No event says that it is the last."""
    for event in copy.deepcopy(list(events)):
        _candidate(event).pop("finishReason", None)
        yield event


def without_role(events: Events) -> Iterator[Json]:
    """Contents do not say whose they are."""
    for event in copy.deepcopy(list(events)):
        del _candidate(event)["content"]["role"]
        yield event


def thoughts_only(events: Events) -> Iterator[Json]:
    """The model thinks, and says nothing."""
    for event in copy.deepcopy(list(events)):
        _candidate(event)["content"]["parts"] = [{"text": "Hmm. ", "thought": True}]
        yield event


def metadata_first(events: Events) -> Iterator[Json]:
    """An event without candidates comes first."""
    first, *rest = events
    metadata = copy.deepcopy(first)
    del response_in(metadata)["candidates"]
    yield from (metadata, first, *rest)


def trailing_usage(events: Events) -> Iterator[Json]:
    """The last event has no parts, only a finishReason and the usage."""
    *rest, last = events
    yield from (*rest, *_ending(last))


def trailing_empty_text(events: Events) -> Iterator[Json]:
    """The last event has a text of nothing."""
    *rest, last = events
    yield from (*rest, *_ending(last, {"text": ""}))


def blocked_prompt(events: Events) -> Iterator[Json]:
    """The prompt is refused; there are no candidates."""
    event = copy.deepcopy(next(iter(events)))
    response = response_in(event)
    del response["candidates"]
    tokens = response["usageMetadata"]["promptTokenCount"]
    response["usageMetadata"] = {"promptTokenCount": tokens, "totalTokenCount": tokens}
    response["promptFeedback"] = {"blockReason": "PROHIBITED_CONTENT"}
    yield event


def many(events: Events, n: int, size: int) -> Iterator[Json]:
    """*n* events of *size* characters ahead of the last one."""
    *_, last = events
    event, ending = _ending(last, *_candidate(last)["content"]["parts"])
    _candidate(event)["content"]["parts"] = [{"text": "x" * size}]
    for _number in range(n):
        yield event
    yield ending


def error_after(events: Events, after: int, code: int) -> Iterator[Json]:
    """An error as an event, after some others or none; then no more."""
    for _number, event in zip(range(after), events, strict=False):
        yield event
    yield error(code, MESSAGES[code])
