"""Tests for ``antigravity_gw.pool.account``."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.errors import Exhausted, NeedsOperator
from antigravity_gw.pool.account import (
    EVERY_MODEL,
    Account,
    Block,
    Need,
    Record,
    Sessions,
    choose,
)
from antigravity_gw.wire.oauth import OAuthClient


def account(id: str) -> Account:
    """An account of which little is known."""
    return Account(Record(id, f"{id}@example.com", "1//t", None, None, 0.0))


def pool(count: int) -> list[Account]:
    """So many accounts: a0, a1, ..."""
    return [account(f"a{number}") for number in range(count)]


@given(st.integers(1, 6), st.integers(0, 20))
def test_round_robin(count: int, rounds: int) -> None:
    """Accounts that can serve take turns."""
    accounts, last, served = pool(count), None, []
    for _ in range(rounds):
        last = choose(accounts, "pro", 0.0, last=last).id
        served.append(last)

    assert [f"a{turn % count}" for turn in range(rounds)] == served


def test_turns_pass_over_those_that_rest() -> None:
    """The account after one that rests takes its turn."""
    accounts = pool(3)
    accounts[1].rest("pro", until=60.0)

    assert choose(accounts, "pro", 0.0, last="a0").id == "a2"
    assert choose(accounts, "flash", 0.0, last="a0").id == "a1"
    assert choose(accounts, "pro", 60.0, last="a0").id == "a1"


def test_home() -> None:
    """A conversation stays with its account while that can serve it."""
    accounts = pool(3)

    assert choose(accounts, "pro", 0.0, home="a1", last="a2").id == "a1"


@given(st.sampled_from(["a0", "a1", "a2", None]))
def test_stand_in(last: str | None) -> None:
    """While its account cannot serve, it stays with one of the others."""
    accounts = pool(3)
    accounts[1].rest(EVERY_MODEL, until=60.0)

    assert choose(accounts, "pro", 0.0, home="a1", last=last).id == "a2"
    assert choose(accounts, "pro", 60.0, home="a1", last=last).id == "a1"


def test_second_choice() -> None:
    """An account that has failed this request serves only when no other can."""
    accounts = pool(2)

    assert choose(accounts, "pro", 0.0, home="a0", second_choice={"a0"}).id == "a1"
    assert choose(accounts, "pro", 0.0, avoid={"a1"}, second_choice={"a0"}).id == "a0"


def test_all_resting() -> None:
    """When all rest, the client is told when the first is back."""
    accounts = pool(2)
    accounts[0].rest("pro", until=100.0)
    accounts[1].rest(EVERY_MODEL, until=40.0)
    with pytest.raises(Exhausted) as caught:
        choose(accounts, "pro", now=10.0)

    assert caught.value.retry_after == 30.0


def test_rests_do_not_shorten() -> None:
    """A short rest does not end a long one."""
    one = account("a")
    one.rest("pro", until=60.0)
    one.rest("pro", until=30.0)

    assert one.ready_at("pro") == 60.0


def test_lasting_conditions() -> None:
    """Where only the operator can help, clients are not told to wait."""
    accounts = pool(3)
    for each in accounts[:2]:
        each.note(Block(Need.LOGIN, "x", since=1.0))
    accounts[2].note(Block(Need.SUSPENDED, "x", since=1.0))
    with pytest.raises(NeedsOperator, match="2 needs login, 1 suspended"):
        choose(accounts, "pro", now=2.0)
    with pytest.raises(NeedsOperator, match="no account yet"):
        choose([], "pro", now=2.0)


def test_what_may_have_been_mended_is_tried() -> None:
    """A block with an end lets the account try again."""
    accounts = pool(1)
    accounts[0].note(Block(Need.ACCESS, "x", since=1.0, until=9.0))
    with pytest.raises(NeedsOperator, match="1 refused by Google"):
        choose(accounts, "pro", now=8.0)

    assert choose(accounts, "pro", now=9.0) is accounts[0]


def test_the_earliest_of_all() -> None:
    """A refused account may be back before one that is out of quota."""
    accounts = pool(2)
    accounts[0].rest("pro", until=360_000.0)
    accounts[1].note(Block(Need.ACCESS, "x", since=1.0, until=301.0))
    with pytest.raises(Exhausted) as caught:
        choose(accounts, "pro", now=1.0)

    assert caught.value.retry_after == 300.0


def test_a_resting_account_is_hope() -> None:
    """One that rests among blocked ones is worth waiting for."""
    accounts = pool(2)
    accounts[0].note(Block(Need.LOGIN, "x", since=1.0))
    accounts[1].rest("pro", until=9.0)
    with pytest.raises(Exhausted) as caught:
        choose(accounts, "pro", now=2.0)

    assert caught.value.retry_after == 7.0


def test_homes_are_kept_and_bounded() -> None:
    """A conversation keeps its first home; the longest unused is forgotten."""
    sessions = Sessions(limit=2)
    sessions.settle(b"1", "a")
    sessions.settle(b"1", "b")
    sessions.settle(b"2", "b")
    assert (sessions.home(b"1"), sessions.home(None)) == ("a", None)
    sessions.settle(b"3", "c")

    assert [sessions.home(c) for c in (b"1", b"2", b"3")] == ["a", None, "c"]


def test_gone_homes() -> None:
    """A conversation whose account was removed finds another home."""
    sessions = Sessions()
    sessions.settle(b"1", "a")
    sessions.settle(None, "a")
    sessions.forget({"a"})
    sessions.settle(b"1", "b")

    assert sessions.home(b"1") == "b"


def test_secrets_are_not_shown() -> None:
    """No token, secret or e-mail reaches the log by way of a repr."""
    client = OAuthClient("id", "hush")
    record = Record("a", "me@example.com", "1//token", client, "my-project", 0.0)
    shown = repr(Account(record))

    assert not [w for w in ("hush", "example.com", "1//", "my-pro") if w in shown]
