"""Tests for ``antigravity_gw.pool.tokens`` and ``pool.shared``."""

from hashlib import sha256
from typing import Any

import pytest
from attrs import evolve
from helpers import now
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from twisted.web.client import Agent
from world import Scripted, make_means, make_upstream

from antigravity_gw.errors import Unreachable
from antigravity_gw.kind import Kinds
from antigravity_gw.needs import Need
from antigravity_gw.pool.account import Access, Account
from antigravity_gw.pool.learnt import Change, minted, rotated
from antigravity_gw.pool.shared import Shared
from antigravity_gw.pool.tokens import Tokens
from antigravity_gw.record import Record
from antigravity_gw.upstream.endpoints import Endpoints
from antigravity_gw.wire.oauth import OAuthClient, RenewalFailed

OK = (200, b'{"access_token":"t1","expires_in":3599}')
ROTATED = (200, OK[1][:-1] + b',"refresh_token":"1//new"}')


class Endpoint:
    """A token endpoint that answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[Deferred[tuple[int, bytes]]] = []
        self.forms: list[bytes] = []

    async def post(self, form: bytes) -> tuple[int, bytes]:
        """Take a form, and wait."""
        self.forms.append(form)
        self.asked.append(Deferred())
        return await self.asked[-1]


@pytest.fixture
def endpoint() -> Endpoint:
    """A token endpoint."""
    return Endpoint()


@pytest.fixture
def learnt() -> list[Change]:
    """What is stored."""
    return []


@pytest.fixture
def kind(endpoint: Endpoint, clock: Clock) -> Scripted:
    """Accounts that get their tokens from that endpoint."""
    upstream = make_upstream(Agent(MemoryReactorClock()), clock)
    means = make_means(upstream, Endpoints(30.0))
    return Scripted(evolve(means, client=OAuthClient("id", "hush")), endpoint.post)


@pytest.fixture
def tokens(kind: Scripted, clock: Clock, learnt: list[Change]) -> Tokens:
    """Tokens from that endpoint."""

    def learn(change: Change) -> Deferred[bool]:
        learnt.append(change)
        return succeed(True)

    return Tokens(Kinds({"code_assist": kind}), clock, learn)


def account(token: str = "1//a") -> Account:
    """An account with that refresh token."""
    return Account(Record("a", "ada", token, epoch=7))


def renewed(tokens: Tokens, endpoint: Endpoint, one: Account, answer: Any) -> Any:
    """The token that a renewal brings when the endpoint answers so."""
    renewal = Deferred.fromCoroutine(tokens.renew(one))
    endpoint.asked[-1].callback(answer)
    return now(renewal)


def digest(refresh_token: str) -> str:
    """How an access token remembers where it is from."""
    return sha256(refresh_token.encode()).hexdigest()


def test_life_of_a_token(tokens: Tokens, endpoint: Endpoint, clock: Clock) -> None:
    """It is due five minutes before it expires, and used until one minute before."""
    one = account()
    assert tokens.held(one) is None
    assert renewed(tokens, endpoint, one, OK) == "t1"
    clock.advance(3298)
    assert (tokens.held(one), tokens.is_due(one)) == ("t1", False)
    clock.advance(1)
    assert (tokens.held(one), tokens.is_due(one)) == ("t1", True)
    clock.advance(239)
    assert tokens.held(one) == "t1"
    clock.advance(1)

    assert tokens.held(one) is None


def test_due_once_in_a_while(tokens: Tokens, endpoint: Endpoint, clock: Clock) -> None:
    """Whoever hears of it renews it; if that fails, others may try half a minute on."""
    one = account()
    renewed(tokens, endpoint, one, OK)
    clock.advance(3300)
    assert [tokens.is_due(one) for _ in range(3)] == [True, False, False]
    clock.advance(30)

    assert [tokens.is_due(one) for _ in range(2)] == [True, False]


def test_short_lives(tokens: Tokens, endpoint: Endpoint, clock: Clock) -> None:
    """A token that lives shortly is used, and not renewed with every request."""
    one = account()
    renewed(tokens, endpoint, one, (200, b'{"access_token":"t","expires_in":40}'))
    clock.advance(14)
    assert (tokens.held(one), tokens.is_due(one)) == ("t", False)
    clock.advance(1)
    assert (tokens.held(one), tokens.is_due(one)) == ("t", True)
    clock.advance(15)

    assert tokens.held(one) is None


def test_it_is_stored(
    tokens: Tokens, endpoint: Endpoint, clock: Clock, learnt: list[Change]
) -> None:
    """So that a restart costs no renewal; where it is from is told by a hash."""
    clock.advance(1000)
    renewed(tokens, endpoint, account(), OK)

    assert learnt == [minted("a", 7, Access("t1", 4539.0, digest("1//a")))]


def test_of_an_earlier_life(tokens: Tokens, clock: Clock) -> None:
    """A stored token is used while it is good, if it is of the same login."""
    tokens.remember("a", Access("old", 3940.0, digest("1//a")))
    assert tokens.held(account()) == "old"
    assert tokens.held(account("1//another")) is None
    assert not tokens.is_due(account())
    clock.advance(3940)

    assert tokens.held(account()) is None


def test_a_refused_token_is_not_used_again(tokens: Tokens, endpoint: Endpoint) -> None:
    """Discarding a token that was replaced already does no harm."""
    one = account()
    renewed(tokens, endpoint, one, OK)
    tokens.discard("a", "an older one")
    assert tokens.held(one) == "t1"
    tokens.discard("a", "t1")

    assert tokens.held(one) is None


def test_forgotten(tokens: Tokens, endpoint: Endpoint) -> None:
    """Nothing is kept of an account that is gone."""
    one = account()
    renewed(tokens, endpoint, one, OK)
    tokens.forget("a")

    assert tokens.held(one) is None


def test_rotation(tokens: Tokens, endpoint: Endpoint, learnt: list[Change]) -> None:
    """A new refresh token is stored first of all, and used from then on."""
    one = account()
    assert renewed(tokens, endpoint, one, ROTATED) == "t1"

    assert tokens.held(one) == "t1"
    assert learnt[0] == rotated("a", "1//a", "1//new")
    assert one.record.credential == "1//new"
    renewed(tokens, endpoint, one, OK)
    assert b"1%2F%2Fnew" in endpoint.forms[1]


def test_stored_before_it_is_used(tokens: Tokens, endpoint: Endpoint) -> None:
    """Nobody gets a token whose rotation is not on disk, as far as there is a disk."""
    stored: Deferred[bool] = Deferred()
    tokens.learn = lambda _: stored
    one = account()
    renewal = Deferred.fromCoroutine(tokens.renew(one))
    endpoint.asked[0].callback(ROTATED)
    assert not renewal.called
    assert tokens.held(one) is None
    stored.callback(True)

    assert now(renewal) == "t1"


def test_a_disk_that_hangs(tokens: Tokens, endpoint: Endpoint, clock: Clock) -> None:
    """It is not waited for much longer: memory knows the new refresh token, too."""
    tokens.learn = lambda _: Deferred()
    one = account()
    renewal = Deferred.fromCoroutine(tokens.renew(one))
    endpoint.asked[0].callback(ROTATED)
    clock.advance(5)

    assert now(renewal) == "t1"
    assert one.record.credential == "1//new"


def test_the_store_lags_behind(tokens: Tokens, endpoint: Endpoint) -> None:
    """What has been replaced is known until the store has it, too."""
    one = account()
    renewed(tokens, endpoint, one, ROTATED)
    again = (200, OK[1][:-1] + b',"refresh_token":"1//newer"}')
    renewed(tokens, endpoint, one, again)

    assert tokens.successor("a", "1//a") == "1//newer"
    assert tokens.successor("a", "1//new") == "1//newer"
    assert tokens.successor("a", "1//newer") == "1//newer"
    assert tokens.successor("a", "1//a") == "1//a"


def test_others_are_forgotten(tokens: Tokens, endpoint: Endpoint) -> None:
    """Nothing is kept of accounts that are not there any more."""
    one = account()
    renewed(tokens, endpoint, one, OK)
    tokens.forget_others({"a"})
    assert tokens.held(one) == "t1"
    tokens.forget_others(set())

    assert tokens.held(one) is None


def test_login_during_a_renewal(tokens: Tokens, endpoint: Endpoint) -> None:
    """A login that comes while the old one is renewed is not overwritten."""
    one = account()
    renewal = Deferred.fromCoroutine(tokens.renew(one))
    one.record = evolve(one.record, credential="1//login")
    endpoint.asked[0].callback(ROTATED)

    assert now(renewal) == "t1"
    assert one.record.credential == "1//login"
    assert tokens.held(one) is None


def test_no_client(tokens: Tokens, kind: Scripted) -> None:
    """Without an OAuth client, it is the operator who has to do something."""
    kind.has_client(None)
    with pytest.raises(RenewalFailed, match=r"oauth\.client_id") as caught:
        now(tokens.renew(account()))

    assert caught.value.need is Need.CLIENT


def test_one_run_for_all() -> None:
    """However many wait, and whoever stops waiting, the work is done once."""
    shared, work = Shared[int](), Deferred[int]()
    runs: list[Deferred[int]] = []

    async def wait() -> int:
        runs.append(work)
        return await work

    leaving, *staying = (shared.run("a", wait) for _ in range(200))
    leaving.addErrback(lambda _: None)
    leaving.cancel()
    work.callback(7)

    assert {now(each) for each in staying} == {7}
    assert len(runs) == 1


def test_failure_of_all() -> None:
    """All who wait are told, and the next one starts afresh."""
    shared, work = Shared[int](), [Deferred[int](), Deferred[int]()]
    rest = iter(work)

    async def wait() -> int:
        return await next(rest)

    waiting = [shared.run("a", wait) for _ in range(2)]
    work[0].errback(Unreachable("down"))
    for each in waiting:
        with pytest.raises(Unreachable):
            now(each)
    again = shared.run("a", wait)
    work[1].callback(7)

    assert now(again) == 7


def test_who_is_told_makes_another_leave() -> None:
    """The rest are told all the same."""
    shared, work = Shared[int](), Deferred[int]()

    async def wait() -> int:
        return await work

    first, second, third = (shared.run("a", wait) for _ in range(3))
    second.addErrback(lambda _: None)
    first.addCallback(lambda _: second.cancel())
    work.callback(7)

    assert now(third) == 7


def test_bugs_that_nobody_waits_for(logged: list[dict[str, Any]]) -> None:
    """They are logged; failures that were to be expected are not."""
    shared: Shared[int] = Shared((RenewalFailed,))
    for error in (ZeroDivisionError(), RenewalFailed(None, "x")):
        work: Deferred[int] = Deferred()

        async def wait(work: Deferred[int] = work) -> int:
            return await work

        waiting = shared.run("a", wait)
        waiting.addErrback(lambda _: None)
        waiting.cancel()
        work.errback(error)
    bugs = [event.pop("log_failure") for event in logged if "log_failure" in event]

    assert [bug.type for bug in bugs] == [ZeroDivisionError]


def test_work_that_is_done_at_once() -> None:
    """Sharing does not need anybody to wait."""
    shared: Shared[int] = Shared()

    async def work() -> int:
        return 7

    assert now(shared.run("a", work)) == 7
    assert now(shared.run("a", work)) == 7
