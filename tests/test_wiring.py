"""Tests for ``antigravity_gw.wiring``: connections to upstream, and usage."""

from pathlib import Path
from typing import Any

import pytest
from helpers import now
from twisted.internet.defer import Deferred, execute
from twisted.internet.testing import MemoryReactorClock, StringTransport

from antigravity_gw.admin.trials import TooManyTests, Turns
from antigravity_gw.bookkeeping import Bookkeeping
from antigravity_gw.fronting import make_guard
from antigravity_gw.journal import Served
from antigravity_gw.loading import load
from antigravity_gw.pool.store import Store
from antigravity_gw.relay import Relay
from antigravity_gw.upstream.body import SealedBody
from antigravity_gw.upstream.client import Patience, Upstream
from antigravity_gw.upstream.http import Connections, make_client
from antigravity_gw.upstream.order import Order
from antigravity_gw.wire.answer import EventFraming, StreamedAnswer
from antigravity_gw.wire.envelope import unwrapped
from antigravity_gw.wire.judging import Table
from antigravity_gw.wire.usage import Usage
from antigravity_gw.wiring import Wired, wired

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
ERROR = b'data: {"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}\r\n\r\n'


class Socket(StringTransport):
    """A connection that closes when its body is not wanted any more."""

    def stopProducing(self) -> None:
        """Close it."""
        self.loseConnection()

    def resumeProducing(self) -> None:
        """It never stops."""


def test_a_connection_that_is_being_closed() -> None:
    """An error and the end of its answer come in one piece: it serves nobody else."""
    reactor = MemoryReactorClock()
    http = make_client(reactor, Connections(reactor), 5.0)
    upstream = Upstream(http, reactor, Patience(15.0, 30.0), "x", Table(), 10_000)
    order = Order("http://127.0.0.1:1", ())

    async def ask() -> None:
        body = SealedBody(b"{", b"", b"}")
        response = await upstream.stream(order, body, 100.0)
        relay = Relay(StreamedAnswer(EventFraming(), unwrapped), reactor, 100.0)
        await relay.begin(response, 100.0)

    failed = Deferred.fromCoroutine(ask()).addErrback(lambda _: None)
    protocol = reactor.tcpClients[-1][2].buildProtocol(None)
    first = Socket()
    protocol.makeConnection(first)
    protocol.dataReceived(HEAD)
    protocol.dataReceived(b"%x\r\n%b\r\n0\r\n\r\n" % (len(ERROR), ERROR))
    assert failed.called
    assert first.disconnecting
    first.clear()
    again = Deferred.fromCoroutine(ask()).addErrback(lambda _: None)

    assert first.value() == b""
    assert len(reactor.tcpClients) == 2
    again.cancel()


def test_tokens_of_today(tmp_path: Path) -> None:
    """What was used since midnight, before this start, counts for today's limits."""
    reactor = MemoryReactorClock()
    reactor.advance(20_000 * 86400 + 7200.0)
    loaded = load(None, {"HOME": str(tmp_path)})
    for tokens, ago in ((7, 3600.0), (100, 9000.0)):
        house = wired(loaded, Store.open(tmp_path), reactor)
        ledger = house.books.ledger
        ledger.in_thread = execute
        ended = reactor.seconds() - ago
        usage = Usage(prompt=tokens)
        ledger.note(Served(key="ann", model="pro", began=ended, usage=usage))
        assert now(ledger.flushed())
    house = wired(loaded, Store.open(tmp_path), reactor)
    house.books.ledger.in_thread = execute

    assert house.site.allowances.tokens("ann", reactor.seconds()) == 0
    Bookkeeping(reactor, house.books.ledger, house.site.allowances).startService()
    assert house.site.allowances.tokens("ann", reactor.seconds()) == 7


def test_usage_goes_on(tmp_path: Path) -> None:
    """
    A new configuration says how usage is kept from now on; what was counted stays,
    and what ends from then on is counted with it.
    """
    loaded, store = load(None, {"HOME": str(tmp_path)}), Store.open(tmp_path)
    house = wired(loaded, store, MemoryReactorClock())
    house.site.has_ended(Served(model="pro"))
    other = load(None, {**loaded.environ, "ANTIGRAVITY_GW_USAGE_KEEP_DAYS": "7"})
    house.rewire(other, make_guard(other))
    house.site.has_ended(Served(model="pro"))

    assert [minute.requests for minute in house.books.ledger.minutes(0.0)] == [2]
    assert (house.books.ledger.keeping.days, house.books.ledger.directory) == (
        7,
        tmp_path,
    )


def test_the_page_for_operators(tmp_path: Path) -> None:
    """It comes and goes with a new configuration, and who watches is let go."""
    on = load(None, {"HOME": str(tmp_path), "ANTIGRAVITY_GW_ADMIN_PAGE": "true"})
    off = load(None, {"HOME": str(tmp_path)})
    house = wired(off, Store.open(tmp_path), MemoryReactorClock())
    had = []
    for loaded in (on, off):
        had.append(b"admin" in house.site.resource.children)
        house.rewire(loaded, make_guard(loaded))
        had.append(b"admin" in house.site.resource.children)

    assert had == [False, True, True, False]


def test_failures_are_remembered(tmp_path: Path) -> None:
    """What has failed before a new configuration is on the page after it."""
    loaded = load(None, {"HOME": str(tmp_path), "ANTIGRAVITY_GW_ADMIN_PAGE": "true"})
    house = wired(loaded, Store.open(tmp_path), MemoryReactorClock())
    house.site.has_ended(Served(id="one", model="pro", ended="unreachable"))
    house.rewire(loaded, make_guard(loaded))
    house.site.has_ended(Served(id="two", model="pro", ended="unreachable"))

    assert {failed.id for failed in house.books.failures.latest()} == {"one", "two"}


def test_tests_stay_few(tmp_path: Path) -> None:
    """A test that is under way when a new configuration comes counts after it, too."""
    loaded = load(None, {"HOME": str(tmp_path), "ANTIGRAVITY_GW_ADMIN_PAGE": "true"})
    house = wired(loaded, Store.open(tmp_path), MemoryReactorClock())
    turns(house).take("a", 0.0)
    house.rewire(loaded, make_guard(loaded))

    with pytest.raises(TooManyTests):
        turns(house).take("b", 0.0)


def turns(house: Wired) -> Turns:
    """Those that the page goes by."""
    place: Any = house.site.resource
    for name in (b"admin", b"api", b"accounts"):
        place = place.children[name]
    found: Turns = place._office.actions.turns
    return found
