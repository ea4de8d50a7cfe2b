"""Tests for ``antigravity_gw.pool.pool``: what the accounts go through."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from helpers import now
from twisted.internet.defer import Deferred, execute
from twisted.logger import formatEvent
from world import HELLO, STREAM, TEXT, WHOLE, Call, Reply, World, event

from antigravity_gw.errors import Exhausted, GatewayError, UpstreamTimeout
from antigravity_gw.kind import Kinds
from antigravity_gw.needs import Need
from antigravity_gw.pool.account import Account
from antigravity_gw.pool.choosing import Chooser, Errand, Strategy
from antigravity_gw.pool.hold import ACCESS, EVERY_MODEL, Rest
from antigravity_gw.pool.pool import AccountPool
from antigravity_gw.pool.store import Store
from antigravity_gw.record import Record
from antigravity_gw.wire.oauth import OAuthClient
from antigravity_gw.wire.verdict import Blame, Verdict

DEAD = (400, b'{"error":"invalid_grant"}')
WRONG_CLIENT = (401, b'{"error":"invalid_client"}')
DOWN = (503, b"")
LIMIT = Reply(429, b'{"error":{"code":429,"message":"Please retry in 1s."}}')
QUOTA = Reply(429, b'{"error":{"code":429,"message":"out"}}')


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Three accounts."""
    world = World(tmp_path)
    world.google.script = [WHOLE]
    return world


@pytest.fixture
def one(tmp_path: Path) -> World:
    """One account, and patience."""
    world = World(tmp_path, accounts="a", patience=2.0)
    world.google.script = [WHOLE]
    return world


class CountingChooser(Chooser):
    """Counts how often somebody looks for an account."""

    choices = 0

    def choose(self, *arguments: Any) -> Account:
        """Look."""
        self.choices += 1
        return super().choose(*arguments)


def errand(model: str = "pro", patience: float = 0.0) -> Errand:
    """What a request of no conversation wants."""
    return Errand(model, "id", None, deadline=2e6, patience=patience)


def serving(world: World) -> str:
    """The account that serves a request just now."""
    world.generate()
    return world.google.calls[-1].account


def waits(world: World, id: str = "a") -> str | None:
    """What a person has to do about an account."""
    return world.account(id).waits_for("pro", world.clock.seconds())


def granted(**more: object) -> Callable[[str], tuple[int, bytes]]:
    """A token endpoint that grants everything."""
    return lambda name: (
        200,
        json.dumps({"access_token": f"token-of-{name}", **more}).encode(),
    )


class Slow:
    """A token endpoint that answers when the test says so."""

    def __init__(self, world: World) -> None:
        self.asked: list[Deferred[tuple[int, bytes]]] = []
        world.kind.post = self.post

    async def post(self, form: bytes) -> tuple[int, bytes]:
        """Take a form, and wait."""
        self.asked.append(Deferred())
        return await self.asked[-1]


# What the operator changes


def test_unchanged(world: World, logged: list[dict[str, Any]]) -> None:
    """Looking when nothing has changed does nothing."""
    before = len(logged)
    now(world.watch.look())
    now(world.watch.look())

    assert len(logged) == before


def test_removed(world: World) -> None:
    """An account that was removed serves no more; its conversations go on."""
    world.generate()
    world.store.remove("a@x")
    now(world.watch.look())
    world.generate()

    assert [call.account for call in world.google.calls] == ["a", "b"]


def test_disabled(world: World) -> None:
    """An account that the operator has disabled is not asked until it is enabled."""
    world.store.change("a", disabled=1.0)
    world.take_up()
    assert serving(world) == "b"
    world.store.change("a", disabled=None)
    world.take_up()

    assert serving(world) == "a"


def test_removed_and_added_again(world: World) -> None:
    """Nothing is kept of an account that was removed, its access token least of all."""
    assert serving(world) == "a"
    world.store.remove("a@x")
    world.take_up()
    world.add("a")
    world.store.change("b", disabled=1.0)
    world.store.change("c", disabled=1.0)
    world.take_up()
    assert serving(world) == "a"

    assert [b"refresh-of-a" in form for form in world.token_calls] == [True, True]


def test_removed_while_serving(world: World) -> None:
    """What is being served is not disturbed."""
    with now(world.pool.lend(errand())) as lease:
        world.store.remove("a@x")
        world.take_up()

        assert (lease.account_id, lease.caller.token) == ("a", "token-of-a")


def test_another_token(world: World) -> None:
    """An account that was logged in anew gets another chance at once."""
    world.token_reply = lambda _: DEAD
    assert world.generate().status == 400
    world.token_reply = granted()
    world.add("a")

    assert world.generate().status == 200


def test_yesterdays_news(world: World) -> None:
    """A verdict from before the operator mended an account is not held against it."""
    with now(world.pool.lend(errand())) as lease:
        world.store.give_another_chance("a")
        world.take_up()
        for blame in Blame:
            lease.blame(Verdict(blame, "x", 60.0, Need.SUSPENDED))

    assert world.account("a").holds.by_model == {}


def test_leases_are_counted(world: World) -> None:
    """How many requests an account serves is known, also when one fails."""
    lease = now(world.pool.lend(errand()))
    assert world.account("a").serving == 1
    with pytest.raises(ZeroDivisionError), lease:
        raise ZeroDivisionError

    assert world.account("a").serving == 0


def test_a_hold_is_not_lost_to_a_slow_disk(world: World) -> None:
    """What the daemon knows is newer than what the store has of it."""
    world.pool.writer.in_thread = lambda *_: Deferred()
    world.google.script = [QUOTA, WHOLE]
    world.generate()
    world.take_up()
    world.generate()

    assert [call.account for call in world.google.calls] == ["a", "b", "b"]


# Tokens


def test_one_renewal_for_all(one: World) -> None:
    """Two hundred requests on an expired token cause one call, and are all served."""
    assert serving(one) == "a"
    one.clock.advance(3600)
    slow = Slow(one)
    clients = [one.generate() for _ in range(200)]
    assert len(slow.asked) == 1
    slow.asked[0].callback(granted()("a"))
    one.settle()

    assert {client.status for client in clients} == {200}
    assert len(slow.asked) == 1


def test_renewed_ahead(one: World) -> None:
    """While the old token is good, nobody waits for the new one."""
    assert serving(one) == "a"
    one.clock.advance(3300)
    slow = Slow(one)
    assert [one.generate().status for _ in range(20)] == [200] * 20
    assert len(slow.asked) == 1
    slow.asked[0].callback((200, b'{"access_token":"token-of-a2"}'))

    assert serving(one) == "a2"


def test_renewed_ahead_in_vain(one: World) -> None:
    """A token endpoint that is down does not touch an account that can serve."""
    assert serving(one) == "a"
    one.token_reply = lambda _: DOWN
    one.clock.advance(3300)
    for _ in range(8):
        assert one.generate().status == 200
        one.clock.advance(29)
    assert 4 <= len(one.token_calls) <= 6
    one.token_reply = granted()
    one.clock.advance(30)

    assert one.generate().status == 200
    assert waits(one) is None


def test_a_dead_grant_is_seen_ahead(one: World) -> None:
    """The operator hears of it before the account stops serving."""
    assert serving(one) == "a"
    one.clock.advance(3300)
    slow = Slow(one)
    assert one.generate().status == 200
    slow.asked[0].callback(DEAD)

    assert waits(one) == "needs login"


@pytest.mark.parametrize("down", [DOWN, (502, b"<html>"), (429, b"{}")])
def test_trouble_at_the_token_endpoint(tmp_path: Path, down: tuple[int, bytes]) -> None:
    """It costs one call every few seconds, blames nobody, and ends by itself."""
    one = World(tmp_path, accounts="a")
    one.google.script = [WHOLE]
    one.token_reply = lambda _: down
    statuses = []
    for _ in range(40):
        statuses.append(one.generate().status)
        one.clock.advance(1)
    assert set(statuses) == {502, 429}
    assert 3 <= len(one.token_calls) <= 5
    assert waits(one) is None
    one.token_reply = granted()
    one.clock.advance(15)

    assert one.generate().status == 200
    assert one.account("a").holds.by_model == {}


def test_one_conclusion_for_all(world: World, logged: list[dict[str, Any]]) -> None:
    """However many requests wait for a login that is dead, it is told once."""
    slow = Slow(world)
    clients = [world.generate() for _ in range(50)]
    for number in range(3):
        slow.asked[number].callback(DEAD)
        world.settle()

    assert {client.error() for client in clients} == {(400, "FAILED_PRECONDITION")}
    assert len([e for e in logged if "need" in e]) == 3
    assert len(slow.asked) == 3


def test_wrong_client(world: World, logged: list[dict[str, Any]]) -> None:
    """One call finds out, one line says so, and no account is blamed."""
    world.token_reply = lambda _: WRONG_CLIENT
    client = world.generate()

    assert client.error() == (400, "FAILED_PRECONDITION")
    assert "3 misconfigured" in client.json()["error"]["message"]
    assert len(world.token_calls) == 1
    said = [e for e in logged if "OAUTH CLIENT" in e.get("log_format", "")]
    assert len(said) == 1
    assert not [e for e in logged if e.get("need")]


def test_wrong_client_of_one(tmp_path: Path) -> None:
    """Accounts with another OAuth client go on serving."""
    world = World(tmp_path, accounts="")
    world.google.script = [Reply(body=b'{"cloudaicompanionProject":"p"}'), WHOLE]
    own = OAuthClient("own", "s")
    world.store.put(Record("a", "a@x", "refresh-of-a"))
    world.store.put(Record("b", "b@x", "refresh-of-b", own, added=1.0))
    world.take_up()
    world.token_reply = lambda name: WRONG_CLIENT if name == "a" else granted()(name)

    assert world.generate().status == 200
    assert waits(world, "a") == "misconfigured"


def test_wrong_client_while_tokens_are_good(world: World) -> None:
    """An account that needs no renewal yet does not suffer from it."""
    assert serving(world) == "a"
    world.store.change("a", disabled=1.0)
    world.take_up()
    world.token_reply = lambda _: WRONG_CLIENT
    assert world.generate().status == 400
    world.store.change("a", disabled=None)
    world.take_up()

    assert serving(world) == "a"


def test_the_client_was_corrected(world: World) -> None:
    """It is tried again after a while, by one request, or at once when it is told."""
    world.token_reply = lambda _: WRONG_CLIENT
    world.generate()
    world.clock.advance(301)
    world.generate()
    assert len(world.token_calls) == 2
    world.token_reply = granted()
    assert world.generate().status == 400
    world.pool.go_by(world.pool)

    assert world.generate().status == 200


def test_renewed_ahead_in_vain_under_load(one: World) -> None:
    """Not for a moment is an account left alone whose token is good."""
    assert serving(one) == "a"
    one.token_reply = lambda _: DOWN
    one.clock.advance(3300)

    assert [one.generate().status for _ in range(5)] == [200] * 5
    assert one.account("a").holds.by_model == {}


def corrected(world: World) -> AccountPool:
    """A pool with another OAuth client, for which tokens are to be had."""
    means = evolve(world.kind.means, client=OAuthClient("right", "secret"))
    kind = evolve(world.kind, means=means, post=world._post)
    return evolve(world.pool, kinds=Kinds({kind.name: kind}))


def test_corrected_during_a_renewal(world: World) -> None:
    """That the old OAuth client is refused says nothing about the new one."""
    slow = Slow(world)
    client = world.generate()
    world.pool.go_by(corrected(world))
    slow.asked[0].callback(WRONG_CLIENT)
    world.settle()

    assert client.status == 200
    assert [waits(world, id) for id in "abc"] == [None] * 3


def test_another_secret(world: World) -> None:
    """A client is refused with its secret; with another secret it is another one."""
    bad, good = OAuthClient("own", "bad"), OAuthClient("own", "good")
    world.store.put(Record("a", "a@x", "refresh-of-a", bad))
    world.take_up()
    world.token_reply = lambda _: WRONG_CLIENT
    world.generate()
    assert waits(world) == "misconfigured"
    world.token_reply = granted()
    world.google.script = [project("p"), WHOLE]
    world.store.put(Record("a", "a@x", "refresh-of-a", good))
    world.take_up()

    assert serving(world) == "a"


def test_enabled_after_a_refusal_of_the_client(world: World) -> None:
    """Enabling one account is a reason to try the client again."""
    world.token_reply = lambda _: WRONG_CLIENT
    world.generate()
    world.token_reply = granted()
    world.google.script = [project("p"), WHOLE]
    world.store.give_another_chance("b")
    world.take_up()

    assert serving(world) == "b"


def test_another_client_for_tokens_that_were_not_its_own(world: World) -> None:
    """With another OAuth client, tokens that were another's get another chance."""
    world.token_reply = lambda _: (401, b'{"error":"unauthorized_client"}')
    assert world.generate().status == 400
    world.token_reply = granted()
    world.pool.go_by(world.pool)
    assert world.generate().status == 400
    world.pool.go_by(corrected(world))

    assert world.generate().status == 200


def test_rotated_while_the_operator_speaks(one: World) -> None:
    """Whatever is said of an account, a replaced refresh token is not lost."""
    slow = Slow(one)
    client = one.generate()
    one.store.change("a", project="ours")
    one.take_up()
    slow.asked[0].callback(granted(refresh_token="refresh-of-a-2")("a"))
    one.google.script = [project(None), WHOLE]
    one.settle()

    assert client.status == 200
    assert one.store.accounts()[0].record.credential == "refresh-of-a-2"
    assert one.account("a").record.credential == "refresh-of-a-2"


def test_rotated_on_a_slow_disk_while_the_operator_speaks(one: World) -> None:
    """Nor is it when the command line is faster at the disk."""
    waiting: list[tuple[Deferred[Any], tuple[Any, ...]]] = []

    def in_thread(*work: Any) -> Deferred[Any]:
        waiting.append((Deferred(), work))
        return waiting[-1][0]

    one.pool.writer.in_thread = in_thread
    one.token_reply = granted(refresh_token="refresh-of-a-2")
    one.generate()
    one.store.give_another_chance("a")
    one.take_up()
    while waiting:
        done, work = waiting.pop(0)
        execute(*work).chainDeferred(done)
        one.settle()
    one.take_up()

    assert one.store.accounts()[0].record.credential == "refresh-of-a-2"
    assert one.account("a").record.credential == "refresh-of-a-2"


def test_a_new_login_waits_for_no_old_one(one: World) -> None:
    """What becomes of the old login's renewal is no concern of the new one's."""
    slow = Slow(one)
    one.generate()
    one.store.put(Record("x", "a@x", "refresh-of-new"))
    one.take_up()
    one.google.script = [project("p"), WHOLE]
    second = one.generate()
    assert len(slow.asked) == 2
    slow.asked[1].callback(granted()("new"))
    one.settle()
    slow.asked[0].callback(granted()("old"))
    one.settle()

    assert second.status == 200
    assert {call.account for call in one.google.calls} == {"new"}


@pytest.mark.parametrize("what", ["suspended", "disabled", "removed"])
def test_a_lot_can_happen_meanwhile(one: World, what: str) -> None:
    """An account that was taken out while a request waited for it is not asked."""
    slow = Slow(one)
    client = one.generate()
    if what == "suspended":
        one.account("a").holds.place(EVERY_MODEL, 1e6, None, "x", need=Need.SUSPENDED)
    elif what == "disabled":
        one.store.change("a", disabled=1.0)
    else:
        one.store.remove("a")
    one.take_up()
    slow.asked[0].callback(granted()("a"))
    one.settle()

    assert client.error() == (400, "FAILED_PRECONDITION")
    assert one.google.calls == []
    assert [account.serving for account in one.pool.accounts] in ([0], [])


def test_a_clock_that_is_set_back(world: World) -> None:
    """Nothing that was to end goes on for as long as that, and nothing spins."""
    assert serving(world) == "a"
    for account in world.pool.accounts:
        world.pool.tokens.forget(account.id)
    world.token_reply = lambda _: WRONG_CLIENT
    assert world.generate().status == 400
    world.clock.advance(-86400)
    assert world.generate().status == 400
    world.token_reply = granted()
    world.clock.advance(700)

    assert world.generate().status == 200


# What survives a restart


def test_tokens_survive(tmp_path: Path) -> None:
    """A restart costs no renewal and no lookup."""
    before = World(tmp_path, accounts="")
    before.add("a", project=None)
    before.google.script = [Reply(body=b'{"cloudaicompanionProject":"found"}'), WHOLE]
    assert serving(before) == "a"
    after = World(tmp_path, accounts="")
    after.take_up()
    after.google.script = [WHOLE]

    assert serving(after) == "a"
    assert after.token_calls == []
    assert [call.envelope["project"] for call in after.google.calls] == ["found"]


def test_cooldowns_survive(tmp_path: Path) -> None:
    """So does how long an account is to be left alone, to the second."""
    before = World(tmp_path, accounts="a")
    before.google.script = [QUOTA]
    before.generate()
    after = World(tmp_path, accounts="")
    after.take_up()
    after.google.script = [WHOLE]
    after.clock.advance(59)
    client = after.generate()
    assert client.error() == (429, "RESOURCE_EXHAUSTED")
    assert "retry-after: 1\r" in client.head + "\r"
    assert after.google.calls == []
    after.clock.advance(1)

    assert after.generate().status == 200
    assert after.store.accounts()[0].holds == {}


# Projects


def lookups(world: World) -> list[dict[str, Any]]:
    """What Google was asked about projects."""
    return [c.envelope for c in world.google.calls if c.method == "loadCodeAssist"]


def project(name: str | None, **more: object) -> Reply:
    """An account that is a member, with that project."""
    answer = {"currentTier": {"id": "x"}, "cloudaicompanionProject": name, **more}
    return Reply(body=json.dumps(answer).encode())


def test_one_discovery_for_all(tmp_path: Path) -> None:
    """However many requests wait for an account's project, it is asked for once."""
    world = World(tmp_path, accounts="")
    world.add("a", project=None)
    asked: list[Deferred[str]] = []

    async def find(token: str, configured: str | None) -> str | None:
        asked.append(Deferred())
        return await asked[-1]

    world.kind.find = find
    lending = [world.pool.lend(errand()) for _ in range(200)]
    waiting = [Deferred.fromCoroutine(lend) for lend in lending]
    asked[0].callback("found")

    assert {now(lease).caller.project for lease in waiting} == {"found"}
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("named", "configured", "used"),
    [("theirs", "ours", "theirs"), (None, "ours", "ours"), ("theirs", None, "theirs")],
)
def test_whose_project(
    tmp_path: Path, named: str | None, configured: str | None, used: str
) -> None:
    """Google's before the operator's."""
    world = World(tmp_path, accounts="")
    world.store.put(Record("a", "a@x", "refresh-of-a", project=configured))
    world.take_up()
    world.google.script = [project(named), WHOLE]
    world.generate()

    assert world.google.calls[-1].envelope["project"] == used
    assert lookups(world)[0].get("cloudaicompanionProject") == configured


def test_no_project(tmp_path: Path) -> None:
    """An account that has none is out; none is invented, and it is tried again."""
    world = World(tmp_path, accounts="")
    world.add("a", project=None)
    world.google.script = [project(None)]
    for _ in range(3):
        assert world.generate().error() == (400, "FAILED_PRECONDITION")
    assert len(world.google.calls) == 1
    assert waits(world) == "needs a project"
    world.store.change("a", project="ours")
    world.take_up()
    world.google.script = [project(None), WHOLE]

    assert world.generate().status == 200


def test_lookups_that_fail(tmp_path: Path) -> None:
    """Meanwhile the configured project will do; Google is asked again later."""
    world = World(tmp_path, accounts="")
    world.store.put(Record("a", "a@x", "refresh-of-a", project="ours"))
    world.take_up()
    world.google.script = [Reply(500), WHOLE]
    assert [world.generate().status for _ in range(3)] == [200] * 3
    assert len(lookups(world)) == 1
    world.clock.advance(60)
    world.google.script = [project("theirs"), WHOLE]
    world.generate()

    assert world.google.calls[-1].envelope["project"] == "theirs"


def test_lookups_that_hang(tmp_path: Path) -> None:
    """An account that Google does not come to an end with is left alone for a while."""
    world = World(tmp_path, accounts="")
    world.add("a", project=None)
    world.google.script = [Reply(stays_open=True)]
    client = world.generate()
    world.clock.advance(30)
    world.settle()

    assert client.error() == (502, "UNAVAILABLE")
    assert world.generate().error() == (429, "RESOURCE_EXHAUSTED")
    assert len(lookups(world)) == 1
    assert waits(world) is None


STALE = Reply(
    404,
    b'{"error":{"code":404,"message":"Resource projects/x could not be found.",'
    b'"status":"NOT_FOUND"}}',
)


def test_project_that_moved(one: World) -> None:
    """When upstream says that it is wrong it is looked up again in the same request."""
    one.google.script = [STALE, project("moved"), WHOLE]
    assert one.generate().status == 200
    assert one.generate().status == 200

    used = [c.envelope["project"] for c in one.google.calls if "project" in c.envelope]
    assert used == ["project-of-it", "moved", "moved"]
    assert one.store.accounts()[0].project == "moved"


def held_back(world: World, count: int) -> list[Call]:
    """So many calls that Google has yet to answer."""
    world.google.script = [Reply(stays_open=True)]
    for _ in range(count):
        world.generate()
    calls, world.google.calls = world.google.calls, []
    return calls


def answer(world: World, call: Call, reply: Reply) -> None:
    """Answer one of them; its status has gone out, so that of an error is inside."""
    call.request.write(reply.body)
    call.request.finish()
    world.settle()


def test_two_find_out_about_a_project(tmp_path: Path) -> None:
    """Calls that were under way with the old project have nothing to add."""
    one = World(tmp_path, accounts="a")
    first, second = held_back(one, 2)
    one.google.script = [Reply(stays_open=True)]
    answer(one, first, STALE)
    answer(one, second, STALE)
    (lookup,) = one.google.calls
    one.google.script = [WHOLE]
    answer(one, lookup, project("moved"))

    assert [client.status for client in one.clients] == [200, 200]
    assert one.account("a").holds.by_model == {}


def test_a_late_word_about_an_old_project(tmp_path: Path) -> None:
    """That the old one is wrong is known, and no reason to doubt the new one."""
    one = World(tmp_path, accounts="a")
    first, second = held_back(one, 2)
    one.google.script = [project("moved"), WHOLE]
    answer(one, first, STALE)
    answer(one, second, STALE)

    assert [client.status for client in one.clients] == [200, 200]
    assert len(lookups(one)) == 1
    assert one.account("a").holds.by_model == {}


def test_yesterdays_project(tmp_path: Path) -> None:
    """What is said of a project that is not in use any more has no consequences."""
    one = World(tmp_path, accounts="a")
    _, old = held_back(one, 2)
    with now(one.pool.lend(errand())) as lease:
        account = one.account("a")
        account.project, account.doubted = None, "newer"
        lease.blame(Verdict(Blame.PROJECT, "x", need=Need.PROJECT))

    assert account.holds.by_model == {}
    assert account.doubted == "newer"
    answer(one, old, WHOLE)


def test_a_project_that_was_made_do_with(tmp_path: Path) -> None:
    """If the configured one is wrong, Google is asked again at once."""
    one = World(tmp_path, accounts="")
    one.store.put(Record("a", "a@x", "refresh-of-a", project="ours"))
    one.take_up()
    one.google.script = [Reply(500), STALE, project("theirs"), WHOLE]

    assert one.generate().status == 200
    assert one.google.calls[-1].envelope["project"] == "theirs"


def test_a_project_that_google_is_wrong_about(tmp_path: Path) -> None:
    """Where it goes on naming one that it refuses, the configured one is tried."""
    one = World(tmp_path, accounts="")
    one.store.put(Record("a", "a@x", "refresh-of-a", project="ours"))
    one.take_up()
    one.google.script = [project("theirs"), STALE, project("theirs"), WHOLE]

    assert one.generate().status == 200
    assert one.google.calls[-1].envelope["project"] == "ours"


def test_project_that_is_named_all_the_same(one: World) -> None:
    """Looked up once; the account is out if Google knows no better."""
    one.google.script = [STALE, project("project-of-it")]
    for _ in range(2):
        assert one.generate().error() == (400, "FAILED_PRECONDITION")

    assert [call.method for call in one.google.calls] == [
        "generateContent",
        "loadCodeAssist",
    ]
    assert waits(one) == "needs a project"


def test_every_project_is_wrong(one: World) -> None:
    """A second one that is refused ends the search."""
    one.google.script = [STALE, project("moved"), STALE]
    for _ in range(2):
        assert one.generate().error() == (400, "FAILED_PRECONDITION")

    assert len(one.google.calls) == 3
    assert waits(one) == "needs a project"


# Waiting, and trying again


def test_a_short_wait_is_sat_out(one: World) -> None:
    """The client waits a second instead of being sent away."""
    one.google.script = [LIMIT, WHOLE]
    first, second = one.generate(), one.generate()
    assert (first.received(), second.received()) == (b"", b"")
    one.clock.advance(0.9)
    assert len(one.google.calls) == 1
    one.clock.advance(0.2)
    one.settle()

    assert [first.status, second.status] == [200, 200]


def test_a_long_wait_is_not(one: World) -> None:
    """It is told at once, with the time there is to wait."""
    one.google.script = [QUOTA]
    clients = [one.generate() for _ in range(3)]

    assert {client.error() for client in clients} == {(429, "RESOURCE_EXHAUSTED")}
    assert "retry-after: 60\r" in clients[2].head + "\r"
    assert len(one.google.calls) == 1


def test_patience_ends(one: World) -> None:
    """However often the wait proves too short, a request waits so long in all."""
    one.google.script = [LIMIT]
    client = one.generate()
    for _ in range(30):
        one.clock.advance(0.1)
        one.settle()

    assert client.error() == (429, "RESOURCE_EXHAUSTED")
    assert len(one.google.calls) == 2
    assert one.clock.seconds() < 1_000_004


def test_who_leaves_while_waiting(one: World) -> None:
    """Nothing is left of a client that did not wait, and no call is made for it."""
    one.google.script = [LIMIT, WHOLE]
    for client in [one.generate() for _ in range(5)]:
        client.leave()
    one.clock.advance(5)
    one.settle()

    assert len(one.google.calls) == 1
    assert one.account("a").serving == 0
    assert len(one.pool._waiting) == 0


def test_the_deadline_is_the_end_of_patience(one: World) -> None:
    """Nobody waits beyond it."""
    now(one.pool.lend(errand()))
    one.store.change("a", concurrency=1)
    one.take_up()
    late = Errand("pro", "id", None, one.clock.seconds() + 0.5, patience=2.0)
    waiting = Deferred.fromCoroutine(one.pool.lend(late))
    one.clock.advance(0.5)

    with pytest.raises(UpstreamTimeout):
        now(waiting)


def test_one_tries_when_it_is_over(one: World) -> None:
    """After a cooldown one request finds out; the others wait for what it finds."""
    one.google.script = [QUOTA, Reply(body=event(TEXT)[:9], stays_open=True), STREAM]
    one.generate()
    one.clock.advance(60)
    first, *others = [one.stream() for _ in range(10)]
    assert len(one.google.calls) == 2
    one.google.calls[1].request.write(event(TEXT)[9:])
    one.settle()

    assert len(one.google.calls) == 11
    assert {client.status for client in others} == {200}
    first.leave()
    assert one.account("a").serving == 0


def test_tried_in_vain(one: World) -> None:
    """If it still holds, it was one call, and the next wait is longer."""
    one.google.script = [QUOTA]
    one.generate()
    one.clock.advance(60)
    clients = [one.generate() for _ in range(10)]
    one.settle()

    assert {client.error() for client in clients} == {(429, "RESOURCE_EXHAUSTED")}
    assert len(one.google.calls) == 2
    assert "retry-after: 120\r" in clients[9].head + "\r"


def test_a_try_that_nobody_waited_for(one: World) -> None:
    """If the one that tries leaves, the next one tries."""
    one.google.script = [QUOTA, Reply(stays_open=True), WHOLE]
    one.generate()
    one.clock.advance(60)
    trying, next_one = one.generate(), one.generate()
    assert len(one.google.calls) == 2
    trying.leave()
    one.settle()

    assert next_one.status == 200
    assert one.account("a").holds.by_model == {}


def test_full(tmp_path: Path) -> None:
    """More requests than an account may serve at a time wait, and take turns."""
    world = World(tmp_path, accounts="a", patience=2.0)
    world.google.script = [Reply(stays_open=True), Reply(stays_open=True), WHOLE]
    world.store.change("a", concurrency=2)
    world.take_up()
    clients = [world.generate() for _ in range(5)]
    assert len(world.google.calls) == 2
    for call in world.google.calls[:2]:
        call.request.write(WHOLE.body)
        call.request.finish()
        world.settle()

    assert [client.status for client in clients] == [200] * 5
    assert len(world.google.calls) == 5


def test_full_for_too_long(tmp_path: Path) -> None:
    """They wait as long as they may, and are then told to come back."""
    world = World(tmp_path, accounts="a", patience=2.0)
    world.google.script = [Reply(stays_open=True)]
    world.store.change("a", concurrency=1)
    world.take_up()
    world.generate()
    client = world.generate()
    world.clock.advance(2)

    assert client.error() == (429, "RESOURCE_EXHAUSTED")
    assert "retry-after: 1\r" in client.head + "\r"


def test_a_crowd_that_waits(tmp_path: Path) -> None:
    """However many wait, they are served as they came, at a cost that is theirs."""
    world = World(tmp_path, accounts="a", patience=1e4)
    world.google.script = [Reply(stays_open=True)]
    world.store.change("a", concurrency=2)
    world.take_up()
    counting = CountingChooser(Strategy.FILL)
    world.pool.chooser = counting
    for number in range(300):
        world.generate(b'{"number":%d}' % number)
    for number in range(300):
        request = world.google.calls[number].request
        request.write(WHOLE.body)
        request.finish()
        world.agent.flush()
        world.clock.advance(0)
    served = [call.envelope["request"]["number"] for call in world.google.calls]

    assert served == list(range(300))
    assert counting.choices < 300 * 10


def test_shortage(world: World) -> None:
    """Whether anybody can serve, be they all busy; and why not."""
    pool = world.pool
    assert pool.shortage() is None
    for account in pool.accounts:
        account.holds.place("pro", pool.now(), pool.consequences.rests.quota, "x")
    assert pool.shortage() is None
    assert isinstance(pool.shortage("pro"), Exhausted)
    for account in pool.accounts:
        account.holds.place(EVERY_MODEL, pool.now(), None, "x", need=Need.LOGIN)
    shortage = pool.shortage()

    assert isinstance(shortage, GatewayError)
    assert "3 needs login" in shortage.message


def test_one_model_that_nobody_may_use(world: World) -> None:
    """Who asks for it takes no account away from those who ask for others."""
    forbidden = Reply(403, b'{"error":{"code":403,"message":"no permission"}}')
    world.google.script = [forbidden]
    assert world.generate(model="secret").error() == (400, "FAILED_PRECONDITION")
    world.google.script = [WHOLE]

    assert world.generate(model="pro").status == 200
    assert world.generate(model="secret").error() == (400, "FAILED_PRECONDITION")


@pytest.mark.parametrize("status", [403, 429])
def test_models_by_many_names(one: World, status: int) -> None:
    """Those that were asked for long ago take no place, in memory or in the store."""
    one.google.script = [
        Reply(status, b'{"error":{"code":%d,"message":"no"}}' % status)
    ]
    for number in range(20):
        one.generate(model=f"made-up-{number}")
    one.clock.advance(2 * 86400)
    one.generate(model="another")

    assert list(one.account("a").holds.by_model) == ["another"]
    assert list(one.store.accounts()[0].holds) == ["another"]


def test_a_wrong_client_is_raised_once(
    world: World, logged: list[dict[str, Any]]
) -> None:
    """However often it is tried, and whatever else passes for other accounts."""
    assert serving(world) == "a"
    world.store.change("a", priority=1)
    world.take_up()
    world.token_reply = lambda _: WRONG_CLIENT
    for _ in range(5):
        world.google.script = [LIMIT, WHOLE]
        world.generate()
        world.clock.advance(400)
        world.generate()

    said = [e for e in logged if "OAUTH CLIENT" in e.get("log_format", "")]
    assert len(said) == 1


def test_suspended_for_good(tmp_path: Path) -> None:
    """No other refusal that was under way turns it into something that passes."""
    one = World(tmp_path, accounts="a")
    first, second = held_back(one, 2)
    terms = b'{"error":{"code":403,"message":"violation of Terms of Service"}}'
    answer(one, first, Reply(body=terms))
    refused = b'{"error":{"code":403,"message":"Verify your account to continue."}}'
    answer(one, second, Reply(body=refused))
    one.clock.advance(10**6)
    one.google.calls.clear()

    assert one.generate().error() == (400, "FAILED_PRECONDITION")
    assert one.google.calls == []


def test_an_old_success_is_no_trial(tmp_path: Path) -> None:
    """An answer to a question from before the hold does not show that it is over."""
    one = World(tmp_path, accounts="a")
    first, second = held_back(one, 2)
    answer(one, first, QUOTA)
    one.clock.advance(60)
    answer(one, second, WHOLE)

    assert list(one.account("a").holds.by_model) == ["pro"]


def test_a_trial_that_takes_long(tmp_path: Path) -> None:
    """While a long answer is under way, one other request may try every ten seconds."""
    one = World(tmp_path, accounts="a")
    one.google.script = [QUOTA, Reply(stays_open=True), Reply(stays_open=True)]
    one.generate()
    one.clock.advance(60)
    for _ in range(15):
        one.generate()
        one.clock.advance(1)

    assert len(one.google.calls) == 3


def test_back_before_another_comes_free(tmp_path: Path) -> None:
    """Who waits for a busy account notices that another one is back."""
    world = World(tmp_path, accounts="ab", patience=2.0)
    world.store.change("a", concurrency=1)
    world.take_up()
    world.google.script = [Reply(stays_open=True), WHOLE]
    world.generate()
    world.account("b").holds.place("pro", 1e6, Rest(1.0, 1.0), "x")
    client = world.generate()
    assert client.received() == b""
    world.clock.advance(1.0)
    world.settle()

    assert client.status == 200


# The store, as it is watched


def test_rotations_survive_bad_moments(world: World) -> None:
    """A refresh token that could not be stored is not replaced by its dead forebear."""
    away = world.store.path.with_suffix(".away")
    world.token_reply = lambda name: granted(
        expires_in=0, refresh_token=f"refresh-of-{name}-{len(world.token_calls)}"
    )(name)
    world.store.path.rename(away)
    assert [serving(world) for _ in range(4)] == ["a"] * 4
    away.rename(world.store.path)
    Store.open(world.store.directory).remove("b@x")
    world.take_up()
    assert world.account("a").record.credential == "refresh-of-a-4"
    now(world.watch.look())

    assert [k.record.credential for k in world.store.accounts()] == [
        "refresh-of-a-4",
        "refresh-of-c",
    ]


def test_bad_moments_of_the_disk(world: World, logged: list[dict[str, Any]]) -> None:
    """They are told once, end by themselves, and cost no account."""
    away = world.store.path.with_suffix(".away")
    now(world.watch.look())
    Store.open(world.store.directory).remove("a@x")
    world.store.path.rename(away)
    for _ in range(3):
        now(world.watch.look())
    assert serving(world) == "a"
    away.rename(world.store.path)
    now(world.watch.look())

    lines = [formatEvent(e) for e in logged]
    told = [line for line in lines if line.startswith("the account store can")]
    assert ["unable to open" in line for line in told] == [True, False]
    assert serving(world) == "b"


def test_the_disk_is_slow(world: World) -> None:
    """Looking waits for it in a thread; until it answers, all goes on as before."""
    started: list[Any] = []
    result: Deferred[Any] = Deferred()

    def in_thread(*work: Any) -> Deferred[Any]:
        started.append(work)
        return result.addCallback(lambda _: execute(*work))

    world.watch.in_thread = in_thread
    world.store.remove("a@x")
    looking = world.watch.look()
    assert serving(world) == "a"
    result.callback(None)

    assert now(looking) is None
    assert serving(world) == "b"


def test_access_is_held_apart(one: World) -> None:
    """A cooldown for a model does not end because a token could be renewed."""
    one.google.script = [QUOTA]
    one.generate()
    one.clock.advance(30)
    one.account("a").holds.place(
        ACCESS, one.clock.seconds(), one.pool.consequences.rests.trouble, "x"
    )
    one.clock.advance(10)
    assert one.generate(HELLO, "flash").status == 429

    assert list(one.account("a").holds.by_model) == ["pro", "flash"]
