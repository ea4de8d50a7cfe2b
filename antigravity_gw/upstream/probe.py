"""Knocking at a host: whether it answers at all, and what its clock says."""

from contextlib import suppress

from attrs import frozen
from twisted.web.http import stringToDatetime
from twisted.web.http_headers import Headers

from antigravity_gw.upstream.client import Upstream
from antigravity_gw.waiting import collect, within

LONGEST = 10.0
"""How long to wait for an answer, in seconds."""

MOST_BYTES = 64 * 1024
"""Of so long an answer is the end awaited, so that its connection can be used again."""


@frozen
class Echo:
    """
    What came back.

    :ivar is_page: whether it is HTML.
    :ivar skew: the seconds by which our clock is ahead; None if it says no time.
    """

    status: int
    is_page: bool
    skew: float | None


async def probe(upstream: Upstream, url: str) -> Echo:
    """
    Get *url* without showing any credential; whatever is answered is fine.

    :raises Exception: what a connection fails with, see ``failures.py``.
    """
    clock, began = upstream.clock, upstream.now()
    headers = Headers({"user-agent": [upstream.user_agent]})
    asked = upstream.http.request("GET", url, headers=headers, data=None)
    response = await within(LONGEST, clock, asked)
    date = _posix(_header(response.headers, "date"))
    echo = Echo(
        response.code,
        "html" in _header(response.headers, "content-type"),
        # Google has read its clock somewhere between.
        None if date is None else (began + upstream.now()) / 2 - date,
    )
    left = began + LONGEST - upstream.now()
    with suppress(Exception):  # there has been an answer, which is all that counts
        await within(left, clock, collect(response, MOST_BYTES))
    return echo


def _header(headers: Headers, name: str) -> str:
    return str(headers.getRawHeaders(name, [""])[-1])


def _posix(date: str) -> float | None:
    """An HTTP date in POSIX seconds."""
    try:
        return float(stringToDatetime(date.encode("latin-1")))
    except (ValueError, IndexError, KeyError):
        return None
