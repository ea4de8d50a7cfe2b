"""Tests for ``antigravity_gw.gateway``: the story of a request, in memory."""

import gc
import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from bodies import REAL, Real
from twisted.logger import capturedLogs, formatEvent
from twisted.web.server import NOT_DONE_YET
from world import HELLO, LAST, STREAM, TEXT, WHOLE, Call, Reply, World, event

from antigravity_gw.kind import Kinds
from antigravity_gw.pool.choosing import Strategy
from antigravity_gw.upstream.client import Patience
from antigravity_gw.web.admission import Limits
from antigravity_gw.wire.ask import Ask
from antigravity_gw.wire.verdict import Blame


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Three accounts, one host."""
    world = World(tmp_path)
    world.google.script = [WHOLE]
    return world


def failing(status: int, message: str = "no", **more: object) -> Reply:
    """A Google error."""
    error = {"code": status, "message": message, "status": "X", **more}
    return Reply(status, json.dumps({"error": error}).encode())


def asked(world: World) -> list[Call]:
    """The calls that asked a model something."""
    return [call for call in world.google.calls if "enerateContent" in call.method]


def needs(world: World) -> list[str | None]:
    """What each account waits for, according to the store."""
    return [
        next((h.need.value for h in known.holds.values() if h.need), None)
        for known in world.store.accounts()
    ]


def test_whole(world: World) -> None:
    """The client reads the response as upstream wrote it, out of its envelope."""
    client = world.generate()

    assert (client.status, client.json()) == (200, LAST)
    assert client.ended_well
    assert "content-type: application/json" in client.head


def test_envelope(world: World) -> None:
    """Six fields, with the client's own bytes in the last."""
    body = b' {"contents" : [], "temperature":1e400, "a":1, "a":2} '
    world.generate(body, model="fast-lane")
    call = world.google.calls[0]

    assert call.raw.endswith(b'"request":' + body + b"}")
    assert {k: v for k, v in call.envelope.items() if k != "request"} == {
        "project": "project-of-it",
        "requestId": "id-0",
        "model": "flash",
        "userAgent": "gw/test",
        "requestType": "agent",
    }


def test_image_models(world: World) -> None:
    """Image models are asked for with a request type of their own."""
    world.generate(model="some-image")

    assert world.google.calls[0].envelope["requestType"] == "image_gen"


def test_headers_upstream(world: World) -> None:
    """Nothing of the client's headers travels on, its credentials least of all."""
    world.post(
        "/v1beta/models/pro:generateContent?key=k1",
        HELLO,
        "Authorization: Bearer k2",
        "x-goog-api-key: k3",
        "x-api-key: k4",
        "x-goog-user-project: mine",
        "Cookie: a=b",
        "User-Agent: curl",
    )
    headers = world.google.calls[0].headers

    assert headers["authorization"] == ["Bearer token-of-a"]
    assert headers["user-agent"] == ["gw/test"]
    assert {
        "authorization",
        "content-type",
        "user-agent",
        "content-length",
        "host",
        "accept-encoding",
        "connection",
    } >= set(headers)


def test_cookies(world: World) -> None:
    """A cookie that is set for one account is sent with nobody's request."""
    cookie = {"set-cookie": "sid=of-a; Path=/"}
    world.google.script = [Reply(body=WHOLE.body, headers=cookie), WHOLE]
    world.generate()
    world.generate()
    world.store.change("a", disabled=1.0)
    world.take_up()
    world.generate()

    assert [call.account for call in world.google.calls] == ["a", "a", "b"]
    assert not [call for call in world.google.calls if "cookie" in call.headers]


def test_large_body(world: World) -> None:
    """A body of many pieces arrives whole."""
    world.site.admission.limits = Limits(body_bytes=10**6)
    body = json.dumps({"contents": [], "data": "y" * 500_000}).encode()
    world.generate(body)

    assert world.google.calls[0].raw.endswith(b'"request":' + body + b"}")


def test_an_answer_that_is_too_long(world: World) -> None:
    """Nobody else is asked, since it would be as long; and nobody is to blame."""
    long = json.dumps({"response": {**LAST, "x": "y" * 10_000}}).encode()
    world.google.script = [Reply(body=long)]
    client = world.generate()

    assert client.error() == (502, "UNAVAILABLE")
    assert "limits.answer_bytes" in client.json()["error"]["message"]
    assert len(world.google.calls) == 1
    assert not world.endpoints._avoided_until


def test_stream(world: World) -> None:
    """Each event leaves as one line of data, and the response ends well."""
    world.google.script = [STREAM]
    client = world.stream()

    sent = (json.dumps(response).encode() for response in (TEXT, LAST))
    assert b"".join(b"data: %b\n\n" % payload for payload in sent) == client.body
    assert client.ended_well
    assert "content-type: text/event-stream" in client.head
    assert "cache-control: no-cache" in client.head
    assert "x-accel-buffering: no" in client.head


def test_events_leave_one_by_one(world: World) -> None:
    """The first event is at the client before the second is made."""
    world.google.script = [Reply(body=event(TEXT), stays_open=True)]
    client = world.stream()
    first = client.body
    upstream = world.google.calls[0].request
    upstream.write(event(LAST))
    world.settle()

    assert b"Hi" in first
    assert client.body.startswith(first)
    assert client.body != first
    assert not client.ended_well
    upstream.finish()
    world.settle()
    assert client.ended_well


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("", "text/event-stream"),
        ("?alt=sse", "text/event-stream"),
        ("?%24alt=sse", "text/event-stream"),
        ("?alt=json", "application/json"),
        ("?$alt=json;enum-encoding=int", "application/json"),
        ("?%24alt=json%3Benum-encoding%3Dint", "application/json"),
    ],
)
def test_forms(world: World, query: str, kind: str) -> None:
    """Only the URL tells which form a stream has."""
    world.google.script = [STREAM]
    client = world.stream(query)

    assert f"content-type: {kind}" in client.head
    if kind == "application/json":
        assert client.json() == [TEXT, LAST]
        assert client.body.endswith(b"]")


def test_unknown_form(world: World) -> None:
    """A form that there is not is refused before anything is asked."""
    assert world.stream("?alt=media").error() == (400, "INVALID_ARGUMENT")
    assert world.google.calls == []


@pytest.mark.parametrize("real", REAL, ids=lambda real: real.name)
@pytest.mark.parametrize("streamed", [False, True])
def test_one_bad_account_is_not_noticed(
    world: World, real: Real, streamed: bool
) -> None:
    """Whatever happens to one account, another serves; but a bad request is told."""
    good = STREAM if streamed else WHOLE
    world.google.script = [Reply(real.status, real.body, headers=real.headers), good]
    client = world.stream() if streamed else world.generate()
    if real.blame is Blame.REQUEST or real.blame is Blame.MISSING:
        assert real.status == client.status
        assert "error" in client.json()
        assert len(world.google.calls) == 1
    else:
        assert client.status == 200
        assert len(asked(world)) == 2


@pytest.mark.parametrize(
    "broken",
    [
        Reply(body=b""),
        Reply(body=b"not json"),
        Reply(body=b'{"error":{"code":503}}'),
        Reply(body=b'data: {"error":{"code":503}}\r\n\r\n'),
        Reply(body=b'data: {"response":{}}\r\n\r\n'),
        Reply(302, headers={"location": "http://evil.example/"}),
        Reply(303, headers={"location": "http://evil.example/"}),
        Reply(308, headers={"location": "http://evil.example/"}),
        Reply(body=b'data: {"response":' + b"[" * 5000),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_a_200_that_is_no_answer(world: World, broken: Reply, streamed: bool) -> None:
    """An empty, broken or erroneous 200 is a failed attempt, and is retried."""
    world.google.script = [broken, STREAM if streamed else WHOLE]
    client = world.stream() if streamed else world.generate()

    assert (client.status, client.ended_well) == (200, True)
    assert len(world.google.calls) == 2
    assert "evil.example" not in {call.host for call in world.google.calls}


def test_three_calls_at_most(tmp_path: Path) -> None:
    """However many accounts and hosts there are."""
    world = World(
        tmp_path,
        accounts="abcdef",
        hosts=("http://one.example", "http://two.example", "http://three.example"),
    )
    world.google.script = [failing(503, "busy")]
    client = world.generate()

    assert client.error() == (503, "X")
    assert [call.host for call in world.google.calls] == [
        "one.example",
        "two.example",
        "three.example",
    ]
    assert len({call.account for call in world.google.calls}) == 3
    assert len({call.envelope["requestId"] for call in world.google.calls}) == 1


def test_a_failing_host_is_avoided_for_a_while(tmp_path: Path) -> None:
    """The next request asks the host that answered, the one after that the first."""
    world = World(tmp_path, hosts=("http://one.example", "http://two.example"))
    world.google.script = [failing(500), WHOLE]
    for _ in range(2):
        world.generate()
    world.clock.advance(31)
    world.generate()

    assert [call.host for call in world.google.calls] == [
        "one.example",
        "two.example",
        "two.example",
        "one.example",
    ]


def test_404_by_host(tmp_path: Path) -> None:
    """A model that one host does not know may be known to the next."""
    world = World(tmp_path, hosts=("http://one.example", "http://two.example"))
    world.google.script = [failing(404, "not found"), WHOLE]

    assert world.generate().status == 200
    assert [c.host for c in world.google.calls] == ["one.example", "two.example"]


def test_bad_request_is_passed_through(world: World) -> None:
    """Upstream's own words reach the client, but for the project's name."""
    world.google.script = [failing(400, "bad in project-of-it")]
    client = world.generate()

    assert client.error() == (400, "X")
    assert client.json()["error"]["message"] == "bad in REDACTED"
    assert len(world.google.calls) == 1


def test_quota(world: World) -> None:
    """An account without quota rests as long as it was told, for that model only."""
    retry = {"@type": "x/google.rpc.RetryInfo", "retryDelay": "90s"}
    world.google.script = [failing(429, details=[retry]), WHOLE]
    assert world.generate().status == 200
    for _ in range(4):
        world.generate(b'{"contents":[]}')
    assert "a" not in [call.account for call in world.google.calls[1:]]
    for _ in range(3):
        world.generate(b'{"contents":[]}', model="flash")
    assert "a" in [call.account for call in world.google.calls[-3:]]
    world.clock.advance(91)
    for _ in range(3):
        world.generate(b'{"contents":[]}')

    assert "a" in [call.account for call in world.google.calls[-3:]]


def test_all_out_of_quota(world: World) -> None:
    """The client is told when the first account is back, twice over."""
    delays = iter((30, 20, 40))
    world.google.script = [
        lambda _: failing(
            429,
            details=[
                {"@type": "x/google.rpc.RetryInfo", "retryDelay": f"{next(delays)}s"}
            ],
        )
    ]
    client = world.generate()
    again = world.generate()

    for each in (client, again):
        assert each.error() == (429, "RESOURCE_EXHAUSTED")
        assert "retry-after: 20" in each.head
        assert each.json()["error"]["details"][0]["retryDelay"] == "20s"
    assert len(world.google.calls) == 3


def test_more_accounts_than_calls(tmp_path: Path) -> None:
    """When the calls are used up but not the accounts, clients may retry at once."""
    world = World(tmp_path, accounts="abcd")
    world.google.script = [failing(429)]
    client = world.generate()

    assert client.error() == (429, "RESOURCE_EXHAUSTED")
    assert "retry-after: 1\r" in client.head + "\r"


def test_forbidden(world: World) -> None:
    """An account that is forbidden the call is left alone; nobody is told why."""
    link = "https://accounts.google.com/signin/continue?secret"
    world.google.script = [failing(403, f"Verify: {link}")]
    client = world.generate()

    assert client.error() == (400, "FAILED_PRECONDITION")
    assert b"accounts.google.com" not in client.received()
    assert [call.account for call in world.google.calls] == ["a", "b", "c"]


def test_mended(world: World) -> None:
    """A refused account is tried again after a while, and is well when it serves."""
    world.google.script = [failing(403), failing(403), failing(403), WHOLE]
    for _ in range(2):
        assert world.generate().error() == (400, "FAILED_PRECONDITION")
    assert needs(world) == ["not entitled"] * 3
    world.clock.advance(301)

    assert world.generate().status == 200
    assert needs(world) == [None, "not entitled", "not entitled"]


def test_suspended(world: World) -> None:
    """A suspended account is never called again, not even after a restart."""
    world.google.script = [failing(403, "... for violation of Terms of Service.")]
    for _ in range(2):
        assert world.generate().error() == (400, "FAILED_PRECONDITION")
        world.clock.advance(10**6)

    assert len(world.google.calls) == 3
    assert needs(world) == ["suspended"] * 3


def test_refused_token_is_renewed_once(world: World) -> None:
    """A 401 costs one renewal, and the same account asks again."""
    world.google.script = [failing(401), WHOLE]

    assert world.generate().status == 200
    assert [call.account for call in world.google.calls] == ["a", "a"]
    assert len(world.token_calls) == 2


def test_token_refused_twice(world: World) -> None:
    """A new token that is refused as well sends the request to somebody else."""
    world.google.script = [failing(401), failing(401), WHOLE]

    assert world.generate().status == 200
    assert [call.account for call in world.google.calls] == ["a", "a", "b"]


def test_no_quota_and_revoked(world: World) -> None:
    """First out of quota, second's login revoked: the third serves, in three calls."""
    world.google.script = [failing(429), failing(401), WHOLE]
    assert world.generate().status == 200
    assert [call.account for call in world.google.calls] == ["a", "b", "c"]
    world.token_reply = lambda _: (400, b'{"error":"invalid_grant"}')
    for _ in range(2):
        assert world.generate(b"{}").status == 200

    assert [call.account for call in world.google.calls[3:]] == ["c", "c"]
    assert needs(world) == [None, "needs login", None]


def test_a_conversation_stays(tmp_path: Path) -> None:
    """Its turns go to one account, and conversations are spread over all."""
    world = World(tmp_path, strategy=Strategy.SPREAD)
    world.google.script = [WHOLE]
    first = b'{"contents":[{"parts":[{"text":"%d"}]}]}'
    more = b'{"contents":[{"role":"user","parts":{"text":"%d"}},{"role":"model"}]}'
    numbers = range(30)
    for number in numbers:
        world.generate(first % number)
    for number in reversed(numbers):
        world.generate(more % number)
    served = [call.account for call in world.google.calls]

    assert served[:30] == served[:29:-1]
    assert min(served.count(account) for account in "abc") >= 10


def test_a_conversation_comes_back(world: World) -> None:
    """It moves only while its account rests."""
    world.google.script = [WHOLE, failing(429), WHOLE]
    for _ in range(2):
        world.generate()
    world.clock.advance(61)
    world.generate()

    assert list("aaba") == [call.account for call in world.google.calls]


def test_cut_in_the_middle(world: World) -> None:
    """The client reads why, and can tell that the answer is not whole."""
    world.google.script = [Reply(body=event(TEXT), stays_open=True), STREAM]
    client = world.stream()
    world.google.calls[0].request.loseConnection()
    world.settle()

    assert client.body.startswith(b"data: {")
    assert b'\n\ndata: {"error":{"code":502,' in client.body
    assert not client.ended_well
    assert client.is_closed()
    assert len(world.google.calls) == 1


def test_error_in_the_middle(world: World) -> None:
    """Upstream's error is handed on, on one line, and the connection is cut."""
    error = b'{"code":503,"message":"busy: project-of-it","status":"UNAVAILABLE"}'
    bad = b'data: {"error":\r\ndata:%b}\r\n\r\n' % error
    world.google.script = [Reply(body=event(TEXT), stays_open=True), STREAM]
    client = world.stream()
    world.google.calls[0].request.write(bad)
    world.settle()

    assert client.body.endswith(
        b'data: {"error":{"code":503,"message":"busy: REDACTED",'
        b'"status":"UNAVAILABLE"}}\n\n'
    )
    assert not client.ended_well


@pytest.mark.parametrize(
    ("code", "state"), [(429, None), (403, "not entitled"), (401, None)]
)
def test_trouble_of_an_account_in_the_middle(
    world: World, code: int, state: str | None
) -> None:
    """It is not the client's affair, but it is remembered."""
    link = "https://accounts.google.com/signin/continue?secret"
    bad = {"error": {"code": code, "message": link}}
    world.google.script = [Reply(body=event(TEXT), stays_open=True), STREAM]
    client = world.stream()
    world.google.calls[0].request.write(b"data: %b\n\n" % json.dumps(bad).encode())
    world.settle()

    assert client.body.rpartition(b"data: ")[2].startswith(b'{"error":{"code":502')
    assert b"accounts.google.com" not in client.received()
    assert needs(world)[0] == state
    world.stream()
    assert [call.account for call in world.google.calls[1:]] == [
        "a" if code == 401 else "b"
    ]


@pytest.mark.parametrize("error", [b'"boom"', b"5", b"{}", b'{"code":200}'])
@pytest.mark.parametrize("begun", [b"", event(TEXT)])
def test_errors_that_say_little(world: World, error: bytes, begun: bytes) -> None:
    """Whatever stands where an error should, the client reads one of Google's shape."""
    world.google.script = [Reply(body=begun, stays_open=True)]
    client = world.stream()
    for _ in range(3):
        call = world.google.calls[-1].request
        call.write(b'data: {"error":%b}\n\n' % error)
        world.settle()
    told = json.loads(client.body.rpartition(b"data: ")[2])["error"]

    assert {"code", "message", "status"} <= set(told)
    assert client.status in (200, told["code"])


def test_incomplete_errors_are_completed(world: World) -> None:
    """What upstream leaves out of an error, clients still find in it."""
    world.google.script = [Reply(418, b'{"error":{"foo":1,"code":200}}')]

    assert world.generate().json()["error"] == {
        "foo": 1,
        "code": 418,
        "message": "upstream answered 418",
        "status": "UNKNOWN",
    }


@pytest.mark.parametrize("body", [b"<html>", b"x" * 300_000, b'{"error":"no"}'])
def test_refusals_without_words(world: World, body: bytes) -> None:
    """A 4xx is told at once, as what it is, whatever its body."""
    world.google.script = [Reply(413, body)]

    assert world.generate().error() == (413, "UNKNOWN")
    assert len(world.google.calls) == 1


def test_absurd_delays(world: World) -> None:
    """A date beyond all dates is no reason to fail."""
    date = "Mon, 1 Jan 2020 99999999999999999999:0:0 GMT"
    world.google.script = [Reply(500, headers={"retry-after": date}), WHOLE]

    assert world.generate().status == 200


def test_a_stream_under_way_proves_nothing(world: World) -> None:
    """An account that was suspended meanwhile is not taken back for it."""
    world.google.script = [
        Reply(body=event(TEXT), stays_open=True),
        failing(403, "violation of Terms of Service"),
        WHOLE,
    ]
    world.stream()
    world.generate()
    world.google.calls[0].request.write(event(LAST))
    world.google.calls[0].request.finish()
    world.settle()

    assert needs(world)[0] == "suspended"


def test_a_disk_that_fails(world: World, logged: list[dict[str, Any]]) -> None:
    """What cannot be stored is remembered while the daemon runs."""
    world.token_reply = lambda account: (
        200,
        json.dumps(
            {
                "access_token": f"token-of-{account}",
                "refresh_token": f"refresh-of-{account}2",
            }
        ).encode(),
    )
    world.store.path.rename(world.store.path.with_suffix(".away"))
    client = world.generate()

    assert client.status == 200
    assert "kept in memory for now" in str(logged)


@pytest.mark.parametrize("odd", [Reply(body=b"[" * 9000), failing(404), failing(500)])
def test_odd_answers_about_the_project(tmp_path: Path, odd: Reply) -> None:
    """An answer that says nothing costs one call, and the account a few seconds."""
    world = World(tmp_path, accounts="")
    world.add("a", project=None)
    world.google.script = [odd]

    assert world.generate().error() == (502, "UNAVAILABLE")
    assert world.generate().error() == (429, "RESOURCE_EXHAUSTED")
    assert [call.method for call in world.google.calls] == ["loadCodeAssist"]


def test_a_lookup_that_is_told_to_wait(tmp_path: Path) -> None:
    """It waits as long as it is told; the client is told to, as well."""
    world = World(tmp_path, accounts="")
    world.add("a", project=None)
    world.google.script = [failing(429, "Please retry in 90s.")]
    assert world.generate().error() == (429, "RESOURCE_EXHAUSTED")
    world.clock.advance(30)
    client = world.generate()

    assert client.error() == (429, "RESOURCE_EXHAUSTED")
    assert "retry-after: 60\r" in client.head + "\r"
    assert len(world.google.calls) == 1


def test_a_token_that_a_lookup_refuses(tmp_path: Path) -> None:
    """It is renewed, and the lookup made again for the same request."""
    world = World(tmp_path, accounts="")
    world.add("a", project=None)
    found = Reply(body=b'{"cloudaicompanionProject":"found"}')
    world.google.script = [failing(401), found, WHOLE]

    assert world.generate().status == 200
    assert len(world.token_calls) == 2


def test_projects_are_asked_for_at_the_next_host(tmp_path: Path) -> None:
    """A host that is down does not keep an account from serving."""
    world = World(
        tmp_path, accounts="", hosts=("http://one.example", "http://two.example")
    )
    world.add("a", project=None)
    found = Reply(body=b'{"cloudaicompanionProject":"found"}')
    world.google.script = [failing(500), found, WHOLE]

    assert world.generate().status == 200
    assert [call.host for call in world.google.calls] == [
        "one.example",
        "two.example",
        "two.example",
    ]


def test_lookups_are_bounded(tmp_path: Path) -> None:
    """When all is down, a request does not go round all accounts and hosts."""
    world = World(
        tmp_path, accounts="", hosts=("http://one.example", "http://two.example")
    )
    for name in "abcde":
        world.add(name, project=None)
    world.google.script = [failing(500)]

    assert world.generate().error() == (502, "UNAVAILABLE")
    assert [call.account for call in world.google.calls] == list("aabbcc")


def test_time_for_lookups(tmp_path: Path) -> None:
    """What comes before the call is within the deadline of the request too."""
    world = World(tmp_path, accounts="")
    upstream = evolve(world.upstream, patience=Patience(token=1e4, lookup=1e4))
    kind = evolve(world.kind, means=evolve(world.kind.means, upstream=upstream))
    world.kinds.go_by(Kinds({kind.name: kind}))
    world.add("a", project=None)
    world.google.script = [Reply(stays_open=True)]
    client = world.generate()
    world.clock.advance(601)
    world.settle()

    assert client.error() == (504, "DEADLINE_EXCEEDED")


def test_end_without_finish_reason(world: World) -> None:
    """An answer that just stops is not passed off as whole."""
    world.google.script = [Reply(body=event(TEXT))]
    client = world.stream()

    assert b"finishReason" in client.body
    assert client.body.rpartition(b"data: ")[2].startswith(b'{"error":')
    assert not client.ended_well


def test_error_in_the_middle_of_an_array(world: World) -> None:
    """An array that broke off has the error as its last element, and no end."""
    world.google.script = [Reply(body=event(TEXT))]
    client = world.stream("?alt=json")

    assert client.body.startswith(b"[{")
    assert b',\r\n{"error":{"code":502' in client.body
    assert not client.body.endswith(b"]")
    assert not client.ended_well


def test_retried_array_begins_once(world: World) -> None:
    """A first attempt that came to nothing leaves no trace in the array."""
    silent = event({"usageMetadata": {}})
    world.google.script = [Reply(body=silent), STREAM]

    assert world.stream("?alt=json").json() == [TEXT, LAST]


def test_silence_in_the_middle(world: World) -> None:
    """An upstream that stops talking is given up, and the client told."""
    world.google.script = [Reply(body=event(TEXT), stays_open=True)]
    client = world.stream()
    world.clock.advance(299)
    assert b"error" not in client.body
    world.clock.advance(2)
    world.settle()

    assert b'"code":504' in client.body
    assert len(world.google.gone) == 1


def test_no_first_event(world: World) -> None:
    """A stream that never begins is given up in time, and asked for elsewhere."""
    world.google.script = [Reply(body=b": \n", stays_open=True), STREAM]
    client = world.stream()
    world.clock.advance(121)
    world.settle()

    assert (client.status, client.ended_well) == (200, True)
    assert len(world.google.gone) == 1


def test_no_time_left(world: World) -> None:
    """All attempts together have a deadline."""
    world.google.script = [Reply(body=b"", stays_open=True)]
    client = world.generate()
    for _ in range(3):
        world.clock.advance(601)
        world.settle()

    assert client.error() == (504, "DEADLINE_EXCEEDED")
    assert len(world.google.calls) == 1


@pytest.mark.parametrize("said", [b": \n", event(TEXT)])
def test_client_leaves(world: World, said: bytes) -> None:
    """A client that leaves ends the call upstream, and no other is made."""
    world.google.script = [Reply(body=said, stays_open=True), STREAM]
    client = world.stream()
    client.leave()

    assert 1 == len(world.google.gone) == len(world.google.calls)
    assert [c for c in world.clock.getDelayedCalls() if c.getTime() > 1e6 + 2] == []


def test_client_leaves_before_the_headers(world: World) -> None:
    """That a cancelled call looks like a broken one does not matter."""
    asked: list[Any] = []
    gone: list[object] = []

    def silent(request: Any) -> int:
        asked.append(request)
        request.notifyFinish().addErrback(gone.append)
        return NOT_DONE_YET

    world.google.render = silent  # type: ignore[method-assign,assignment]
    client = world.stream()
    client.leave()

    assert (len(asked), len(gone)) == (1, 1)


def test_project_is_discovered_once(tmp_path: Path) -> None:
    """An account without a project asks for it, and remembers."""
    world = World(tmp_path, accounts="")
    world.add("a", project=None)
    world.google.script = [
        Reply(body=b'{"cloudaicompanionProject":{"id":"found"}}'),
        WHOLE,
    ]
    for _ in range(2):
        assert world.generate().status == 200

    assert [call.method for call in world.google.calls] == [
        "loadCodeAssist",
        "generateContent",
        "generateContent",
    ]
    assert world.google.calls[1].envelope["project"] == "found"
    assert world.google.calls[0].envelope["metadata"] == {
        "ideType": "IDE_UNSPECIFIED",
        "platform": "PLATFORM_UNSPECIFIED",
        "pluginType": "PLUGIN_UNSPECIFIED",
    }


def test_no_project(tmp_path: Path) -> None:
    """Where Google names none, none is invented."""
    world = World(tmp_path, accounts="")
    world.add("a", project=None)
    world.google.script = [Reply(body=b"{}")]

    assert world.generate().error() == (400, "FAILED_PRECONDITION")
    assert [call.method for call in world.google.calls] == ["loadCodeAssist"]


def test_lasting_conditions(tmp_path: Path) -> None:
    """What only the operator can mend is not retried by clients."""
    world = World(tmp_path, accounts="")
    world.google.script = [WHOLE]
    assert world.generate().error() == (400, "FAILED_PRECONDITION")
    world.add("a")
    world.token_reply = lambda _: (400, b'{"error":"invalid_grant"}')

    assert world.generate().error() == (400, "FAILED_PRECONDITION")
    assert "1 needs login" in world.generate().json()["error"]["message"]
    assert len(world.token_calls) == 1


def test_token_endpoint_down(world: World) -> None:
    """A token endpoint that fails is nobody's fault, and is asked again soon."""
    world.token_reply = lambda _: (503, b"<html>")
    assert world.generate().error() == (502, "UNAVAILABLE")
    assert len(world.token_calls) == 3
    world.clock.advance(6)
    world.token_reply = lambda _: (200, b'{"access_token":"token-of-a"}')

    assert world.generate().status == 200


def test_rotated_refresh_token(world: World) -> None:
    """A refresh token that replaces another is stored before it is needed."""
    world.token_reply = lambda account: (
        200,
        json.dumps(
            {
                "access_token": f"token-of-{account}",
                "expires_in": 100,
                "refresh_token": f"refresh-of-{account}2",
            }
        ).encode(),
    )
    world.generate()
    world.take_up()
    world.generate()
    assert world.store.accounts()[0].record.credential == "refresh-of-a2"
    assert len(world.token_calls) == 1
    world.clock.advance(50)
    world.generate()

    assert b"refresh-of-a2" in world.token_calls[1]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=400, body=b'{"error":{"code":400,"message":"no","status":"X"}}'),
        Reply(status=503),
        Reply(body=b"data: {\n\n"),
        Reply(body=event(TEXT)),
        STREAM,
    ],
    ids=["refused", "failing", "malformed", "broken", "served"],
)
@pytest.mark.parametrize("is_stream", [True, False])
def test_a_body_is_let_go(world: World, reply: Reply, is_stream: bool) -> None:
    """With the request, not with the next collection, however it ends."""
    world.google.script = [reply]
    gc.collect()
    gc.disable()
    try:
        (world.stream() if is_stream else world.generate()).leave()
        left = [each for each in gc.get_objects() if isinstance(each, Ask)]
    finally:
        gc.enable()

    assert left == []


# What the log tells of it


def debugged(folder: Path, *script: Reply) -> tuple[World, list[str]]:
    """A world whose gateway tells of its calls, and what it has told of a request."""
    world = World(
        folder, hosts=("http://one.example", "http://two.example"), tells=True
    )
    world.google.script = [*script]
    with capturedLogs() as events:
        world.generate()
    mine = [e for e in events if e["log_namespace"].endswith(".Gateway")]
    assert {e["log_level"].name for e in mine} == {"debug"}
    return world, [formatEvent(e) for e in mine]


def test_calls_that_are_told_of(tmp_path: Path) -> None:
    """Of each call: whom, for what, under which account, and what came of it."""
    failing = Reply(503, b'{"error":{"code":503,"status":"UNAVAILABLE"}}')
    world, told = debugged(tmp_path, failing, WHOLE)
    end = "model=pro kind=code_assist account={} after_seconds=0.0"

    assert world.ended[0].attempts == 2
    assert told == [
        f"call 1: http://one.example is asked {end.format('a')} id=request-0",
        f"call 1: http://one.example fails {end.format('a')} blame=endpoint "
        f"delay_seconds=None trouble={world.ended[0].trouble} id=request-0",
        "http://one.example comes last for 30 s (every model): "
        f"{world.ended[0].trouble}",
        f"call 2: http://two.example is asked {end.format('b')} id=request-0",
        f"call 2: http://two.example answers {end.format('b')} id=request-0",
    ]


def test_calls_that_are_not_told_of(tmp_path: Path) -> None:
    """Unless somebody wants to know, a call that goes well costs the log nothing."""
    world = World(tmp_path)
    world.google.script = [WHOLE]
    with capturedLogs() as events:
        world.generate()

    assert "antigravity_gw.gateway.Gateway" not in {e["log_namespace"] for e in events}
