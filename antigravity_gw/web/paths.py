"""What a path asks for, as far as it must be known before it is routed.  No I/O."""

from collections.abc import Sequence

from antigravity_gw.checks import is_model_name

VERSIONS = (b"v1beta", b"v1", b"v1alpha")
"""The same API: SDKs differ in which one they ask for by default."""

ANSWERING = (b"generateContent", b"streamGenerateContent")
"""What is asked of a model to have an answer."""


def model_asked(method: bytes, segments: Sequence[bytes]) -> str | None:
    """The name of the model that a request asks for an answer, if it does."""
    if method != b"POST" or len(segments) != 3:
        return None
    version, models, last = segments
    name, _, action = last.partition(b":")
    if version not in VERSIONS or models != b"models" or action not in ANSWERING:
        return None
    model = name.decode("utf-8", "replace")
    return model if is_model_name(model) else None
