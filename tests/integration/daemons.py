"""The real daemon and the sandbox, each in a process of its own."""

import contextlib
import json
import os
import re
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from itertools import groupby
from pathlib import Path
from typing import Any

from attrs import define
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

KEY = "test-key-of-this-suite"
"""What clients show to the gateway."""

WEATHER = {
    "name": "weather",
    "description": "Tells the weather of a city.",
    "parameters": {
        "type": "OBJECT",
        "properties": {"city": {"type": "STRING"}},
        "required": ["city"],
    },
}
"""A tool that a model may call."""

START_SECONDS = 30.0


LOGS: list[Path] = []
"""What all gateways of this session have said; see the fixture ``secrecy``."""


@define
class Daemon:
    """A twistd in a subprocess, its output in a file."""

    process: "subprocess.Popen[bytes]"
    log: Path
    url: str = ""

    def output(self) -> str:
        """All it has said so far."""
        return self.log.read_text(errors="replace")

    def wait_for(self, pattern: str) -> "re.Match[str]":
        """Wait until it says something; fail when it never does."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if found := re.search(pattern, self.output()):
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"it never said {pattern!r}:\n{self.output()}")

    def stop(self) -> int:
        """End it as systemd would; return its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(START_SECONDS)


Serve = Callable[..., Daemon]
"""Starts gateways of a test's own, see the fixture ``serve``."""


@define
class Sandbox:
    """
    A running sandbox, by its control endpoint.

    :ivar trust: what it is known by, if it speaks TLS.
    :ivar certificate: the file of its certificate.
    """

    url: str
    trust: ssl.SSLContext | None = None
    certificate: str = ""

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call the control endpoint; return the JSON it answers."""
        request = urllib.request.Request(
            f"{self.url}/sandbox{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(
            request, timeout=10, context=self.trust
        ) as response:
            return json.loads(response.read() or b"null")

    def reset(self) -> None:
        """Forget rules and calls, restore the accounts."""
        self.control("DELETE", "/rules")
        self.control("DELETE", "/calls")
        for name in ("ada", "grace", "edsger"):
            self.control("POST", f"/accounts/{name}", {"restore": True})

    def rule(self, behaviour: str, **selectors: Any) -> None:
        """Have it misbehave."""
        self.control("POST", "/rules", {"behaviour": behaviour, **selectors})

    def calls(self, *methods: str) -> list[dict[str, Any]]:
        """What it was asked, of some methods or of all."""
        calls = self.control("GET", "/calls")["calls"]
        return [c for c in calls if not methods or c["method"] in methods]


def twistd(*arguments: str, folder: Path, **environ: str) -> Daemon:
    """Start ``twistd -n`` with *arguments* in *folder*."""
    log = folder / f"{arguments[0]}-{time.monotonic_ns()}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("twistd")), "-n", *arguments],
            cwd=folder,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HOME": str(folder), **environ},
        )
    if arguments[0] == "antigravity-gw":
        LOGS.append(log)
    return Daemon(process, log)


@contextlib.contextmanager
def running(*arguments: str, folder: Path, **environ: str) -> Iterator[Daemon]:
    """A daemon that is listening, and is stopped at the end."""
    daemon = twistd(*arguments, folder=folder, **environ)
    try:
        daemon.url = daemon.wait_for(
            r"(?:listening on|plays Google at) (https?://[^\s,;]+)"
        )[1]
        yield daemon
    finally:
        daemon.stop()


def antigravity_gw(
    *arguments: str, folder: Path, stdin: str = "", **environ: str
) -> "subprocess.CompletedProcess[str]":
    """Run the operator's command to its end."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("antigravity-gw")), *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        env={**os.environ, "HOME": str(folder), **environ},
        timeout=60,
        check=False,
    )


def ruin(sandbox: Sandbox, **order: Any) -> None:
    """Tell all accounts the same."""
    for name in ("ada", "grace", "edsger"):
        sandbox.control("POST", f"/accounts/{name}", order)


def asked(sandbox: Sandbox) -> list[dict[str, Any]]:
    """The calls that asked a model something."""
    return sandbox.calls("generateContent", "streamGenerateContent")


def contents(call: dict[str, Any]) -> list[dict[str, Any]]:
    """The conversation that a call brought to the sandbox."""
    found: list[dict[str, Any]] = json.loads(call["body"])["request"]["contents"]
    return found


def turns(call: dict[str, Any]) -> list[tuple[str, str]]:
    """Who has said what in it, however many contents that took."""
    return [
        (role, "".join(part["text"] for c in turn for part in c["parts"]))
        for role, turn in groupby(contents(call), key=lambda c: str(c["role"]))
    ]


def served(gateway: Daemon, path: str, expected: int) -> int:
    """
    How many requests whose path contains *path* the gateway has answered.

    A client may have its answer before that is logged, so up to *expected* are
    waited for.
    """
    deadline = time.monotonic() + 10.0
    while True:
        lines = gateway.output().splitlines()
        found = sum("GatewaySite#" in line and path in line for line in lines)
        if found >= expected or time.monotonic() > deadline:
            return found
        time.sleep(0.02)


def self_signed(folder: Path) -> tuple[str, str]:
    """Files with a key and a certificate for 127.0.0.1, good for a day."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.IPAddress(ip_address("127.0.0.1"))
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(hours=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(private, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "key.pem").write_bytes(
        private.private_bytes(
            pem,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    return str(folder / "key.pem"), str(folder / "cert.pem")


OTHERS = 4
"""
So many conversations begin after each turn of one that is looked at.

Accounts have random ids, and by these conversations find theirs: of twelve, all
may come to one account in one of a hundred thousand runs.
"""


def split(calls: list[Any]) -> tuple[list[Any], list[Any]]:
    """The calls of the conversation that is looked at, and those of the others."""
    step = 1 + OTHERS
    return calls[::step], [call for n, call in enumerate(calls) if n % step]
