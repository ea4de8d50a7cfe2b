"""What ``generateContent`` and ``streamGenerateContent`` answer."""

from attrs import frozen

from antigravity_sandbox.durations import timestamp
from antigravity_sandbox.google.envelope import Ask
from antigravity_sandbox.model.turn import joined, turn
from antigravity_sandbox.model.usage import counted, usage
from antigravity_sandbox.reply import Json


@frozen
class Ids:
    """What every event of an answer repeats."""

    response: str
    trace: str
    created: float


def streamed(ask: Ask, ids: Ids) -> list[Json]:
    """The events of an answer, one part each."""
    parts = turn(ask.model, ask.prompt)
    asked = counted(ask.prompt.all_parts)
    last = len(parts) - 1
    return [
        _event(
            ask.model,
            ids,
            [part],
            usage(asked, parts[: n + 1], final=n == last),
            final=n == last,
        )
        for n, part in enumerate(parts)
    ]


def whole(ask: Ask, ids: Ids) -> Json:
    """The answer in one piece."""
    parts = turn(ask.model, ask.prompt)
    metadata = usage(counted(ask.prompt.all_parts), parts, final=True)
    return _event(ask.model, ids, joined(parts), metadata, final=True)


def _event(
    model: str, ids: Ids, parts: list[Json], metadata: Json, *, final: bool
) -> Json:
    candidate: Json = {"content": {"role": "model", "parts": parts}, "index": 0}
    if final:
        candidate["finishReason"] = "STOP"
    response = {
        "candidates": [candidate],
        "usageMetadata": metadata,
        "modelVersion": model,
        "createTime": timestamp(ids.created),
        "responseId": ids.response,
    }
    return {"response": response, "traceId": ids.trace}
