"""
Start the daemon from the installed wheel, as a newcomer would, and ask it.

Run as a script: ``make test`` does so after the suite.  Exits with a message
when something is not as it should be.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

BIN = Path(sys.executable).parent
PATIENCE = 60.0
"""Seconds to wait for the daemon to listen."""


def main() -> None:
    """Go through the first steps of the README's tutorial."""
    listed = subprocess.run(
        [BIN / "twistd", "--help"], capture_output=True, text=True, check=True
    )
    expect("antigravity-gw" in listed.stdout, "twistd --help lists antigravity-gw")
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as out:
            daemon = subprocess.Popen(
                [
                    *(BIN / "twistd", "-n", "antigravity-gw", "--sandbox"),
                    *("--listen", "tcp:0:interface=127.0.0.1"),
                ],
                cwd=folder,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        try:
            ask(listening_at(log, daemon))
        finally:
            daemon.terminate()
            daemon.wait(PATIENCE)
        expect(daemon.returncode == 0, "the daemon stops when told to")
    print("smoke test: 5 passed, 0 failed")


def listening_at(log: Path, daemon: "subprocess.Popen[bytes]") -> str:
    """The URL the daemon says it listens on."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and daemon.poll() is None:
        if found := re.search(r"listening on (http://[\d.:]+)", log.read_text()):
            return found[1]
        time.sleep(0.05)
    sys.exit(f"smoke test: the daemon does not listen:\n{log.read_text()}")


def ask(url: str) -> None:
    """Ask for health, the models and an answer."""
    health = json.loads(urllib.request.urlopen(f"{url}/healthz").read())
    expect(health == {"status": "ok"}, "/healthz is ok")
    models = json.loads(urllib.request.urlopen(f"{url}/v1beta/models").read())
    expect(len(models["models"]) > 0, "there are models")
    request = urllib.request.Request(
        f"{url}/v1beta/models/gemini-2.5-flash:generateContent",
        data=b'{"contents":[{"parts":[{"text":"Hello"}]}]}',
        headers={"content-type": "application/json"},
    )
    answer = json.loads(urllib.request.urlopen(request).read())
    text = answer["candidates"][0]["content"]["parts"][0]["text"]
    expect("Hello" in text, "an answer comes back")


def expect(holds: bool, what: str) -> None:
    """Say that something holds, or exit."""
    if not holds:
        sys.exit(f"smoke test: it does not hold that {what}")
    print(f"smoke test: {what}")


if __name__ == "__main__":
    main()
