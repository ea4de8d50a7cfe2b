"""Counting tokens, roughly as the real ones are: four characters each."""

import json
from collections.abc import Iterable

from antigravity_sandbox.model.prompt import get, text_of
from antigravity_sandbox.reply import Json

PER_BLOB = 258
"""What a picture costs, however large it is."""


def _tokens(part: Json) -> int:
    if get(part, "inlineData") is not None:
        return PER_BLOB
    text = text_of(part) or json.dumps(part)
    return -(-len(text) // 4)


def details(counts: dict[str, int]) -> list[Json]:
    """The same counts, as Google lists them."""
    return [{"modality": name, "tokenCount": count} for name, count in counts.items()]


def counted(parts: Iterable[Json]) -> dict[str, int]:
    """The tokens of *parts*, thoughts left out, by their modality."""
    counts: dict[str, int] = {}
    for part in parts:
        if get(part, "thought"):
            continue
        modality = "TEXT" if get(part, "inlineData") is None else "IMAGE"
        counts[modality] = counts.get(modality, 0) + _tokens(part)
    return counts


def usage(asked: dict[str, int], said: list[Json], *, final: bool) -> Json:
    """
    The ``usageMetadata`` after the parts *said*.

    :param asked: what the prompt has :func:`counted`.
    :param final: whether they are all, in which case the details are given too.
    """
    answered = counted(said)
    thoughts = sum(_tokens(part) for part in said if part.get("thought"))
    prompted, candidates = sum(asked.values()), sum(answered.values())
    counts: Json = {
        "promptTokenCount": prompted,
        "candidatesTokenCount": candidates,
        "totalTokenCount": prompted + candidates + thoughts,
    }
    if thoughts:
        counts["thoughtsTokenCount"] = thoughts
    if final:
        counts["promptTokensDetails"] = details(asked)
        counts["candidatesTokensDetails"] = details(answered)
    return counts
