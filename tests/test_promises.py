"""
What ``docs/promises.md`` states, as far as it can be shown in memory.

The first tests keep the document true: it states each promise, names only tests that
there are, and the defaults that there are.  What takes sockets is in
``tests/integration/test_promises.py``.
"""

import ast
import hashlib
import json
import re
import time
from base64 import b64encode
from collections import Counter
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import formatEventAsClassicLogText
from world import HELLO, STREAM, TEXT, WHOLE, Client, Reply, World, event

from antigravity_gw.config import Config
from antigravity_gw.config import Limits as Configured
from antigravity_gw.descriptors import room
from antigravity_gw.keys import Key
from antigravity_gw.pool.choosing import Strategy
from antigravity_gw.waiting import within
from antigravity_gw.web.admission import Limits
from antigravity_gw.web.channel import GatewayChannel
from antigravity_gw.web.guard import Mode

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
ROWS = {"A": 12, "B": 12, "C": 11, "D": 6, "E": 6, "F": 8}
"""How many promises there are of each kind."""

UNITS = {"": 1, "s": 1, "lines": 1, "KiB": 2**10, "MiB": 2**20}
GENERATE = "/v1beta/models/pro:generateContent"
STREAMED = "/v1beta/models/pro:streamGenerateContent?alt=sse"


# The document


def test_every_promise_is_stated() -> None:
    """Each once, in its order."""
    numbers = [f"{kind}{n + 1}" for kind, many in ROWS.items() for n in range(many)]

    assert re.findall(r"^\*\*([A-F]\d+)\*\*", DOCUMENT, re.M) == numbers


def test_every_promise_names_its_tests() -> None:
    """One at least, and each of them exists."""
    promises = re.split(r"^(?:\*\*[A-F]\d+\*\*|## )", DOCUMENT, flags=re.M)
    stated = [text for text in promises if text.startswith(" ")]
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", DOCUMENT)
    there = {
        (file, node.name)
        for file in {file for file, _ in named}
        for node in ast.parse((ROOT / file).read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert len(stated) == sum(ROWS.values())
    assert [text for text in stated if "::test_" not in text] == []
    assert sorted(set(named) - there) == []


def test_defaults() -> None:
    """Those in the document are those of the configuration."""
    rows = re.findall(r"^\|[^|]+\| `([\w.]+)` \| ([\d ]+)(\w*) \|$", DOCUMENT, re.M)
    said = {name: int(number) * UNITS[unit] for name, number, unit in rows}
    config = Config()
    settings = [name for name in said if name.islower()]

    assert {name: said[name] for name in settings} == {
        name: attrgetter(name)(config) for name in settings
    }
    assert len(settings) == 15
    assert said["GatewayChannel.maxHeaders"] == GatewayChannel.maxHeaders
    assert room(Configured(), 1024, 1024).connections == 1024 // 2


# A.  Who may call, and what never leaks


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Three accounts, one host, and no key asked for."""
    world = World(tmp_path)
    world.google.script = [WHOLE]
    return world


def failing(status: int, message: str = "no", *details: object) -> Reply:
    """A Google error."""
    error = {"code": status, "message": message, "status": "X", "details": details}
    return Reply(status, json.dumps({"error": error}).encode())


def lines(logged: list[dict[str, Any]]) -> str:
    """The log, as it would be in a file."""
    return "".join(formatEventAsClassicLogText(e) or "" for e in logged)


def wait(world: World, seconds: float) -> None:
    """Let time pass."""
    world.clock.advance(seconds)
    world.settle()


@pytest.mark.parametrize("key", ["right-of-all", "wrong-of-all"])
def test_a_key_in_the_url_stays_here(
    tmp_path: Path, logged: list[dict[str, Any]], key: str
) -> None:
    """Be it right or wrong: it is not in the log, the answer or what is asked."""
    keys = (Key.of("alice", b"right-of-all"),)
    world = World(tmp_path, mode=Mode.STRICT, keys=keys)
    world.google.script = [WHOLE]
    client = world.post(f"{GENERATE}?key={key}&alt=json")
    sent = [(c.request.uri, c.headers, c.raw) for c in world.google.calls]

    assert client.status == (200 if key == "right-of-all" else 401)
    assert len(sent) == (1 if key == "right-of-all" else 0)
    assert "of-all" not in repr(sent)
    assert "of-all" not in lines(logged)
    assert b"of-all" not in client.received()


def shapes(secret: str) -> list[bytes]:
    """What gives a secret away: itself, encoded, or hashed."""
    plain = secret.encode("latin-1")
    hashed = [hashlib.new(name, plain) for name in ("md5", "sha1", "sha256", "sha512")]
    return [
        plain,
        b64encode(plain),
        *(h.hexdigest()[:16].encode() for h in hashed),
        *(b64encode(h.digest())[:16] for h in hashed),
    ]


@pytest.mark.parametrize(
    "header",
    [
        "x-goog-api-key: {}",
        "x-api-key: {}",
        "Authorization: Bearer {}",
        "Authorization: {}",
        "Authorization: Basic {}",
        "Cookie: key={}",
    ],
)
@pytest.mark.parametrize(
    "secret",
    ["AIzaSyNobodysKey0123456789", "sk-\xe9\xff-x", "' OR 1=1 --", "x" * 7000],
    ids=lambda secret: secret[:12],
)
def test_refused_credentials_are_not_repeated(
    tmp_path: Path, logged: list[dict[str, Any]], header: str, secret: str
) -> None:
    """Neither the answer nor the log has them, in clear, encoded or hashed."""
    world = World(tmp_path, mode=Mode.STRICT)
    client = world.post(GENERATE, HELLO, header.format(secret))
    log = lines(logged).encode("utf-8", "replace")

    assert client.error() == (401, "UNAUTHENTICATED")
    assert [s for s in shapes(secret) if s in client.received() or s in log] == []
    assert world.google.calls == []


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("begun", [False, True])
def test_upstream_may_name_the_project(
    world: World, streamed: bool, begun: bool
) -> None:
    """What an error says of it does not reach the client."""
    if begun and not streamed:
        begun = False
    error = failing(400, "the project project-of-it is not for you")
    if begun:
        body = b'data: {"error":%b}\n\n' % error.body[len('{"error": ') : -1]
        error = Reply(body=event(TEXT) + body)
    world.google.script = [error]
    client = world.stream() if streamed else world.generate()

    assert b"is not for you" in client.received()
    assert b"project-of-it" not in client.received()


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /a\r\n2026-01-01 forged HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /a\n2026-01-01 forged HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /\x1b[31mforged HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /a\x7f\x80\x9b31mforged HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /a%0aforged%1b[31m HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /a\xe2\x80\xa8forged HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x1b[31mforged\n / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"FORGED\x1b[2J / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\x1b[2J\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\x1b[2J\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: \x1b[2J\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nExpect: \x1b[2J\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: \x1b[2J\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: \x1b[2J\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: \x1b[2J\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\x1b[2J: x\r\n\r\n",
        b"POST /v1/models/\x1b[2J:generateContent HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /v1/models/pro:%1b%0a HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /v1/models/pro:streamGenerateContent?alt=%1b%0a HTTP/1.1\r\n"
        b"Host: localhost\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /v1/models/pro:generateContent HTTP/1.1\r\nHost: localhost\r\n"
        b"X-Server-Timeout: \x1b[2J\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /v1/models/pro:generateContent HTTP/1.1\r\nHost: localhost\r\n"
        b'Content-Length: 14\r\n\r\n{"\x1b[2J\n":1}...',
    ],
    ids=lambda request_: repr(request_[:40]),
)
def test_nobody_writes_into_the_log(
    world: World, logged: list[dict[str, Any]], request_: bytes
) -> None:
    """A request is one line there, in which a terminal finds nothing to obey."""
    before = len(logged)
    world.client().send(request_)
    wait(world, 11.0)
    log = lines(logged[before:])

    assert len(log.splitlines()) == 1
    assert re.sub(r"[ -~]", "", log) == "\n"


# B.  HTTP


INVALID = (
    *(b"", b" \r\n", b"null", b"true", b"0", b'"text"', b"[]", b"[{}]", b"nonsense"),
    *(b"{", b"}", b'{"a"', b'{"a":', b'{"a":1', b'{"a":1,}', b'{"a":1}}', b"{}{}"),
    *(b"{a:1}", b"{'a':1}", b'{"a":01}', b'{"a":.5}', b'{"a":1.}', b'{"a":0x10}'),
    *(b'{"a":+1}', b'{"a":NaN}', b'{"a":-Infinity}', b'{"a":tru}', b"// x\n{}"),
    *(b'{"a":"\n"}', b'{"a":"\x00"}', rb'{"a":"\x41"}', b'{"a":"\xff"}'),
    *(b'{"a":"\xc0\xaf"}', b'{"a":"\xed\xa0\x80"}', b"\xef\xbb\xbf{}"),
    *("{}".encode("utf-16"), "{}".encode("utf-32"), b"\x1f\x8b\x08\x00{}"),
    *(b"[" * 100_000, b'{"a":' * 100_000, b'{"a":' + b"[" * 100_000 + b"]" * 100_000),
)


def test_invalid_bodies(tmp_path: Path) -> None:
    """Each of 41 is refused as one, within two seconds, and none goes upstream."""
    world = World(tmp_path, limits=Limits())
    told, longest = [], 0.0
    for body in INVALID:
        began = time.monotonic()
        told.append(world.generate(body).error())
        longest = max(longest, time.monotonic() - began)

    assert told == [(400, "INVALID_ARGUMENT")] * 41
    assert longest < 2.0
    assert world.google.calls == []


def test_the_envelope_is_ours(world: World) -> None:
    """What a client calls project, model or requestId stays within its request."""
    body = b'{"project":"x","model":"y","requestId":"z","request":{},"userAgent":"w"}'
    world.generate(body)
    (call,) = world.google.calls

    assert {
        name: call.envelope[name] for name in ("project", "model", "requestId")
    } == {
        "project": "project-of-it",
        "model": "pro",
        "requestId": "id-0",
    }
    assert call.envelope["request"] == json.loads(body)
    assert call.envelope["userAgent"] == "gw/test"


UPSTREAMS = {
    "set-cookie": "sid=1; Path=/",
    "server": "ESF",
    "alt-svc": 'h3=":443"; ma=2592000',
    "keep-alive": "timeout=5",
    "proxy-authenticate": "Basic",
    "trailer": "X-Sum",
    "upgrade": "h2c",
    "via": "1.1 google",
    "x-powered-by": "x",
    "x-cloudaicompanion-trace-id": "abc",
    "content-disposition": "attachment",
    "www-authenticate": "Bearer",
}


@pytest.mark.parametrize("reply", [WHOLE, STREAM, failing(400, "your mistake")])
def test_what_upstream_says_in_headers(world: World, reply: Reply) -> None:
    """None of it is handed on, and one header alone says where the body ends."""
    world.google.script = [Reply(reply.status, reply.body, headers=UPSTREAMS)]
    client = world.stream() if reply is STREAM else world.generate()
    names = Counter(line.partition(":")[0] for line in client.head.split("\r\n")[1:])

    assert client.status == reply.status
    assert client.ended_well
    assert [name for name in UPSTREAMS if name in names] == []
    assert names["content-length"] + names["transfer-encoding"] == 1
    assert max(names.values()) == 1
    assert "twisted" not in client.head


# C.  Accounts


def accounts_asked(world: World) -> list[str]:
    """Those that were asked for an answer, in order."""
    return [c.account for c in world.google.calls if "enerateContent" in c.method]


@pytest.mark.parametrize("reply", [failing(429), failing(500), failing(503)])
def test_everything_is_down(tmp_path: Path, reply: Reply) -> None:
    """A request costs three calls at most, each under another account."""
    world = World(tmp_path, accounts="abcdef")
    world.google.script = [reply]
    for number in range(20):
        before = len(world.google.calls)
        assert world.generate(b'{"contents":[],"n":%d}' % number).status >= 400
        asked = accounts_asked(world)[before:]

        assert len(asked) <= 3
        assert len(set(asked)) == len(asked)


def test_a_bad_request_is_asked_once(world: World) -> None:
    """Whoever is asked would say the same."""
    world.google.script = [failing(400, "no such field")]
    for number in range(1, 11):
        assert world.generate().error()[0] == 400
        assert len(world.google.calls) == number


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b"data: nonsense\n\n",
        b'data: {"response":{"candi',
        b'data: {"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}\n\n',
        b'{"error":{"code":500,"message":"no","status":"INTERNAL"}}',
        b"<html>",
        None,
    ],
)
@pytest.mark.parametrize("query", ["?alt=sse", "?alt=json"])
def test_half_an_answer(world: World, query: str, rest: bytes | None) -> None:
    """No call is made anew, no event comes twice, and nobody takes it for a whole."""
    world.google.script = [Reply(body=event(TEXT), stays_open=True), STREAM]
    client = world.stream(query)
    upstream = world.google.calls[0].request
    if rest is None:
        upstream.loseConnection()
    else:
        upstream.write(rest)
        upstream.finish()
    world.settle()

    assert len(world.google.calls) == 1
    assert client.body.count(b'"Hi"') == 1
    assert client.body.count(b'{"error":') == 1
    assert b"[DONE]" not in client.received()
    assert not client.body.endswith(b"]")
    assert not client.ended_well
    assert client.transport.closed


def delayed(where: str, delay: str) -> Reply:
    """A 429 that says there how long to stay away."""
    if where == "Retry-After":
        return Reply(429, failing(429).body, headers={"retry-after": delay})
    if where == "RetryInfo":
        told = {"@type": "type.googleapis.com/google.rpc.RetryInfo"}
        return failing(429, "no", {**told, "retryDelay": delay})
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "QUOTA_EXHAUSTED",
        "domain": "cloudcode-pa.googleapis.com",
        "metadata": {"quotaResetDelay": delay},
    }
    return failing(429, "no", info)


@pytest.mark.parametrize(
    ("where", "delay", "seconds"),
    [
        ("RetryInfo", "3.5s", 3.5),
        ("RetryInfo", "2.750s", 2.75),
        ("quotaResetDelay", "161h39m41.3s", 581_981.3),
        ("quotaResetDelay", "3.5s", 3.5),
        ("Retry-After", "7", 7.0),
    ],
)
def test_a_limited_account_is_left_alone(
    world: World, where: str, delay: str, seconds: float
) -> None:
    """For as long as it was told, for that model; soon after it serves again."""
    world.google.script = [delayed(where, delay), WHOLE]
    assert world.generate().status == 200
    for share in (0.0, 0.3, 0.3, 0.3, 0.0999):
        wait(world, share * seconds)
        assert world.generate(b"{}").status == 200
        assert world.generate(b"{}", model="flash").status == 200
    models = [(c.account, c.envelope["model"]) for c in world.google.calls[1:]]
    assert ("a", "pro") not in models
    assert ("a", "flash") in models
    wait(world, seconds * 0.0001 + 3.0)
    world.generate(b"{}")

    assert world.google.calls[-1].account == "a"


def test_all_are_limited(tmp_path: Path) -> None:
    """Clients are told when to come back, without a call; and then they are served."""
    world = World(tmp_path, patience=2.0)
    limit = delayed("RetryInfo", "20s")
    world.google.script = [limit, limit, limit, WHOLE]
    assert world.generate().error() == (429, "RESOURCE_EXHAUSTED")
    for _ in range(10):
        client = world.generate()  # nothing passes: it is told at once
        assert client.error() == (429, "RESOURCE_EXHAUSTED")
        retry_after = client.head.partition("retry-after: ")[2].split("\r\n")[0]
        assert int(retry_after) > 0
        wait(world, 1.9)
    assert len(world.google.calls) == 3
    wait(world, 6.0)

    assert world.generate().status == 200


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failure_locks_nobody(tmp_path: Path, status: int) -> None:
    """A 5xx under each of two accounts, and a second later both serve."""
    world = World(tmp_path, accounts="ab", strategy=Strategy.SPREAD)
    world.google.script = [failing(status), WHOLE]
    failed: set[str] = set()
    for number in range(40):
        body = b'{"contents":[{"parts":[{"text":"%d"}]}]}' % number
        if len(failed) < 2 and number:
            world.google.script = [failing(status), WHOLE]
        before = len(world.google.calls)
        assert world.generate(body).status == 200
        if len(world.google.calls) > before + 1:
            failed.add(world.google.calls[before].account)
    assert failed == {"a", "b"}
    wait(world, 1.0)
    before = len(world.google.calls)
    for number in range(40, 60):
        body = b'{"contents":[{"parts":[{"text":"%d"}]}]}' % number
        assert world.generate(body).status == 200

    assert set(accounts_asked(world)[before:]) == {"a", "b"}


class SlowTokens:
    """A token endpoint that answers when the test says so."""

    def __init__(self, world: World) -> None:
        self.asked: list[Deferred[tuple[int, bytes]]] = []
        world.kind.post = self.post

    async def post(self, form: bytes) -> tuple[int, bytes]:
        """Take a form, and wait."""
        self.asked.append(Deferred())
        return await self.asked[-1]

    def grant(self, token: str) -> None:
        """Answer the last one."""
        body = json.dumps({"access_token": token, "expires_in": 3599}).encode()
        self.asked[-1].callback((200, body))


def test_one_token_for_a_crowd(tmp_path: Path) -> None:
    """Two hundred requests at a cold start cost one exchange of a token."""
    world = World(tmp_path, accounts="a")
    world.google.script = [WHOLE]
    tokens = SlowTokens(world)
    clients = [world.generate() for _ in range(200)]
    assert len(tokens.asked) == 1
    tokens.grant("token-of-a")
    world.settle()

    assert {client.status for client in clients} == {200}
    assert len(tokens.asked) == 1


def test_one_token_for_a_crowd_that_was_refused(tmp_path: Path) -> None:
    """So do two hundred whose token is revoked while they are under way."""
    world = World(tmp_path, accounts="a")
    world.google.script = [WHOLE]
    assert world.generate().status == 200
    tokens = SlowTokens(world)

    world.google.script = [Reply(is_silent=True)]
    clients = [world.generate() for _ in range(200)]
    world.google.script = [WHOLE]
    for call in world.google.calls[1:]:
        call.request.setResponseCode(401)
        call.request.write(b'{"error":{"code":401,"status":"UNAUTHENTICATED"}}')
        call.request.finish()
    world.settle()
    tokens.grant("token-of-a2")
    world.settle()

    assert {client.status for client in clients} == {200}
    assert len(tokens.asked) == 1
    assert Counter(accounts_asked(world)) == {"a": 201, "a2": 200}


def test_a_token_endpoint_that_hangs(tmp_path: Path) -> None:
    """Of twenty requests one after the other it delays two at most, and none fails."""
    world = World(tmp_path, accounts="ab")
    world.google.script = [WHOLE]
    world.store.change("a", disabled=1.0)
    world.take_up()
    assert world.generate().status == 200  # b has its token
    world.store.change("a", disabled=None)
    world.take_up()
    tokens = SlowTokens(world)
    answered = tokens.post

    async def post(form: bytes) -> tuple[int, bytes]:
        asking = Deferred.fromCoroutine(answered(form))
        return await within(15.0, world.clock, asking)

    world.kind.post = post
    slow = 0
    for _ in range(20):
        client = world.generate()
        began = world.clock.seconds()
        while not client.received():
            wait(world, 1.0)
        slow += world.clock.seconds() - began > 1.0
        assert client.status == 200
    assert 1 <= slow <= 2
    world.kind.post = world._post
    wait(world, 20.0)
    world.generate()

    assert accounts_asked(world)[-1] == "a"


def turn(conversation: int, number: int) -> bytes:
    """A turn of a conversation, with all that was said before."""
    contents: list[object] = [{"parts": [{"text": f"conversation {conversation}"}]}]
    for _ in range(number):
        contents.append({"role": "model", "parts": [{"text": "yes"}]})
        contents.append({"role": "user", "parts": [{"text": "and?"}]})
    return json.dumps({"contents": contents}).encode()


def test_ten_turns(tmp_path: Path) -> None:
    """A conversation stays where it began, though twelve others go on beside it."""
    world = World(tmp_path, strategy=Strategy.SPREAD)
    world.google.script = [WHOLE]
    homes: dict[int, set[str]] = {number: set() for number in range(13)}
    for number in range(10):
        for conversation, home in homes.items():
            assert world.generate(turn(conversation, number)).status == 200
            home.add(world.google.calls[-1].account)

    assert [len(home) for home in homes.values()] == [1] * 13
    assert len(set().union(*homes.values())) > 1


def test_eighty_conversations(tmp_path: Path) -> None:
    """They are spread: none of three accounts has more than half of them."""
    world = World(tmp_path, strategy=Strategy.SPREAD)
    world.google.script = [WHOLE]
    for conversation in range(80):
        world.generate(turn(conversation, 0))
    counts = Counter(accounts_asked(world))

    assert counts.total() == 80
    assert set(counts) == {"a", "b", "c"}
    assert max(counts.values()) <= 40


@pytest.mark.parametrize("trouble", [*map(failing, (403, 404, 429, 500)), Reply()])
def test_a_project_that_is_not_to_be_had(tmp_path: Path, trouble: Reply) -> None:
    """When one account's is not, another one serves, and clients notice nothing."""
    world = World(tmp_path, accounts="")
    world.add("a", project=None)
    world.add("b")

    def by_method(call: Any) -> Reply:
        return trouble if call.method == "loadCodeAssist" else WHOLE

    world.google.script = [by_method]

    assert [world.generate().status for _ in range(3)] == [200] * 3
    assert accounts_asked(world) == ["b"] * 3


# D.  Streams


def test_a_client_that_leaves_during_a_renewal(tmp_path: Path) -> None:
    """No call is made for it, whatever comes of the renewal."""
    world = World(tmp_path, accounts="a")
    world.google.script = [STREAM]
    tokens = SlowTokens(world)
    clients: list[Client] = [world.stream(), world.generate()]
    for client in clients:
        client.leave()
    tokens.grant("token-of-a")
    world.settle()

    assert world.google.calls == []
    assert world.account("a").serving == 0


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("status", [400, 503])
def test_upstream_may_name_secrets(tmp_path: Path, streamed: bool, status: int) -> None:
    """What an error says of the account's tokens or address does not go on, either."""
    world = World(tmp_path, accounts="a")
    world.store.rename("a", "ada@example.org")
    world.take_up()
    said = "no: token-of-a refresh-of-a ada@example.org project-of-it"
    world.google.script = [failing(status, said)]
    client = world.stream() if streamed else world.generate()

    words = (b"token-of-a", b"refresh-of-a", b"ada@example.org", b"project-of-it")
    assert client.status == status
    assert [word for word in words if word in client.received()] == []
