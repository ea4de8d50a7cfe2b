"""The log of the real daemon: its forms, its levels, and what SIGHUP does to them."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from daemons import KEY, Daemon, Serve

BODY = b'{"contents":[{"parts":[{"text":"Hello"}]}]}'


def ask(daemon: Daemon, id: str) -> None:
    """Have a request with that id served."""
    request = urllib.request.Request(
        f"{daemon.url}/v1beta/models/gemini-2.5-flash:generateContent",
        data=BODY,
        headers={"x-goog-api-key": KEY, "x-request-id": id},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        assert response.headers["x-request-id"] == id
        response.read()


def lines(text: str, id: str) -> list[dict[str, Any]]:
    """The lines that tell of one request, with all of them being JSON."""
    told = [json.loads(line) for line in text.splitlines()]
    return [line for line in told if line.get("id") == id]


def test_a_request_can_be_followed(serve: Serve, tmp_path: Path) -> None:
    """By its id: each call upstream, how it ended, and its bodies while they are on."""
    settings = '[log]\nformat = "json"\nbodies_file = "bodies"\n'
    daemon = serve(settings + '[log.levels]\nupstream = "debug"\n')
    config, bodies = tmp_path / "config.toml", tmp_path / "state" / "bodies"
    bodies.touch()
    ask(daemon, "first")
    daemon.wait_for('"ended":"served"')
    Daemon(daemon.process, bodies).wait_for("to_client")
    asked, answered, served = lines(daemon.output(), "first")

    assert (asked["level"], asked["what"]) == ("debug", "is asked")
    assert (answered["subsystem"], answered["what"]) == ("upstream", "answers")
    assert (served["subsystem"], served["status"]) == ("requests", 200)
    assert len(lines(bodies.read_text(), "first")) == 2
    assert "THE BODIES OF REQUESTS" in daemon.output()

    config.write_text(config.read_text().replace('bodies_file = "bodies"', ""))
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for("the configuration was read again")
    ask(daemon, "another")
    daemon.wait_for('"id":"another".*"ended":"served"')
    assert lines(bodies.read_text(), "another") == []


def test_silence(serve: Serve, tmp_path: Path) -> None:
    """The lines of requests can be had without, and the others stay."""
    daemon, config = serve(), tmp_path / "config.toml"
    ask(daemon, "first")
    daemon.wait_for("id=first")
    with config.open("a") as file:
        file.write('\n[log]\nformat = "json"\n[log.levels]\nrequests = "off"\n')
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for('"message":"the configuration was read again')
    ask(daemon, "quiet")
    config.write_text(config.read_text().replace('"off"', '"lots"'))
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for("is not taken up.*log.levels.requests: expected one of")
    config.write_text(config.read_text().replace('"lots"', '"info"'))
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for("(?s)read again.*read again")
    ask(daemon, "again")
    daemon.wait_for('"id":"again"')

    assert "quiet" not in daemon.output()


def test_the_journal_reads(tmp_path: Path) -> None:
    """Where systemd says that it does, each line has a priority and no time."""
    log = tmp_path / "log"
    command = [str(Path(sys.executable).with_name("twistd")), "-n", "antigravity-gw"]
    command += ["--sandbox", "--listen", "tcp:0:interface=127.0.0.1"]
    with log.open("wb") as out:
        stat = os.fstat(out.fileno())
        stream = {"JOURNAL_STREAM": f"{stat.st_dev}:{stat.st_ino}"}
        environ = {**os.environ, "HOME": str(tmp_path), **stream}
        process = subprocess.Popen(command, stdout=out, stderr=out, env=environ)
    daemon = Daemon(process, log)
    try:
        daemon.wait_for("listening on")
    finally:
        daemon.stop()

    said = daemon.output().splitlines()
    assert [line for line in said if not re.match(r"<[2-7]>\[", line)] == []
