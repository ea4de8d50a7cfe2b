"""
What JSON costs on the way through the gateway, with three libraries.

    python benchmarks/json_libraries.py

Two jobs are timed: taking the envelope off one event, and checking one request
body.  The others parse all of it and write the inside anew, as one would with
them; msgspec does what the gateway does.  The last column is the gateway's own
function for the second job, which makes the conversation's fingerprint besides.
docs/dependencies.md says what follows from the numbers.
"""

import json
import timeit
from collections.abc import Callable, Iterator
from statistics import median

import msgspec

from antigravity_gw.wire.ask import read_body
from antigravity_gw.wire.envelope import compact, unseal

try:
    import orjson
except ImportError:
    orjson = None

ROUNDS = 7
"""The median of so many timings is shown, so that one busy moment does not count."""


def event(words: int) -> bytes:
    """One event as upstream sends it, with so many words of text."""
    part = {"text": "An answer with a “quotation” in it. " * (words // 7)}
    content = {"role": "model", "parts": [part]}
    usage = {"promptTokenCount": 12, "candidatesTokenCount": words, "topP": 0.95}
    response = {"candidates": [{"content": content}], "usageMetadata": usage}
    envelope = {"response": response, "traceId": "0123456789abcdef"}
    return json.dumps(envelope, ensure_ascii=False).encode()


def body(turns: int, attached: int = 0) -> bytes:
    """A request with so many turns, and so many bytes of base64 in the first."""
    contents = [
        {"role": ("user", "model")[n % 2], "parts": [{"text": f"Turn {n}. " * 30}]}
        for n in range(turns)
    ]
    if attached:
        picture = {"mimeType": "image/png", "data": "QUJD" * (attached // 4)}
        contents[0]["parts"].append({"inlineData": picture})
    return json.dumps({"contents": contents}).encode()


def unwrap_json(data: bytes) -> bytes:
    """As one would with the standard library."""
    response = json.loads(data)["response"]
    return json.dumps(response, ensure_ascii=False, separators=(",", ":")).encode()


def unwrap_orjson(data: bytes) -> bytes:
    """As one would with orjson."""
    return orjson.dumps(orjson.loads(data)["response"])


def unwrap_msgspec(data: bytes) -> bytes:
    """As the gateway does."""
    response = unseal(data).response_or_raise(data)
    assert response is not None
    return compact(response)


class Body(msgspec.Struct):
    """A request body, of which one member is kept as it came."""

    contents: msgspec.Raw = msgspec.Raw(b"")


bodies = msgspec.json.Decoder(Body)


def check_msgspec(data: bytes) -> Body:
    """As the gateway does, without the fingerprint."""
    if not data.isascii():
        data.decode("utf-8")
    return bodies.decode(data)


Job = Callable[[bytes], object]

EVENTS = {"event, 0.2 KiB": event(10), "event, 15 KiB": event(2600)}
BODIES = {
    "body, 0.3 KiB": body(1),
    "body, 18 KiB in 60 turns": body(60),
    "body, picture of 4 MiB": body(1, 4 * 2**20),
}
UNWRAP: dict[str, Job] = {
    "json": unwrap_json,
    "orjson": unwrap_orjson,
    "msgspec": unwrap_msgspec,
}
CHECK: dict[str, Job] = {
    "json": json.loads,
    "orjson": orjson.loads if orjson else None,
    "msgspec": check_msgspec,
    "read_body": read_body,
}


def microseconds(job: Job, data: bytes) -> str:
    """How long one call takes."""
    timer = timeit.Timer(lambda: job(data))
    number, _ = timer.autorange()
    taken = median(timer.repeat(ROUNDS, number)) / number * 1e6
    return f"{taken:,.1f}" if taken < 100 else f"{taken:,.0f}"


def rows() -> Iterator[str]:
    """The table, line by line."""
    names = [name for name in CHECK if name != "orjson" or orjson]
    yield "| " + " | ".join(["µs", *names]) + " |"
    yield "| --- |" + " ---: |" * len(names)
    for jobs, samples in ((UNWRAP, EVENTS), (CHECK, BODIES)):
        for what, data in samples.items():
            times = [microseconds(jobs[n], data) if n in jobs else "" for n in names]
            yield "| " + " | ".join([what, *times]) + " |"


if __name__ == "__main__":
    if orjson is None:
        print("orjson is not installed: its column is left out.\n")
    for row in rows():
        print(row, flush=True)
