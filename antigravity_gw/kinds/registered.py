"""The kinds of account that there are."""

from antigravity_gw.kind import Kind
from antigravity_gw.kinds.code_assist import CodeAssist
from antigravity_gw.kinds.gemini_api_key import GeminiApiKey
from antigravity_gw.kinds.vertex import Vertex

KINDS: tuple[type[Kind], ...] = (CodeAssist, GeminiApiKey, Vertex)
"""Each has a table of its own under ``upstream`` in the configuration."""

NAMES = tuple(kind.name for kind in KINDS)


def kind_called(name: str) -> type[Kind] | None:
    """The kind of that name; None when only another version knows it."""
    return next((kind for kind in KINDS if kind.name == name), None)
