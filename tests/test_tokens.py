"""Tests for ``antigravity_gw.pool.tokens``, ``pool.shared`` and ``wire.oauth``."""

from typing import Any
from urllib.parse import parse_qs

import pytest
from attrs import evolve
from helpers import now
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from antigravity_gw.errors import Unreachable
from antigravity_gw.pool.account import Account, Record
from antigravity_gw.pool.shared import Shared
from antigravity_gw.pool.tokens import Tokens
from antigravity_gw.wire.oauth import (
    Fault,
    OAuthClient,
    RenewalFailed,
    read_renewal,
    renewal_form,
)

OK = (200, b'{"access_token":"t1","expires_in":3599}')


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


def account(token: str = "1//a") -> Account:
    """An account with that refresh token."""
    return Account(Record("a", "ada", token, None, None, 0.0))


def tokens(endpoint: Endpoint, clock: Clock, saved: list[Any] | None = None) -> Tokens:
    """Tokens from that endpoint."""

    async def save(*change: str) -> None:
        if saved is not None:
            saved.append(change)

    return Tokens(endpoint.post, clock.seconds, OAuthClient("id", "hush"), save)


def test_one_renewal_for_all(clock: Clock) -> None:
    """Two hundred requests wait for one call."""
    endpoint, one = Endpoint(), account()
    source = tokens(endpoint, clock)
    waiting = [Deferred.fromCoroutine(source.fresh(one)) for _ in range(200)]
    endpoint.asked[0].callback(OK)

    assert {now(each) for each in waiting} == {"t1"}
    assert now(source.fresh(one)) == "t1"
    assert len(endpoint.asked) == 1


def test_a_token_is_renewed_before_it_expires(clock: Clock) -> None:
    """A minute before, since a request may take a while."""
    endpoint, one = Endpoint(), account()
    source = tokens(endpoint, clock)
    first = Deferred.fromCoroutine(source.fresh(one))
    endpoint.asked[0].callback(OK)
    clock.advance(3538)
    assert now(source.fresh(one)) == now(first)
    clock.advance(1)
    Deferred.fromCoroutine(source.fresh(one))

    assert len(endpoint.asked) == 2


def test_who_stops_waiting_does_not_stop_the_others(clock: Clock) -> None:
    """A client that leaves takes no token away from the next."""
    endpoint, one = Endpoint(), account()
    source = tokens(endpoint, clock)
    leaving, staying = (Deferred.fromCoroutine(source.fresh(one)) for _ in range(2))
    leaving.addErrback(lambda _: None)
    leaving.cancel()
    endpoint.asked[0].callback(OK)

    assert now(staying) == "t1"


def test_a_refused_token_is_not_used_again(clock: Clock) -> None:
    """Discarding a token that was replaced already does no harm."""
    endpoint, one = Endpoint(), account()
    source = tokens(endpoint, clock)
    Deferred.fromCoroutine(source.fresh(one))
    endpoint.asked[0].callback(OK)
    source.discard("a", "an older one")
    assert now(source.fresh(one)) == "t1"
    source.discard("a", "t1")
    Deferred.fromCoroutine(source.fresh(one))

    assert len(endpoint.asked) == 2


def test_another_refresh_token(clock: Clock) -> None:
    """An account that was logged in anew gets a token of its new login."""
    endpoint = Endpoint()
    source = tokens(endpoint, clock)
    Deferred.fromCoroutine(source.fresh(account()))
    endpoint.asked[0].callback(OK)
    Deferred.fromCoroutine(source.fresh(account("1//b")))

    assert b"1%2F%2Fb" in endpoint.forms[1]


def test_rotation(clock: Clock) -> None:
    """A new refresh token is stored, and used from then on."""
    endpoint, one, saved = Endpoint(), account(), list[Any]()
    source = tokens(endpoint, clock, saved)
    fresh = Deferred.fromCoroutine(source.fresh(one))
    endpoint.asked[0].callback((200, OK[1][:-1] + b',"refresh_token":"1//new"}'))

    assert now(fresh) == now(source.fresh(one)) == "t1"
    assert saved == [("a", "1//a", "1//new")]
    assert one.record.refresh_token == "1//new"


def test_login_during_a_renewal(clock: Clock) -> None:
    """A login that comes while the old one is renewed is not overwritten."""
    endpoint, one = Endpoint(), account()
    source = tokens(endpoint, clock)
    fresh = Deferred.fromCoroutine(source.fresh(one))
    one.record = evolve(one.record, refresh_token="1//login")
    endpoint.asked[0].callback((200, OK[1][:-1] + b',"refresh_token":"1//new"}'))

    assert now(fresh) == "t1"
    assert one.record.refresh_token == "1//login"


def test_bugs_that_nobody_waits_for(logged: list[dict[str, Any]]) -> None:
    """They are logged; failures that were to be expected are not."""
    shared: Shared[int] = Shared((RenewalFailed,))
    for error in (ZeroDivisionError(), RenewalFailed(Fault.NOBODY, "x")):
        work: Deferred[int] = Deferred()

        async def wait(work: Deferred[int] = work) -> int:
            return await work

        waiting = shared.run("a", wait)
        waiting.addErrback(lambda _: None)
        waiting.cancel()
        work.errback(error)
    bugs = [event.pop("log_failure") for event in logged if "log_failure" in event]

    assert [bug.type for bug in bugs] == [ZeroDivisionError]


def test_no_client(clock: Clock) -> None:
    """Without an OAuth client, it is the operator who has to do something."""
    source = tokens(Endpoint(), clock)
    source.client = None

    with pytest.raises(RenewalFailed, match=r"oauth\.client_id"):
        now(source.fresh(account()))


def test_endpoint_out_of_reach(clock: Clock) -> None:
    """All who wait are told, and the next one asks again."""
    endpoint, one = Endpoint(), account()
    source = tokens(endpoint, clock)
    waiting = [Deferred.fromCoroutine(source.fresh(one)) for _ in range(2)]
    endpoint.asked[0].errback(Unreachable("down"))
    for each in waiting:
        with pytest.raises(Unreachable):
            now(each)
    Deferred.fromCoroutine(source.fresh(one))

    assert len(endpoint.asked) == 2


def test_work_that_is_done_at_once() -> None:
    """Sharing does not need anybody to wait."""
    shared: Shared[int] = Shared()

    async def work() -> int:
        return 7

    assert now(shared.run("a", work)) == 7
    assert now(shared.run("a", work)) == 7


def test_form() -> None:
    """What RFC 6749 says, percent-encoded."""
    form = parse_qs(renewal_form(OAuthClient("i d", "s&"), "1//x").decode())

    assert form == {
        "client_id": ["i d"],
        "client_secret": ["s&"],
        "refresh_token": ["1//x"],
        "grant_type": ["refresh_token"],
    }


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (
            400,
            b'{"error":"invalid_grant","error_description":"Token has been expired or '
            b'revoked."}',
            Fault.LOGIN,
        ),
        (400, b'{"error":"invalid_grant","error_subtype":"invalid_rapt"}', Fault.LOGIN),
        (401, b'{"error":"unauthorized_client"}', Fault.LOGIN),
        (400, b'{"error":"unauthorized_client"}', Fault.LOGIN),
        (401, b'{"error":"invalid_client"}', Fault.CLIENT),
        (401, b'{"error":"deleted_client"}', Fault.CLIENT),
        (
            400,
            b'{"error":"invalid_request","error_description":"client_secret is '
            b'missing."}',
            Fault.CLIENT,
        ),
        (403, b'{"error":"access_denied"}', Fault.LOGIN),
        (400, b'{"error":"admin_policy_enforced"}', Fault.LOGIN),
        (403, b'{"error":"org_internal"}', Fault.LOGIN),
        (400, b"[" * 100_000, Fault.NOBODY),
        (400, b'{"error":["invalid_grant"]}', Fault.NOBODY),
        (500, b'{"error":"invalid_grant"}', Fault.NOBODY),
        (503, b"<html>", Fault.NOBODY),
        (200, b"<html>", Fault.NOBODY),
        (200, b"[]", Fault.NOBODY),
        (200, b'{"access_token":7}', Fault.NOBODY),
        (200, b"\xff", Fault.NOBODY),
        (429, b"{}", Fault.NOBODY),
    ],
)
def test_faults(status: int, body: bytes, fault: Fault) -> None:
    """Who has to do something about a renewal that failed."""
    with pytest.raises(RenewalFailed) as caught:
        read_renewal(status, body)

    assert caught.value.fault is fault


@pytest.mark.parametrize(
    ("rest", "seconds"),
    [
        (b"", 3599.0),
        (b',"expires_in":"100","error":null', 100.0),
        (b',"expires_in":-5', 0.0),
        (b',"expires_in":"soon"', 3599.0),
    ],
)
def test_lifetimes(rest: bytes, seconds: float) -> None:
    """A token that was given is used, even if little is said about it."""
    assert read_renewal(200, b'{"access_token":"t"%b}' % rest).expires_in == seconds


def test_tokens_are_not_shown() -> None:
    """Not even in what is logged about a renewal."""
    token = read_renewal(200, b'{"access_token":"hush","refresh_token":"hush2"}')

    assert "hush" not in repr(token)
