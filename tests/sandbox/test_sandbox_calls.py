"""Tests for ``antigravity_sandbox.calls``."""

import hashlib

import pytest

from antigravity_sandbox import calls
from antigravity_sandbox.calls import LONGEST_TEXT, Call, Record


def begun(record: Record, body: bytes = b"", method: str = "generateContent") -> Call:
    return record.begin(
        at=1.5,
        method=method,
        endpoint="daily",
        query="",
        headers=[("Host", "x")],
        bearer="ya29.secret",
        body=body,
        kind="vertex",
        named={"project": "one", "location": "global"},
    )


def test_overview() -> None:
    """A call is shown with all that is known of it."""
    record = Record()
    call = begun(record, b"{}")
    call.account = "ada"
    call.status = 200
    call.events_sent = 3
    record.end(call, "finished")

    (shown,) = record.overview()["calls"]

    assert shown == {
        "n": 1,
        "at": 1.5,
        "kind": "vertex",
        "method": "generateContent",
        "endpoint": "daily",
        "query": "",
        "account": "ada",
        "bearer": "ya29.secret",
        "apiKey": None,
        "headers": [("Host", "x")],
        "project": "one",
        "location": "global",
        "requestId": None,
        "model": None,
        "userAgent": None,
        "requestType": None,
        "body": "{}",
        "bodyBytes": 2,
        "bodySha256": hashlib.sha256(b"{}").hexdigest(),
        "behaviour": None,
        "status": 200,
        "ended": "finished",
        "eventsSent": 3,
        "tooSoon": False,
    }


def test_open() -> None:
    """What is under way is counted, even when the record was emptied."""
    record = Record()
    first, _second = begun(record), begun(record)

    record.end(first, "finished")
    record.clear()

    assert record.overview() == {"open": 1, "calls": []}
    assert begun(record).n == 3


def test_since() -> None:
    """What has been seen already need not be shown again."""
    record = Record()
    for _ in range(4):
        begun(record)

    assert [call["n"] for call in record.overview(since=2)["calls"]] == [3, 4]
    assert record.overview(since=4)["calls"] == []


def test_summary() -> None:
    """Calls are counted by the kind, the account, the method and the status."""
    record = Record()
    for account, status in [("ada", 200), ("ada", 429), ("grace", 200), ("ada", 200)]:
        call = begun(record)
        call.account, call.status = account, status
        record.end(call, "finished")
    call.too_soon = True
    begun(record, method="token")

    summary = record.summary()

    assert (summary["open"], summary["last"], summary["tooSoon"]) == (1, 5, 1)
    assert [tuple(count.values()) for count in summary["counts"]] == [
        ("vertex", "ada", "generateContent", 200, 2),
        ("vertex", "ada", "generateContent", 429, 1),
        ("vertex", "grace", "generateContent", 200, 1),
        ("vertex", None, "token", None, 1),
    ]
    names = ["kind", "account", "method", "status", "calls"]
    assert list(summary["counts"][0]) == names
    assert [count["calls"] for count in record.summary(since=3)["counts"]] == [1, 1]


def test_forgotten_calls_show() -> None:
    """The number of the last call tells how many there should be."""
    record = Record()
    begun(record)
    record.clear()
    begun(record)

    summary = record.summary()

    assert (summary["last"], summary["counts"][0]["calls"]) == (2, 1)


def test_long_bodies() -> None:
    """Of a long body only size and hash are kept."""
    record = Record()

    short = begun(record, b"x" * (LONGEST_TEXT - 1))
    long = begun(record, b"x" * LONGEST_TEXT)

    assert short.text is not None
    assert (long.text, long.size) == (None, LONGEST_TEXT)


def test_most_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest calls are forgotten when there are too many."""
    monkeypatch.setattr(calls, "MOST_CALLS", 2)
    record = Record()

    for _ in range(3):
        begun(record)

    assert [call["n"] for call in record.overview()["calls"]] == [2, 3]


def test_most_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest calls are forgotten when their bodies are too large."""
    monkeypatch.setattr(calls, "MOST_BYTES", 10)
    record = Record()

    for _ in range(3):
        begun(record, b"12345")

    assert [call["n"] for call in record.overview()["calls"]] == [2, 3]


def test_secrets_are_not_shown() -> None:
    """A token does not get into a log by way of a repr."""
    call = begun(Record(), b"refresh_token=1//secret")

    assert "secret" not in repr(call)
