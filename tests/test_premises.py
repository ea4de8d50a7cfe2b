"""Tests for ``antigravity_gw.premises`` and ``antigravity_gw.ports``."""

import os
import resource
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as installed_reactor
from twisted.web.resource import Resource
from twisted.web.server import Site

from antigravity_gw.loading import Loaded, load
from antigravity_gw.pool.store import Store
from antigravity_gw.ports import socket_path, tried
from antigravity_gw.premises import (
    Grade,
    Premise,
    configuration,
    disk,
    surroundings,
)
from antigravity_gw.record import Record

reactor: Any = installed_reactor


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration, as bare as it can be."""
    (tmp_path / "config.toml").write_text(f"state_dir = '{tmp_path / 'state'}'\n")
    (tmp_path / "config.toml").chmod(0o640)
    return tmp_path


def loaded(folder: Path, **environ: str) -> Loaded:
    """The configuration in *folder*."""
    return load(str(folder / "config.toml"), {"HOME": str(folder), **environ})


def looked(folder: Path, **environ: str) -> dict[str, Premise]:
    """What is found, by its name: the gravest of each."""
    gravest: dict[str, Premise] = {}
    for each in surroundings(loaded(folder, **environ)):
        before = gravest.get(each.name)
        if before is None or before.grade is Grade.OK:
            gravest[each.name] = each
    return gravest


def test_all_is_well(folder: Path) -> None:
    """What is in order is said as well, in the order of a daemon's start."""
    Store.open(folder / "state").put(Record("1", "ada", "secret"))
    found = looked(folder)

    assert list(found) == ["state directory", "database", "disk", "file descriptors"]
    assert {each.grade for each in found.values()} == {Grade.OK}
    assert found["database"].told.startswith("1 account in ")
    assert not any(each.to_do for each in found.values())


def test_the_configuration(folder: Path) -> None:
    """Each mistake is a problem of its own; without any, its file is named."""
    good = list(configuration(loaded(folder), []))
    bad = list(configuration(None, ["one", "two"]))
    (folder / "config.toml").unlink()
    (absent,) = configuration(load(None, {"HOME": str(folder)}), [])

    assert [each.told for each in good] == [str(folder / "config.toml")]
    assert [(each.grade, each.told) for each in bad] == [
        (Grade.PROBLEM, "one"),
        (Grade.PROBLEM, "two"),
    ]
    assert absent.told.startswith("all defaults: no ")


def test_nothing_there_yet(folder: Path) -> None:
    """Before the first start there is no state directory, and none is made."""
    found = looked(folder)

    assert found["state directory"].grade is Grade.OK
    assert "yet to be made" in found["state directory"].told
    assert "database" not in found
    assert not (folder / "state").exists()
    (folder / "state").mkdir(0o700)
    assert "no account was added" in looked(folder)["database"].told


def test_modes(folder: Path) -> None:
    """What others can read is told with what to do, file by file."""
    Store.open(folder / "state")
    database = folder / "state" / Store.FILE_NAME
    (folder / "state").chmod(0o755)
    database.chmod(0o644)
    found = looked(folder)

    assert found["state directory"].grade is Grade.WARNING
    assert found["state directory"].to_do == f"chmod 700 {folder / 'state'}"
    assert found["database"].grade is Grade.WARNING
    assert str(database) in found["database"].told
    assert looked(folder)["database"].grade is Grade.OK


def test_a_damaged_database(folder: Path) -> None:
    """What the store says of it is said here, too."""
    Store.open(folder / "state")
    (folder / "state" / Store.FILE_NAME).write_bytes(b"x" * 5000)
    found = looked(folder)["database"]

    assert found.grade is Grade.PROBLEM
    assert "is damaged" in found.told


@pytest.mark.parametrize(
    "place", ["oauth.client_secret_file", "auth.keys", "admin.keys"]
)
def test_secrets(folder: Path, place: str) -> None:
    """Files with a secret in them are for nobody else."""
    secret = folder / "secret"
    secret.write_text("hush")
    entry = {
        "oauth.client_secret_file": "[oauth]\nclient_id = 'x'\n"
        "client_secret_file = 'secret'\n",
        "auth.keys": "[[auth.keys]]\nname = 'alice'\nfile = 'secret'\n",
        "admin.keys": "[[admin.keys]]\nname = 'olga'\nfile = 'secret'\n",
    }[place]
    with (folder / "config.toml").open("a") as file:
        file.write(entry)
    secret.chmod(0o644)
    found = looked(folder)["secrets"]

    assert found.grade is Grade.WARNING
    assert found.to_do == f"chmod o-rwx {secret}"
    assert "hush" not in found.told
    secret.chmod(0o640)
    assert looked(folder)["secrets"].grade is Grade.OK


@pytest.mark.parametrize(
    "entry",
    [
        "[oauth]\nclient_id = 'x'\nclient_secret = 'hush'\n",
        "[upstream.vertex]\nproxy = 'http://user:hush@proxy.example:3128'\n",
    ],
)
def test_a_secret_in_the_configuration(folder: Path, entry: str) -> None:
    """With one in it, the configuration file is for nobody else, either."""
    config = folder / "config.toml"
    config.write_text(config.read_text() + entry)
    config.chmod(0o644)
    found = looked(folder)["secrets"]

    assert (found.grade, found.to_do) == (Grade.WARNING, f"chmod o-rwx {config}")
    assert "hush" not in str(found)


def test_systemds_credentials(folder: Path) -> None:
    """systemd looks after their modes; that they are there is looked at."""
    kept = folder / "credentials"
    kept.mkdir()
    (kept / "secret").write_text("hush")
    (kept / "secret").chmod(0o444)
    with (folder / "config.toml").open("a") as file:
        file.write("[[auth.keys]]\nname = 'alice'\nfile = 'secret'\n")

    assert "secrets" not in looked(folder, CREDENTIALS_DIRECTORY=str(kept))
    gone = looked(folder, CREDENTIALS_DIRECTORY=str(folder / "gone"))
    assert gone["systemd"].grade is Grade.WARNING
    assert "CREDENTIALS_DIRECTORY" in gone["systemd"].told


def test_systemds_directories(folder: Path) -> None:
    """One that systemd has made and that is not used is a mistake somewhere."""
    same = {
        "STATE_DIRECTORY": str(folder / "state"),
        "CONFIGURATION_DIRECTORY": f"/etc/other:{folder}",
    }
    assert "systemd" not in looked(folder, **same)
    other = looked(folder, STATE_DIRECTORY="/var/lib/antigravity-gw")["systemd"]

    assert other.grade is Grade.WARNING
    assert "/var/lib/antigravity-gw, as STATE_DIRECTORY has it" in other.told


def test_descriptors(folder: Path) -> None:
    """A limit that is too low is told with the number that is needed."""
    with (folder / "config.toml").open("a") as file:
        file.write("[limits]\nconnections = 1000000\nrequests = 1000000\n")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    found = looked(folder)["file descriptors"]

    assert hard < 2_000_000
    assert found.grade is Grade.WARNING
    assert "LimitNOFILE=2000096" in found.to_do


@pytest.mark.parametrize(
    ("least", "little", "grade"),
    [(0, 0, Grade.OK), (0, 2**80, Grade.WARNING), (2**80, 2**80, Grade.PROBLEM)],
)
def test_disk(folder: Path, least: int, little: int, grade: Grade) -> None:
    """A disk that is nearly full is told of before it is full."""
    found = disk(folder / "not" / "there", least, little)

    assert found.grade is grade
    assert "MiB are free" in found.told


@pytest.mark.parametrize("is_root", [os.geteuid() == 0])
def test_somebody_elses(folder: Path, is_root: bool) -> None:
    """A state directory that belongs to another user is the daemon's, perhaps."""
    state = folder / "state"
    state.mkdir(0o700)
    if is_root:
        os.chown(state, 12345, 12345)
        found = looked(folder)["state directory"]
        assert found.grade is Grade.WARNING
        assert found.told == f"{state} is 12345's, not root's"
    else:
        state.chmod(0o000)
        found = looked(folder)["state directory"]
        assert found.grade is Grade.PROBLEM
        assert "cannot be read and written" in found.told
        state.chmod(0o700)


# Ports


class Health(Resource):
    """Answers as it is told."""

    isLeaf = True

    def __init__(self, status: int, body: bytes, **headers: str) -> None:
        super().__init__()
        self._answer = status, body, headers

    def render_GET(self, request: Any) -> bytes:
        """Answer."""
        status, body, headers = self._answer
        request.setResponseCode(status)
        for name, value in headers.items():
            request.setHeader(name.replace("_", "-"), value)
        return body


OURS = Health(200, b'{"status":"ok"}')
STRICT = Health(401, b"{}", www_authenticate='Bearer realm="antigravity-gw"')
OTHER = Health(200, b"<html>")
OTHER_JSON = Health(200, b'{"status":"fine"}')


@pytest_twisted.ensureDeferred
async def test_a_free_port() -> None:
    """It is opened for a moment, and free afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for _ in range(2):
        found = await tried(reactor, f"tcp:{port}:interface=127.0.0.1")
        assert (found.name, found.grade) == ("port", Grade.OK)
        assert found.told == f"tcp:{port}:interface=127.0.0.1 is free"


@pytest.mark.parametrize(
    ("health", "grade", "words"),
    [
        (OURS, Grade.OK, "an antigravity-gw is running there"),
        (STRICT, Grade.OK, "an antigravity-gw is running there"),
        (OTHER, Grade.PROBLEM, "something else"),
        (OTHER_JSON, Grade.PROBLEM, "something else"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_port_that_is_taken(health: Health, grade: Grade, words: str) -> None:
    """Whoever holds it is asked whether it is one of ours."""
    site = Site(health)
    site.noisy = False
    held = reactor.listenTCP(0, site, interface="127.0.0.1")
    try:
        found = await tried(reactor, f"tcp:{held.getHost().port}:interface=127.0.0.1")
    finally:
        await held.stopListening()

    assert found.grade is grade
    assert words in found.told
    assert bool(found.to_do) is (grade is not Grade.OK)


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a name that is short enough for a socket in it."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest_twisted.ensureDeferred
async def test_a_unix_socket(short: Path) -> None:
    """One that is held by one of ours is told from one that is not."""
    path = str(short / "gw")
    for health, grade in ((OURS, Grade.OK), (OTHER, Grade.PROBLEM)):
        site = Site(health)
        site.noisy = False
        held = reactor.listenUNIX(path, site)
        try:
            found = await tried(reactor, f"unix:{path}")
        finally:
            await held.stopListening()
        assert found.grade is grade
    assert (await tried(reactor, f"unix:{path}")).told == f"unix:{path} is free"


@pytest_twisted.ensureDeferred
async def test_a_socket_that_was_left(short: Path) -> None:
    """After a crash the next daemon replaces its socket, but nobody else's."""
    path = short / "gw"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    strange = await tried(reactor, f"unix:{path}")
    (short / "gw.lock").symlink_to("99999")
    ours = await tried(reactor, f"unix:{path}")

    assert (strange.grade, strange.to_do) == (Grade.PROBLEM, f"rm {path}")
    assert ours.grade is Grade.OK


def test_descriptions_of_sockets() -> None:
    """Twisted's endpoint strings escape colons."""
    for description, path in (
        ("unix:/run/gw.sock", "/run/gw.sock"),
        ("unix:/run/gw.sock:mode=660:lockfile=0", "/run/gw.sock"),
        ("unix:address=/run/gw.sock", "/run/gw.sock"),
        ("unix:/run/a\\:b:mode=660", "/run/a:b"),
    ):
        assert socket_path(description) == Path(path)


@pytest_twisted.ensureDeferred
async def test_impossible_endpoints() -> None:
    """What cannot be listened on is a problem; what systemd opens is its affair."""
    for description in ("tcp:8045:interface=192.0.2.1", "unix:/no/such/folder/gw"):
        found = await tried(reactor, description)
        assert found.grade is Grade.PROBLEM
        assert found.told.startswith(f"{description}: ")
    assert (await tried(reactor, "systemd:domain=INET:index=0")).grade is Grade.OK
