"""
``kill -9`` at any moment, and no account is lost, nor any usage that is not new.

A few kills are enough for every day.  For more of them, at other moments::

    KILLS=50 KILLS_SEED=7 pytest tests/test_kill.py
"""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from http.client import HTTPException
from pathlib import Path
from random import Random
from urllib.parse import parse_qs

from attrs import asdict, define, field
from daemons import Daemon, Sandbox, antigravity_gw, running
from killed_writer import Accounts, Step, after, stored, work

from antigravity_gw.pool.store import Store
from antigravity_gw.record import Record
from antigravity_gw.usage.counts import Count
from antigravity_gw.usage.store import UsageStore

KILLS = int(os.environ.get("KILLS", "4"))
SEED = int(os.environ.get("KILLS_SEED", "1"))
LONGEST = 0.2
"""How long something may write before it is killed, in seconds."""

WRITER = Path(__file__).with_name("killed_writer.py")

WRITE_SECONDS = 1.5
"""How often usage is written here."""

HELLO = b'{"contents":[{"parts":[{"text":"Hello"}]}]}'
NAMES = ("ada", "grace", "edsger")
CONFIG = """
listen = ["tcp:0:interface=127.0.0.1"]
state_dir = "{state}"

[auth]
mode = "off"

[oauth]
client_id = "sandbox-client.apps.example"
client_secret = "sandbox-secret-of-no-value"
token_url = "{url}/token"

[upstream.code_assist]
endpoints = ["{url}"]
"""


# A program that writes to the store


def killed(store: Store, said: Path, seed: int) -> None:
    """Let the writer write for a while, and kill it."""
    command = [sys.executable, str(WRITER), str(store.directory), "first", str(seed)]
    with said.open("wb") as out, subprocess.Popen(command, stdout=out) as writer:
        while not said.stat().st_size:
            assert writer.poll() is None
            time.sleep(0.001)
        time.sleep(LONGEST * Random(seed).random())
        writer.kill()
        assert writer.wait() == -signal.SIGKILL


def possible(accounts: Accounts, said: Path) -> list[Accounts]:
    """What may be there: all that was acknowledged, and perhaps one step more."""
    under_way = None
    for line in said.read_text().splitlines():
        if line:
            under_way = Step(**json.loads(line))
        elif under_way is not None:
            accounts, under_way = after(accounts, under_way), None
    return [accounts, after(accounts, under_way)] if under_way else [accounts]


class Stop(Exception):
    """Enough has been written."""


class SecondWriter:
    """Writes at the same time, as the command line may, and is not killed."""

    def __init__(self, store: Store, seed: int) -> None:
        self.done = stored(store, "second")
        self._store = store
        self._seed = seed
        self._under_way: Step | None = None
        self._is_over = False

    def __enter__(self) -> "SecondWriter":
        self._thread = ThreadPoolExecutor(1)
        self._working = self._thread.submit(self._work)
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        with self._thread:
            self._working.result()

    def _work(self) -> None:
        with suppress(Stop):
            work(self._store, "second", self._seed, self._tell)

    def _tell(self, step: Step | None) -> None:
        if step is None and self._under_way is not None:
            self.done = after(self.done, self._under_way)
        elif self._is_over:
            raise Stop
        self._under_way = step


def check_whole(store: Store) -> None:
    """The database is sound, and every account in it has its secret."""
    with closing(sqlite3.connect(store.path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        accounts = db.execute("SELECT id FROM account ORDER BY id").fetchall()
        secrets = db.execute("SELECT account FROM secret ORDER BY account").fetchall()
        assert accounts == secrets


def test_kill_a_writer(tmp_path: Path) -> None:
    """
    What was acknowledged is there; what was not is there as a whole, or not at all.
    """
    store = Store.open(tmp_path / "state")
    first: Accounts = {}
    written = 0
    for number in range(KILLS):
        said, seed = tmp_path / f"said-{number}", 1000 * SEED + number
        with SecondWriter(store, seed) as second:
            killed(store, said, seed)
        store = Store.open(store.directory)
        check_whole(store)
        assert stored(store, "second") == second.done
        assert stored(store, "first") in possible(first, said)
        first = stored(store, "first")
        written += said.read_text().count("\n\n")
    assert written > KILLS


# The daemon


@contextmanager
def without_end(*works: Callable[[], None]) -> Iterator[None]:
    """Do all of these again and again, each in a thread; what breaks is no matter."""
    is_over = False

    def repeat(work: Callable[[], None]) -> None:
        while not is_over:
            with suppress(OSError, HTTPException):
                work()

    with ThreadPoolExecutor(len(works)) as threads:
        for each in works:
            threads.submit(repeat, each)
        try:
            yield
        finally:
            is_over = True


def ask(daemon: Daemon) -> None:
    """Begin another conversation."""
    path = "/v1beta/models/gemini-2.5-flash:generateContent"
    contents = [{"parts": [{"text": f"Hello at {time.monotonic_ns()}"}]}]
    body = json.dumps({"contents": contents}).encode()
    with suppress(urllib.error.HTTPError):
        urllib.request.urlopen(daemon.url + path, body, timeout=10).read()


def order(sandbox: Sandbox, **orders: object) -> None:
    """Give these orders to all accounts."""
    for name in NAMES:
        sandbox.control("POST", f"/accounts/{name}", orders)


def check_rotations(sandbox: Sandbox, store: Store) -> list[Record]:
    """
    What Google has replaced was stored before what came with it was used.

    :returns: the accounts that need a new login.  The refresh token that they have
        is dead, and the daemon was killed before it could store the new one; no
        other program could have done better.
    """
    calls = sandbox.calls()
    unlucky = []
    for known in store.accounts():
        name, token = known.record.name, known.record.credential
        current = sandbox.control("GET", f"/accounts/{name}")["refreshToken"]
        if token != current:
            mine = [call for call in calls if call["account"] == name]
            renewals = [
                c for c in mine if c["method"] == "token" and c["status"] != 400
            ]
            newest = f"ya29.sandbox-{name}-{len(renewals)}"
            assert parse_qs(renewals[-1]["body"])["refresh_token"] == [token]
            assert newest not in {call["bearer"] for call in mine}
            unlucky.append(Record(known.record.id, name, current))
    return unlucky


def test_kill_the_daemon(tmp_path: Path) -> None:
    """
    Whenever that is, it starts again, with all accounts, and a refresh token that
    Google has replaced was stored before what came with it was used.
    """
    options = ["--listen", "tcp:0:interface=127.0.0.1"]
    config = tmp_path / "config.toml"
    store = Store.open(tmp_path / "state")
    has_left_wal = False
    for name in NAMES:
        store.put(Record(f"id-of-{name}", name, f"1//sandbox-{name}"))
    with running("antigravity-sandbox", *options, folder=tmp_path) as google:
        sandbox = Sandbox(google.url)
        config.write_text(CONFIG.format(url=google.url, state=store.directory))
        order(sandbox, expiresIn=0.2)  # so that tokens are renewed all the time
        for number in range(KILLS):
            gateway = running("antigravity-gw", "-c", str(config), folder=tmp_path)
            with ExitStack() as stack:
                daemon = stack.enter_context(gateway)
                rotating = partial(order, sandbox, rotateRefresh=True)
                asking = 4 * [partial(ask, daemon)]
                stack.enter_context(without_end(rotating, *asking))
                daemon.wait_for("generateContent 200")
                time.sleep(LONGEST * Random(1000 * SEED + number).random())
                daemon.process.kill()
                daemon.process.wait()
            # Looked at in a copy: the next start is to find what this one has left.
            left = tmp_path / f"left-{number}"
            shutil.copytree(store.directory, left)
            has_left_wal |= (left / f"{Store.FILE_NAME}-wal").exists()
            copy = Store.open(left)
            check_whole(copy)
            assert {known.record.name for known in copy.accounts()} == set(NAMES)
            for record in check_rotations(sandbox, copy):
                store.put(record)
        sandbox.control("DELETE", "/calls")
        with running("antigravity-gw", "-c", str(config), folder=tmp_path) as daemon:
            for _ in range(40):
                ask(daemon)
            served = sandbox.calls("generateContent")
    assert has_left_wal
    assert {(c["account"], c["status"]) for c in served} == {(n, 200) for n in NAMES}
    assert [known.holds for known in store.accounts()] == [{}, {}, {}]


# Usage


@define
class Clients:
    """What clients know of their own answers: how many, and the tokens in them."""

    daemon: Daemon
    answers: list[int] = field(factory=list)
    asked: int = 0

    def ask(self) -> None:
        """Ask for another answer, and keep account of it."""
        path = "/v1beta/models/gemini-2.5-flash:generateContent"
        self.asked += 1
        with suppress(urllib.error.HTTPError):
            answer = urllib.request.urlopen(self.daemon.url + path, HELLO, timeout=10)
            metadata = json.load(answer)["usageMetadata"]
            self.answers.append(metadata["totalTokenCount"])

    def count(self, least: int) -> int:
        """How many answers there are, once there are so many more."""
        enough = len(self.answers) + least
        while len(self.answers) < enough:
            assert self.daemon.process.poll() is None
            time.sleep(0.01)
        return len(self.answers)


def usage(folder: Path) -> tuple[int, int]:
    """Requests that were served and tokens, as the command says, and as stored."""
    arguments = ("-c", "config.toml", "usage", "--json")
    told = json.loads(antigravity_gw(*arguments, folder=folder).stdout)["total"]
    store = UsageStore.open(folder / "state", create=False)
    for by in ("key", "account", "model", "hour"):
        total = sum(store.sums(by, 0.0).values(), Count())
        assert {**asdict(total), "total": total.total} == told
    return told["requests"] - told["errors"], told["total"]


def test_kill_loses_no_old_usage(tmp_path: Path) -> None:
    """
    What had been answered two times ``usage.write_seconds`` before is counted after
    ``kill -9``, and nothing that was not asked; after SIGTERM, every answer is, to
    the token.
    """
    options = ["--listen", "tcp:0:interface=127.0.0.1"]
    store = Store.open(tmp_path / "state")
    for name in NAMES:
        store.put(Record(f"id-of-{name}", name, f"1//sandbox-{name}"))
    with running("antigravity-sandbox", *options, folder=tmp_path) as google:
        config = CONFIG.format(url=google.url, state=store.directory)
        often = f"[usage]\nwrite_seconds = {WRITE_SECONDS}\n"
        (tmp_path / "config.toml").write_text(config + often)
        gateway = partial(running, "antigravity-gw", "-c", "config.toml")
        with gateway(folder=tmp_path) as daemon:
            clients = Clients(daemon)
            with without_end(*4 * [clients.ask]):
                old = clients.count(20)
                time.sleep(2 * WRITE_SECONDS)
                daemon.process.kill()
                daemon.process.wait()
        requests, tokens = usage(tmp_path)
        assert old <= requests <= clients.asked
        assert tokens >= sum(clients.answers[:old])

        with gateway(folder=tmp_path) as daemon:
            clients = Clients(daemon)
            with without_end(*4 * [clients.ask]):
                clients.count(20)
                daemon.stop()
        assert usage(tmp_path) == (
            requests + len(clients.answers),
            tokens + sum(clients.answers),
        )
