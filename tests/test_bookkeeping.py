"""Tests for ``antigravity_gw.bookkeeping``: what outlives a restart."""

from pathlib import Path

import pytest
from helpers import now
from twisted.internet.defer import execute, fail
from twisted.internet.task import Clock

from antigravity_gw.allowances import Allowances
from antigravity_gw.bookkeeping import RECALL_AGAIN, Bookkeeping
from antigravity_gw.database import StoreError
from antigravity_gw.journal import Served
from antigravity_gw.usage.ledger import Keeping, Ledger
from antigravity_gw.wire.usage import Usage


@pytest.fixture
def clock() -> Clock:
    """Two hours into a day."""
    clock = Clock()
    clock.advance(20_000 * 86400 + 7200.0)
    return clock


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Ledger:
    """That of a daemon which has just started, after Ann has used seven tokens."""
    before = Ledger(tmp_path, clock, Keeping(30.0, 5.0), execute)
    used, began = Usage(prompt=7), clock.seconds() - 60.0
    before.note(Served(key="ann", model="pro", began=began, usage=used))
    now(before.close())
    return Ledger(tmp_path, clock, Keeping(30.0, 5.0), execute)


def test_a_store_that_cannot_be_read(clock: Clock, ledger: Ledger) -> None:
    """What was used today is asked for again until somebody knows."""
    allowances, told = Allowances(), []
    ledger.in_thread = lambda *_: fail(StoreError("the disk is failing"))
    Bookkeeping(clock, ledger, allowances).startService()
    for in_thread in (ledger.in_thread, execute):
        ledger.in_thread = in_thread
        told.append(allowances.tokens("ann", clock.seconds()))
        clock.advance(RECALL_AGAIN)

    assert [*told, allowances.tokens("ann", clock.seconds())] == [0, 0, 7]


def test_the_end_comes_before_the_store_can_be_read(
    clock: Clock, ledger: Ledger
) -> None:
    """It is not waited for."""
    ledger.in_thread = lambda *_: fail(StoreError("the disk is failing"))
    service = Bookkeeping(clock, ledger, Allowances())
    service.startService()
    now(service.stopService())

    assert clock.getDelayedCalls() == []
