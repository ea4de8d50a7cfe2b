"""
What the fake upstream says, and how it is told what to say.

The name of the model is the order: every proxy hands it on, wherever it puts it.
"""

import json
import re
from typing import Any

from attrs import frozen

PROJECT = "bench-project"
TOKEN = "ya29.bench"
MARK = "@"
"""
Begins the text of every event, and is nowhere else in an answer.

A single byte cannot be cut in two, so whoever counts it has counted the events.
"""

STAMP_DIGITS = 19
"""After the mark comes when the event was sent, in nanoseconds of the clock that
all processes share (CLOCK_MONOTONIC)."""

NO_STAMP = "0" * STAMP_DIGITS
_ORDER = re.compile(rb'"bench-(\d+)-(\d+)-(\d+)"')
_FRONT = 1000


@frozen
class Order:
    """
    The answer that is wanted.

    :ivar events: how many, if it is streamed.
    :ivar size: bytes of text in each event, or in the answer in one piece.
    :ivar pause: milliseconds between two events.
    """

    events: int = 1
    size: int = 200
    pause: int = 0

    @property
    def model(self) -> str:
        """The model to ask for."""
        return f"bench-{self.events}-{self.size}-{self.pause}"

    @classmethod
    def found_in(cls, body: bytes) -> "Order":
        """
        The order in an envelope, which has the model near its front.

        :raises ValueError: when there is none.
        """
        if found := _ORDER.search(body, 0, _FRONT):
            return cls(*map(int, found.groups()))
        raise ValueError("the body names no model of the benchmark's")


def response(order: Order, *, stamp: str = NO_STAMP, last: bool) -> dict[str, Any]:
    """What Gemini says once: one event, or a whole answer."""
    text = f"{MARK}{stamp} " + ("Käse \u2028 " * order.size)[: order.size]
    content = {"role": "model", "parts": [{"text": text}]}
    final = {"finishReason": "STOP"} if last else {}
    usage = {"promptTokenCount": 12, "candidatesTokenCount": 40}
    return {
        "candidates": [{"content": content, "index": 0, **final}],
        "usageMetadata": usage | {"totalTokenCount": 52},
        "modelVersion": order.model,
    }


def enveloped(order: Order, *, last: bool) -> bytes:
    """The same as it comes from upstream; its stamp is :data:`NO_STAMP`."""
    envelope = {"response": response(order, last=last), "traceId": "5a5a5a5a"}
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()


def question(attached: int = 0) -> bytes:
    """
    A client's body.

    :param attached: bytes of base64 in it.
    """
    parts: list[dict[str, Any]] = [{"text": "Where does the Käse come from?\n\u2028"}]
    if attached:
        picture = {"mimeType": "image/png", "data": "QUJD" * (attached // 4)}
        parts.append({"inlineData": picture})
    body = {
        "contents": [{"role": "user", "parts": parts}],
        "systemInstruction": {"parts": [{"text": "You are brief, and like cheese."}]},
        "generationConfig": {"temperature": 0.70, "maxOutputTokens": 1024},
    }
    return json.dumps(body).encode()
