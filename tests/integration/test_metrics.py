"""What the real daemon tells Prometheus, beside what its clients have seen."""

import hashlib
import http.client
import json
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from attrs import define, field
from daemons import Daemon, Sandbox, antigravity_gw, running
from prometheus_client.parser import text_string_to_metric_families
from sockets import PATIENCE, eventually

KEYS = ("alice", "bob", "leaver")
WORDS = "a question of so many words, " * 20
METRICS = """
[metrics]
listen = ["tcp:0:interface=127.0.0.1"]
"""
Place = tuple[str, str]
"""A client's key, and a model."""


@define
class Seen:
    """
    What clients have sent and seen, by key and model.

    :ivar ends: the statuses that were answered.
    """

    ends: Counter[tuple[str, str, str]] = field(factory=Counter)
    received: Counter[Place] = field(factory=Counter)
    sent: Counter[Place] = field(factory=Counter)
    events: Counter[Place] = field(factory=Counter)
    tokens: Counter[tuple[str, str, str]] = field(factory=Counter)


@define
class Gateway:
    """A gateway that has clients of several names, and a listener for scrapers."""

    daemon: Daemon
    metrics: str

    def scraped(self) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
        """What it says of itself now, by name and labels."""
        found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
        for family in text_string_to_metric_families(self.text()):
            for sample in family.samples:
                labels = tuple(sorted(sample.labels.items()))
                found.setdefault(sample.name, {})[labels] = sample.value
        return found

    def text(self) -> str:
        """The same, as it is told."""
        client = http.client.HTTPConnection(urlsplit(self.metrics).netloc)
        client.request("GET", "/metrics")
        answer = client.getresponse()
        text = answer.read().decode()
        client.close()
        assert answer.status == 200, text
        return text

    def by(self, name: str, *labels: str) -> Counter[tuple[str, ...]]:
        """The numbers of one metric about models, summed up by *labels*."""
        sums: Counter[tuple[str, ...]] = Counter()
        for told, value in self.scraped().get(f"antigravity_gw_{name}", {}).items():
            values = dict(told)
            if values.get("model") and value:
                sums[tuple(values[label] for label in labels)] += int(value)
        return sums

    def now(self, name: str) -> float:
        """One number that has no labels."""
        return self.scraped()[f"antigravity_gw_{name}"][()]


@pytest.fixture
def gateway(config: Path) -> Iterator[Gateway]:
    """One with an account."""
    digests = {name: hashlib.sha256(name.encode()).hexdigest() for name in KEYS}
    rows = (f'{{ name = "{n}", sha256 = "{d}" }}' for n, d in digests.items())
    text = config.read_text()
    before, _, rest = text.partition("keys = [")
    rest = rest.partition("\n")[2]
    config.write_text(f"{before}keys = [{', '.join(rows)}]\n{rest}{METRICS}")
    options = ["--config", str(config)]
    added = antigravity_gw(
        *options,
        "accounts",
        "add",
        "ada",
        folder=config.parent,
        stdin="1//sandbox-ada\n",
    )
    assert added.returncode == 0, added.stderr
    with running("antigravity-gw", *options, folder=config.parent) as daemon:
        yield Gateway(daemon, daemon.wait_for(r"metrics are at (http\S+)")[1])


def ask(gateway: Gateway, seen: Seen, key: str, model: str, method: str) -> None:
    """Ask, read the answer to its end, and note what has come."""
    client = http.client.HTTPConnection(urlsplit(gateway.daemon.url).netloc)
    body = json.dumps({"contents": [{"parts": [{"text": WORDS}]}]})
    path = f"/v1beta/models/{model}:{method}"
    client.request("POST", path, body, {"x-goog-api-key": key})
    answer = client.getresponse()
    text = answer.read()
    client.close()
    place = key, {"flash": "gemini-2.5-flash"}.get(model, model)
    seen.ends[*place, f"{answer.status // 100}xx"] += 1
    seen.received[place] += len(body)
    seen.sent[place] += len(text)
    if answer.status == 200:
        is_stream = method.startswith("stream")
        events = text.split(b"data: ")[1:] if is_stream else [text]
        seen.events[place] += len(events)
        usage = json.loads(events[-1])["usageMetadata"]
        told = {"prompt": "promptTokenCount", "output": "candidatesTokenCount"}
        for type_, name in {**told, "thoughts": "thoughtsTokenCount"}.items():
            seen.tokens[*place, type_] += usage.get(name, 0)


def leave(gateway: Gateway, model: str) -> None:
    """Begin to read a stream, and go away."""
    client = http.client.HTTPConnection(urlsplit(gateway.daemon.url).netloc)
    body = json.dumps({"contents": [{"parts": [{"text": WORDS}]}]})
    path = f"/v1beta/models/{model}:streamGenerateContent?alt=sse"
    client.request("POST", path, body, {"x-goog-api-key": "leaver"})
    answer = client.getresponse()
    assert answer.status == 200
    answer.readline()
    answer.close()
    client.close()


def test_it_adds_up(gateway: Gateway, sandbox: Sandbox) -> None:
    """
    After a crowd, the gateway has counted what its clients have.

    Some were answered in one piece, some in streams; some were refused, by Google
    or here, and some have left.  SIGHUP takes nothing away.
    """
    sandbox.rule("400-invalid-argument", model="gemini-2.5-pro", chance=0.5)
    sandbox.rule("500", model="gemini-2.5-flash-lite", times=20)
    seen = Seen()
    models = ("flash", "gemini-2.5-flash", "gemini-2.5-pro", "gemini-2.5-flash-lite")
    methods = ("generateContent", "streamGenerateContent?alt=sse")
    with ThreadPoolExecutor(24) as crowd:
        told = [
            crowd.submit(ask, gateway, seen, key, model, method)
            for _ in range(20)
            for key in ("alice", "bob")
            for model in models
            for method in methods
        ]
        told += [crowd.submit(leave, gateway, "gemini-2.5-flash") for _ in range(20)]
    for each in told:
        each.result()
    strangers = Seen()
    ask(gateway, strangers, "stranger", "flash", methods[0])
    eventually(lambda: gateway.now("requests_in_progress") == 0)
    gateway.daemon.process.send_signal(signal.SIGHUP)
    gateway.daemon.wait_for("the configuration was read again")

    ends = gateway.by("requests_total", "key", "model", "status")
    left = {place: n for place, n in ends.items() if place[0] == "leaver"}
    assert {place: n for place, n in ends.items() if place not in left} == seen.ends
    assert sum(left.values()) == 20
    for name, ours in (
        ("received_bytes_total", seen.received),
        ("sent_bytes_total", seen.sent),
        ("events_total", seen.events),
    ):
        told_ = gateway.by(name, "key", "model")
        assert {p: n for p, n in told_.items() if p[0] != "leaver"} == ours
    tokens = gateway.by("tokens_total", "key", "model", "type")
    theirs = {place: n for place, n in tokens.items() if place[0] != "leaver"}
    assert theirs == {place: n for place, n in seen.tokens.items() if n}
    assert set(strangers.ends) == {("stranger", "gemini-2.5-flash", "4xx")}
    attempts = gateway.scraped()["antigravity_gw_upstream_attempts_total"].values()
    assert sum(attempts) == len(sandbox.calls("generateContent")) + len(
        sandbox.calls("streamGenerateContent")
    )


def test_the_end_can_be_watched(gateway: Gateway, slow: Sandbox) -> None:
    """While the last streams are served, scrapers are still let in."""
    client = http.client.HTTPConnection(urlsplit(gateway.daemon.url).netloc)
    body = json.dumps({"contents": [{"parts": [{"text": WORDS}]}]})
    path = "/v1beta/models/flash:streamGenerateContent?alt=sse"
    client.request("POST", path, body, {"x-goog-api-key": "alice"})
    answer = client.getresponse()
    answer.readline()
    assert gateway.now("draining") == 0
    gateway.daemon.process.send_signal(signal.SIGTERM)
    gateway.daemon.wait_for("no new connections")

    assert gateway.now("draining") == 1
    assert gateway.now("streams_in_progress") == 1
    answer.read()
    client.close()
    assert gateway.daemon.process.wait(PATIENCE) == 0
