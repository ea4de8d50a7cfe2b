"""
A soak over real sockets: the daemon, the sandbox, and clients in threads.

What each request may have met is read from the sandbox's record.  Which account
may be asked when is looked at more closely in memory, see ``tests/test_soak.py``.
"""

import contextlib
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest
from attrs import define
from daemons import KEY, Daemon, Sandbox, Serve, antigravity_gw, asked

REQUESTS, AT_A_TIME, SEED = 2000, 32, 20
MODELS = [f"gemini-soak-{number}" for number in range(10)]
NEWCOMERS = ("barbara", "dorothy")
ACCOUNTS = ("ada", "grace", "edsger", *NEWCOMERS)
LEAVING = 0.02
"""How many clients do not wait for their answer."""

PATIENCE = 2.0
SETTINGS = f"""
[pool]
wait_seconds = {PATIENCE}
quota_check_seconds = 0
quota_rest_seconds = 1
rate_rest_seconds = 1
refused_rest_seconds = 1
trouble_rest_seconds = 1

[timeouts]
whole_answer_seconds = 4
first_event_seconds = 4
idle_seconds = 4
"""

IN_FLIGHT = 0.3
"""
A call that follows a 429 so soon may have been made before that was read, in seconds.

It is a quarter of the time that the 429 names, and much on a machine that is busy:
a gateway that did not mind the 429 would call in the other three quarters, too.
"""

SECRETS = re.compile(rf"1//|ya29|sandbox-project|private\.example|{KEY}")
"""What is for no client to see, and for no log."""

STREAM = "streamGenerateContent"
METHODS = ("generateContent", STREAM)
DELAY = {"delay": "1.2s"}

OWN = {
    "400-invalid-argument": 400,
    "400-invalid-argument-array": 400,
    "400-thought-signature": 400,
    "400-unknown-name": 400,
    "400-precondition": 400,
    "404-model": 404,
}
"""What is wrong with a request, and what its client is told."""

SHORTAGES = {
    "429-rate-limit": DELAY,
    "429-retry-later": DELAY,
    "429-quota-exhausted": DELAY,
    "429-quota-exhausted-shuffled": DELAY,
    "429-retry-after": DELAY,
    "429-nested": DELAY,
    "429-stray-commas": DELAY,
    "429-per-minute": DELAY,
    "429-retry-in-text": DELAY,
    "429-bare": {},
    "429-bare-stream": {},
    "429-per-day": {},
    "429-limit-zero": {},
}
"""What befalls an account, for the model that was asked for."""

OF_ACCOUNTS = (
    *("400-invalid-project", "401", "403-service-disabled", "403-companion-disabled"),
    *("403-validation-required", "403-validation-required-old", "403-license"),
    *("403-iam", "403-consumer-invalid", "403-named-user", "403-caller", "403-auth"),
    *("403-security-policy", "403-terms", "404-project", "429-credits"),
)
"""What takes a whole account out; once each, lest none is left."""

FAILURES = (
    *({"behaviour": slug} for slug in ("408", "500", "502-html", "504-html")),
    *({"behaviour": slug} for slug in ("429-capacity", "503-capacity-bare")),
    *({"behaviour": slug} for slug in ("503-overloaded", "not-json", "empty-stream")),
    {"behaviour": "503-capacity", **DELAY},
    {"behaviour": "error-event"},
    {"behaviour": "error-event", "code": 429},
    {"behaviour": "cut", "after": "nothing"},
    {"behaviour": "cut", "after": "headers"},
    {"behaviour": "close", "after": "nothing"},
    {"behaviour": "stall", "after": "nothing"},
)
"""What is no account's fault; or not said to be, by an error that says so little."""

BREAKS = (
    {"behaviour": "cut", "after": 1},
    {"behaviour": "close", "after": 1},
    {"behaviour": "cut-json"},
    {"behaviour": "no-finish-reason"},
    {"behaviour": "error-event", "after": 1},
    {"behaviour": "raw-json-error", "after": 1},
    {"behaviour": "stall", "after": 1},
)
"""What befalls a stream that has begun."""

ODDITIES = ("gzip", "pretty", "no-role", "metadata-first", "multi-line", "bom", "lf")
"""Answers that are good, if strange."""


@define
class Result:
    """
    What became of one request.

    :ivar status: 0 if the client left.
    :ivar is_whole: whether the answer came to its end.
    :ivar retry_after: the header, in seconds.
    """

    streamed: bool
    status: int = 0
    body: bytes = b""
    is_whole: bool = False
    seconds: float = 0.0
    retry_after: float = 0.0


def chances(*kinds: tuple[float, list[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """Rules, each kind of which befalls that share of the calls, on the whole."""
    for share, rules in kinds:
        for rule in rules:
            yield {**rule, "chance": round(share / len(rules), 6)}


def rules() -> list[dict[str, Any]]:
    """Together they fail a fifth of the calls."""
    short = [{"behaviour": slug, **told} for slug, told in SHORTAGES.items()]
    own = [{"behaviour": slug} for slug in OWN]
    both = [*chances((0.06, short), (0.02, own), (0.1, [*FAILURES]))]
    once = [{"behaviour": slug, "times": 1} for slug in OF_ACCOUNTS]
    odd = [{"behaviour": slug} for slug in ODDITIES]
    streams = [*chances((0.03, [*BREAKS]), (0.1, odd))]
    return [
        *({**rule, "method": method} for rule in both for method in METHODS),
        *({**rule, "method": METHODS[0]} for rule in chances((0.01, once[::2]))),
        *({**rule, "method": METHODS[1]} for rule in chances((0.01, once[1::2]))),
        *({**rule, "method": STREAM} for rule in streams),
    ]


@define
class Clients:
    """Many clients at a time."""

    url: str
    random: Random

    def run(self, requests: int) -> dict[str, Result]:
        """So many requests, and what became of them."""
        with ThreadPoolExecutor(AT_A_TIME) as threads:
            asks = [
                (f"request {n} of {requests}.", self.random.random())
                for n in range(requests)
            ]
            return dict(threads.map(self._ask, asks))

    def _ask(self, ask: tuple[str, float]) -> tuple[str, Result]:
        tag, chance = ask
        result = Result(streamed=chance < 0.5)
        verb = "streamGenerateContent?alt=sse" if result.streamed else METHODS[0]
        model = MODELS[int(chance * 1000) % len(MODELS)]
        body = json.dumps({"contents": [{"parts": [{"text": tag}]}]})
        began = time.monotonic()
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        with contextlib.closing(connection):
            path = f"/v1beta/models/{model}:{verb}"
            connection.request("POST", path, body, {"x-goog-api-key": KEY})
            if chance * 1e6 % 1 < LEAVING:
                time.sleep(chance / 10)
                return tag, result
            response = connection.getresponse()
            result.status = response.status
            result.retry_after = float(response.getheader("retry-after") or 0)
            try:
                result.body, result.is_whole = response.read(), True
            except IncompleteRead as error:
                result.body = error.partial
        result.seconds = time.monotonic() - began
        return tag, result


def tag(call: dict[str, Any]) -> str:
    """Which request a call was made for."""
    contents = json.loads(call["body"])["request"]["contents"]
    return str(contents[0]["parts"][0]["text"])


def outcome(result: Result, met: list[str | None]) -> str:
    """
    How a request has fared; fails when that is not as it should be.

    :param met: what its calls met with, see the sandbox's catalogue.
    """
    assert len(met) <= 3
    if not result.status:
        return "left"
    assert SECRETS.search(result.body.decode()) is None
    if result.status == 200 and result.is_whole:
        assert met[-1] in (None, *ODDITIES)
        assert b'"finishReason"' in result.body
        return "served"
    if result.status == 200:
        assert met[-1] in [rule["behaviour"] for rule in BREAKS]
        assert b'{"error":' in result.body.rpartition(b"data: ")[2]
        return "broke off"
    assert json.loads(result.body)["error"]["code"] == result.status
    assert not {None, *ODDITIES} & {*met}
    if met and met[-1] in OWN:
        assert result.status == OWN[met[-1]]
        return "was wrong"
    assert result.status in (400, 408, 429, 500, 502, 503, 504)
    if len(met) == 3:
        return "called thrice"
    if result.status == 429 and b"no account" in result.body:
        assert result.seconds + result.retry_after > PATIENCE
    return "met nobody"


def descriptors(daemon: Daemon) -> int:
    """How many files and sockets it has open."""
    return len(list(Path(f"/proc/{daemon.process.pid}/fd").iterdir()))


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether that comes true within seconds."""
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


@pytest.fixture
def crowd(sandbox: Sandbox) -> Iterator[Sandbox]:
    """The sandbox with five accounts, and quick."""
    pace = sandbox.control("GET", "/pace")
    for name in NEWCOMERS:
        sandbox.control("PUT", f"/accounts/{name}")
    sandbox.control("POST", "/seed", {"seed": SEED})
    sandbox.control("POST", "/pace", {"seconds": 0.005})
    yield sandbox
    sandbox.control("DELETE", "/rules")
    sandbox.control("POST", "/pace", pace)
    for name in NEWCOMERS:
        sandbox.control("POST", f"/accounts/{name}", {"restore": True})


@pytest.fixture
def daemon(serve: Serve, crowd: Sandbox, tmp_path: Path) -> Daemon:
    """A gateway that is warm: as many connections as there will be are open."""
    daemon = serve(SETTINGS, ACCOUNTS)
    config = str(tmp_path / "config.toml")
    for name in ACCOUNTS:
        rename = ("accounts", "rename", name, f"{name}@private.example")
        done = antigravity_gw("--config", config, *rename, folder=tmp_path)
        assert done.returncode == 0, done.stderr
    crowd.rule("delay", seconds=0.5)
    Clients(daemon.url, Random(SEED)).run(AT_A_TIME)
    crowd.reset()
    return daemon


def test_soak(daemon: Daemon, crowd: Sandbox) -> None:
    """
    Whom an account can serve is served, while a fifth of the calls fail; who rests
    is left alone; and nothing stays open.
    """
    before, logged = descriptors(daemon), len(daemon.output())
    crowd.control("POST", "/rules", rules())
    results = Clients(daemon.url, Random(SEED)).run(REQUESTS)
    assert eventually(lambda: crowd.control("GET", "/calls?summary=1")["open"] == 0)
    calls = asked(crowd)
    met: dict[str, list[str | None]] = {name: [] for name in results}
    for call in calls:
        met[tag(call)].append(call["behaviour"])
    outcomes = Counter(outcome(result, met[name]) for name, result in results.items())
    given_up = [name for name in met if {None, *ODDITIES} & {*met[name][:-1]}]
    failed = [call for call in calls if call["behaviour"] not in (None, *ODDITIES)]

    assert 0.15 < len(failed) / len(calls) < 0.25
    assert outcomes["served"] > 0.9 * REQUESTS
    assert given_up == []  # a good answer is not thrown away
    assert outcomes["broke off"] < 0.03 * REQUESTS  # as often as Google broke them off
    # A hundred and sixtieth of the requests fail three times in a row; and for
    # hardly any do all accounts rest for longer than it may wait; on a machine that
    # has other things to do, calls of several seconds add to those that fail.
    assert outcomes["called thrice"] < 0.02 * REQUESTS
    assert outcomes["met nobody"] < 0.05 * REQUESTS

    log = daemon.output()
    attempts = sum(map(int, re.findall(r"attempts=(\d+)", log[logged:])))
    # A call for a client who left at once may not have come through.
    assert 0 <= attempts - len(calls) <= outcomes["left"]
    assert re.search("Traceback|Unhandled", log) is None
    assert SECRETS.search(log) is None
    assert eventually(lambda: descriptors(daemon) <= before)

    check_rests(calls, results)
    check_shares(calls)


def check_rests(calls: list[dict[str, Any]], results: dict[str, Result]) -> None:
    """
    No account is called before the time that it was told, and one that is suspended
    is not called at all; but for the calls that were on their way just then.
    """
    told: dict[tuple[str, str], float] = {}
    for call in calls:
        who = call["account"], call["model"]
        if call["tooSoon"] and who in told:
            assert call["at"] - told[who] < IN_FLIGHT
        if call["status"] == 429:
            told.pop(who, None)
            if results[tag(call)].status:  # else nobody may have read it
                told[who] = call["at"]
    for suspended in [call for call in calls if call["behaviour"] == "403-terms"]:
        if not results[tag(suspended)].status:
            continue  # its client has left, and nobody may have read it
        later = [c for c in calls if c["at"] > suspended["at"] + IN_FLIGHT]
        assert suspended["account"] not in {call["account"] for call in later}


def check_shares(calls: list[dict[str, Any]]) -> None:
    """
    The accounts share the work.

    Each is out for a good part of the time, so it may be a third of an equal
    share; only one that was suspended may have less.
    """
    counts = Counter(call["account"] for call in calls)
    suspended = {c["account"] for c in calls if c["behaviour"] == "403-terms"}
    for account in set(ACCOUNTS) - suspended:
        assert counts[account] > len(calls) / len(ACCOUNTS) / 3
