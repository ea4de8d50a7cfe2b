"""Tests for ``antigravity_gw.admin``: the page, its API and its gate, in memory."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from administered import Administered
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.logger import formatEvent
from world import STREAM, TEXT, WHOLE, Call, Client, Reply, event

from antigravity_gw.admin.trials import EVERY
from antigravity_gw.admin.watchers import MOST
from antigravity_gw.database import StoreError
from antigravity_gw.keys import Key
from antigravity_gw.needs import Need
from antigravity_gw.pool.hold import EVERY_MODEL, Hold
from antigravity_gw.pool.learnt import held
from antigravity_gw.states import Label, state_of
from antigravity_gw.web.guard import Mode
from antigravity_gw.web.operators import SHIELD

NOW = 1_000_000.0
ROOT = Key.of("root", b"operator")
SHOWN = "Authorization: Basic cm9vdDpvcGVyYXRvcg=="
HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def world(tmp_path: Path) -> Administered:
    """A gateway that asks for no key, with its page."""
    world = Administered(tmp_path)
    world.google.script = [WHOLE]
    return world


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Administered]:
    """Makes one with other settings."""
    return lambda **settings: Administered(tmp_path, **settings)


def learnt(world: Administered, id: str, key: str, hold: Hold) -> None:
    """Let the daemon have learnt something of an account."""
    world.account(id).holds.by_model[key] = hold
    world.store.apply([held(id, world.account(id).epoch, key, hold)])


MEMBER = {"currentTier": {"id": "free-tier"}, "cloudaicompanionProject": "its-project"}


def google(generate: Reply = WHOLE) -> Callable[[Call], Reply]:
    """Google, where *generate* is what a question is answered."""

    def reply(call: Call) -> Reply:
        is_question = call.method == "generateContent"
        return generate if is_question else Reply(body=json.dumps(MEMBER).encode())

    return reply


# Warnings


def test_disks_that_fail(world: Administered) -> None:
    """Whoever looks is told of both stores, and of no usage that is not all."""

    def broken(*_: object) -> Deferred[None]:
        raise StoreError("the disk is full")

    before = world.look("status")["warnings"]
    world.pool.writer.in_thread = world.ledger.in_thread = broken
    world.generate()
    world.ledger.flushed()
    accounts, usage = world.look("status")["warnings"]
    asked = world.get("/admin/api/usage")

    assert before == []
    assert asked.error() == (503, "UNAVAILABLE")
    assert "the disk is full" in asked.json()["error"]["message"]
    assert "What is learnt of accounts cannot be stored" in accounts
    assert usage == "the disk is full"


# The page


def test_the_page(world: Administered) -> None:
    """It may do nothing but talk to the gateway that it came from."""
    client = world.get("/admin/")

    assert client.status == 200
    assert "content-type: text/html; charset=utf-8" in client.head
    assert b"<title>antigravity-gw</title>" in client.body
    for name, value in SHIELD.items():
        assert f"{name}: {value}".lower() in client.head
    assert "script-src 'self';" in SHIELD["content-security-policy"]
    assert "unsafe" not in SHIELD["content-security-policy"]


def test_nothing_is_inline(world: Administered) -> None:
    """The page has no script, style or handler in it, which its policy would stop."""
    page = world.get("/admin/").body.decode()

    assert "<style" not in page
    assert " style=" not in page
    assert " on" not in page.replace(" one", "").replace(" only", "").lower()
    assert "<script>" not in page
    assert "http://" not in page
    assert "https://" not in page


def test_without_its_slash(world: Administered) -> None:
    """Links of the page are relative, so that it also works below another path."""
    client = world.get("/admin")

    assert client.status == 307
    assert "location: admin/" in client.head.split("\r\n")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("main.js", "text/javascript; charset=utf-8"),
        ("base.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
        ("vendor/uPlot.iife.min.js", "text/javascript; charset=utf-8"),
        ("vendor/uPlot.LICENSE.txt", "text/plain; charset=utf-8"),
    ],
)
def test_files(world: Administered, path: str, kind: str) -> None:
    """Files have their types, and are not sent again to a browser that has them."""
    client = world.get(f"/admin/static/{path}")
    lines = client.head.split("\r\n")
    (tag,) = [line.split(": ")[1] for line in lines if line.startswith("etag: ")]
    head = world.get(f"/admin/static/{path}", method="HEAD")
    again = world.get(f"/admin/static/{path}", f"If-None-Match: {tag}")

    assert client.status == 200
    assert client.ended_well
    assert {f"content-type: {kind}", "cache-control: no-cache"} < set(lines)
    assert "x-content-type-options: nosniff" in lines
    assert head.status == 200
    assert f"content-length: {len(client.body)}" in head.head
    assert head.body == b""
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "vendor",
        "vendor/",
        "nothing.js",
        "../pages.py",
        "..%2fpages.py",
        "%2e%2e/pages.py",
        "vendor/../../api.py",
        "vendor%2fuPlot.min.css",
        "main.js/x",
        "main.js%00",
        "%ff",
        "/etc/passwd",
        "%2fetc%2fpasswd",
    ],
)
def test_no_other_files(world: Administered, path: str) -> None:
    """Only the files that were read at the start are there, by their exact names."""
    client = world.get(f"/admin/static/{path}")

    assert client.error() == (404, "NOT_FOUND")


def test_modules_are_short_and_write_no_html() -> None:
    """What comes from the gateway becomes text: no module ever writes HTML."""
    from antigravity_gw.admin.files import read_files

    own = {
        place: file.content.decode()
        for place, file in read_files().items()
        if place[0] != "vendor" and place[-1].endswith(".js")
    }

    assert len(own) >= 10
    for place, source in own.items():
        assert source.startswith("// "), place
        assert source.count("\n") < 300, place
        for word in ("innerHTML", "outerHTML", "insertAdjacent", "eval(", "Function("):
            assert word not in source, place
        assert "document.write" not in source, place


# Who may see it


def test_off_unless_enabled(tmp_path: Path) -> None:
    """Without admin.page there is nothing at this path."""
    from world import World

    assert World(tmp_path).get("/admin/").error() == (404, "NOT_FOUND")


@pytest.mark.parametrize("path", ["/admin/", "/admin/static/main.js", "/admin/api/x"])
def test_gate(make: Callable[..., Administered], path: str) -> None:
    """With a key of an operator's configured, nothing is shown without it."""
    world = make(operators=[ROOT], mode=Mode.STRICT)
    refused = world.get(path)

    assert refused.error() == (401, "UNAUTHENTICATED")
    assert 'www-authenticate: basic realm="' in refused.head
    assert world.get(path, "X-Goog-Api-Key: right").status == 401
    assert world.get(path, SHOWN).status in (200, 404)
    assert world.look("session", SHOWN)["who"] == "root"


def test_gate_without_keys(make: Callable[..., Administered]) -> None:
    """Without one it is shown to programs on this machine only."""
    world = make(peer=IPv4Address("TCP", "192.0.2.1", 5))

    assert world.get("/admin/").error() == (403, "PERMISSION_DENIED")
    assert world.get("/admin/api/snapshot").error() == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (("Sec-Fetch-Site: cross-site",), 403),
        (("Sec-Fetch-Site: same-site",), 403),
        (("Origin: http://evil.example",), 403),
        (("Origin: null",), 403),
        (("Origin: http://localhost:9999",), 403),
        (("Origin: http://localhost:8045",), 200),
        (("Sec-Fetch-Site: same-origin", "Origin: https://gw.example"), 200),
        (("Sec-Fetch-Site: none",), 200),
        ((), 200),
    ],
)
def test_other_pages(
    make: Callable[..., Administered], headers: tuple[str, ...], status: int
) -> None:
    """A page of another origin learns nothing, even one that may use the API."""
    origins = ("http://evil.example", "https://gw.example", "http://localhost:9999")
    world = make(operators=[ROOT], origins=origins)

    assert world.get("/admin/api/session", SHOWN, *headers).status == status


def test_an_origin_that_is_none(make: Callable[..., Administered]) -> None:
    """Whatever a program says it is, it is told that it may not, and no bug is met."""
    world = make(operators=[ROOT], mode=Mode.STRICT)

    assert world.get("/admin/api/session", SHOWN, "Origin: http://[").status == 403
    assert world.get("/admin/api/session", SHOWN, "Origin: \xff").status == 403


# What there is to see


def test_snapshot(world: Administered) -> None:
    """All of it at one look, and nothing that is secret."""
    world.generate()
    client = world.get("/admin/api/snapshot")
    told = client.json()

    assert told["status"]["ready"]
    assert told["status"]["accounts"] == {"serving": 3}
    assert [account["name"] for account in told["accounts"]] == ["a@x", "b@x", "c@x"]
    assert "cache-control: no-store" in client.head
    for secret in (b"refresh-of-a", b"token-of-a", b"project-of-it", b"right"):
        assert secret not in client.body
    assert set(told) == {"status", "accounts", "requests", "failures", "latest"}
    assert told["accounts"] == world.look("accounts")
    assert told["failures"] == world.look("failures")


def test_without_accounts(make: Callable[..., Administered]) -> None:
    """It says so, and why nothing can be served."""
    world = make(accounts=())
    told = world.look("snapshot")

    assert (told["accounts"], told["status"]["ready"]) == ([], False)
    assert "account" in told["status"]["why_not"]
    assert world.look("usage?since=0") == []


def test_live_requests(world: Administered) -> None:
    """What is under way is told while it is, but not who looks."""
    world.google.script = [Reply(body=event(TEXT), stays_open=True)]
    world.stream()
    world.clock.advance(5)
    told = world.look("requests")
    (live,) = told["oldest"]

    assert (told["count"], told["streams"]) == (1, 1)
    assert (live["model"], live["account"], live["kind"]) == ("pro", "a", "code_assist")
    assert (live["began"], live["has_begun"]) == (NOW, True)
    assert live["sent"] > 0
    assert world.look("accounts")[0]["serving"] == 1


def test_failures(world: Administered) -> None:
    """The last failures are told with their ids, and what went well is not."""
    world.google.script = [Reply(500, b"{}")]
    world.post("/v1beta/models/pro:generateContent", b"{}", "X-Request-Id: of-mine")
    world.google.script = [WHOLE]
    world.generate()
    world.clock.advance(1)
    world.get("/nothing?key=hush")
    nothing, failed = world.look("failures")

    assert (nothing["path"], nothing["status"]) == ("/nothing", 404)
    assert (failed["id"], failed["model"], failed["attempts"]) == ("of-mine", "pro", 3)
    assert failed["status"] >= 500
    assert failed["trouble"] == "upstream answered 500"


def test_usage_and_plots(world: Administered) -> None:
    """What was used is counted, by name where there is one, and drawn by minutes."""
    world.generate()
    world.google.script = [Reply(500, b"{}")]
    world.generate()
    by_account = world.look("usage?by=account&since=0")
    world.clock.advance(60)
    plots = world.look("plots?range=hour")
    day = world.look("plots?range=day")

    assert {line["name"] for line in by_account} >= {"a@x"}
    assert sum(line["requests"] for line in by_account) == 2
    assert [line["name"] for line in world.look("usage?by=model&since=0")] == ["pro"]
    assert world.look("usage?by=key")[0]["errors"] == 1
    assert (plots["requests"][-1], plots["errors"][-1]) == (2, 1)
    assert {len(plots[name]) for name in plots if name != "step"} == {60}
    assert (day["step"], len(day["start"])) == (300, 288)


@pytest.mark.parametrize(
    "query", ["usage?by=colour", "usage?since=x", "usage?since=nan", "plots?range=week"]
)
def test_wrong_questions(world: Administered, query: str) -> None:
    """What makes no sense is told, with what would."""
    assert world.get(f"/admin/api/{query}").error() == (400, "INVALID_ARGUMENT")


def test_hostile_names(world: Administered) -> None:
    """A name can be anything, and travels as JSON that no browser takes for HTML."""
    world.store.rename("a", HOSTILE)
    world.take_up()
    client = world.get("/admin/api/accounts")

    assert HOSTILE in [account["name"] for account in client.json()]
    assert "content-type: application/json" in client.head
    assert "x-content-type-options: nosniff" in client.head


# What can be done


def test_disable_and_enable(world: Administered, logged: list[dict[str, Any]]) -> None:
    """The pool goes by it at once, the store has it, and the log says who did it."""
    disabled = world.do("accounts/a/disable")
    world.generate()
    served_by = world.google.calls[-1].account
    again = world.do("accounts/a/disable")
    enabled = world.do("accounts/a/enable")
    lines = [formatEvent(entry) for entry in logged]

    assert disabled.json()["account"]["state"] == "disabled"
    assert again.json()["account"]["disabled"] == disabled.json()["account"]["disabled"]
    assert enabled.json()["account"]["state"] == "serving"
    assert served_by == "b"
    assert "by an operator (no key): account a: disabled" in lines
    assert not any("a@x" in line for line in lines)


def test_end_a_cooldown(world: Administered) -> None:
    """What ends by itself is ended; what waits for a person still does."""
    learnt(world, "a", "pro", Hold("out of quota", NOW, NOW + 999))
    learnt(world, "a", EVERY_MODEL, Hold("too often", NOW, NOW + 999))
    learnt(world, "b", EVERY_MODEL, Hold("suspended", NOW, None, Need.SUSPENDED))
    warm = world.do("accounts/a/end-cooldown").json()["account"]
    still = world.do("accounts/b/end-cooldown").json()["account"]
    (known, other, _) = world.store.accounts()

    assert (warm["state"], warm["cooling"]) == ("serving", [])
    assert still["state"] == "suspended"
    assert known.holds == {}
    assert state_of(other, NOW).label is Label.SUSPENDED


def test_what_was_not_stored_yet(world: Administered) -> None:
    """An action comes after what was learnt before it, which is stored first."""
    learnt(world, "b", "flash", Hold("out of quota", NOW, NOW + 999))
    world.do("accounts/a/enable")
    world.do("accounts/b/disable")

    assert world.account("b").holds.by_model.keys() == {"flash"}


def test_test(world: Administered) -> None:
    """An account is asked as the command line asks it; the pool is not disturbed."""
    world.google.script = [google()]
    told = world.do("accounts/b/test", b'{"model": "fast-one"}').json()

    assert told["result"] == "tested"
    assert (told["test"]["serves"], told["test"]["model"]) == (True, "flash")
    assert world.google.calls[-1].account == "b"
    assert [a.serving for a in world.pool.accounts] == [0, 0, 0]
    assert {a.id for a in world.pool.accounts} == {"a", "b", "c"}


def test_a_test_that_fails(world: Administered) -> None:
    """It is told why and what to do, and the account rests as it would have."""
    world.google.script = [google(Reply(429, b"{}"))]
    told = world.do("accounts/a/test").json()

    assert not told["test"]["serves"]
    assert told["test"]["reason"] == "out of quota"
    assert told["account"]["state"] == "cooling"


def test_tests_are_few(world: Administered) -> None:
    """One account is tested at a time, and each of them once in a while."""
    world.google.script = [google(Reply(is_silent=True))]
    first = world.do("accounts/a/test")
    other = world.do("accounts/b/test")
    assert first.received() == b""
    assert other.error() == (429, "RESOURCE_EXHAUSTED")
    first.leave()
    world.google.script = [google()]
    too_soon = world.do("accounts/a/test")

    assert too_soon.error() == (429, "RESOURCE_EXHAUSTED")
    assert f"retry-after: {EVERY:g}" in too_soon.head
    assert world.do("accounts/b/test").status == 200
    world.clock.advance(EVERY)
    assert world.do("accounts/a/test").status == 200


def test_nothing_is_done_for_strangers(world: Administered) -> None:
    """Without the token, or with another's, or as a form, nothing is changed."""
    path, token = "/admin/api/accounts/a/disable", world.token()
    form = "Content-Type: application/x-www-form-urlencoded"
    json_ = "Content-Type: application/json"
    answers = [
        world.post(path, b"{}", json_),
        world.post(path, b"{}", json_, "X-CSRF-Token: "),
        world.post(path, b"{}", json_, f"X-CSRF-Token: {token[:-1]}"),
        world.post(path, b"{}", json_, "X-CSRF-Token: \xe9"),
        world.post(path, b"{}", form, f"X-CSRF-Token: {token}"),
        world.post(path, b"{}", f"X-CSRF-Token: {token}"),
        world.do("accounts/a/disable", b"{}", "Sec-Fetch-Site: cross-site"),
        world.do("accounts/a/disable", b"{}", "Origin: http://localhost:1"),
        world.get(path),
        world.get(path, method="DELETE"),
    ]

    expected = [403, 403, 403, 403, 400, 400, 403, 403, 405, 405]
    assert [answer.status for answer in answers] == expected
    assert world.account("a").record.disabled is None


def test_token_of_another(make: Callable[..., Administered]) -> None:
    """One operator's token does nothing for another, nor for an earlier process."""
    world = make(operators=[ROOT, Key.of("other", b"another")])
    token = world.token(SHOWN)
    done = [
        world.do("accounts/a/disable", b"{}", f"X-Api-Key: {key}", token=token).status
        for key in ("another", "operator")
    ]

    assert done == [403, 200]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("accounts/nobody/disable", b"{}", 404),
        ("accounts/a/destroy", b"{}", 404),
        ("accounts/a/disable", b'{"model": "pro"}', 400),
        ("accounts/a/test", b'{"model": "../x"}', 400),
        ("accounts/a/test", b'{"model": 7}', 400),
        ("accounts/a/test", b"[]", 400),
        ("accounts/a/test", b"{", 400),
        ("accounts/a/test", b'{"\xff": ""}', 400),
        ("accounts/a/test", b'{"model": "%b"}' % (b"x" * 5000), 413),
    ],
)
def test_what_cannot_be_done(
    world: Administered, path: str, body: bytes, status: int
) -> None:
    """It is told so, and nothing is changed."""
    assert world.do(path, body).status == status
    assert all(a.record.disabled is None for a in world.pool.accounts)
    assert world.google.calls == []


def test_a_disk_that_fails(world: Administered) -> None:
    """An action that cannot be stored is none, and the operator is told why."""
    token = world.token()
    world.store.path.unlink()
    client = world.do("accounts/a/disable", token=token)
    world.store.path.touch()

    assert client.error() == (503, "UNAVAILABLE")
    assert str(world.store.path) in client.json()["error"]["message"]


# Watching


def events(client: Client) -> list[tuple[str, Any]]:
    """The events a watcher was told."""
    found = []
    for block in client.body.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if line)
        if "event" in lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


def names(client: Client) -> list[str]:
    """What they were about."""
    return [name for name, _ in events(client)]


def test_watching(world: Administered) -> None:
    """All at first, then once a second what has changed."""
    client = world.get("/admin/api/events")
    first = names(client)
    world.clock.advance(1)
    quiet = names(client)[len(first) :]
    world.do("accounts/a/disable")
    world.clock.advance(0.5)
    none = names(client)[len(first + quiet) :]
    world.clock.advance(0.5)
    news = dict(events(client)[-2:])

    assert "content-type: text/event-stream" in client.head
    assert first == ["accounts", "latest", "status", "requests", "failures"]
    assert quiet == ["status"]
    assert none == []
    assert news.keys() == {"accounts", "status"}
    assert [a["state"] for a in news["accounts"]].count("disabled") == 1


def test_no_clock_runs_when_nobody_watches(world: Administered) -> None:
    """The last watcher to leave takes the alarm along."""
    before = len(world.clock.getDelayedCalls())
    first, second = (world.get("/admin/api/events") for _ in range(2))
    assert len(world.watchers) == 2
    first.leave()
    second.leave()

    assert len(world.watchers) == 0
    assert len(world.clock.getDelayedCalls()) == before


def test_a_watcher_that_does_not_read(world: Administered) -> None:
    """Nothing piles up for it, and it is cut off when it has taken nothing long."""
    client = world.get("/admin/api/events")
    client.protocol.pauseProducing()
    so_far = len(client.received())
    for _ in range(30):
        world.clock.advance(1)
    paused = len(client.received())
    client.protocol.resumeProducing()
    world.clock.advance(1)
    caught_up = len(client.received()) - paused
    client.protocol.pauseProducing()
    for _ in range(100):
        world.clock.advance(1)
        world.settle()

    assert paused == so_far
    assert 0 < caught_up < 2000
    assert client.is_closed()
    assert len(world.watchers) == 0


def test_watchers_are_few(world: Administered) -> None:
    """One too many is told so, and room is made by whoever leaves."""
    clients = [world.get("/admin/api/events") for _ in range(MOST)]
    refused = world.get("/admin/api/events")
    clients[0].leave()

    assert refused.error() == (429, "RESOURCE_EXHAUSTED")
    assert world.get("/admin/api/events").status == 200


def test_the_end(world: Administered) -> None:
    """A daemon that is about to end does not wait for who watches."""
    client = world.get("/admin/api/events")
    ended = world.site.connections.drain()
    over: list[None] = []
    ended.addCallback(over.append)
    world.clock.advance(1)
    world.settle()

    assert client.ended_well
    assert over == [None]


def test_head_of_events(world: Administered) -> None:
    """HEAD has an end."""
    client = world.get("/admin/api/events", method="HEAD")

    assert client.status == 200
    assert len(world.watchers) == 0


def test_who_watches_a_stream(world: Administered) -> None:
    """What a stream has been sent is told as it grows."""
    world.google.script = [STREAM]
    client = world.get("/admin/api/events")
    world.google.script = [Reply(body=event(TEXT), stays_open=True)]
    world.stream()
    world.clock.advance(1)
    world.google.calls[-1].request.write(event(TEXT))
    world.settle()
    world.clock.advance(1)
    sent = [
        told["oldest"][0]["sent"]
        for name, told in events(client)
        if name == "requests" and told["count"]
    ]

    assert len(sent) == 2
    assert sent[0] < sent[1]
