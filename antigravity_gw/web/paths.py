"""What a path asks for, as far as it must be known before it is routed.  No I/O."""

from collections.abc import Sequence
from enum import Enum

from antigravity_gw.checks import is_model_name


class Area(Enum):
    """What a path is about; different people may ask for each."""

    API = "models, and their answers"
    HEALTH = "whether the gateway is up, and can serve"
    OPERATORS = "metrics, and the page for operators with its API"


HEALTH = ([b"healthz"], [b"readyz"])

OPERATORS = (b"admin", b"metrics")
"""What is below these is for operators."""

VERSIONS = (b"v1beta", b"v1", b"v1alpha")
"""The same API: SDKs differ in which one they ask for by default."""

ANSWERING = (b"generateContent", b"streamGenerateContent")
"""What is asked of a model to have an answer."""


def area_of(segments: Sequence[bytes]) -> Area:
    """What a path is about; what there is none of counts as the API's."""
    if segments in HEALTH:
        return Area.HEALTH
    is_for_operators = bool(segments) and segments[0] in OPERATORS
    return Area.OPERATORS if is_for_operators else Area.API


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
