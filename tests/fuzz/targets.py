"""All that can be fuzzed, by name."""

from collections.abc import Callable

from fuzz.decoder import Decoder
from fuzz.engine import Target
from fuzz.envelope import Envelope
from fuzz.front import Front
from fuzz.responses import Responses

TARGETS: dict[str, Callable[[], Target]] = {
    "decoder": Decoder,
    "envelope": Envelope,
    "front": Front,
    "responses": Responses,
}
