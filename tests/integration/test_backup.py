"""The commands for backup and restore in ``docs/operating.md`` do what it says."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from attrs import frozen
from daemons import KEY, Daemon, Serve, antigravity_gw

PAGE = Path(__file__).parents[2] / "docs" / "operating.md"
HERE = Path(sys.executable).parent


@frozen
class Machine:
    """
    What stands for an operator's directories.

    :ivar state: for ``/var/lib/antigravity-gw``.
    :ivar home: for ``/root``.
    """

    state: Path
    home: Path

    def run(self, commands: str) -> str:
        """Run commands of the page here; return what they say."""
        here = commands.replace("/var/lib/antigravity-gw", str(self.state))
        done = subprocess.run(
            ["sh", "-euc", here.replace("/root", str(self.home))],
            env={**os.environ, "PATH": f"{HERE}{os.pathsep}{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def command(self, *arguments: str, state: Path | None = None) -> str:
        """What the operator's command says of the state directory, or of another."""
        where = ("--state-dir", str(state or self.state))
        done = antigravity_gw(*where, *arguments, folder=self.home)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def accounts(self) -> list[str]:
        """The names of the accounts in the state directory."""
        listed = json.loads(self.command("accounts", "list", "--json"))
        return sorted(account["name"] for account in listed)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine where nothing is yet; ``serve`` keeps its state in the same place."""
    home = tmp_path / "root"
    home.mkdir()
    return Machine(tmp_path / "state", home)


@pytest.fixture
def commands() -> dict[str, str]:
    """The blocks of commands under "Backup and restore"."""
    text = PAGE.read_text(encoding="utf-8")
    section = text.split("## Backup and restore\n")[1].split("\n## ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```$", section, re.M | re.S)
    return dict(zip(("back up", "look", "restore"), blocks, strict=True))


def ask(daemon: Daemon) -> None:
    """Ask a question, so that there is usage to record."""
    request = urllib.request.Request(
        f"{daemon.url}/v1beta/models/gemini-2.5-flash:generateContent",
        data=b'{"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}',
        headers={"x-goog-api-key": KEY, "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        response.read()


def test_backup_and_restore(
    serve: Serve, machine: Machine, commands: dict[str, str]
) -> None:
    """
    A copy that is made while the daemon runs has every account.

    It is for its owner only, is put in the place of the store as it is, and the next
    one may go over it.  The record of usage is copied as well.
    """
    daemon = serve()
    ask(daemon)
    machine.run(commands["back up"])
    seen = machine.run(commands["look"])
    daemon.stop()
    machine.run(commands["back up"])
    copies = {path.name: path for path in (machine.home / "backup").iterdir()}
    machine.command("accounts", "remove", "ada", "grace")
    before = machine.accounts()
    machine.run(commands["restore"])
    usage = machine.command("usage", "--json", state=machine.home / "backup")

    assert all(name in seen for name in ("ada", "grace", "edsger"))
    assert set(copies) == {"accounts.sqlite3", "usage.sqlite3"}
    assert {path.stat().st_mode & 0o777 for path in copies.values()} == {0o600}
    assert list(machine.home.glob("looked-at")) == []
    assert before == ["edsger"]
    assert machine.accounts() == ["ada", "edsger", "grace"]
    assert (machine.home / "aside" / "accounts.sqlite3").exists()
    assert json.loads(usage)["total"]["requests"] == 1
