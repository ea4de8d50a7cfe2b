"""Whether the daemon could listen where it is configured to, found out by trying."""

import http.client
import json
import os
import re
import socket
import ssl
from collections.abc import Callable
from contextlib import closing
from errno import EACCES, EADDRINUSE
from functools import partial
from pathlib import Path
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread

from antigravity_gw.listening import endpoint_of
from antigravity_gw.premises import Grade, Premise

LONGEST = 3.0
"""How long to wait for whoever holds a port to say who it is, in seconds."""

NAME = "port"
REALM = "antigravity-gw"
EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
_ENCRYPTED = ("ssl:", "tls:")
_SEPARATOR = re.compile(r"(?<!\\):")

Holder = Callable[[], http.client.HTTPConnection]
"""Connects to whoever holds a port."""


async def tried(reactor: Any, description: str) -> Premise:
    """Whether the endpoint of *description* is free, or held by a daemon of ours."""
    if description.startswith("systemd:"):
        return Premise(NAME, Grade.OK, f"{description} is opened by systemd")
    if description.startswith("unix:"):
        return await _socket(description, socket_path(description))
    try:
        port = await endpoint_of(reactor, description).listen(_nobody())
    except CannotListenError as error:
        return await _taken(description, error)
    except Exception as error:
        return _impossible(description, str(error))
    await maybeDeferred(port.stopListening)
    return Premise(NAME, Grade.OK, f"{description} is free")


def _nobody() -> Any:
    factory = Factory.forProtocol(Protocol)
    factory.noisy = False
    return factory


async def _taken(description: str, error: CannotListenError) -> Premise:
    number = getattr(error.socketError, "errno", None)
    if number == EACCES:
        told = f"{description}: this user may not listen there"
        to_do = "start the daemon by a unit that may, or choose a port from 1024 on"
        return Premise(NAME, Grade.WARNING, told, to_do)
    if number != EADDRINUSE:
        why = getattr(error.socketError, "strerror", None) or error.socketError
        return _impossible(description, str(why))
    is_encrypted = description.startswith(_ENCRYPTED)
    host = EVERYWHERE.get(error.interface, error.interface)
    holder = partial(_connection, host, error.port, is_encrypted)
    return await _held(description, holder)


async def _held(description: str, holder: Holder) -> Premise:
    """Somebody listens there; who is it?"""
    if await deferToThread(_is_ours, holder):
        told = f"{description}: an antigravity-gw is running there"
        return Premise(NAME, Grade.OK, told)
    return Premise(
        NAME,
        Grade.PROBLEM,
        f"{description}: something else is listening there, no antigravity-gw",
        "stop what uses it, or name another",
    )


async def _socket(description: str, path: Path) -> Premise:
    """
    Whether a UNIX socket is free.

    It is not tried: a socket that cannot be opened leaves Twisted's lock behind.
    """
    if path.exists():
        holder = partial(_unix_connection, str(path))
        if await deferToThread(_answers, str(path)):
            return await _held(description, holder)
        if os.path.lexists(f"{path}.lock"):
            told = f"{description}: left behind by a daemon, replaced by the next one"
            return Premise(NAME, Grade.OK, told)
        told = f"{description}: it is there, and nobody listens"
        return Premise(NAME, Grade.PROBLEM, told, f"rm {path}")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return _impossible(description, f"{path.parent} cannot be written to")
    return Premise(NAME, Grade.OK, f"{description} is free")


def socket_path(description: str) -> Path:
    """The path in the description of a UNIX endpoint."""
    argument = _SEPARATOR.split(description)[1].removeprefix("address=")
    return Path(argument.replace("\\:", ":"))


def _impossible(description: str, why: str) -> Premise:
    to_do = "name another, such as tcp:8045:interface=127.0.0.1"
    return Premise(NAME, Grade.PROBLEM, f"{description}: {why}", to_do)


def _is_ours(holder: Holder) -> bool:
    """Whether an antigravity-gw answers, as far as it says so.  Blocks."""
    try:
        with closing(holder()) as connection:
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            body = answer.read(1024)
    except (OSError, http.client.HTTPException):
        return False
    if REALM in answer.getheader("www-authenticate", ""):  # it wants a key
        return True
    try:
        return answer.status == 200 and json.loads(body) == {"status": "ok"}
    except ValueError:
        return False


def _connection(host: str, port: int, is_encrypted: bool) -> http.client.HTTPConnection:
    if not is_encrypted:
        return http.client.HTTPConnection(host, port, timeout=LONGEST)
    context = ssl.create_default_context()
    context.check_hostname = False  # nothing is confided to it
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=LONGEST, context=context)


def _unix_connection(path: str) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("localhost", timeout=LONGEST)
    connection.sock = _connected(path)
    return connection


def _answers(path: str) -> bool:
    """Whether anybody listens on a UNIX socket.  Blocks."""
    try:
        _connected(path).close()
    except OSError:
        return False
    return True


def _connected(path: str) -> socket.socket:
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connected.settimeout(LONGEST)
    try:
        connected.connect(path)
    except OSError:
        connected.close()
        raise
    return connected
