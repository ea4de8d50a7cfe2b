"""Tests for keys at the gate: how they are limited, and what their clients are told."""

import json
from pathlib import Path
from typing import Any

import pytest
from world import CATALOG, HELLO, LAST, Client, Reply, World, event

from antigravity_gw.catalog import Catalog, Model
from antigravity_gw.keys import Allowance, Key, KeyRing, StoredKey, digest_of
from antigravity_gw.pool.clientkeys import ClientKeys
from antigravity_gw.web.admission import Limits
from antigravity_gw.web.deadlines import Deadlines
from antigravity_gw.web.forms import Form
from antigravity_gw.web.guard import Guard, Mode
from antigravity_gw.web.site import GatewaySite

USAGE = {"promptTokenCount": 60, "candidatesTokenCount": 30, "thoughtsTokenCount": 10}
COSTLY = Reply(body=event({**LAST, "usageMetadata": USAGE}))
SILENT = Reply(stays_open=True)
PATH = "/v1beta/models/{}:{}"
STREAMED = "streamGenerateContent?alt=sse"


def limited(folder: Path, *, mode: Mode = Mode.STRICT, **limits: Any) -> World:
    """A gateway with a key for ann that is limited, and one for bob that is not."""
    expires = limits.pop("expires", None)
    ann = Key("ann", digest_of(b"a"), Allowance(**limits), expires)
    world = World(folder, mode=mode, keys=(ann, Key.of("bob", b"b")))
    world.google.script = [COSTLY]
    return world


def ask(
    world: World,
    key: str = "a",
    model: str = "pro",
    action: str = STREAMED,
    body: bytes = HELLO,
) -> Client:
    """Ask a model something, with a key."""
    path = PATH.format(model, action)
    return world.post(path, body, f"x-goog-api-key: {key}")


def told_to_wait(client: Client) -> int:
    """For how many seconds a client is told to wait, in the header and in the body."""
    error = client.json()["error"]
    (info,) = error["details"]
    (header,) = (s for s in client.head.split("\r\n") if s.startswith("retry-after: "))
    assert client.error() == (429, "RESOURCE_EXHAUSTED")
    assert info["@type"] == "type.googleapis.com/google.rpc.RetryInfo"
    assert info["retryDelay"] == f"{header.removeprefix('retry-after: ')}s"
    return int(info["retryDelay"][:-1])


def test_requests_per_minute(tmp_path: Path) -> None:
    """The next is refused until a minute after the first, and others are served."""
    world = limited(tmp_path, requests_per_minute=2)
    assert ask(world).status == 200
    world.clock.advance(10.5)
    assert ask(world).status == 200
    refused = ask(world, action="generateContent")
    assert told_to_wait(refused) == 50  # 49.5, and never too short
    assert "may ask for 2 answers in a minute" in refused.json()["error"]["message"]
    assert "the next one in 50 s" in refused.json()["error"]["message"]
    assert ask(world, "b").status == 200
    world.clock.advance(49.5)

    assert ask(world).status == 200
    assert told_to_wait(ask(world)) == 11  # the second one was 49.5 s ago
    assert [s.key for s in world.ended] == ["ann", "ann", "ann", "bob", "ann", "ann"]
    assert world.site.tally.ends == {"served": 4, "too_many_per_minute": 2}


def test_what_is_free(tmp_path: Path) -> None:
    """Only requests for an answer count; lists and countTokens do not."""
    world = limited(tmp_path, requests_per_minute=1)
    ask(world)
    for path in ("/v1beta/models", "/v1beta/models/pro"):
        assert world.get(path, "x-api-key: a").status == 200
    assert ask(world, action="countTokens").status == 200
    no_post = world.get(PATH.format("pro", "generateContent"), "x-api-key: a")
    assert no_post.status == 405

    assert told_to_wait(ask(world)) == 60


def test_how_it_ended_does_not_matter(tmp_path: Path) -> None:
    """A request counts from the moment it is let in, were it answered well or not."""
    world = limited(tmp_path, requests_per_minute=1)

    assert ask(world, body=b"[]").status == 400
    assert told_to_wait(ask(world)) == 60


def test_what_is_refused_by_its_head_does_not_count(tmp_path: Path) -> None:
    """Be it too long, for a model it may not use, or without a right name."""
    world = limited(tmp_path, requests_per_minute=1, models=("pro",))
    assert ask(world, body=b"x" * 20_000).status == 413
    assert ask(world, model="flash").status == 403
    assert ask(world, model="p~o").status == 400

    assert ask(world).status == 200


@pytest.mark.parametrize("limits", [{"requests_per_minute": 1}, {"tokens_per_day": 1}])
def test_refused_before_the_body(tmp_path: Path, limits: dict[str, int]) -> None:
    """None of it is read, nobody is told to go on, and Google is not asked."""
    world = limited(tmp_path, **limits)
    ask(world)
    head = (
        b"POST /v1/models/pro:generateContent HTTP/1.1\r\nHost: localhost\r\n"
        b"x-api-key: a\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n"
    )
    client = world.client().send(head)

    assert told_to_wait(client) >= 1
    assert b"100 Continue" not in client.received()
    assert client.is_closed()
    assert len(world.google.calls) == 1
    assert (world.site.admission.requests, world.site.admission.bodies) == (0, 0)


def test_tokens_per_day(tmp_path: Path) -> None:
    """When an answer has used them up, there is no other before midnight in UTC."""
    world = limited(tmp_path, tokens_per_day=150)
    begun = world.clock.seconds() % 86400
    assert [ask(world).status for _ in range(2)] == [200, 200]
    refused = ask(world)
    assert told_to_wait(refused) == 86400 - begun
    assert "used up its 150 tokens of today" in refused.json()["error"]["message"]
    assert ask(world, "b").status == 200
    assert world.get("/v1/models", "x-api-key: a").status == 200
    world.clock.advance(86400 - begun)

    assert ask(world).status == 200
    assert world.site.tally.ends["tokens_spent"] == 1


def test_an_answer_under_way_is_not_cut(tmp_path: Path) -> None:
    """Tokens are looked at when a request is let in, and not again."""
    world = limited(tmp_path, tokens_per_day=1)
    first, second = (world.client() for _ in range(2))
    head = (
        b"POST /v1/models/pro:generateContent HTTP/1.1\r\nHost: localhost\r\n"
        b"x-api-key: a\r\nContent-Length: %d\r\n\r\n" % len(HELLO)
    )
    first.send(head)
    second.send(head)
    whole = {"response": {**LAST, "usageMetadata": USAGE}}
    world.google.script = [Reply(body=json.dumps(whole).encode())]
    first.send(HELLO)
    second.send(HELLO)

    assert (first.status, second.status) == (200, 200)
    assert ask(world).status == 429


@pytest.mark.parametrize(
    ("own", "every", "most"),
    [(None, 0, 9), (None, 2, 2), (1, 0, 1), (3, 1, 3), (0, 1, 9)],
)
def test_streams(tmp_path: Path, own: int | None, every: int, most: int) -> None:
    """A key's own number counts, else that of all keys; 0 is any number."""
    ann = Key.of("ann", b"a", Allowance(streams=own))
    world = World(
        tmp_path,
        mode=Mode.STRICT,
        keys=(ann, Key.of("bob", b"b")),
        limits=Limits(streams_per_key=every),
    )
    world.google.script = [SILENT]
    begun = [ask(world) for _ in range(9)]
    refused = [client for client in begun if client.received()]
    assert len(begun) - len(refused) == most
    assert {told_to_wait(client) for client in refused} <= {1}
    begun[0].leave()
    before = len(world.google.calls)
    ask(world)

    assert len(world.google.calls) == before + 1


def test_models(tmp_path: Path) -> None:
    """A model that is not allowed is refused by its head, and not on the list."""
    world = limited(tmp_path, models=("flash", "gemini-2.5-*"))
    refused = ask(world, model="gemini-9")
    assert refused.error() == (403, "PERMISSION_DENIED")
    assert "this key may not use gemini-9" in refused.json()["error"]["message"]

    assert world.google.calls == []
    assert ask(world, model="flash").status == 200
    assert ask(world, model="fast-one").status == 200  # which stands for flash
    assert ask(world, model="gemini-2.5-x").status == 200
    assert ask(world, "b", model="gemini-9").status == 200


def test_the_list_of_models(tmp_path: Path) -> None:
    """Each client is shown what it may use, under the names it may use."""
    names = ("gemini-2.5-pro", "gemini-2.5-flash", "gemini-3")
    catalog = Catalog(
        tuple(Model(name=name) for name in names), {"best": "gemini-3", "x": "gemini-3"}
    )
    ann = Key.of("ann", b"a", Allowance(models=("gemini-2.5-*", "best")))
    world = World(
        tmp_path, mode=Mode.STRICT, keys=(ann, Key.of("bob", b"b")), catalog=catalog
    )

    def listed(key: str) -> list[str]:
        page = world.get("/v1/models", f"x-api-key: {key}").json()
        return [model["displayName"] for model in page["models"]]

    assert listed("a") == ["gemini-2.5-pro", "gemini-2.5-flash", "best"]
    assert listed("b") == [*names, "best", "x"]
    assert world.get("/v1/models/gemini-3", "x-api-key: a").error()[0] == 403
    assert world.get("/v1/models/best", "x-api-key: a").status == 200


def test_expired(tmp_path: Path) -> None:
    """Who shows a key that has expired is told so, and named in the log."""
    world = limited(tmp_path, expires=1_000_100.0)
    assert ask(world).status == 200
    world.clock.advance(100)
    refused = ask(world)

    assert refused.error() == (401, "UNAUTHENTICATED")
    assert "has expired (1970-01-12T13:48:20Z)" in refused.json()["error"]["message"]
    assert "www-authenticate: bearer" in refused.head
    assert world.get("/v1/models", "x-api-key: a").status == 401
    assert (world.ended[-1].key, world.ended[-1].ended) == ("ann", "key_expired")


def test_where_no_key_is_asked_for(tmp_path: Path) -> None:
    """One of ours counts by its name and limits; any other is as good as none."""
    world = limited(tmp_path, mode=Mode.OFF, requests_per_minute=1, models=("pro",))
    assert ask(world).status == 200
    assert told_to_wait(ask(world)) == 60
    assert ask(world, model="flash").status == 403
    assert [ask(world, "AIzaOfSomebody").status for _ in range(3)] == [200] * 3
    two = ["x-api-key: a", "x-api-key: a"]
    assert world.post(PATH.format("pro", STREAMED), HELLO, *two).status == 200
    assert world.stream().status == 200

    assert [s.key for s in world.ended[:4]] == ["ann", "ann", "ann", ""]
    assert {s.key for s in world.ended[3:]} == {""}


def test_expired_where_no_key_is_asked_for(tmp_path: Path) -> None:
    """It is refused all the same, but for health, which nobody needs a key for."""
    world = limited(tmp_path, mode=Mode.OFF, expires=5.0)

    assert ask(world).status == 401
    assert world.get("/healthz", "x-api-key: a").status == 200
    assert ask(world, "b").status == 200


# Keys of the store


def stored(world: World, name: str, secret: bytes, **more: Any) -> None:
    """Have the command line add a key, and the daemon look."""
    digest = digest_of(secret)
    key = StoredKey(name=name, digest=digest, made=1.0, given=1.0, **more)
    ClientKeys(world.store).add(key)
    look(world)


def look(world: World) -> None:
    """Have the daemon look for changes of the store."""
    world.watch.look()
    world.settle()


def test_keys_of_the_store(tmp_path: Path, logged: list[dict[str, Any]]) -> None:
    """They are taken up as they come and go, with their limits, and nobody waits."""
    world = World(tmp_path, mode=Mode.STRICT, keys=())
    world.google.script = [COSTLY]
    keys = ClientKeys(world.store)
    assert ask(world).status == 401
    assert "'antigravity-gw keys add NAME'" in ask(world).json()["error"]["message"]
    stored(world, "ann", b"a", allowance=Allowance(requests_per_minute=2))
    assert ask(world).status == 200
    keys.change("ann", models=("pro",))
    look(world)
    assert ask(world, model="flash").status == 403
    keys.rotate("ann", digest_of(b"a2"), 5.0, world.clock.seconds() + 60)
    look(world)
    assert [ask(world, "a2").status, ask(world).status] == [200, 429]
    world.clock.advance(60)
    assert [ask(world, "a2").status, ask(world).status] == [200, 401]
    keys.revoke("ann")
    look(world)

    assert ask(world, "a2").status == 401
    warnings = [e for e in logged if e["log_level"].name == "critical"]
    assert len(warnings) == 1


def test_a_name_in_both_places(tmp_path: Path, logged: list[dict[str, Any]]) -> None:
    """It is said once, and the key of the configuration is the one that counts."""
    world = limited(tmp_path)
    stored(world, "ann", b"other")
    stored(world, "eve", b"e")
    said = [e for e in logged if "two keys called" in str(e.get("log_format"))]

    assert [e["name"] for e in said] == ["ann"]
    assert [ask(world, key).status for key in ("a", "other", "e")] == [200, 401, 200]


def test_nothing_begins_anew(tmp_path: Path) -> None:
    """Another configuration does not give anybody another minute, or another day."""
    world = limited(tmp_path, requests_per_minute=1, tokens_per_day=100)
    stored(world, "eve", b"e")
    ask(world)
    lower = Key("ann", digest_of(b"new"), Allowance(requests_per_minute=1))
    guard = Guard(Mode.STRICT, KeyRing((lower,), world.site.guard.keys.stored))
    world.site.go_by(
        GatewaySite(
            world.site.resource,
            guard,
            world.clock,
            limits=Limits(),
            deadlines=Deadlines(),
            default_form=Form.SSE,
            new_id=str,
            names_of=CATALOG.names_of,
        )
    )

    assert told_to_wait(ask(world, "new")) == 60
    assert ask(world, "e").status == 200
    assert world.site.allowances.tokens("ann", world.clock.seconds()) == 100
