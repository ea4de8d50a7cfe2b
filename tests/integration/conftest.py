"""Fixtures of the tests that drive the real daemon over real sockets."""

import contextlib
import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from browsing import Browser, browsing
from daemons import KEY, LOGS, Daemon, Sandbox, Serve, antigravity_gw, running
from secrecy import given_away

CONFIG = """
listen = ["tcp:0:interface=127.0.0.1"]
state_dir = "{state}"

[auth]
mode = "strict"
keys = [{{ name = "suite", sha256 = "{digest}" }}]

[oauth]
client_id = "sandbox-client.apps.example"
client_secret = "sandbox-secret-of-no-value"
authorization_url = "{url}/o/oauth2/v2/auth"
token_url = "{url}/token"
userinfo_url = "{url}/oauth2/v2/userinfo"

[upstream.code_assist]
endpoints = ["{url}"]

[models.aliases]
"flash" = "gemini-2.5-flash"
{more}
"""


@pytest.fixture(scope="session", autouse=True)
def secrecy() -> Iterator[None]:
    """Nothing secret is in what any gateway of this session has said."""
    yield
    found = {log: given_away(log.read_text(errors="replace")) for log in LOGS}
    assert {log: words for log, words in found.items() if words} == {}


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The sandbox, for the whole session."""
    folder = tmp_path_factory.mktemp("sandbox")
    options = ["--listen", "tcp:0:interface=127.0.0.1", "--pace", "0.02"]
    with running("antigravity-sandbox", *options, folder=folder) as daemon:
        yield Sandbox(daemon.url)


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Sandbox:
    """The sandbox, as if new: no rules, no calls, all accounts well."""
    sandbox_process.reset()
    return sandbox_process


@pytest.fixture
def slow(sandbox: Sandbox) -> Iterator[Sandbox]:
    """The sandbox, taking its time between two events."""
    pace = sandbox.control("GET", "/pace")
    sandbox.control("POST", "/pace", {"seconds": 0.5})
    yield sandbox
    sandbox.control("POST", "/pace", pace)


@pytest.fixture
def serve(sandbox: Sandbox, tmp_path: Path) -> Iterator[Serve]:
    """Starts gateways of this test's own, whose accounts it may ruin."""
    with ExitStack() as running_daemons:

        def start(
            more: str = "",
            accounts: tuple[str, ...] = ("ada", "grace", "edsger"),
            **environ: str,
        ) -> Daemon:
            gateway = _gateway(tmp_path, sandbox, more, accounts, **environ)
            return running_daemons.enter_context(gateway)

        yield start


@pytest.fixture(scope="session")
def shared_gateway(
    sandbox_process: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Daemon]:
    """One gateway for the tests that leave its accounts well."""
    folder = tmp_path_factory.mktemp("gateway")
    with _gateway(folder, sandbox_process, "", ("ada", "grace", "edsger")) as daemon:
        yield daemon


@pytest.fixture
def gateway(shared_gateway: Daemon, sandbox: Sandbox) -> Daemon:
    """A gateway with three good accounts, and a sandbox as if new behind it."""
    return shared_gateway


def _gateway(
    folder: Path,
    sandbox: Sandbox,
    more: str,
    accounts: tuple[str, ...],
    **environ: str,
) -> "contextlib.AbstractContextManager[Daemon]":
    """A gateway in *folder* with the sandbox's accounts of these names."""
    config = _configured(folder, sandbox, more)
    for name in accounts:
        done = antigravity_gw(
            "--config",
            str(config),
            "accounts",
            "add",
            name,
            folder=folder,
            stdin=f"1//sandbox-{name}\n",
        )
        assert done.returncode == 0, done.stderr
    options = ["--config", str(config)]
    return running("antigravity-gw", *options, folder=folder, **environ)


def _configured(folder: Path, sandbox: Sandbox, more: str) -> Path:
    """The configuration of a gateway in *folder*."""
    config = folder / "config.toml"
    state = folder / "state"
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    config.write_text(
        CONFIG.format(url=sandbox.url, state=state, digest=digest, more=more)
    )
    return config


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser without a window."""
    with browsing(tmp_path_factory.mktemp("node") / "browser") as browser:
        yield browser


@pytest.fixture
def config(tmp_path: Path, sandbox: Sandbox) -> Path:
    """The configuration of a gateway that need not run."""
    return _configured(tmp_path, sandbox, "")
