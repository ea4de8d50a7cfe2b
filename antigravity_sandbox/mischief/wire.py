"""
What can be wrong with the way an answer travels.

Each function takes the scene of an honest answer and gives the acts to be
performed instead.
"""

import json
import zlib
from functools import partial
from itertools import repeat

from attrs import evolve

from antigravity_sandbox.acts import Acts, HangUp, Head, Silence, Wait, Write
from antigravity_sandbox.google.errors import error
from antigravity_sandbox.mischief.events import MESSAGES, many, response_in
from antigravity_sandbox.reply import indented
from antigravity_sandbox.scene import Scene
from antigravity_sandbox.sse import GOOGLE, Framing

NOTHING, HEADERS = -1, 0
"""Values of *after*, which counts events: before the headers, and with them."""

BLOCK = 2**16
"""How many bytes of filler are made at a time."""

_FILLED = "to-be-filled"


def until(acts: Acts, after: int) -> Acts:
    """*acts* up to the event number *after*, or to their end if it comes first."""
    events = NOTHING
    if events == after:
        return
    for act in acts:
        yield act
        if isinstance(act, Head):
            events = HEADERS
        elif isinstance(act, Write):
            events += act.event
        if events == after:
            return


def delay(scene: Scene, seconds: float) -> Acts:
    """Wait before the headers."""
    yield Wait(seconds)
    yield from scene.acts()


def stall(scene: Scene, after: int) -> Acts:
    """Fall silent, the connection open."""
    yield from until(scene.acts(), after)
    yield from repeat(Silence())


def cut(scene: Scene, after: int) -> Acts:
    """Reset the connection."""
    yield from until(scene.acts(), after)
    yield HangUp(reset=True)


def close(scene: Scene, after: int) -> Acts:
    """Close the connection without the last chunk."""
    yield from until(scene.acts(), after)
    yield HangUp(reset=False)


def cut_json(scene: Scene) -> Acts:
    """Close the connection in the middle of the last JSON."""
    *events, last = scene.events
    body = indented(last)
    if events:
        yield from evolve(scene, events=events).acts()
        body = GOOGLE.frame(last)
    else:
        yield scene.head
    yield Write(body[: len(body) // 2])
    yield HangUp(reset=False)


def no_last_blank(scene: Scene) -> Acts:
    """End the stream with the last byte of JSON."""
    *events, last = scene.events
    yield from evolve(scene, events=events).acts()
    yield Wait(scene.pace)
    yield Write(GOOGLE.frame(last).rstrip(), event=True)


def raw_json_error(scene: Scene, after: int, form: str, code: int) -> Acts:
    """Break off with an error that is not framed as an event."""
    body = error(code, MESSAGES[code])
    yield from until(scene.acts(), max(after, HEADERS))
    yield Write(indented([body] if form == "array" else body))


def raw_json_tail(scene: Scene, code: int) -> Acts:
    """A whole answer, and behind it a line of JSON that is not an event."""
    yield from scene.acts()
    yield Write(json.dumps(error(code, MESSAGES[code])).encode() + b"\r\n")


def not_json(scene: Scene) -> Acts:
    """A success whose body is not what its headers say."""
    yield scene.head
    body = b"<html><body>It works!</body></html>"
    yield Write(b"data: %b\r\n\r\n" % body if scene.stream else body)


def pretty(scene: Scene) -> Acts:
    """JSON with blanks wherever it may have them."""
    if scene.stream:
        yield from scene.acts(Framing(separators=(" , ", " : ")))
        return
    yield scene.head
    text = json.dumps(next(iter(scene.events)), indent="\t", separators=(" ,", " : "))
    yield Write(b"\r\n " + text.replace("\n", "\r\n").encode() + b"\r\n ")


def split(scene: Scene, n: int) -> Acts:
    """*n* bytes at a time, at least one."""
    n = max(n, 1)
    for act in scene.acts():
        if not isinstance(act, Write):
            yield act
            continue
        last = len(act.data) - n
        for start in range(0, len(act.data), n):
            yield Write(act.data[start : start + n], act.event and start >= last)


def big_event(scene: Scene, n: int) -> Acts:
    """An event with *n* bytes of text, never all in memory, and then the others."""
    first, *others = scene.events
    content = {"role": "model", "parts": [{"text": _FILLED}]}
    response_in(first)["candidates"][0]["content"] = content
    body = GOOGLE.frame(first) if scene.stream else indented(first)
    before, after = body.split(_FILLED.encode())
    yield scene.head
    yield Write(before)
    for start in range(0, n, BLOCK):
        yield Write(b"x" * min(BLOCK, n - start))
    yield Write(after, event=scene.stream)
    for event in others:
        yield Wait(scene.pace)
        yield Write(GOOGLE.frame(event), event=True)


def many_events(scene: Scene, n: int, size: int) -> Acts:
    """*n* events of *size* characters ahead of the last one, without a pause."""
    crowd = evolve(scene, pace=0.0)
    yield from crowd.reshaped(partial(many, n=n, size=size)).acts()


def gzip(scene: Scene, n: int) -> Acts:
    """Compressed, each write flushed; with *n* bytes of text to unpack first."""
    pack = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    for act in big_event(scene, n) if n else scene.acts():
        match act:
            case Head(status, headers):
                yield Head(status, (*headers, ("Content-Encoding", "gzip")))
            case Write(data, event):
                packed = pack.compress(data)
                if event or not n:
                    packed += pack.flush(zlib.Z_SYNC_FLUSH)
                yield Write(packed, event)
            case _:
                yield act
    yield Write(pack.flush())
