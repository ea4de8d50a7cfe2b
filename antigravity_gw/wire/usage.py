"""What an answer has cost, in tokens, as its ``usageMetadata`` says."""

from typing import Any

import msgspec
from attrs import fields, frozen
from msgspec import Raw

from antigravity_gw.wire.jsons import NOTHING, decoded, tamed

LARGEST = 2**40
"""More tokens than this are no number of tokens."""

MARK = b'"usageMetadata"'
"""Stands in every answer that has any; cheaper to look for than to parse."""


@frozen
class Usage:
    """
    Numbers of tokens.

    In a stream Google counts from its beginning, so the last one told is that of
    the whole answer.

    :ivar prompt: what was asked, with what was cached of it and what tools have said.
    :ivar output: what was answered, without thoughts.
    :ivar thoughts: what was thought before, which is paid like an answer.
    :ivar cached: as much of the prompt as was known from before.
    """

    prompt: int = 0
    output: int = 0
    thoughts: int = 0
    cached: int = 0

    @property
    def total_output(self) -> int:
        """What came of it, thoughts included."""
        return self.output + self.thoughts

    @property
    def total(self) -> int:
        """All that is paid for."""
        return self.prompt + self.total_output


TYPES = tuple(attribute.name for attribute in fields(Usage))
"""The types of tokens that are told apart."""


class _Told(msgspec.Struct):
    """Google's own numbers; anything may stand in place of one."""

    promptTokenCount: Any = 0
    toolUsePromptTokenCount: Any = 0
    candidatesTokenCount: Any = 0
    thoughtsTokenCount: Any = 0
    cachedContentTokenCount: Any = 0


class _Response(msgspec.Struct):
    usageMetadata: Raw = NOTHING


_responses = msgspec.json.Decoder(_Response)


def read_usage(response: bytes) -> Usage | None:
    """
    What *response* says of tokens; None when it says nothing that can be read.

    Never raises, whatever the bytes.
    """
    if MARK not in response:
        return None
    try:
        found = _responses.decode(response).usageMetadata
    except (msgspec.MsgspecError, RecursionError):
        told = decoded(tamed(response), _Response)
        found = told.usageMetadata if told else NOTHING
    return usage_of(bytes(found))


def usage_of(metadata: bytes) -> Usage | None:
    """What one ``usageMetadata`` says; None when it cannot be read."""
    told = decoded(metadata, _Told)
    if told is None:
        return None
    return Usage(
        prompt=_number(told.promptTokenCount) + _number(told.toolUsePromptTokenCount),
        output=_number(told.candidatesTokenCount),
        thoughts=_number(told.thoughtsTokenCount),
        cached=_number(told.cachedContentTokenCount),
    )


def _number(value: Any) -> int:
    is_one = type(value) is int and 0 <= value <= LARGEST
    return value if is_one else 0
