"""Tests for ``twistd antigravity-sandbox``."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
import pytest_twisted
import treq
from sandbox_helpers import form
from twisted.logger import capturedLogs
from twisted.python.usage import UsageError

import antigravity_sandbox
from antigravity_sandbox.tap import Options, makeService

TWISTD = [sys.executable, "-c", "from twisted.scripts.twistd import run; run()"]
ROOT = Path(antigravity_sandbox.__file__).parent.parent


def twistd(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What becomes of a twistd that cannot start."""
    return subprocess.run(
        [*TWISTD, f"--rundir={folder}", "--pidfile=", "-n", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest_twisted.ensureDeferred
async def test_service() -> None:
    """The service says where it is, and is there."""
    options = Options()
    options.parseOptions(["--listen", "tcp:0:interface=127.0.0.1", "--pace", "0.5"])
    service = makeService(options)

    with capturedLogs() as logged:
        service.privilegedStartService()
    service.startService()
    try:
        (url,) = {event["url"] for event in logged if "url" in event}
        response = await treq.get(f"{url}/sandbox/pace", persistent=False)
        assert await response.json() == {"seconds": 0.5}
    finally:
        await service.stopService()


@pytest.mark.parametrize("seed", ["-1", "x", "1.5"])
def test_bad_seed(seed: str) -> None:
    """A seed that is none is refused."""
    with pytest.raises(UsageError):
        Options().parseOptions([f"--seed={seed}"])


@pytest_twisted.ensureDeferred
async def test_seed() -> None:
    """Two sandboxes with the same seed answer in the same way."""
    traces = []
    for _ in range(2):
        options = Options()
        options.parseOptions(["--listen=tcp:0:interface=127.0.0.1", "--seed=7"])
        service = makeService(options)
        with capturedLogs() as logged:
            service.privilegedStartService()
        (url,) = {event["url"] for event in logged if "url" in event}
        try:
            response = await treq.post(f"{url}/token", data=form(), persistent=False)
            bearer = (await response.json())["access_token"]
            response = await treq.post(
                f"{url}/v1internal:loadCodeAssist",
                headers={"Authorization": f"Bearer {bearer}"},
                persistent=False,
            )
            await response.content()
            traces += response.headers.getRawHeaders("x-cloudaicompanion-trace-id")
        finally:
            await service.stopService()

    assert len(traces) == 2
    assert traces[0] == traces[1]


@pytest.mark.parametrize("pace", ["-1", "soon", "nan", "inf"])
def test_bad_pace(pace: str) -> None:
    """A pace that is none is refused."""
    with pytest.raises(UsageError):
        Options().parseOptions([f"--pace={pace}"])


def test_bad_endpoint() -> None:
    """An endpoint that is none ends the start with a message."""
    options = Options()
    options.parseOptions(["--listen=carrier-pigeon:1"])

    with pytest.raises(SystemExit, match="Unknown endpoint type"):
        makeService(options)


def test_port_is_taken(tmp_path: Path) -> None:
    """A port that is taken ends the process with one line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"--listen=tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
        process = twistd("antigravity-sandbox", endpoint, folder=tmp_path)

    assert process.returncode == 1
    (line,) = process.stderr.splitlines()
    assert line.startswith("antigravity-sandbox: Couldn't listen on 127.0.0.1:")
    assert "Traceback" not in process.stdout


def test_command_is_listed(tmp_path: Path) -> None:
    """twistd knows the command."""
    process = twistd("--help", folder=tmp_path)

    assert "antigravity-sandbox " in process.stdout
