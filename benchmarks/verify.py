"""
Whether a proxy does what it should; the speed of one that does not says nothing.

Clients here are blocking and slow, and look at everything.
"""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from benchmarks.answers import (
    MARK,
    PROJECT,
    STAMP_DIGITS,
    TOKEN,
    Order,
    question,
    response,
)
from benchmarks.load import Failed, Target, path

PATIENCE = 30.0
PAUSED = Order(events=5, size=50, pause=100)


def verify(target: Target, upstream: str, big: Order, attached: int) -> None:
    """
    Ask for an answer, a big one with a big question, and a stream.

    :param attached: bytes in the big question.
    :raises Failed: when anything on either side is not as it should be.
    """
    try:
        for order, size in ((Order(), 0), (big, attached)):
            _verify_answer(target, order, size)
            _verify_envelope(upstream, order, size)
        _verify_stream(target)
        _verify_envelope(upstream, PAUSED, 0)
        _verify_health(target)
    except (OSError, ValueError, LookupError) as error:
        raise Failed(f"{target.name} answers oddly: {error!r}") from error


def _verify_answer(target: Target, order: Order, size: int) -> None:
    with closing(_client(target.url)) as client:
        answer = _asked(client, target, order, question(size))
        _expect(
            json.loads(answer.read()) == response(order, last=True),
            f"{target.name} hands on an answer as it came",
        )


def _verify_envelope(upstream: str, order: Order, size: int) -> None:
    with closing(_client(upstream)) as client:
        client.request("GET", "/last")
        answer = client.getresponse()
        envelope = json.loads(answer.read())
    known = {"project": PROJECT, "model": order.model, "requestType": "agent"}
    _expect(
        envelope["request"] == json.loads(question(size)), "upstream got the question"
    )
    _expect(known.items() <= envelope.items(), f"upstream got {known}")
    _expect(
        all(envelope[each] for each in ("requestId", "userAgent")),
        "the envelope is complete",
    )
    _expect(
        answer.getheader("Seen-Authorization") == f"Bearer {TOKEN}",
        "upstream got the token",
    )


def _verify_stream(target: Target) -> None:
    """Every event is as it should be, and none waited for the last one."""
    with closing(_client(target.url)) as client:
        answer = _asked(client, target, PAUSED, question(), stream=True)
        kind = answer.getheader("Content-Type", "")
        _expect(kind.startswith("text/event-stream"), "a stream has its type")
        came, events = zip(*_events(answer), strict=True)
    stamps = [_stamp(event) for event in events]
    wanted = [
        response(PAUSED, stamp=stamp, last=stamp is stamps[-1]) for stamp in stamps
    ]
    _expect(list(events) == wanted, f"{target.name} hands on events as they came")
    _expect(len(events) == PAUSED.events, "all events arrive")
    _expect(came[0] < int(stamps[-1]), "the first event does not wait for the last")


def _verify_health(target: Target) -> None:
    with closing(_client(target.url)) as client:
        client.request("GET", "/healthz", headers={"x-goog-api-key": target.key})
        _expect(client.getresponse().status == 200, "/healthz is ok")


def _asked(
    client: HTTPConnection,
    target: Target,
    order: Order,
    body: bytes,
    *,
    stream: bool = False,
) -> HTTPResponse:
    headers = {"Content-Type": "application/json", "x-goog-api-key": target.key}
    client.request("POST", path(order, stream=stream), body, headers)
    answer = client.getresponse()
    if answer.status != 200:
        raise Failed(f"{target.name} answers {answer.status}: {answer.read()[:200]!r}")
    return answer


def _events(answer: HTTPResponse) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each event of a stream, and when it came."""
    for line in iter(answer.readline, b""):
        if line.startswith(b"data:"):
            yield time.monotonic_ns(), json.loads(line[5:])


def _stamp(event: dict[str, Any]) -> str:
    text: str = event["candidates"][0]["content"]["parts"][0]["text"]
    return text.removeprefix(MARK)[:STAMP_DIGITS]


def _client(url: str) -> HTTPConnection:
    return HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise Failed(f"it does not hold that {what}")
