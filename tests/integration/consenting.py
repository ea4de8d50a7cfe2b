"""``antigravity-gw login`` in a process of its own, and a person who answers it."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from attrs import define
from daemons import KEY, Daemon, antigravity_gw

HELLO = b'{"contents":[{"role":"user","parts":[{"text":"Hello"}]}]}'

LONGEST = 30.0
"""How long a command may take to end, in seconds."""


@define
class Login:
    """
    A login that waits for somebody.

    :ivar log: what it says on standard error.
    """

    process: "subprocess.Popen[str]"
    log: Path

    @property
    def said(self) -> str:
        """What it has said so far."""
        return self.log.read_text()

    def url(self) -> str:
        """Where it wants consent, once it has said so."""
        return self.wait_for(r"(http://\S+/o/oauth2/\S+)\n")

    def wait_for(self, pattern: str) -> str:
        """Wait until it says something; fail when it never does."""
        deadline = time.monotonic() + LONGEST
        while time.monotonic() < deadline:
            is_over = self.process.poll() is not None
            if found := re.search(pattern, self.said):
                return found[found.re.groups]
            if is_over:
                break
            time.sleep(0.02)
        raise AssertionError(f"it never said {pattern!r}:\n{self.said}")

    def paste(self, text: str) -> None:
        """Paste a line."""
        assert self.process.stdin
        self.process.stdin.write(f"{text}\n")
        self.process.stdin.flush()

    def end(self, text: str | None = None) -> tuple[int, str]:
        """
        Let it come to its end.

        :param text: a last line to paste, if there is one.
        :returns: the exit status, and standard output.
        """
        if text is not None:
            self.paste(text)
        out, _ = self.process.communicate(timeout=LONGEST)
        return self.process.returncode, out


@contextlib.contextmanager
def logging_in(config: Path, *arguments: str, **environ: str) -> Iterator[Login]:
    """A login with the configuration *config*; killed if it has not come to its end."""
    command = [str(Path(sys.executable).with_name("antigravity-gw"))]
    log = config.parent / f"login-{time.monotonic_ns()}.log"
    with log.open("wb") as err:
        process = subprocess.Popen(
            [*command, "--config", str(config), "login", *arguments],
            cwd=config.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
            env={**os.environ, "HOME": str(config.parent), **environ},
            # Where the tests run in the background, it may be ignored from birth.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    with process:
        try:
            yield Login(process, log)
        finally:
            process.kill()


class _StaysHere(urllib.request.HTTPRedirectHandler):
    """Does not go where it is sent."""

    def redirect_request(self, *arguments: Any) -> None:
        """Go nowhere."""


def consent(
    url: str,
    account: str = "ada",
    decision: str = "allow",
    untick: tuple[str, ...] = (),
) -> str:
    """Answer the consent page at *url*; return where it sends the browser."""
    scopes = parse_qs(urlsplit(url).query)["scope"][0].split()
    fields = [("account", f"{account}@sandbox.example"), ("decision", decision)]
    fields += [("scope", s) for s in scopes if not s.endswith(untick or ("/none",))]
    opener = urllib.request.build_opener(_StaysHere)
    with pytest.raises(urllib.error.HTTPError) as answer:
        opener.open(url, urlencode(fields).encode())
    with answer.value as answered:
        assert answered.code == 302, answered.read()
        return str(answered.headers["location"])


def page_at(url: str) -> tuple[int, str]:
    """The status and the text of a page."""
    try:
        with urllib.request.urlopen(url, timeout=LONGEST) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def accounts(config: Path, *arguments: str) -> Any:
    """What a command about accounts says, in JSON."""
    command = ("--config", str(config), "accounts", *arguments, "--json")
    return json.loads(antigravity_gw(*command, folder=config.parent).stdout)


def answers(daemon: Daemon) -> bool:
    """Whether the gateway answers a question within the time of a change."""
    headers = {"x-goog-api-key": KEY, "content-type": "application/json"}
    url = f"{daemon.url}/v1beta/models/gemini-2.5-flash:generateContent"
    request = urllib.request.Request(url, HELLO, headers)
    deadline = time.monotonic() + 2.0
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return b"You said" in answer.read()
        except urllib.error.HTTPError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)


def complaint(said: str) -> str:
    """The one line that says why it failed."""
    (line,) = (x for x in said.splitlines() if x.startswith("antigravity-gw: "))
    return line.removeprefix("antigravity-gw: ")
