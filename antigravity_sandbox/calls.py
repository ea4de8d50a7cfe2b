"""The record of every call that was made, as ``GET /sandbox/calls`` shows it."""

import hashlib
from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

from attrs import define, field

LONGEST_TEXT = 2**20
"""Bodies of this many bytes or more are recorded by size and hash alone."""

MOST_CALLS = 20_000
MOST_BYTES = 256 * 2**20
"""What the record holds at most; the oldest calls are forgotten first."""


COUNTED = ("kind", "account", "method", "status")
"""What calls that are counted together have in common."""


@define(eq=False)
class Call:
    """
    One call, and how it went.

    :ivar n: its number, counting from 1.
    :ivar at: when it was complete, in POSIX seconds.
    :ivar method: such as ``generateContent``; ``token`` for a refresh or a code.
    :ivar kind: of the account that makes such calls; None for a grant.
    :ivar origin: the URL of the sandbox, as its caller knows it.
    :ivar endpoint: the first segment of its path; "" when there was none.
    :ivar query: what followed the ``?`` of its URL.
    :ivar text: its body, None when that is too long to keep.
    :ivar size: of its body, in bytes.
    :ivar named: what the envelope said: ``project``, ``requestId``, ``model``,
        ``userAgent`` and ``requestType``, those that are strings; and what
        the path said, such as ``operation``, ``model``, ``project`` or
        ``location``.
    :ivar behaviour: the slug of the misbehaviour it met.
    :ivar ended: ``finished`` when everything meant for it has been done,
        ``client-left`` when it went away before, None while under way.
    :ivar too_soon: whether it came before the time that the last 429 had named.
    """

    n: int
    at: float
    method: str
    endpoint: str
    query: str
    headers: list[tuple[str, str]] = field(repr=False)
    bearer: str | None = field(repr=False)
    api_key: str | None = field(repr=False)
    text: str | None = field(repr=False)
    size: int
    sha256: str
    kind: str | None = None
    origin: str = ""
    account: str | None = None
    named: dict[str, str] = field(factory=dict)
    behaviour: str | None = None
    status: int | None = None
    ended: str | None = None
    events_sent: int = 0
    too_soon: bool = False

    @property
    def model(self) -> str:
        """The model it asked for, "" when it named none."""
        return self.named.get("model", "")

    def overview(self) -> dict[str, Any]:
        """The call as JSON."""
        return {
            "n": self.n,
            "at": self.at,
            "kind": self.kind,
            "method": self.method,
            "endpoint": self.endpoint,
            "query": self.query,
            "account": self.account,
            "bearer": self.bearer,
            "apiKey": self.api_key,
            "headers": self.headers,
            "project": self.named.get("project"),
            "location": self.named.get("location"),
            "requestId": self.named.get("requestId"),
            "model": self.named.get("model"),
            "userAgent": self.named.get("userAgent"),
            "requestType": self.named.get("requestType"),
            "body": self.text,
            "bodyBytes": self.size,
            "bodySha256": self.sha256,
            "behaviour": self.behaviour,
            "status": self.status,
            "ended": self.ended,
            "eventsSent": self.events_sent,
            "tooSoon": self.too_soon,
        }


@define
class Record:
    """The latest calls."""

    _calls: deque[Call] = field(factory=deque, init=False)
    _made: int = field(default=0, init=False)
    _bytes: int = field(default=0, init=False)
    _open: int = field(default=0, init=False)

    def begin(
        self,
        *,
        at: float,
        method: str,
        endpoint: str,
        query: str,
        headers: list[tuple[str, str]],
        bearer: str | None,
        body: bytes,
        kind: str | None,
        api_key: str | None = None,
        origin: str = "",
        named: dict[str, str] | None = None,
    ) -> Call:
        """Note a call that has just arrived.  It is under way until it ends."""
        self._made += 1
        self._open += 1
        call = Call(
            n=self._made,
            at=at,
            method=method,
            endpoint=endpoint,
            query=query,
            headers=headers,
            bearer=bearer,
            api_key=api_key,
            text=body.decode(errors="replace") if len(body) < LONGEST_TEXT else None,
            size=len(body),
            sha256=hashlib.sha256(body).hexdigest(),
            kind=kind,
            origin=origin,
            named=dict(named or {}),
        )
        self._keep(call)
        return call

    def end(self, call: Call, how: str) -> None:
        """Note that *call* is over; see :attr:`Call.ended`."""
        call.ended = how
        self._open -= 1

    def clear(self) -> None:
        """Forget all calls.  Numbers go on counting, and so does :attr:`open`."""
        self._calls.clear()
        self._bytes = 0

    @property
    def open(self) -> int:
        """How many answers are under way, forgotten calls included."""
        return self._open

    def overview(self, since: int = 0) -> dict[str, Any]:
        """
        The record as JSON, the oldest call first.

        :param since: leave out the calls up to that number.
        """
        calls = [call.overview() for call in self._after(since)]
        return {"open": self._open, "calls": calls}

    def summary(self, since: int = 0) -> dict[str, Any]:
        """The same, the calls only counted; and the number of the last call made."""
        calls = list(self._after(since))
        counts = Counter((c.kind, c.account, c.method, c.status) for c in calls)
        return {
            "open": self._open,
            "last": self._made,
            "tooSoon": sum(call.too_soon for call in calls),
            "counts": [
                {**dict(zip(COUNTED, what, strict=True)), "calls": n}
                for what, n in counts.items()
            ],
        }

    def _after(self, number: int) -> Iterator[Call]:
        return (call for call in self._calls if call.n > number)

    def _keep(self, call: Call) -> None:
        self._calls.append(call)
        self._bytes += len(call.text or "")
        while len(self._calls) > MOST_CALLS or self._bytes > MOST_BYTES:
            self._bytes -= len(self._calls.popleft().text or "")
