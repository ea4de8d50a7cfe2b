"""The processes of a benchmark: each on its core, and none left behind."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from secrets import token_urlsafe

from attrs import field, frozen

from benchmarks.load import Failed, Target

CHECKOUT = Path(__file__).parents[1]
START_SECONDS = 30.0
STOP_SECONDS = 10.0
BASELINE = "baseline"
GATEWAY = "gateway"

_CONFIG = """
listen = ["tcp:0:interface=127.0.0.1"]
state_dir = "{folder}/state"

[auth]
mode = "strict"
keys = [{{ name = "bench", sha256 = "{hash}" }}]

[oauth]
client_id = "bench"
client_secret = "bench"
token_url = "{upstream}/token"

[upstream.code_assist]
endpoints = ["{upstream}"]

[pool]
quota_check_seconds = 0  # it would be asked for in the middle of something
"""


@frozen
class Cores:
    """
    Who works where.

    :ivar measured: the core of the process that is measured.
    :ivar others: that of the upstream and of the clients.
    """

    measured: int
    others: int

    @classmethod
    def available(cls) -> "Cores":
        """The first two that this process may use, or one for all."""
        cores = sorted(os.sched_getaffinity(0))
        return cls(cores[0], cores[1] if len(cores) > 1 else cores[0])

    @property
    def are_shared(self) -> bool:
        """Whether what measures takes time from what is measured."""
        return self.measured == self.others


@frozen
class House:
    """
    What processes are started with.

    :ivar folder: where they run, and keep what they write.
    :ivar python: the interpreter that the gateway is installed for.
    """

    folder: Path
    python: Path
    cores: Cores
    key: str = field(factory=token_urlsafe, repr=False)

    @contextmanager
    def upstream(self) -> Iterator[str]:
        """A fake upstream runs; its URL."""
        command = [sys.executable, "-m", "benchmarks.upstream"]
        log = self.folder / "upstream.log"
        with running(command, CHECKOUT, log, self.cores.others) as (_, url):
            yield url

    @contextmanager
    def target(self, name: str, upstream: str) -> Iterator[Target]:
        """A freshly started proxy, which has served nothing yet."""
        command, folder = {
            BASELINE: (self._baseline(upstream), CHECKOUT),
            GATEWAY: (self._gateway(), self.folder),
        }[name]
        log = self.folder / f"{name}.log"
        with running(command, folder, log, self.cores.measured) as (pid, url):
            yield Target(name, url, pid, self.key)

    def furnish(self, upstream: str) -> None:
        """
        Write the gateway's configuration, and give it an account.

        :raises Failed: when its command line refuses.
        """
        hashed = sha256(self.key.encode()).hexdigest()
        self._config.write_text(
            _CONFIG.format(folder=self.folder, upstream=upstream, hash=hashed)
        )
        command = [self._beside("antigravity-gw"), "--config", str(self._config)]
        added = self._run([*command, "accounts", "add", "bench"], stdin="1//bench")
        if added.returncode:
            raise Failed(f"the account could not be added: {_last(added.stderr)}")

    def versions(self) -> str:
        """What the gateway is made of."""
        asking = (
            "from importlib.metadata import version as v; import platform as p;"
            "print(f'Python {p.python_version()}, Twisted {v(\"Twisted\")}, '"
            "f'antigravity-gw {v(\"antigravity-gw\")}')"
        )
        asked = self._run([str(self.python), "-c", asking])
        if asked.returncode:
            raise Failed(f"{self.python} has no antigravity-gw installed")
        return asked.stdout.strip()

    @property
    def _config(self) -> Path:
        return self.folder / "config.toml"

    def _baseline(self, upstream: str) -> list[str]:
        return [sys.executable, "-m", "benchmarks.baseline", upstream]

    def _gateway(self) -> list[str]:
        twistd = [self._beside("twistd"), "-n", "--pidfile="]
        return [*twistd, "antigravity-gw", "-c", str(self._config)]

    def _beside(self, script: str) -> str:
        return str(self.python.with_name(script))

    def _run(
        self, command: Sequence[str], stdin: str = ""
    ) -> "subprocess.CompletedProcess[str]":
        try:
            return subprocess.run(
                command,
                cwd=self.folder,
                env=_environment(),
                input=stdin,
                capture_output=True,
                text=True,
                timeout=START_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Failed(str(error)) from None


@contextmanager
def running(
    command: Sequence[str], folder: Path, log: Path, core: int
) -> Iterator[tuple[int, str]]:
    """
    A process that listens; its id and its URL.

    It has a session of its own, so that Ctrl-C reaches only who started it.

    :raises Failed: when it does not say where it listens.
    """
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        os.sched_setaffinity(process.pid, {core})
        yield process.pid, _url(process, log)
    finally:
        _stop(process)


def _environment() -> dict[str, str]:
    """That of this process, without settings that would win over our file."""
    ours = "ANTIGRAVITY_GW_"
    return {name: value for name, value in os.environ.items() if ours not in name}


def _url(process: "subprocess.Popen[bytes]", log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        said = log.read_text(errors="replace")
        if found := re.search(r"listening on (http://[\d.:]+)[\s,]", said):
            return found[1]
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise Failed(f"{log.stem} does not listen: {_last(said)}")


def _last(said: str) -> str:
    """The line that says why, of all that a failed program said."""
    return (said.strip().splitlines() or ["it said nothing"])[-1]


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """End it, patiently first."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
