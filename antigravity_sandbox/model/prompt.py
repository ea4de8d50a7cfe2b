"""
Reading a request body, whichever of its spellings a client chose.

Clients write camelCase, snake_case or both in one body, give enums as names
or as numbers, and a single part without its list.  What cannot be made sense
of is taken as absent: it is not the business of this module to complain.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from attrs import frozen

from antigravity_sandbox.reply import Json

_MODES = {0: "AUTO", 1: "AUTO", 2: "ANY", 3: "NONE"}


def get(value: object, name: str) -> Any:
    """The member *name* (in camelCase) of an object, in either spelling."""
    if not isinstance(value, dict):
        return None
    return value[name] if name in value else value.get(_snake(name))


def _snake(name: str) -> str:
    return re.sub("[A-Z]", lambda upper: "_" + upper[0].lower(), name)


def listed(value: object) -> list[Any]:
    """A list as it is, a single value as a list of one, nothing as none."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


@frozen
class Blob:
    """
    Something in a prompt that is not text.

    :ivar size: in bytes, once decoded.
    """

    mime_type: str
    size: int


@frozen
class Prompt:
    """A ``GenerateContentRequest``, and what may be asked about it."""

    request: Json

    @property
    def contents(self) -> list[Any]:
        """The conversation so far."""
        return listed(get(self.request, "contents"))

    @property
    def last(self) -> list[Any]:
        """The parts of the last content."""
        return listed(get(self.contents[-1], "parts")) if self.contents else []

    @property
    def last_text(self) -> str:
        """The text of the last content that has any and is not the model's."""
        for content in reversed(self.contents):
            if get(content, "role") != "model":
                parts = listed(get(content, "parts"))
                if text := " ".join(_texts(parts)).strip():
                    return text
        return ""

    @property
    def all_parts(self) -> Iterator[Any]:
        """The parts of every content, and of the system instruction."""
        for content in [get(self.request, "systemInstruction"), *self.contents]:
            yield from listed(get(content, "parts"))

    @property
    def blobs(self) -> list[Blob]:
        """The inline data of the last content."""
        found = (get(part, "inlineData") for part in self.last)
        return [blob(inline) for inline in found if isinstance(inline, dict)]

    @property
    def function_responses(self) -> list[Json]:
        """The function responses in the last content."""
        found = (get(part, "functionResponse") for part in self.last)
        return [response for response in found if isinstance(response, dict)]

    @property
    def declarations(self) -> list[Json]:
        """The functions that the model may call; none when it may call none."""
        calling = get(get(self.request, "toolConfig"), "functionCallingConfig")
        mode = get(calling, "mode")
        if _MODES.get(mode, mode) == "NONE":
            return []
        tools = listed(get(self.request, "tools"))
        declared = [d for t in tools for d in listed(get(t, "functionDeclarations"))]
        allowed = listed(get(calling, "allowedFunctionNames"))
        known = [d for d in declared if isinstance(d, dict) and d.get("name")]
        return [d for d in known if not allowed or d["name"] in allowed]

    def config(self, name: str) -> Any:
        """A member of the generation config."""
        return get(get(self.request, "generationConfig"), name)

    @property
    def schema(self) -> Any:
        """The schema that the answer has to match."""
        return self.config("responseJsonSchema") or self.config("responseSchema")

    @property
    def wants_json(self) -> bool:
        """Whether the answer is to be JSON."""
        return bool(self.config("responseMimeType") == "application/json")

    @property
    def wants_thoughts(self) -> bool:
        """Whether the model's thoughts are to be shown."""
        return get(self.config("thinkingConfig"), "includeThoughts") is True


def _texts(parts: list[Any]) -> Iterator[str]:
    for part in parts:
        text = part if isinstance(part, str) else get(part, "text")
        if isinstance(text, str):
            yield text


def text_of(part: object) -> str:
    """The text of a part, "" when it is something else."""
    return next(_texts([part]), "")


def blob(inline: Json) -> Blob:
    """What an ``inlineData`` holds, in base64 of either alphabet."""
    data = get(inline, "data")
    mime_type = get(inline, "mimeType")
    name = mime_type if isinstance(mime_type, str) else "something"
    return Blob(name, len(_decoded(data)) if isinstance(data, str) else 0)


def _decoded(data: str) -> bytes:
    plain = data.translate(str.maketrans("-_", "+/", "= \r\n"))
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4))
    except (binascii.Error, ValueError):
        return b""
