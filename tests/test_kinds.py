"""Tests for ``antigravity_gw.kinds``: each kind of account, behind the gateway."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from attrs import define, evolve, field
from bodies import Real
from bodies_public import BUSY, FOREIGN, REAL_PUBLIC, REAL_VERTEX, error
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from twisted.web.client import Agent
from world import (
    LAST,
    TEXT,
    TOKEN_URL,
    Call,
    Client,
    Reply,
    World,
    event,
    make_means,
    make_upstream,
)

from antigravity_gw.catalog import Catalog, Model
from antigravity_gw.config import Config
from antigravity_gw.kinds.gemini_api_key import GeminiApiKey
from antigravity_gw.kinds.vertex import Vertex
from antigravity_gw.needs import Need
from antigravity_gw.record import Record
from antigravity_gw.upstream.credentials import Exchange
from antigravity_gw.upstream.endpoints import Endpoints
from antigravity_gw.wire.verdict import Blame

ASSIST = "http://assist.example"
KEY = "http://key.example"
VERTEX = "http://{location}.vertex.example"
ODD = b' {"contents" : [], "temperature":1e400, "a":1, "a":2} '
SPENT = Reply(429, error(429, "Resource has been exhausted (e.g. check quota)."))
LOST = Reply(404, error(404, "models/pro is not found"))


@define
class Granted:
    """A token, as a transport of Google's library returns it."""

    data: bytes
    status: int = 200


@define
class TokenEndpoint:
    """Grants tokens to the users whose refresh tokens are shown."""

    calls: list[str] = field(factory=list)

    def __call__(self, body: bytes, **_: Any) -> Granted:
        """Grant one; each is another, and says whose it is."""
        name = parse_qs(body.decode())["refresh_token"][0].rpartition("-of-")[2]
        self.calls.append(name)
        token = f"token-{len(self.calls)}-of-{name}"
        return Granted(json.dumps({"access_token": token, "expires_in": 3599}).encode())


def credentials(name: str, **more: str) -> str:
    """What lets an account of Vertex AI in."""
    told = {
        "type": "authorized_user",
        "client_id": "client-of-it",
        "client_secret": "hush-secret",
        "refresh_token": f"refresh-of-{name}",
    }
    return json.dumps({**told, **more})


@pytest.fixture
def tokens() -> TokenEndpoint:
    """What grants tokens to accounts of Vertex AI."""
    return TokenEndpoint()


def make_world(folder: Path, tokens: TokenEndpoint, **settings: Any) -> World:
    """A world with all kinds of account, and no account yet."""
    world = World(
        folder,
        accounts="",
        **{
            "hosts": (ASSIST,),
            "kinds": {GeminiApiKey: (KEY,), Vertex: (VERTEX,)},
            "exchange": Exchange(TOKEN_URL, 15.0, tokens),
            **settings,
        },
    )
    world.google.script = [fine]
    return world


@pytest.fixture
def world(tmp_path: Path, tokens: TokenEndpoint) -> World:
    """That, with an account of each kind: a, k and v, which are asked in this order."""
    world = make_world(tmp_path, tokens)
    world.add("a")
    add_key(world, "k")
    add_vertex(world, "v")
    return world


def add_key(world: World, name: str) -> None:
    """Add an API key."""
    world.add(name, kind=GeminiApiKey.name, credential=f"AIza-key-of-{name}")


def add_vertex(world: World, name: str, **more: str) -> None:
    """Add a project with Vertex AI."""
    settings = {"credential": credentials(name), "project": "my-project", **more}
    world.add(name, kind=Vertex.name, **settings)


def only(world: World, name: str) -> World:
    """*world*, of whose accounts only that one is used."""
    for account in world.pool.accounts:
        if account.id != name:
            world.store.change(account.id, disabled=1.0)
    world.take_up()
    return world


def fine(call: Call) -> Reply:
    """A good answer in the form of the account that asks."""
    is_wrapped = call.host == "assist.example"
    if "stream" not in call.method:
        return Reply(body=plain({"response": LAST} if is_wrapped else LAST))
    if is_wrapped:
        return Reply(body=event(TEXT) + event(LAST))
    return Reply(body=b"".join(b"data: %b\r\n\r\n" % plain(e) for e in (TEXT, LAST)))


def plain(response: object) -> bytes:
    """A response as it comes where nothing is wrapped around it."""
    return json.dumps(response).encode()


def asked(world: World) -> list[str]:
    """Whose accounts were asked, in order."""
    return [call.account for call in world.google.calls]


# What goes out


CREDENTIALS = ("authorization", "x-goog-api-key", "x-api-key", "cookie")
THE_CLIENTS = (
    "Authorization: Bearer k2",
    "x-goog-api-key: k3",
    "x-api-key: k4",
    "x-goog-user-project: mine",
    "Cookie: a=b",
    "User-Agent: curl",
)


def sent(world: World, name: str, action: str) -> Call:
    """What one account sends for a client that shows all that it has."""
    path = f"/v1beta/models/fast-lane:{action}?key=k1&alt=sse"
    assert only(world, name).post(path, ODD, *THE_CLIENTS).status == 200
    return world.google.calls[0]


@pytest.mark.parametrize("action", ["generateContent", "streamGenerateContent"])
@pytest.mark.parametrize(
    ("name", "host", "path", "shown"),
    [
        (
            "k",
            "key.example",
            "/v1beta/models/flash:",
            ("x-goog-api-key", "AIza-key-of-k"),
        ),
        (
            "v",
            "global.vertex.example",
            "/v1/projects/my-project/locations/global/publishers/google/models/flash:",
            ("authorization", "Bearer token-1-of-v"),
        ),
    ],
)
def test_requests(
    world: World, name: str, host: str, path: str, shown: tuple[str, str], action: str
) -> None:
    """The client's bytes and nothing around them; the account's one credential."""
    call = sent(world, name, action)
    query = "?alt=sse" if action == "streamGenerateContent" else ""

    assert call.host == host
    assert call.request.uri.decode() == f"{path}{action}{query}"
    assert call.raw == ODD
    assert {k: v for k, v in call.headers.items() if k in CREDENTIALS} == {
        shown[0]: [shown[1]]
    }
    assert {
        *(shown[0], "content-type", "user-agent", "content-length"),
        *("host", "accept-encoding", "connection"),
    } >= set(call.headers)
    assert call.headers["user-agent"] == ["gw/test"]
    assert call.headers["content-type"] == ["application/json"]


def test_who_is_charged(tmp_path: Path, tokens: TokenEndpoint) -> None:
    """Where credentials name a quota project, Google is told; the client's is not."""
    world = make_world(tmp_path, tokens)
    add_vertex(world, "v", credential=credentials("v", quota_project_id="payer-it-is"))
    call = sent(world, "v", "generateContent")

    assert call.headers["x-goog-user-project"] == ["payer-it-is"]


def test_location(tmp_path: Path, tokens: TokenEndpoint) -> None:
    """The account's is in the host and in the path."""
    world = make_world(tmp_path, tokens)
    add_vertex(world, "v", location="europe-west4")
    call = sent(world, "v", "generateContent")

    assert call.host == "europe-west4.vertex.example"
    assert b"/locations/europe-west4/publishers/" in call.request.uri


def hosts(location: str | None, *templates: str) -> list[str]:
    """Where an account of that location is asked."""
    upstream = make_upstream(Agent(MemoryReactorClock()), Clock())
    kind = Vertex(make_means(upstream, Endpoints(30.0), templates))
    return list(kind.hosts(Record("v", "v", "{}", location=location)))


@pytest.mark.parametrize(
    ("location", "host"),
    [
        (None, "aiplatform.googleapis.com"),
        ("", "aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
        ("us-central1", "us-central1-aiplatform.googleapis.com"),
        ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
    ],
)
def test_googles_hosts(location: str | None, host: str) -> None:
    """Their names have three forms, which the default knows."""
    default = Config().upstream.vertex.endpoints

    assert hosts(location, *default) == [f"https://{host}"]


@given(
    st.from_regex(r"[a-z]{2,9}(-[a-z]{4,9}[1-9])?", fullmatch=True),
    st.sampled_from(
        [
            "http://127.0.0.1:8046",
            "https://aiplatform.example/{location}",
            "https://{location}.internal.example",
            "https://{location}-aiplatform-mine.p.googleapis.com",
        ]
    ),
)
def test_hosts_of_an_operators_own(location: str, template: str) -> None:
    """There the location stands where its place is, and in no other form."""
    assert hosts(location, template) == [template.format(location=location)]


# What comes back


@pytest.mark.parametrize("name", ["k", "v"])
def test_answers(world: World, name: str) -> None:
    """An answer is handed on byte for byte."""
    body = b' {"candidates" : [{"content":{"parts":[{"text":"\\u0061"}]}}], "x":1e9 }\n'
    world.google.script = [Reply(body=body)]
    client = only(world, name).generate()

    assert (client.status, client.body, client.ended_well) == (200, body, True)


@pytest.mark.parametrize("name", ["k", "v"])
@pytest.mark.parametrize("mark", [b"", b"data: [DONE]\r\n\r\n"])
def test_streams(world: World, name: str, mark: bytes) -> None:
    """Each event is, too; the mark of an end only where there is one."""
    events = b"".join(b"data: %b\r\n\r\n" % plain(e) for e in (TEXT, LAST))
    world.google.script = [Reply(body=events + mark)]
    client = only(world, name).stream()

    assert client.body == (events + mark).replace(b"\r\n", b"\n")
    assert client.ended_well


@pytest.mark.parametrize("name", ["k", "v"])
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    "body", [error(503, BUSY), b"[%b]" % error(429, BUSY), b"{}", b"", b"<html>"]
)
def test_a_200_that_is_no_answer(
    world: World, name: str, streamed: bool, body: bytes
) -> None:
    """An error in its place is one, and somebody else is asked."""
    world.store.change("a", disabled=1.0)
    world.store.change(name, priority=-1)
    world.take_up()
    framed = b"data: " + body + b"\r\n\r\n" if streamed and body else body
    world.google.script = [Reply(body=framed), fine]
    client = world.stream() if streamed else world.generate()

    assert (client.status, client.ended_well) == (200, True)
    assert asked(world)[0] == name
    assert len(asked(world)) == 2


def broken_off(world: World, last: bytes) -> Client:
    """A client that was sent an event, before these were Google's last words."""
    first = b"data: " + plain(TEXT) + b"\r\n\r\n"
    world.google.script = [Reply(body=first, stays_open=True)]
    client = world.stream()
    upstream = world.google.calls[-1].request
    upstream.write(last + b"\r\n\r\n")
    upstream.finish()
    world.settle()
    return client


@pytest.mark.parametrize("name", ["k", "v"])
@pytest.mark.parametrize("is_event", [True, False])
def test_streams_that_break_off(world: World, name: str, is_event: bool) -> None:
    """What Google says in the middle is the last event, and the connection is cut."""
    told = json.loads(error(503, BUSY))
    last = json.dumps(told, indent=None if is_event else 2).encode()
    client = broken_off(only(world, name), b"data: " + last if is_event else last)
    events = [json.loads(each[6:]) for each in client.body.split(b"\n\n") if each]

    assert events == [TEXT, told]
    assert not client.ended_well


@pytest.mark.parametrize("name", ["k", "v"])
def test_quota_runs_out_in_the_middle(world: World, name: str) -> None:
    """That is the account's affair: the client learns no more than it must."""
    client = broken_off(only(world, name), b"data: " + SPENT.body)

    assert b"refused to go on" in client.body
    assert b"exhausted" not in client.body
    assert not client.ended_well
    assert world.account(name).holds.in_force("pro", world.clock.seconds())


# Several kinds in one pool


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("out", [*"akv", *("ak", "av", "kv")])
def test_out_of_quota_is_not_noticed(world: World, out: str, streamed: bool) -> None:
    """As long as an account of some kind has quota left, clients are served."""

    def answer(call: Call) -> Reply:
        return SPENT if call.account in out else fine(call)

    world.google.script = [answer]
    clients = [world.stream() if streamed else world.generate() for _ in range(3)]

    assert {(client.status, client.ended_well) for client in clients} == {(200, True)}
    assert len({client.body for client in clients}) == 1
    assert [asked(world).count(name) for name in out] == [
        1 if name < min(set("akv") - set(out)) else 0 for name in out
    ]


def test_a_day_without_quota(world: World) -> None:
    """Google asks for less than a minute then; it is asked ever more rarely."""
    day = next(real for real in REAL_PUBLIC if real.name == "public: requests per day")
    world.google.script = [Reply(day.status, day.body)]
    only(world, "k")
    asked_at = []
    for second in range(0, 500, 10):
        before = len(asked(world))
        assert world.generate().error() == (429, "RESOURCE_EXHAUSTED")
        asked_at += [second] * (len(asked(world)) - before)
        world.clock.advance(10)

    assert asked_at == [0, 60, 180, 420]


def test_the_same_words_from_each(world: World) -> None:
    """A client cannot tell by an answer which kind of account has given it."""
    bodies = set()
    for name in "akv":
        for other in "akv":
            world.store.change(other, disabled=None if other == name else 1.0)
        world.take_up()
        bodies.add((world.generate().body, world.stream().body))

    assert len(bodies) == 1
    assert set(asked(world)) == set("akv")


def test_a_model_that_one_kind_does_not_know(world: World) -> None:
    """The other kinds are asked, and no host twice, however many accounts it has."""
    add_key(world, "l")
    add_vertex(world, "w")
    world.google.script = [LOST]
    client = world.generate()

    assert client.status == 404
    assert [call.host for call in world.google.calls] == [
        "assist.example",
        "key.example",
        "global.vertex.example",
    ]


def test_it_is_found_with_another_kind(world: World) -> None:
    """It need not be the first that is asked."""

    def answer(call: Call) -> Reply:
        return fine(call) if call.account == "v" else LOST

    world.google.script = [answer]

    assert world.generate().status == 200
    assert asked(world) == ["a", "k", "v"]


def test_a_role_that_only_some_apis_want(world: World) -> None:
    """A client that leaves it out is served by one that does not mind, if there is."""
    role = error(400, "Please use a valid role: user, model.")

    def answer(call: Call) -> Reply:
        return fine(call) if call.account == "k" else Reply(400, role)

    world.google.script = [answer]
    assert [world.generate().status for _ in range(9)] == [200] * 9
    only(world, "v")
    client = world.generate()

    assert client.error() == (400, "INVALID_ARGUMENT")
    assert "valid role" in client.json()["error"]["message"]
    assert world.account("v").holds.by_model == {}


ROLE = Reply(400, error(400, "Please use a valid role: user, model."))


@pytest.mark.parametrize("refusal", [LOST, ROLE, Reply(503), Reply(200, b"{}")])
def test_an_api_that_fails_everywhere(
    tmp_path: Path, tokens: TokenEndpoint, refusal: Reply
) -> None:
    """However many hosts and accounts it has, the next call goes to another kind."""
    hosts = (ASSIST, "http://assist-2.example", "http://assist-3.example")
    world = make_world(tmp_path, tokens, hosts=hosts)
    for name in "abc":
        world.add(name)
    add_key(world, "k")
    world.google.script = [lambda call: fine(call) if call.account == "k" else refusal]

    assert [world.generate().status for _ in range(5)] == [200] * 5
    assert world.account("k").holds.by_model == {}


def test_credentials_of_one_kind_that_cannot_be_exchanged(tmp_path: Path) -> None:
    """Its accounts are not prepared one after the other while another kind is well."""

    def broken(body: bytes, **_: Any) -> Any:
        raise OSError

    world = make_world(
        tmp_path,
        TokenEndpoint(),
        exchange=Exchange(TOKEN_URL, 15.0, broken),
    )
    for name in ("v1", "v2", "v3", "v4", "v5"):
        add_vertex(world, name)
    add_key(world, "k")
    statuses = []
    for _ in range(12):
        statuses.append(world.generate().status)
        world.clock.advance(5)

    assert statuses == [200] * 12


def test_no_oauth_client(tmp_path: Path, tokens: TokenEndpoint) -> None:
    """That is the affair of accounts which need one, and of no others."""
    world = make_world(tmp_path, tokens)
    world.kind.has_client(None)
    world.add("a")
    add_key(world, "k")
    add_vertex(world, "v")

    assert [world.generate().status for _ in range(4)] == [200] * 4
    assert world.account("a").waits_for("pro", world.pool.now()) == Need.CLIENT.value
    assert world.account("k").holds.by_model == {}


def test_a_name_that_is_given_to_another_kind(
    tmp_path: Path, tokens: TokenEndpoint
) -> None:
    """A token that was waited for meanwhile goes nowhere."""
    world = make_world(tmp_path, tokens)
    add_vertex(world, "v")
    exchanging: list[tuple[Deferred[Any], Any]] = []

    def in_thread(job: Any) -> Deferred[Any]:
        exchanging.append((Deferred(), job))
        return exchanging[-1][0]

    kind = world.kinds.of(world.account("v").record)
    kind.means = evolve(kind.means, in_thread=in_thread)
    asked_for: list[str] = []

    async def find(token: str, project: str | None) -> str | None:
        asked_for.append(token)
        return "its-project"

    world.kind.find = find
    client = world.generate()
    world.store.put(Record("v", "v@x", "refresh-of-v", kind=world.kind.name))
    world.take_up()
    done, job = exchanging[0]
    done.callback(job())
    world.settle()

    assert client.status == 200
    assert asked_for == ["token-of-v"]
    assert [call.account for call in world.google.calls] == ["v"]


def test_a_project_that_may_not_use_a_model(world: World) -> None:
    """Another project is asked at the same host; it may be let in."""
    add_vertex(world, "w", project="other-project")
    said = (
        "Publisher Model `projects/my-project/locations/global/publishers/google/models"
        "/pro` was not found or your project does not have access to it."
    )

    def answer(call: Call) -> Reply:
        return fine(call) if call.account == "w" else Reply(404, error(404, said))

    for name in "ak":
        world.store.change(name, disabled=1.0)
    world.take_up()
    world.google.script = [answer]

    assert world.generate().status == 200
    assert asked(world) == ["v", "w"]


def test_models_of_some_kinds(tmp_path: Path, tokens: TokenEndpoint) -> None:
    """A model that is limited to kinds is asked for under no others."""
    names = Catalog((Model(name="pro"),), {}, kinds={"pro": ("vertex",)})
    world = make_world(tmp_path, tokens, catalog=names)
    world.add("a")
    add_key(world, "k")
    refused = world.generate()
    add_vertex(world, "v")
    served = [world.generate(), world.generate(model="flash")]

    assert refused.error() == (400, "FAILED_PRECONDITION")
    assert "models.kinds" in refused.json()["error"]["message"]
    assert [client.status for client in served] == [200, 200]
    assert asked(world) == ["v", "a"]


# Credentials


def test_a_refused_token_of_vertex(world: World, tokens: TokenEndpoint) -> None:
    """It is renewed once, and the client does not notice."""
    world.google.script = [Reply(401, error(401, "x")), fine]

    assert only(world, "v").generate().status == 200
    shown = [call.headers["authorization"][0] for call in world.google.calls]
    assert shown == ["Bearer token-1-of-v", "Bearer token-2-of-v"]


def test_refused_again(world: World, tokens: TokenEndpoint) -> None:
    """A new token that is refused means other credentials, and no login."""
    world.google.script = [Reply(401, error(401, "x"))]
    client = only(world, "v").generate()

    assert client.error()[0] == 400
    assert tokens.calls == ["v", "v"]
    assert needs(world, "v") == {Need.CREDENTIAL}


def test_a_refused_key(world: World) -> None:
    """A key cannot be renewed: the account is out, and another one serves."""
    world.google.script = [Reply(401, error(401, "x")), fine]
    world.store.change("k", priority=-1)
    world.take_up()

    assert world.generate().status == 200
    assert asked(world) == ["k", "a"]
    assert needs(world, "k") == {Need.CREDENTIAL}


def test_a_key_that_google_has_not_seen(world: World) -> None:
    """It is shown once more; lost again, the account rests, and no client is told."""
    lost = next(real for real in REAL_PUBLIC if real.name == "public: no key")
    world.google.script = [Reply(403, lost.body), fine]
    assert only(world, "k").generate().status == 200
    world.google.script = [Reply(403, lost.body)]
    client = world.generate()

    assert client.error()[0] == 400
    assert b"API Key" not in client.body
    assert needs(world, "k") == {Need.CREDENTIAL}


@pytest.mark.parametrize("real", FOREIGN, ids=lambda real: real.name)
def test_a_file_of_another_account(world: World, real: Real) -> None:
    """It is asked for; who names one that nobody has takes no account from others."""
    add_key(world, "l")
    world.store.change("l", priority=-1)
    world.store.change("k", priority=-2)
    world.take_up()
    world.google.script = [Reply(real.status, real.body), fine]
    assert world.generate().status == 200
    assert asked(world) == ["k", "l"]
    world.google.script = [Reply(real.status, real.body)]
    refused = [world.generate() for _ in range(3)]
    world.google.script = [fine]

    assert {client.status for client in refused} == {real.status}
    assert [world.account(name).holds.by_model for name in "akvl"] == [{}] * 4
    assert world.generate().status == 200


def test_a_page_where_a_key_was_refused(world: World) -> None:
    """A 401 that is not Google's is a host's failure, and takes no account out."""
    world.google.script = [Reply(401, b"<html>Log in</html>")]
    assert world.generate().status == 502
    world.google.script = [fine]

    assert world.generate().status == 200
    assert [world.account(name).holds.by_model for name in "akv"] == [{}] * 3


def needs(world: World, name: str) -> set[Need | None]:
    """What an account waits for, according to the store."""
    known = next(k for k in world.store.accounts() if k.record.id == name)
    return {hold.need for hold in known.holds.values()}


def test_what_is_stored(world: World) -> None:
    """An access token of Vertex is, to be there after a restart; a key is no token."""
    for name in "kv":
        for other in "akv":
            world.store.change(other, disabled=None if other == name else 1.0)
        world.take_up()
        assert world.generate().status == 200
    known = {each.record.id: each.access for each in world.store.accounts()}

    assert known["k"] is None
    assert known["v"] is not None
    assert known["v"].token == "token-1-of-v"


SECRETS = (
    *("AIza-key-of-k", "token-1-of-v", "my-project", "payer-it-is", "refresh-of-v"),
    *("client-of-it", "hush-secret", "PRIVATE-KEY", "robot@x.example"),
)


def test_what_no_client_reads_of_a_credential_that_was_replaced(
    tmp_path: Path, tokens: TokenEndpoint
) -> None:
    """What was asked with counts, whatever the account has become since."""
    world = make_world(tmp_path, tokens)
    add_vertex(world, "v", credential=credentials("v", account="boss@corp.example"))
    world.google.script = [Reply(is_silent=True)]
    client = world.generate()
    world.store.put(Record("v", "v@x", "AIza-new-key", kind=GeminiApiKey.name))
    world.take_up()
    (call,) = world.google.calls
    call.request.setResponseCode(400)
    call.request.write(error(400, "bad for boss@corp.example, hush-secret"))
    call.request.finish()
    world.settle()

    assert client.error() == (400, "INVALID_ARGUMENT")
    assert client.json()["error"]["message"] == "bad for REDACTED, REDACTED"


@pytest.mark.parametrize("name", ["k", "v"])
@pytest.mark.parametrize("form", ["whole", "streamed", "broken off"])
def test_what_no_client_reads(
    tmp_path: Path, tokens: TokenEndpoint, name: str, form: str
) -> None:
    """Whatever Google says of the account in an error about the request."""
    world = make_world(tmp_path, tokens)
    add_key(world, "k")
    more = {"quota_project_id": "payer-it-is", "private_key": "PRIVATE-KEY"}
    told = credentials("v", **more, client_email="robot@x.example")
    add_vertex(world, "v", credential=told)
    secrets = SECRETS[:1] if name == "k" else SECRETS[1:]
    body = error(400, f"this is wrong: {', '.join(secrets)}")
    world.google.script = [Reply(400, body)]
    match form:
        case "whole":
            client = only(world, name).generate()
        case "streamed":
            client = only(world, name).stream()
        case _:
            client = broken_off(only(world, name), b"data: " + body)

    assert b"this is wrong" in client.received()
    assert [s for s in SECRETS if s.encode() in client.received()] == []


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("name", "real"),
    [*(("k", real) for real in REAL_PUBLIC), *(("v", real) for real in REAL_VERTEX)],
    ids=lambda value: getattr(value, "name", value),
)
def test_one_bad_account_is_not_noticed(
    world: World, name: str, real: Real, streamed: bool
) -> None:
    """Whatever happens to one, another kind serves; but a bad request is told."""
    world.store.change(name, priority=-1)
    world.take_up()
    world.google.script = [Reply(real.status, real.body), fine]
    client = world.stream() if streamed else world.generate()

    assert asked(world)[0] == name
    if real.blame is Blame.REQUEST:
        assert client.status == real.status
        assert len(asked(world)) == 1
    else:
        assert client.status == 200
        assert len(asked(world)) == 2
