"""Tests for ``antigravity_gw.metrics``: what Prometheus is told, and how."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as read_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as read_text
from promtool import promtool
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IDelayedCall
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from world import (
    HELLO,
    LAST,
    OPEN,
    STREAM,
    TEXT,
    WHOLE,
    Client,
    Reply,
    Socket,
    World,
    event,
)

from antigravity_gw import __version__
from antigravity_gw.checking import looked_through
from antigravity_gw.database import StoreError
from antigravity_gw.fronting import make_guard
from antigravity_gw.happenings import Cooled
from antigravity_gw.journal import Served
from antigravity_gw.keys import Key, KeyRing
from antigravity_gw.loading import Loaded, load
from antigravity_gw.metrics.door import OpenDoor
from antigravity_gw.metrics.families import FAMILIES, Sort
from antigravity_gw.metrics.histogram import Histogram
from antigravity_gw.metrics.lag import EVERY, LagWatch
from antigravity_gw.metrics.names import OTHER
from antigravity_gw.metrics.page import SLICE, MetricsPage
from antigravity_gw.pool.store import Store
from antigravity_gw.states import Label
from antigravity_gw.web.admission import Limits
from antigravity_gw.web.deadlines import Deadlines
from antigravity_gw.web.forms import Form
from antigravity_gw.web.guard import Mode
from antigravity_gw.web.resource import Branch
from antigravity_gw.web.site import GatewaySite
from antigravity_gw.wire.companion import Remaining
from antigravity_gw.wiring import Wired, wired

DOCUMENT = Path(__file__).parents[1] / "docs" / "metrics.md"
OPENMETRICS = "Accept: application/openmetrics-text; version=1.0.0"
QUOTA = json.dumps(
    {
        "error": {
            "code": 429,
            "message": "Quota exceeded.",
            "status": "RESOURCE_EXHAUSTED",
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "QUOTA_EXHAUSTED",
                    "domain": "cloudcode-pa.googleapis.com",
                }
            ],
        }
    }
).encode()
COSTLY = {
    **LAST,
    "usageMetadata": {
        "promptTokenCount": 7,
        "candidatesTokenCount": 5,
        "thoughtsTokenCount": 3,
        "cachedContentTokenCount": 2,
    },
}

Samples = dict[str, dict[tuple[tuple[str, str], ...], float]]
"""Values, by the name of a sample and its labels."""


def scraped(world: World) -> Samples:
    """What the gateway says of itself now."""
    return samples(world.get("/metrics").body.decode())


def samples(text: str) -> Samples:
    """What a scrape says."""
    found: Samples = {}
    for family in read_text(text):
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def value(found: Samples, name: str, **labels: str) -> float:
    """One number; all that have these labels and maybe others together."""
    wanted = labels.items()
    return sum(
        number
        for told, number in found.get(f"antigravity_gw_{name}", {}).items()
        if wanted <= dict(told).items()
    )


GET = b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def aside(world: World, clock: Clock | None = None) -> Client:
    """A connection to where there are metrics and nothing else."""
    tree = Branch()
    page = MetricsPage(world.counting.registry, clock or world.clock)
    tree.putChild(b"metrics", page)
    site = GatewaySite(
        tree,
        OpenDoor(Mode.OFF, KeyRing(), hosts=frozenset({"gw.internal"})),
        world.clock,
        limits=Limits(),
        deadlines=Deadlines(),
        default_form=Form.SSE,
        new_id=lambda: "scrape",
    )
    protocol, transport = site.buildProtocol(None), Socket()
    protocol.makeConnection(transport)
    return Client(transport, protocol, world)


# What is told


def test_requests(tmp_path: Path) -> None:
    """One that was served is counted, with what it has sent and spent."""
    world = World(tmp_path)
    world.google.script = [Reply(body=json.dumps({"response": COSTLY}).encode())]
    answer = world.generate(model="fast1")
    world.generate(model="fast2")
    found = scraped(world)

    asked = {"key": "", "model": "flash"}
    assert (
        value(
            found,
            "requests_total",
            kind="code_assist",
            outcome="served",
            status="2xx",
            **asked,
        )
        == 2
    )
    assert value(found, "received_bytes_total", **asked) == 2 * len(HELLO)
    assert value(found, "sent_bytes_total", **asked) == 2 * len(answer.body)
    assert value(found, "events_total", **asked) == 2
    told = {
        type_: value(found, "tokens_total", type=type_, **asked)
        for type_ in ("prompt", "output", "thoughts", "cached")
    }
    assert told == {"prompt": 14, "output": 10, "thoughts": 6, "cached": 4}
    assert (
        value(found, "upstream_attempts_total", kind="code_assist", outcome="answered")
        == 2
    )
    timed = {"kind": "code_assist", "streaming": "no"}
    assert value(found, "request_duration_seconds_count", **timed) == 2
    assert value(found, "first_event_seconds_bucket", le="+Inf", **timed) == 2


def test_streams(tmp_path: Path) -> None:
    """Their events are counted, and the pauses between them; also while they last."""
    world = World(tmp_path)
    world.google.script = [Reply(body=event(TEXT), stays_open=True)]
    client = world.stream()
    under_way = scraped(world)
    world.clock.advance(2.0)
    world.google.calls[0].request.write(event(LAST))
    world.google.calls[0].request.finish()
    world.settle()
    found = scraped(world)

    assert client.ended_well
    assert value(under_way, "streams_in_progress") == 1
    assert value(under_way, "requests_in_progress") == 2  # and the scrape
    assert value(found, "streams_in_progress") == 0
    assert value(found, "events_total", model="pro") == 2
    slow = {"kind": "code_assist", "le": "2.5"}
    assert value(found, "event_gap_seconds_bucket", **slow) >= 1
    assert value(found, "event_gap_seconds_bucket", kind="code_assist", le="1.0") == (
        value(found, "event_gap_seconds_bucket", **slow) - 1
    )


def test_what_never_became_a_request(tmp_path: Path) -> None:
    """Noise, and connections too many, are counted by why they were turned away."""
    world = World(tmp_path)
    world.client().send(b"NO SENSE\r\n\r\n")
    world.site.connections.limit = 0
    world.client()
    world.site.connections.limit = None
    found = scraped(world)

    assert value(found, "rejected_total", reason="bad_request") == 1
    assert value(found, "rejected_total", reason="too_many_connections") == 1
    assert value(found, "requests_total", outcome="bad_request") == 0


def test_accounts(tmp_path: Path) -> None:
    """Where accounts are, and why they are left alone."""
    world = World(tmp_path)
    world.google.script = [Reply(429, QUOTA), WHOLE]
    world.generate()
    world.store.change("c", disabled=world.clock.seconds())
    world.take_up()
    found = scraped(world)

    states = {
        label: value(found, "accounts", kind="code_assist", state=label.value)
        for label in Label
    }
    assert {label for label in Label if states[label]} == {
        Label.SERVING,
        Label.COOLING,
        Label.DISABLED,
    }
    assert sum(states.values()) == 3
    kind = {"kind": "code_assist"}
    assert value(found, "account_cooldowns_total", reason="quota", **kind) == 1
    assert value(found, "account_holds", reason="passing", **kind) == 1
    assert value(found, "token_refreshes_total", outcome="renewed", **kind) == 2
    assert value(found, "upstream_attempts_total", outcome="quota", **kind) == 1
    assert value(found, "ready") == 1


def test_an_account_that_needs_a_person(tmp_path: Path) -> None:
    """A grant that is dead shows in states, holds, cooldowns and refreshes."""
    world = World(tmp_path, accounts=("a",))
    world.token_reply = lambda _: (400, b'{"error":"invalid_grant"}')
    world.generate()
    found = scraped(world)

    kind = {"kind": "code_assist"}
    assert value(found, "accounts", state=Label.LOGIN.value, **kind) == 1
    assert value(found, "account_holds", reason="login", **kind) == 1
    assert value(found, "account_cooldowns_total", reason="login", **kind) == 1
    assert value(found, "token_refreshes_total", outcome="refused", **kind) == 1
    assert value(found, "requests_total", outcome="needs_operator", kind="") == 1
    assert value(found, "ready") == 0


def test_tokens_that_are_not_to_be_had(tmp_path: Path) -> None:
    """That the token endpoint is down is nobody's fault, and said so."""
    world = World(tmp_path, accounts=("a",))
    world.token_reply = lambda _: (503, b"busy")
    world.generate()
    found = scraped(world)

    kind = {"kind": "code_assist"}
    assert value(found, "token_refreshes_total", outcome="failed", **kind) == 1
    assert value(found, "account_cooldowns_total", reason="trouble", **kind) == 1


def test_a_hold_that_is_only_longer(tmp_path: Path) -> None:
    """Ten calls that find the same quota gone are one cooldown."""
    world = World(tmp_path, accounts=("a",))
    world.google.script = [Reply(is_silent=True)]
    for _ in range(10):
        world.generate()
    for call in world.google.calls:
        call.request.setResponseCode(429)
        call.request.write(QUOTA)
        call.request.finish()
    world.settle()

    meters = world.counting.meters
    assert len(world.google.calls) == 10
    assert meters.happenings(Cooled) == [(Cooled("code_assist", "quota"), 1)]


def test_hosts(tmp_path: Path) -> None:
    """Those that fail are told by their names, until they are well again."""
    world = World(tmp_path, hosts=("https://one.example", "https://two.example:8443"))
    world.google.script = [Reply(503, b"busy"), WHOLE]
    world.generate()
    found = scraped(world)
    world.clock.advance(31.0)
    later = scraped(world)

    one, two = {"host": "one.example"}, {"host": "two.example:8443"}
    assert value(found, "endpoint_avoided", kind="code_assist", **one) == 1
    assert value(found, "endpoint_avoided", kind="code_assist", **two) == 0
    assert value(found, "endpoint_failures_total", reason="failing", **one) == 1
    assert value(later, "endpoint_avoided", **one) == 0


def test_quotas_that_are_left(tmp_path: Path) -> None:
    """Of the model that has least, under the opaque id of the account."""
    world = World(tmp_path)
    account, now_ = world.account("a"), world.clock.seconds()
    account.quota = {"pro": Remaining(0.25, None), "flash": Remaining(1.0, None)}
    account.quota_seen = now_
    found = scraped(world)

    of_a = {"account": "a", "kind": "code_assist"}
    assert value(found, "account_quota_remaining_ratio", **of_a) == 0.25
    assert len(found["antigravity_gw_account_quota_remaining_ratio"]) == 1


def test_the_store(tmp_path: Path) -> None:
    """A disk that fails shows, with how much waits for it."""
    world = World(tmp_path, accounts=("a",))
    world.google.script = [WHOLE]

    def broken(*_: object) -> Deferred[None]:
        raise StoreError("the disk is full")

    world.pool.writer.in_thread = broken
    world.generate()
    found = scraped(world)

    assert value(found, "store_failing") == 1
    assert value(found, "store_unsaved_changes") >= 1


def test_the_usage_that_cannot_be_stored(tmp_path: Path) -> None:
    """Trouble with the usage store shows apart from that with the accounts."""
    world = World(tmp_path)
    well = scraped(world)

    def broken(*_: object) -> Deferred[None]:
        raise StoreError("the disk is full")

    world.ledger.in_thread = broken
    world.ledger.flushed()
    found = scraped(world)

    assert value(well, "usage_failing") == 0
    assert value(found, "usage_failing") == 1
    assert value(found, "store_failing") == 0


def test_the_process(tmp_path: Path) -> None:
    """What runs is told, and what it takes."""
    found = scraped(World(tmp_path))

    assert found["antigravity_gw_build_info"] == {(("version", __version__),): 1.0}
    assert found["process_resident_memory_bytes"][()] > 1_000_000
    assert found["process_open_fds"][()] > 0
    assert "python_info" in found
    assert "python_gc_collections_total" in found


def test_draining(tmp_path: Path) -> None:
    """That the daemon ends can be seen while it does, by a listener of its own."""
    world = World(tmp_path)
    world.site.connections.drain()
    told = aside(world).send(GET).body.decode()

    assert value(samples(told), "draining") == 1


# How it is told


def test_formats(tmp_path: Path) -> None:
    """A scraper gets the format that it asks for, and both say the same."""
    world = World(tmp_path)
    world.google.script = [STREAM]
    world.stream()
    world.get("/metrics")  # which counts as a request, from the next one on
    plain, open_ = world.get("/metrics"), world.get("/metrics", OPENMETRICS)

    assert "content-type: text/plain; version=0.0.4" in plain.head
    assert "content-type: application/openmetrics-text; version=1.0.0" in open_.head
    assert plain.ended_well
    assert open_.ended_well
    assert open_.body.count(b"# EOF\n") == 1
    ours, theirs = _told(read_text, plain), _told(read_openmetrics, open_)
    assert ours.keys() == theirs.keys()
    asked = (("key", ""), ("model", "pro"))
    assert ours["antigravity_gw_events_total", asked] == 2.0
    assert theirs["antigravity_gw_events_total", asked] == 2.0


def _told(read: object, client: Client) -> dict[tuple[str, object], float]:
    assert callable(read)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in read(client.body.decode())
        for sample in family.samples
        if family.name.startswith("antigravity_gw")
    }


def test_promtool(tmp_path: Path) -> None:
    """Prometheus' own tool finds no fault with it."""
    world = World(tmp_path)
    world.google.script = [Reply(429, QUOTA), Reply(503), STREAM]
    world.stream()
    world.client().send(b"NO SENSE\r\n\r\n")
    checked = promtool("check", "metrics", stdin=world.get("/metrics").body.decode())

    assert (checked.returncode, checked.stderr) == (0, "")


class SlowClock(Clock):
    """
    Time that passes while somebody looks at it: a millisecond each time.

    :ivar pauses: how often others had a turn.
    """

    pauses = 0

    def seconds(self) -> float:
        """The time."""
        self.rightNow += 0.001
        return super().seconds()

    def callLater(self, delay: float, *args: object, **more: object) -> IDelayedCall:
        """Something is to be done later, and others before that."""
        self.pauses += 1
        return super().callLater(delay, *args, **more)


def test_a_scrape_lets_others_go_on(tmp_path: Path) -> None:
    """However much there is to tell, nobody waits for all of it."""
    world, clock, many = World(tmp_path), SlowClock(), 10 * SLICE
    for number in range(many):
        world.counting.meters.note(Served(key=f"key-{number}", status=200))
    client = aside(world, clock).send(GET)
    clock.advance(1.0)

    told = samples(client.body.decode())
    assert clock.pauses > 5
    assert len(told["antigravity_gw_requests_total"]) == many
    assert client.body.count(b"# TYPE antigravity_gw_requests_total ") == 1


def test_a_scraper_that_leaves(tmp_path: Path) -> None:
    """Nothing more is written for one that has left."""
    world, clock = World(tmp_path), SlowClock()
    client = aside(world, clock).send(GET)
    assert clock.getDelayedCalls() != []
    client.leave()

    assert clock.getDelayedCalls() == []


def test_nothing_secret_is_told(tmp_path: Path) -> None:
    """Accounts have no name here, and nobody's key or token is told."""
    world = World(tmp_path)
    world.google.script = [STREAM]
    world.stream()
    told = world.get("/metrics").body

    for secret in (b"@x", b"refresh-of", b"token-of", b"project-of-it", b"right"):
        assert secret not in told


# Who is told


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("127.0.0.1:9464", 200),
        ("localhost", 200),
        ("10.0.0.7:9464", 200),
        ("[fd00::7]:9464", 200),
        ("gw.internal:9464", 200),
        ("evil.example", 403),
        ("evil.example:9464", 403),
    ],
)
def test_a_page_cannot_read_it(tmp_path: Path, host: str, code: int) -> None:
    """A name that anybody may have resolve to anywhere is not enough."""
    client = aside(World(tmp_path)).send(GET.replace(b"127.0.0.1", host.encode()))

    assert client.status == code


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (IPv4Address("TCP", "127.0.0.1", 9464), []),
        (UNIXAddress("/run/gw.sock"), []),
        (IPv4Address("TCP", "0.0.0.0", 9464), ["0.0.0.0"]),
    ],
)
def test_other_machines(
    address: IAddress, told: list[str], logged: list[dict[str, str]]
) -> None:
    """When other machines can connect, the operator is warned; no key is asked for."""
    assert OpenDoor(Mode.OFF, KeyRing()).settle([address]) is False
    assert [each["addresses"] for each in logged] == told


def test_operators_only(tmp_path: Path) -> None:
    """Where clients show keys, those open nothing here; an operator's does."""
    keys = {"keys": (Key.of("alice", b"right"),), "mode": Mode.STRICT}
    world = World(tmp_path, operators=(Key.of("prometheus", b"scrape"),), **keys)

    assert world.get("/metrics").status == 401
    assert world.get("/metrics", "Authorization: Bearer right").status == 401
    assert world.get("/metrics", "Authorization: Bearer scrape").status == 200


# How it is wired


def configured(folder: Path, text: str = "") -> Loaded:
    """A configuration that says *text*."""
    file = folder / "config.toml"
    file.write_text(text)
    return load(str(file), {"HOME": str(folder)})


@pytest.fixture
def house(tmp_path: Path) -> Wired:
    """The gateway as the daemon wires it, without a socket."""
    store = Store.open(tmp_path)
    OPEN.append(store)
    return wired(configured(tmp_path), store, MemoryReactorClock())


def test_what_outlives_a_new_configuration(house: Wired, tmp_path: Path) -> None:
    """Counts go on, and models that have been added have names of their own."""
    meters = house.books.counting.meters
    house.site.has_ended(Served(model="gemini-2.5-pro", status=200))
    house.site.has_ended(Served(model="new", status=404, ended="passed"))
    loaded = configured(
        tmp_path, "[models.aliases]\nx = 'new'\n[upstream]\navoid_seconds = 7"
    )
    house.endpoints.avoid("http://one.example", now=0.0)
    house.rewire(loaded, make_guard(loaded))
    house.site.has_ended(Served(model="new", status=404, ended="passed"))

    assert house.books.counting.meters is meters
    assert {place.model for place in meters.rows} == {"gemini-2.5-pro", OTHER, "new"}
    assert house.endpoints.is_avoided("http://one.example", now=1.0)
    assert house.endpoints.avoid_seconds == 7.0


def test_switched_off(house: Wired, tmp_path: Path) -> None:
    """Where clients are, there are no metrics then; a listener of its own has them."""
    before = house.site.resource.children
    loaded = configured(tmp_path, "[metrics]\nenabled = false")
    house.rewire(loaded, make_guard(loaded))

    assert b"metrics" in before
    assert b"metrics" not in house.site.resource.children
    assert list(house.scraped.resource.children) == [b"healthz", b"metrics"]


def test_strangers_bring_nothing(house: Wired) -> None:
    """Where no key is asked for, no body is taken, be it long or of no known length."""
    protocol: Any = house.scraped.buildProtocol(None)
    transport = Socket()
    protocol.makeConnection(transport)
    protocol.dataReceived(GET.replace(b"\r\n\r\n", b"\r\nContent-Length: 9\r\n\r\n"))

    assert transport.value().startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("setting", ["listen", "metrics.listen"])
def test_what_is_no_endpoint(tmp_path: Path, setting: str) -> None:
    """A mistake is told under the setting that it is in."""
    table, _, name = setting.rpartition(".")
    head = f"[{table}]\n" if table else ""
    configured(tmp_path, f"{head}{name} = ['nonsense:1']")
    _, problems = looked_through(str(tmp_path / "config.toml"), {}, {})

    assert [p.partition(" is no endpoint")[0] for p in problems] == [
        f"{tmp_path}/config.toml: {setting} = 'nonsense:1'"
    ]


# Lag


def test_lag() -> None:
    """How late the reactor comes to what it was to do."""
    clock, lag = Clock(), Histogram((0.1, 1.0))
    watch = LagWatch(clock, lag)
    watch.startService()
    clock.advance(EVERY)
    clock.advance(EVERY + 0.5)
    clock.advance(EVERY + 5.0)

    assert lag.counts == [1, 1, 1]
    assert lag.total == pytest.approx(5.5)
    watch.stopService()
    assert clock.getDelayedCalls() == []


# What is written of it


def test_every_metric_is_documented(tmp_path: Path) -> None:
    """``docs/metrics.md`` has each, with its labels and its meaning, and no other."""
    rows = re.findall(
        r"^\| `antigravity_gw_(\w+)` \| (\w+) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$",
        DOCUMENT.read_text(),
        re.M,
    )
    expected = [
        (
            each.name,
            each.sort.value,
            each.unit,
            ", ".join(f"`{label}`" for label in each.labels),
            each.help,
        )
        for each in FAMILIES
    ]

    assert [tuple(row) for row in rows] == expected


def test_every_metric_is_told(tmp_path: Path) -> None:
    """All of them come with a scrape, under the name and type that they have."""
    world = World(tmp_path)
    text = world.get("/metrics").body.decode()
    types = dict(re.findall(r"^# TYPE antigravity_gw_(\w+) (\w+)$", text, re.M))
    helps = dict(re.findall(r"^# HELP antigravity_gw_(\w+) (.+)$", text, re.M))

    expected = {each.name: _as_told(each.sort) for each in FAMILIES}
    assert types == expected
    assert helps == {each.name: each.help for each in FAMILIES}


def _as_told(sort: Sort) -> str:
    """The plain format knows no info."""
    return "gauge" if sort is Sort.INFO else sort.value
