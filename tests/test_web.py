"""Tests for the tree of paths and the gate in front of it, over HTTP in memory."""

import json
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.logger import formatEvent
from world import HELLO, LAST, STREAM, TEXT, WHOLE, Reply, World, event, key_of

from antigravity_gw.journal import Served
from antigravity_gw.web.forms import Form
from antigravity_gw.web.guard import Mode
from antigravity_gw.web.resource import CoroutineResource
from antigravity_gw.wire.usage import Usage

GENERATE = "/v1beta/models/pro:generateContent"
STREAMING = "/v1beta/models/pro:streamGenerateContent?alt=sse"
COST = {
    "promptTokenCount": 7,
    "candidatesTokenCount": 3,
    "thoughtsTokenCount": 2,
    "cachedContentTokenCount": 1,
}


class Bug(CoroutineResource):
    """Something that should not happen."""

    async def render_GET(self, request: object) -> None:
        """Fail."""
        raise ZeroDivisionError("secret")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A gateway that asks for no key."""
    world = World(tmp_path)
    world.google.script = [WHOLE]
    return world


@pytest.fixture
def locked(tmp_path: Path) -> World:
    """A gateway that asks for a key, but for its health."""
    world = World(tmp_path, mode=Mode.ALL_EXCEPT_HEALTH)
    world.google.script = [WHOLE]
    return world


def test_health(world: World) -> None:
    """It says so in JSON."""
    client = world.get("/healthz")

    assert (client.status, client.json()) == (200, {"status": "ok"})
    assert "server:" not in client.head


def test_readiness(tmp_path: Path) -> None:
    """Ready means that an account can serve; else it says why, and no more."""
    world = World(tmp_path, accounts="")
    assert world.get("/readyz").error() == (503, "UNAVAILABLE")
    world.add("a")
    assert world.get("/readyz").json() == {"status": "ok"}
    refused = b'{"error":{"code":403,"message":"Verify your account, a@x"}}'
    world.google.script = [Reply(403, refused)]
    world.generate()
    client = world.get("/readyz")

    assert client.error() == (503, "UNAVAILABLE")
    assert b"a@x" not in client.received()


@pytest.mark.parametrize("version", ["v1beta", "v1", "v1alpha"])
def test_versions(world: World, version: str) -> None:
    """The same tree under every version that SDKs ask for."""
    assert world.get(f"/{version}/models").status == 200
    assert world.post(f"/{version}/models/pro:generateContent").json() == LAST


@pytest.mark.parametrize(
    "path",
    [
        "//v1beta/models/pro:generateContent",
        "/v1beta//models/pro:generateContent",
        "/v1beta/models//pro:generateContent",
        "/v1beta/models/pro%3AgenerateContent",
        "http://localhost:8045/v1beta/models/pro:generateContent",
    ],
)
def test_spellings_of_a_path(world: World, path: str) -> None:
    """Doubled slashes, an encoded colon and the absolute form are what they mean."""
    assert world.post(path).json() == LAST


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/", "nothing"),
        ("/v1beta", "nothing"),
        ("/v2/models", "nothing"),
        ("/healthz/x", "nothing"),
        ("/v1beta/models/pro:generateContent/x", "nothing"),
        ("/v1beta/models/pro/x", "nothing"),
        ("/v1beta/models/pro:embedContent", "generateContent"),
        ("/v1beta/models/pro:", "generateContent"),
        ("/v1beta/models/models/pro:generateContent", "drop the second 'models/'"),
        ("/v1beta/models/models%2Fpro:generateContent", "a model's name"),
        ("/v1beta/models/nobody", "not in this gateway's list"),
        ("/v1beta/models/../../healthz", "a model's name"),
    ],
)
def test_nothing_there(world: World, path: str, hint: str) -> None:
    """Whatever is not there is told in Google's shape, with a hint."""
    method = "POST" if ":" in path else "GET"
    client = world.get(path, "Content-Length: 0", method=method)

    assert client.status in (400, 404)
    assert hint in client.json()["error"]["message"]
    assert world.google.calls == []


@pytest.mark.parametrize(
    "name", ["a%20b", "..", "%2e%2e", "a%2Fb", "a%0d%0aX:y", "%00", "%ff", "é", "-a"]
)
def test_names_that_are_no_models(world: World, name: str) -> None:
    """A name outside the grammar goes nowhere."""
    client = world.post(f"/v1beta/models/{name}:generateContent")

    assert client.status in (400, 404)
    assert "error" in client.json()
    assert world.google.calls == []


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/healthz", "GET, HEAD"),
        ("DELETE", "/v1beta/models", "GET, HEAD"),
        ("GET", GENERATE, "POST"),
        ("HEAD", GENERATE, "POST"),
        ("GET", "/v1beta/models/pro:countTokens", "POST"),
        ("BREW", "/v1beta/models", "GET, HEAD"),
    ],
)
def test_wrong_method(world: World, method: str, path: str, allowed: str) -> None:
    """405 names the methods that would do."""
    client = world.get(path, method=method)

    assert client.status == 405
    assert f"allow: {allowed.lower()}" in client.head.split("\r\n")
    assert method == "HEAD" or client.error() == (405, "UNIMPLEMENTED")


def test_head_and_options(world: World) -> None:
    """HEAD is GET without its body; OPTIONS names the methods."""
    head = world.get("/healthz", method="HEAD")
    options = world.get(GENERATE, method="OPTIONS")

    assert (head.status, head.body) == (200, b"")
    assert "content-length: 15" in head.head
    assert (options.status, options.body) == (204, b"")
    assert "allow: post, options" in options.head


@pytest.mark.parametrize(
    "path", ["/v1beta/models/any:countTokens", "/v1/models/any/countTokens"]
)
@pytest.mark.parametrize("body", [HELLO, b"", b"not json"])
def test_count_tokens(world: World, path: str, body: bytes) -> None:
    """A placeholder, which costs no account a call."""
    assert world.post(path, body).body == b'{"totalTokens":0}'
    assert world.google.calls == []


def test_count_tokens_wants_a_key(locked: World) -> None:
    """It is behind the gate like everything else."""
    assert locked.post("/v1/models/any:countTokens").error()[0] == 401


def test_list_and_entry(world: World) -> None:
    """The configured models, in pages; an entry for all that can be listed."""
    page = world.get("/v1beta/models?pageSize=1&%24alt=json%3Benum-encoding%3Dint")
    rest = world.get(f"/v1beta/models?pageToken={page.json()['nextPageToken']}")

    assert [m["name"] for m in page.json()["models"]] == ["models/pro"]
    assert [m["name"] for m in rest.json()["models"]] == ["models/flash"]
    assert "nextPageToken" not in rest.json()
    assert world.get("/v1/models/fast-one").json()["displayName"] == "fast-one"
    assert world.get("/v1/models?pageSize=x").error() == (400, "INVALID_ARGUMENT")


def test_list_while_accounts_rest(world: World) -> None:
    """The list does not depend on who can serve."""
    before = world.get("/v1beta/models").json()
    world.google.script = [Reply(429, b"")]
    world.generate()

    assert world.get("/v1beta/models").json() == before


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"a":NaN}', b'{"a":"\xff"}', b"[" * 9000]
)
def test_bad_bodies(world: World, body: bytes) -> None:
    """What is no JSON object is refused before anything is asked."""
    assert world.post(GENERATE, body).error() == (400, "INVALID_ARGUMENT")
    assert world.google.calls == []


@pytest.mark.parametrize(
    "body",
    [
        rb'{"a":"\ud800","b":"\\\uDFFF"}',
        rb'{"\udc00\ud800":[1e400,-0,0.10,1E+2]}',
        b'{"a":1,"a":2, "b" :\t123456789012345678901234567890\n}',
        b'{"a":' + b"9" * 400 + b"}",
        b'{"a":' + b"[" * 500 + b"]" * 500 + b"}",
        '{"é":"\u2028"}'.encode(),
    ],
    ids=lambda body: repr(body[:20]),
)
def test_odd_bodies(world: World, body: bytes) -> None:
    """Whatever is JSON goes to Google byte for byte, which may judge it."""
    assert world.post(GENERATE, body).json() == LAST
    assert world.google.calls[0].raw.endswith(b'"request":' + body + b"}")


def test_form_bodies_are_bodies(world: World) -> None:
    """curl without -H sends JSON as a form; that does not matter."""
    form = "Content-Type: application/x-www-form-urlencoded"
    multipart = "Content-Type: multipart/form-data"

    for kind in (form, multipart):
        assert world.post(GENERATE, HELLO, kind).json() == LAST


def test_default_form_of_a_stream(tmp_path: Path) -> None:
    """A setting makes the array the answer to a URL without alt."""
    world = World(tmp_path, form=Form.ARRAY)
    world.google.script = [STREAM]

    assert world.stream("").body.startswith(b"[")
    assert world.stream("?alt=sse").body.startswith(b"data: ")


@pytest.mark.parametrize(
    ("form", "query", "in_array"),
    [
        (Form.ARRAY, "", True),
        (Form.ARRAY, "?$alt=json", False),
        (Form.ARRAY, "?alt=sse", False),
        (Form.SSE, "", False),
    ],
)
def test_errors_on_arrays(
    tmp_path: Path, form: Form, query: str, in_array: bool
) -> None:
    """An error is an array of one only where an array was the default."""
    world = World(tmp_path, form=form)
    error = {"error": {"code": 400, "message": "no", "status": "INVALID_ARGUMENT"}}
    world.google.script = [Reply(400, json.dumps(error).encode())]

    assert world.stream(query).json() == ([error] if in_array else error)


def test_refusals_on_arrays(tmp_path: Path) -> None:
    """Also what is refused before it is looked at."""
    world = World(tmp_path, form=Form.ARRAY, mode=Mode.STRICT)

    assert [e["error"]["code"] for e in world.stream("").json()] == [401]
    assert world.generate().json()["error"]["code"] == 401


@pytest.mark.parametrize(
    "header",
    [
        "x-goog-api-key: right",
        "X-Api-Key: right",
        "Authorization: Bearer right",
        "authorization: bearer   right",
    ],
)
def test_ways_to_show_a_key(locked: World, header: str) -> None:
    """Every way that clients know."""
    assert locked.post(GENERATE, HELLO, header).status == 200


def test_key_in_the_query(locked: World, logged: list[dict[str, Any]]) -> None:
    """It works, and is not logged."""
    assert locked.post(f"{GENERATE}?key=right").status == 200
    assert "alice" in str(logged)
    assert "right" not in str(logged)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        ["x-goog-api-key: wrong"],
        ["x-goog-api-key:"],
        ["x-goog-api-key: Right"],
        ["x-goog-api-key: righ"],
        ["x-goog-api-key: right right"],
        ["x-goog-api-key: \xff\xfe"],
        ["x-goog-api-key: " + "x" * 7000],
        ["x-goog-api-key: ' OR 1=1 --"],
        ["x-goog-api-key: right", "x-goog-api-key: wrong"],
        ["x-goog-api-key: wrong", "x-goog-api-key: right"],
        ["Authorization: Bearer right", "Authorization: Bearer wrong"],
        ["Authorization: Basic right"],
        ["Authorization: right"],
        ["Authorization: Bearer"],
        ["Cookie: key=right"],
        ["x-goog-api-key: RIGHT"],
        ["x-goog-api-key: rightright"],
        ["x-goog-api-key: right,wrong"],
        ["x-goog-api-key: right\xa0"],
        ["x-goog-api-key: \xc3\xa9"],
        ["x-goog-api-key: *"],
        ["x-goog-api-key: ${right}"],
        ["x-goog-api-key: null"],
        ["x-goog-api-key: alice"],
        ["x_goog_api_key: right"],
        ["Authorization: Bearer right right"],
        ["Authorization: Bearer right, Bearer wrong"],
        ["Authorization: Bearer " + "x" * 7000],
        ["Authorization: Bearer\tright"],
        ["Proxy-Authorization: Bearer right"],
        ["Authorization: Basic " + "cmlnaHQ6cmlnaHQ="],
    ],
)
def test_wrong_keys(locked: World, headers: list[str]) -> None:
    """Nothing but the right key, shown once, opens the gate."""
    client = locked.post(GENERATE, HELLO, *headers)

    assert client.error() == (401, "UNAUTHENTICATED")
    assert "www-authenticate: bearer" in client.head
    assert locked.google.calls == []
    assert "OR 1=1" not in client.body.decode()


def test_two_keys_in_either_order(tmp_path: Path) -> None:
    """Which of two keys comes first does not matter."""
    keys = tuple(map(key_of, ("ann", "bob")))
    world = World(tmp_path, mode=Mode.STRICT, keys=keys)

    def verdict(*headers: str) -> int:
        return world.get("/v1/models", *headers).status

    for one, other in (
        ("x-api-key: key-of-ann", "x-goog-api-key: key-of-bob"),
        ("x-api-key: key-of-ann", "x-goog-api-key: key-of-eve"),
        ("x-api-key: key-of-eve", "Authorization: Bearer key-of-ann"),
        ("x-api-key: key-of-ann", "x-api-key: key-of-bob"),
        ("x-api-key: key-of-ann", "X-Api-Key: key-of-ann"),
    ):
        assert verdict(one, other) == verdict(other, one)


def test_a_right_key_among_different_kinds(locked: World) -> None:
    """Some clients show a token of Google's as well; it does not count."""
    headers = ["Authorization: Bearer ya29.x", "x-goog-api-key: right"]

    assert locked.post(GENERATE, HELLO, *headers).status == 200


@pytest.mark.parametrize(
    ("mode", "health", "models", "nowhere"),
    [
        (Mode.OFF, 200, 200, 404),
        (Mode.ALL_EXCEPT_HEALTH, 200, 401, 401),
        (Mode.STRICT, 401, 401, 401),
    ],
)
def test_modes(
    tmp_path: Path, mode: Mode, health: int, models: int, nowhere: int
) -> None:
    """What is behind the gate depends on the mode; paths that are not there too."""
    world = World(tmp_path, mode=mode)

    assert [health, health, models, nowhere] == [
        world.get(path).status for path in ("/healthz", "/readyz", "/v1/models", "/x")
    ]


@pytest.mark.parametrize(
    ("addresses", "mode"),
    [
        ([IPv4Address("TCP", "127.0.0.1", 1), UNIXAddress(b"/s")], Mode.OFF),
        ([IPv6Address("TCP", "::1", 1)], Mode.OFF),
        ([IPv4Address("TCP", "0.0.0.0", 1)], Mode.ALL_EXCEPT_HEALTH),
        ([IPv6Address("TCP", "::", 1)], Mode.ALL_EXCEPT_HEALTH),
        (
            [IPv4Address("TCP", "127.0.0.1", 1), IPv4Address("TCP", "10.0.0.1", 1)],
            Mode.ALL_EXCEPT_HEALTH,
        ),
    ],
)
def test_auto(tmp_path: Path, addresses: list[Any], mode: Mode) -> None:
    """Without a word on it, a key is asked for where others can connect."""
    world = World(tmp_path, mode=Mode.AUTO)
    world.guard.settle(addresses)

    assert world.guard.mode is mode


def test_no_key_configured(tmp_path: Path, logged: list[dict[str, Any]]) -> None:
    """Keys asked for and none configured: nobody comes in, and it is said once."""
    world = World(tmp_path, mode=Mode.STRICT, keys=())
    for _ in range(3):
        client = world.get("/v1/models", "x-goog-api-key: x")

    assert client.error() == (401, "UNAUTHENTICATED")
    assert len([e for e in logged if e["log_level"].name == "critical"]) == 1


def test_several_keys(tmp_path: Path) -> None:
    """Each client has a key of its own, and is named in the log."""
    keys = tuple(map(key_of, ("ann", "bob")))
    world = World(tmp_path, mode=Mode.STRICT, keys=keys)

    assert world.get("/v1/models", "x-api-key: key-of-ann").status == 200
    assert world.get("/v1/models", "x-api-key: key-of-bob").status == 200
    assert world.get("/v1/models", "x-api-key: key-of-eve").status == 401


def with_host(world: World, *headers: str) -> int:
    """The status of a request with these headers, and no Host of the harness."""
    lines = ["GET /v1/models HTTP/1.1", *headers, "", ""]
    return world.client().send("\r\n".join(lines).encode("latin-1")).status


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8045", 200),
        ("127.0.0.1:8045", 200),
        ("127.9.9.9", 200),
        ("[::1]:8045", 200),
        ("gw.localhost", 200),
        ("gw.lan:1", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost.evil.example", 403),
        ("10.0.0.1", 403),
        ("0.0.0.0", 403),
        ("x/#@127.0.0.1", 400),
        ("\xa0localhost", 400),
        ("a b", 400),
        ("", 403),
    ],
)
def test_hosts(tmp_path: Path, host: str, status: int) -> None:
    """Without keys, a name that is resolved to this machine does not come in."""
    world = World(tmp_path, names=("gw.lan",))

    assert with_host(world, f"Host: {host}") == status


def test_number_of_hosts(world: World) -> None:
    """HTTP/1.1 wants one Host header."""
    assert with_host(world) == 400
    assert with_host(world, "Host: localhost", "Host: localhost") == 400


def test_hosts_with_keys(locked: World) -> None:
    """With keys, the name does not matter."""
    assert with_host(locked, "Host: gw.example", "x-api-key: right") == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:3000", 200),
        ("http://localhost", 200),
        ("https://good.example", 200),
        ("https://evil.example", 403),
        ("https://good.example.evil.example", 403),
        ("http://127.0.0.1:8045", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_origins(tmp_path: Path, origin: str, status: int) -> None:
    """Without keys, pages of other sites are refused unless they are listed."""
    world = World(tmp_path, origins=("https://good.example",))

    assert world.get("/v1/models", f"Origin: {origin}").status == status


def test_cors_is_off(world: World) -> None:
    """No page may read an answer before its origin is listed."""
    client = world.get(
        GENERATE,
        "Origin: http://localhost:3000",
        "Access-Control-Request-Method: POST",
        method="OPTIONS",
    )

    assert "access-control" not in client.head
    assert "access-control" not in world.get("/healthz", "Origin: http://x").head


def test_cors(tmp_path: Path) -> None:
    """A listed origin may ask without a key whether it may call, and then call."""
    world = World(tmp_path, mode=Mode.STRICT, origins=("https://good.example",))
    world.google.script = [WHOLE]
    preflight = world.get(
        GENERATE,
        "Origin: https://good.example",
        "Access-Control-Request-Method: POST",
        "Access-Control-Request-Headers: x-goog-api-key,content-type",
        method="OPTIONS",
    )
    call = world.post(
        GENERATE, HELLO, "Origin: https://good.example", "x-api-key: right"
    )
    wrong = world.post(GENERATE, HELLO, "Origin: https://good.example")

    assert preflight.status == 204
    assert "access-control-allow-headers: x-goog-api-key,content-type" in preflight.head
    assert "access-control-allow-methods: get, head, post" in preflight.head
    for client, status in ((preflight, 204), (call, 200), (wrong, 401)):
        assert client.status == status
        assert "access-control-allow-origin: https://good.example" in client.head
        assert "vary: origin" in client.head


def lines(logged: list[dict[str, Any]]) -> list[str]:
    """The lines that tell of requests, as an operator reads them."""
    return [formatEvent(e) for e in logged if "served" in e]


def test_log_line(world: World, logged: list[dict[str, Any]]) -> None:
    """One line tells how a request went, and cannot be forged."""
    world.generate(model="fast-one")
    world.get("/a%0ab/%1b[31m?key=secret")
    good, bad = lines(logged)

    assert good == (
        "POST /v1beta/models/fast-one:generateContent 200 98 B 0.000 s "
        "model=fast-one as=flash kind=code_assist account=a attempts=1 events=1 "
        "first=0.000 id=request-0"
    )
    assert bad == (
        "GET /a%0ab/%1b[31m 404 85 B 0.000 s ended=not_found "
        'trouble="there is nothing at this path" id=request-1'
    )


def test_log_line_without_an_answer(world: World, logged: list[dict[str, Any]]) -> None:
    """A client that leaves before it has asked is not said to have had a 200."""
    head = f"POST {GENERATE} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
    world.client().send(head.encode()).leave()
    (line,) = lines(logged)

    facts = 'ended=client_left trouble="the client left" id=request-0'
    assert line == f"POST {GENERATE} - 0 B 0.000 s {facts}"


def test_a_long_method(world: World, logged: list[dict[str, Any]]) -> None:
    """However long a word clients send, it takes no more room in what is told of it."""
    world.get("/healthz", method="X" * 5000)
    (line,) = lines(logged)

    assert len(line) < 500
    assert len(world.ended[0].trouble) < 100


@pytest.mark.parametrize(
    ("given", "is_taken"),
    [
        (["0f8c-42.A:b/c+d=@_"], True),
        (["x" * 128], True),
        (["x" * 129], False),
        (["two words"], False),
        (["é"], False),
        ([""], False),
        (["one", "two"], False),
        ([], False),
    ],
)
def test_request_id(world: World, given: list[str], is_taken: bool) -> None:
    """A request keeps the id that its client gave it, or is given one."""
    client = world.get("/healthz", *(f"X-Request-Id: {id}" for id in given))
    expected = given[0] if is_taken else "request-0"

    assert f"\r\nx-request-id: {expected.lower()}" in client.head
    assert [served.id for served in world.ended] == [expected]


def test_request_id_of_what_is_no_request(
    world: World, logged: list[dict[str, Any]]
) -> None:
    """What cannot be read as HTTP is answered with an id that the log has, too."""
    refused = world.client().send(b"\x16\x03\x01 hello\r\n\r\n")

    assert "\r\nx-request-id: request-0\r\n" in f"{refused.head}\r\n"
    line = logged[-1]
    assert formatEvent(line) == (
        f'rejected 400 ended=bad_request trouble="{line["trouble"]}" id=request-0'
    )


def test_request_id_of_a_connection_too_many(
    world: World, logged: list[dict[str, Any]]
) -> None:
    """It has one, too; its line is for those who debug, since there may be many."""
    world.site.connections.limit = 0
    refused = world.client()

    assert "\r\nx-request-id: request-0\r\n" in f"{refused.head}\r\n"
    assert (logged[-1]["log_level"].name, logged[-1]["id"]) == ("debug", "request-0")


@pytest.mark.parametrize(
    ("reply", "level"),
    [
        (WHOLE, "info"),
        (Reply(400, b'{"error":{"code":400,"status":"INVALID_ARGUMENT"}}'), "info"),
        (Reply(429, b'{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}'), "warn"),
        (Reply(503, b'{"error":{"code":503,"status":"UNAVAILABLE"}}'), "warn"),
        (Reply(body=b"not JSON"), "warn"),
    ],
)
def test_what_is_for_the_operator(
    world: World, logged: list[dict[str, Any]], reply: Reply, level: str
) -> None:
    """A request that failed for no fault of its client's is a warning."""
    world.google.script = [reply]
    world.generate()
    (line,) = [e for e in logged if "served" in e]

    assert line["log_level"].name == level


def test_a_stream_that_breaks_off(world: World, logged: list[dict[str, Any]]) -> None:
    """It is one as well, though it had begun well; a client that leaves is none."""
    broken, going_on = Reply(body=event(TEXT)), Reply(body=event(TEXT), stays_open=True)
    world.google.script = [broken, going_on]
    world.stream()
    world.stream().leave()
    lines = [e for e in logged if "served" in e]

    assert [(e["served"].ended, e["log_level"].name) for e in lines] == [
        ("broken_answer", "warn"),
        ("client_left", "info"),
    ]


def test_what_is_remembered(world: World) -> None:
    """Of a stream it is known what was asked, who served it and what it has cost."""
    world.google.script = [
        Reply(body=event(TEXT) + event({**LAST, "usageMetadata": COST}))
    ]
    world.post(STREAMING)
    (served,) = world.ended

    assert (served.asked, served.model, served.kind) == ("pro", "pro", "code_assist")
    assert (served.streams, served.status, served.is_well) == (True, 200, True)
    assert (served.received, served.events) == (len(HELLO), 2)
    assert served.usage == Usage(prompt=7, output=3, thoughts=2, cached=1)
    assert served.first_seconds == 0.0
    assert world.site.under_way == set()


def test_a_bug(world: World, logged: list[dict[str, Any]]) -> None:
    """A bug is logged with its traceback, and the client learns nothing about it."""
    world.site.resource.putChild(b"bug", Bug())
    client = world.get("/bug")

    assert client.error() == (500, "INTERNAL")
    assert b"secret" not in client.received()
    bugs = [e for e in logged if "log_failure" in e]
    assert [bug["log_failure"].getErrorMessage() for bug in bugs] == ["secret"]
    logged[:] = [e for e in logged if "log_failure" not in e]


def test_a_witness_that_fails(world: World, logged: list[dict[str, Any]]) -> None:
    """A bug in what keeps account of requests is logged, and harms no client."""

    def broken(served: Served) -> None:
        raise ZeroDivisionError

    world.site.witnesses = [broken, *world.site.witnesses]
    client = world.generate()

    assert client.ended_well
    assert [served.status for served in world.ended] == [200]
    bugs = [e for e in logged if "log_failure" in e]
    assert [bug["log_failure"].type for bug in bugs] == [ZeroDivisionError]
    logged[:] = [e for e in logged if "log_failure" not in e]
