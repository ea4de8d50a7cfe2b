"""Tests for ``antigravity_gw.pool.choosing`` and ``pool.account``."""

from collections import Counter
from collections.abc import Sequence

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.errors import Exhausted, NeedsOperator
from antigravity_gw.needs import Need
from antigravity_gw.pool.account import Account
from antigravity_gw.pool.choosing import Chooser, Errand, Homes, Strategy, worth_waiting
from antigravity_gw.pool.hold import EVERY_MODEL, Rest
from antigravity_gw.record import Record
from antigravity_gw.wire.ask import Conversation
from antigravity_gw.wire.companion import Remaining
from antigravity_gw.wire.oauth import OAuthClient


def account(id: str, **settings: object) -> Account:
    """An account of which little is known."""
    record = Record(id, f"{id}@example.com", "1//t")
    return Account(evolve(record, **settings))


def pool(count: int, **settings: object) -> list[Account]:
    """So many accounts: a0, a1, ..."""
    return [account(f"a{number}", **settings) for number in range(count)]


def turn(number: int, model: str = "pro", is_new: bool = False) -> Errand:
    """A turn of a conversation, by its number."""
    talk = Conversation(b"talk %d" % number, is_new)
    return Errand(model, f"id-{number}", talk, deadline=600.0)


def homes(
    accounts: Sequence[Account], numbers: range, chooser: Chooser | None = None
) -> dict[int, str]:
    """Where each conversation's next turn goes."""
    chooser = chooser or Chooser()
    return {n: chooser.choose(accounts, turn(n), 0.0).id for n in numbers}


def rest(one: Account, model: str = "pro", until: float = 60.0) -> None:
    """Leave an account alone."""
    one.holds.place(model, 0.0, Rest(until, until), "x")


ALL = range(400)


@pytest.mark.parametrize("count", [2, 3, 5, 8])
def test_only_its_own_conversations_move(count: int) -> None:
    """When an account cools, its conversations go to all others, and come back."""
    accounts = pool(count)
    before = homes(accounts, ALL)
    rest(accounts[1])
    meanwhile = homes(accounts, ALL)
    moved = {n for n in ALL if before[n] != meanwhile[n]}
    accounts[1].holds.lift(60.0, "pro")

    assert moved == {n for n in ALL if before[n] == "a1"}
    assert {meanwhile[n] for n in moved} == set(before.values()) - {"a1"}
    assert homes(accounts, ALL) == before


def test_other_models_stay() -> None:
    """An account that cools for one model keeps its conversations with others."""
    accounts = pool(3)
    before = Chooser().choose(accounts, turn(7, "flash"), 0.0)
    rest(before, "pro")

    assert Chooser().choose(accounts, turn(7, "flash"), 0.0) is before
    assert Chooser().choose(accounts, turn(7, "pro"), 0.0) is not before


def test_another_account() -> None:
    """An account that joins takes over its share, and moves nobody else."""
    before = homes(pool(4), ALL)
    after = homes(pool(5), ALL)

    moved = [n for n in ALL if before[n] != after[n]]
    assert {after[n] for n in moved} == {"a4"}
    assert 400 / 5 * 0.7 < len(moved) < 400 / 5 * 1.3


def test_weights() -> None:
    """Twice the weight is twice the conversations; a change moves only those."""
    accounts = pool(3)
    before = homes(accounts, ALL)
    accounts[0].record = evolve(accounts[0].record, weight=2.0)
    after = homes(accounts, ALL)

    assert 160 < Counter(after.values())["a0"] < 240
    assert {after[n] for n in ALL if before[n] != after[n]} == {"a0"}


def test_priority() -> None:
    """An account of a later priority serves only when those before it cannot."""
    accounts = [account("a"), account("b"), account("late", priority=1)]
    assert set(homes(accounts, ALL).values()) == {"a", "b"}
    rest(accounts[0], EVERY_MODEL)
    assert set(homes(accounts, ALL).values()) == {"b"}
    rest(accounts[1], EVERY_MODEL)

    assert set(homes(accounts, ALL).values()) == {"late"}


def test_load() -> None:
    """New conversations go where there is room; those that are known do not move."""
    accounts, chooser = pool(4), Chooser()
    for number in range(200):
        chooser.choose(accounts, turn(number, is_new=True), 0.0).serving += 1
    busy = {one.id: one.serving for one in accounts}
    after = homes(accounts, range(200), chooser)

    assert max(busy.values()) <= min(busy.values()) * 1.35
    assert Counter(after.values()) == busy


def test_a_busy_account_is_avoided() -> None:
    """One with fifty requests gets few new conversations, and keeps its old ones."""
    accounts, chooser = pool(3), Chooser()
    old = homes(accounts, ALL)
    accounts[0].serving = 50
    new = [chooser.choose(accounts, turn(n, is_new=True), 0.0).id for n in range(400)]

    assert Counter(new)["a0"] < 30
    assert homes(accounts, ALL) == old


def test_quota() -> None:
    """New conversations go where more is left; what is unknown counts as full."""
    accounts, chooser = pool(3), Chooser()
    accounts[0].quota = {"pro": Remaining(0.1, None), "flash": Remaining(1.0, None)}
    accounts[1].quota = {"pro": Remaining(None, 50.0)}
    new = [chooser.choose(accounts, turn(n, is_new=True), 0.0).id for n in ALL]
    share = Counter(new)

    assert share["a0"] < 60 < 140 < share["a1"] < 260
    flash = (chooser.choose(accounts, turn(n, "flash", True), 0.0).id for n in ALL)
    assert Counter(flash)["a0"] > 100


def test_empty() -> None:
    """One that Google says is empty comes last until its reset, and is not refused."""
    accounts = pool(2)
    accounts[0].quota = {"pro": Remaining(0.0, 50.0)}
    assert set(homes(accounts, ALL).values()) == {"a1"}
    rest(accounts[1])
    assert set(homes(accounts, ALL).values()) == {"a0"}
    chosen = {Chooser().choose(accounts, turn(n), 50.0).id for n in ALL}
    assert chosen == {"a0"}
    accounts[1].holds.lift(60.0, "pro")

    chosen = {Chooser().choose(accounts, turn(n), 60.0).id for n in ALL}
    assert chosen == {"a0", "a1"}


def test_no_conversation() -> None:
    """A request that belongs to none goes where there is room."""
    accounts, chooser = pool(4), Chooser()
    for number in range(100):
        errand = Errand("pro", f"id-{number}", None, 600.0)
        chooser.choose(accounts, errand, 0.0).serving += 1

    assert min(one.serving for one in accounts) >= 20


def test_fill() -> None:
    """One account after the other, in the order they were added."""
    accounts, chooser = pool(3), Chooser(Strategy.FILL)
    assert {chooser.choose(accounts, turn(n), 0.0).id for n in ALL} == {"a0"}
    rest(accounts[0])
    assert {chooser.choose(accounts, turn(n), 0.0).id for n in ALL} == {"a1"}
    accounts[1].record = evolve(accounts[1].record, priority=7)

    assert {chooser.choose(accounts, turn(n), 0.0).id for n in ALL} == {"a2"}


def test_full() -> None:
    """An account takes no more requests at a time than the operator says."""
    accounts = pool(2, concurrency=3)
    for number in range(6):
        Chooser().choose(accounts, turn(number), 0.0).serving += 1
    with pytest.raises(Exhausted) as caught:
        Chooser().choose(accounts, turn(6), 0.0)

    assert [one.serving for one in accounts] == [3, 3]
    assert caught.value.retry_after == 0.0
    assert caught.value.seconds() == 1


def test_second_choice() -> None:
    """An account that has failed this request serves only when no other can."""
    accounts = pool(2)
    errand = turn(1)
    first = Chooser().choose(accounts, errand, 0.0)
    errand.tried.add(first.id)
    second = Chooser().choose(accounts, errand, 0.0)
    errand.avoid.add(second.id)

    assert first is not second
    assert Chooser().choose(accounts, errand, 0.0) is first


def test_all_cooling() -> None:
    """When all cool, the client is told when the first is back."""
    accounts = pool(2)
    rest(accounts[0], "pro", until=100.0)
    rest(accounts[1], EVERY_MODEL, until=40.0)
    with pytest.raises(Exhausted, match="2 cooling or busy") as caught:
        Chooser().choose(accounts, turn(1), now=10.0)

    assert caught.value.retry_after == 30.0
    patient = evolve(turn(1), patience=31.0)
    assert worth_waiting(accounts, patient, now=10.0) == 30.0
    assert worth_waiting(accounts, evolve(patient, patience=29.0), now=10.0) == 0.0
    accounts[1].record = evolve(accounts[1].record, concurrency=1)
    accounts[1].serving = 1
    assert worth_waiting(accounts, patient, now=40.0) == 31.0


def test_lasting_conditions() -> None:
    """Where only a person can help, clients are not told to wait."""
    accounts = [*pool(3), account("off", disabled=1.0)]
    for each, need in zip(
        accounts, (Need.LOGIN, Need.LOGIN, Need.SUSPENDED), strict=False
    ):
        each.holds.place(EVERY_MODEL, 1.0, None, "x", need=need)
    said = "1 disabled, 2 needs login, 1 suspended"
    with pytest.raises(NeedsOperator, match=said):
        Chooser().choose(accounts, turn(1), now=2.0)
    with pytest.raises(NeedsOperator, match="no account yet"):
        Chooser().choose([], turn(1), now=2.0)
    assert worth_waiting([], evolve(turn(1), patience=9.0), 0.0) == 0.0


def test_what_may_have_been_mended_is_tried() -> None:
    """A need with an end lets the account try again."""
    accounts = pool(1)
    accounts[0].holds.place(
        EVERY_MODEL, 0.0, Rest(9.0, 9.0), "x", need=Need.ENTITLEMENT
    )
    with pytest.raises(NeedsOperator, match="1 not entitled"):
        Chooser().choose(accounts, turn(1), now=8.0)

    assert Chooser().choose(accounts, turn(1), now=9.0) is accounts[0]


def test_a_cooling_account_is_hope() -> None:
    """One that cools among those that wait for a person is worth waiting for."""
    accounts = pool(2)
    accounts[0].holds.place(EVERY_MODEL, 0.0, None, "x", need=Need.LOGIN)
    rest(accounts[1], until=9.0)
    with pytest.raises(Exhausted) as caught:
        Chooser().choose(accounts, turn(1), now=2.0)

    assert caught.value.retry_after == 7.0


def test_homes_are_bounded() -> None:
    """The longest unused is forgotten."""
    known = Homes(limit=2)
    known.settle(b"1", "a")
    known.settle(b"2", "b")
    assert known.of(b"1") == "a"
    known.settle(b"3", "c")

    assert [known.of(c) for c in (b"1", b"2", b"3")] == ["a", None, "c"]


def test_the_same_beginning() -> None:
    """One that begins with the same words goes where there is room; nobody moves."""
    accounts, chooser = pool(6), Chooser()
    first = chooser.choose(accounts, turn(1, is_new=True), 0.0)
    first.serving = 50
    others = {chooser.choose(accounts, turn(1, is_new=True), 0.0).id for _ in range(9)}
    first.serving = 0

    assert first.id not in others
    assert chooser.choose(accounts, turn(1), 0.0) is first


def test_a_home_that_is_gone() -> None:
    """A conversation whose account was removed finds another home."""
    accounts, chooser = pool(3), Chooser()
    first = chooser.choose(accounts, turn(1, is_new=True), 0.0)
    rest_ = [account for account in accounts if account is not first]
    second = chooser.choose(rest_, turn(1, is_new=True), 0.0)

    assert chooser.choose(rest_, turn(1), 0.0) is second


def test_an_empty_home() -> None:
    """One that Google says is empty is left for another until its quota is back."""
    accounts, chooser = pool(2), Chooser()
    home = chooser.choose(accounts, turn(1, is_new=True), 0.0)
    home.quota = {"pro": Remaining(0.0, 50.0)}
    assert chooser.choose(accounts, turn(1), 0.0) is not home
    assert chooser.choose([home], turn(1), 0.0) is home

    assert chooser.choose(accounts, turn(1), 50.0) is home


def test_what_is_known_of_a_quota_grows_old() -> None:
    """What Google said a day ago says nothing any more."""
    one = account("a")
    one.quota, one.quota_seen = {"pro": Remaining(0.0, None)}, 1000.0

    assert one.is_empty("pro", 1000.0 + 86_400)
    assert not one.is_empty("pro", 1000.0 + 86_401)


@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.floats(0.0, 1.0)), min_size=1),
    st.binary(max_size=8),
    st.booleans(),
    st.sampled_from(Strategy),
)
def test_never_one_that_cannot(
    states: list[tuple[bool, bool, float]], said: bytes, is_new: bool, how: Strategy
) -> None:
    """Whatever the accounts are like, none that cools or is disabled is chosen."""
    accounts = pool(len(states))
    for one, (cools, disabled, left) in zip(accounts, states, strict=True):
        one.quota = {"pro": Remaining(left, None)}
        one.record = evolve(one.record, disabled=1.0 if disabled else None)
        if cools:
            rest(one)
    errand = Errand("pro", "id", Conversation(said, is_new), 600.0)
    able = [f"a{n}" for n, state in enumerate(states) if not any(state[:2])]
    try:
        assert Chooser(how).choose(accounts, errand, 0.0).id in able
    except (Exhausted, NeedsOperator):
        assert able == []


def test_secrets_are_not_shown() -> None:
    """No token, secret or e-mail reaches the log by way of a repr."""
    client = OAuthClient("id", "hush")
    record = Record("a", "me@example.com", "1//token", client, "my-project")
    shown = repr(Account(record, project="found-project", doubted="x-project"))

    words = ("hush", "example.com", "1//", "my-pro", "found-", "x-pro")
    assert not [word for word in words if word in shown]
