"""What ``generateContent`` and ``streamGenerateContent`` answer, whoever asks."""

from collections.abc import Callable, Iterator

from attrs import evolve

from antigravity_sandbox.durations import compound, timestamp
from antigravity_sandbox.google.errors import About, refusal
from antigravity_sandbox.google.request import Ask
from antigravity_sandbox.google.visit import Visit
from antigravity_sandbox.kinds import GEMINI, STREAM, VERTEX
from antigravity_sandbox.model.turn import joined, turn
from antigravity_sandbox.model.usage import counted, usage
from antigravity_sandbox.reply import Json, Refused


def check_stream(visit: Visit) -> None:
    """
    See that a stream is asked for as server-sent events.

    :raises Refused: when it is not.  Google would answer with an array.
    """
    if visit.call.method == STREAM and "alt=sse" not in visit.call.query:
        raise Refused(refusal(400, "The sandbox streams with ?alt=sse only."))


def spend(visit: Visit, refuse: Callable[[About, float], Refused]) -> None:
    """
    Pay for a call.

    :param refuse: makes the refusal, given the seconds until there is quota.
    :raises Refused: that one, when the account has none left.
    """
    standing, model = visit.standing, visit.call.model
    wait = standing.wait(model, visit.now)
    if wait is not None:
        limit = standing.limit(model, visit.now)
        about = evolve(visit.about, delay=compound(wait), limit=limit)
        raise refuse(about, wait)
    standing.spend(model, visit.now)


def responses(visit: Visit, ask: Ask) -> Iterator[Json]:
    """The responses of a stream, one part each, or the only one of a unary answer."""
    parts = turn(ask.model, ask.prompt)
    asked = counted(ask.prompt.all_parts)
    if visit.call.method != STREAM:
        metadata = usage(asked, parts, final=True)
        yield _response(visit, ask.model, joined(parts), metadata, final=True)
        return
    for n, part in enumerate(parts, 1):
        final = n == len(parts)
        metadata = usage(asked, parts[:n], final=final)
        yield _response(visit, ask.model, [part], metadata, final=final)


def _response(
    visit: Visit, model: str, parts: list[Json], metadata: Json, *, final: bool
) -> Json:
    candidate: Json = {"content": {"role": "model", "parts": parts}, "index": 0}
    if final:
        candidate["finishReason"] = "STOP"
    if visit.call.kind == VERTEX:
        metadata = {**metadata, "trafficType": "ON_DEMAND"}
    response = {
        "candidates": [candidate],
        "usageMetadata": metadata,
        "modelVersion": model,
    }
    if visit.call.kind != GEMINI:
        response["createTime"] = timestamp(visit.ids.created)
    return {**response, "responseId": visit.ids.response}
