"""The kinds of account that there are."""

from antigravity_gw.kind import Kind
from antigravity_gw.kinds.code_assist import CodeAssist
from antigravity_gw.kinds.gemini_api_key import GeminiApiKey
from antigravity_gw.kinds.vertex import Vertex

KINDS: tuple[type[Kind], ...] = (CodeAssist, GeminiApiKey, Vertex)
"""Each has a table of its own under ``upstream`` in the configuration."""
