"""
What a daemon needs of its machine: files, modes, descriptors, room on the disk.

What is seen is what a daemon would see that is started from here, by the same user and
with the same environment.
"""

import os
import pwd
import resource
import shutil
import stat
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit

from attrs import frozen

from antigravity_gw.causes import Cause
from antigravity_gw.config import KINDS
from antigravity_gw.database import PARTS, NoStore, StoreError
from antigravity_gw.descriptors import room
from antigravity_gw.diagnosis import MOST_SKEW
from antigravity_gw.loading import Loaded
from antigravity_gw.pool.store import Store
from antigravity_gw.remedies import REMEDIES

MIB = 2**20
LEAST_FREE, LITTLE_FREE = 16 * MIB, 256 * MIB
"""So many bytes on the disk are too few, or soon will be."""

OTHERS, NOT_ITS_OWNER = 0o007, 0o077


class Grade(Enum):
    """How grave something is; the value is what people read."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@frozen
class Premise:
    """
    One thing that a daemon needs.

    :ivar told: how it is, a clause.
    :ivar to_do: what to do about it; empty for nothing.
    """

    name: str
    grade: Grade
    told: str
    to_do: str = ""


def configuration(loaded: Loaded | None, problems: list[str]) -> Iterator[Premise]:
    """Whether there is a configuration to run with."""
    for problem in problems:
        to_do = "correct it; 'antigravity-gw check-config' says whether it is good"
        yield Premise("configuration", Grade.PROBLEM, problem, to_do)
    if loaded is not None and not problems:
        is_there = loaded.path.exists()
        told = f"{loaded.path}" if is_there else f"all defaults: no {loaded.path}"
        yield Premise("configuration", Grade.OK, told)


def surroundings(loaded: Loaded) -> Iterator[Premise]:
    """All that can be looked at without opening a socket."""
    yield from _secrets(loaded)
    yield from _state(loaded.state_directory())
    yield disk(loaded.state_directory())
    yield from _systemd(loaded)
    yield _descriptors(loaded)


def _secrets(loaded: Loaded) -> Iterator[Premise]:
    """Whether other users of this machine can read what they should not."""
    config = loaded.config
    told = [config.oauth.client_secret_file]
    told += [key.file for key in (*config.auth.keys, *config.admin.keys)]
    files = [loaded.secret_file(name) for name in told if name]
    if _has_secret(loaded):
        files.append(loaded.path)
    seen = [file for file in files if file.exists()]
    kept = loaded.environ.get("CREDENTIALS_DIRECTORY")
    for file in seen:
        is_kept = kept and file.is_relative_to(kept)  # by systemd, which knows how
        if _mode(file) & OTHERS and not is_kept:
            yield Premise(
                "secrets",
                Grade.WARNING,
                f"every user of this machine can read {file}",
                f"chmod o-rwx {file}",
            )
    if seen and not any(_mode(file) & OTHERS for file in seen):
        yield Premise("secrets", Grade.OK, "no stranger can read their files")


def _has_secret(loaded: Loaded) -> bool:
    """Whether there is one in the configuration file itself."""
    proxies = (loaded.reach(kind).proxy for kind in KINDS)
    has_password = any(urlsplit(proxy).password for proxy in proxies)
    return bool(loaded.config.oauth.client_secret) or has_password


def _state(directory: Path) -> Iterator[Premise]:
    if not directory.exists():
        yield _yet_to_be_made(directory)
        return
    status, user = directory.stat(), os.geteuid()
    whose = _user(status.st_uid)
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        yield Premise(
            "state directory",
            Grade.PROBLEM,
            f"{directory} cannot be read and written by {_user(user)}; it is {whose}'s",
            f"run this as {whose}, as the daemon should run, or give it to its user",
        )
        return
    grade, told, to_do = Grade.OK, f"{directory}", ""
    if status.st_uid != user:
        grade, told = Grade.WARNING, f"{directory} is {whose}'s, not {_user(user)}'s"
        to_do = f"run this as {whose}, or it does not show what the daemon sees"
    elif _mode(directory) & NOT_ITS_OWNER:
        grade, told = Grade.WARNING, f"others can look into {directory}"
        to_do = f"chmod 700 {directory}"
    yield Premise("state directory", grade, told, to_do)
    yield from _database(directory)


def _yet_to_be_made(directory: Path) -> Premise:
    above = _existing(directory)
    if os.access(above, os.W_OK | os.X_OK):
        told = f"{directory} is yet to be made, which the daemon does"
        return Premise("state directory", Grade.OK, told)
    return Premise(
        "state directory",
        Grade.PROBLEM,
        f"{directory} is not there, and {_user(os.geteuid())} cannot make it",
        "make it for the daemon's user, or name another with --state-dir",
    )


def _database(directory: Path) -> Iterator[Premise]:
    """The modes are looked at first: opening the database mends them."""
    for end in PARTS:
        part = directory / f"{Store.FILE_NAME}{end}"
        if part.exists() and _mode(part) & NOT_ITS_OWNER:
            yield Premise(
                "database",
                Grade.WARNING,
                f"others could read {part}, and the tokens in it",
                "nothing more: that has just been mended. If others use this machine, "
                "let the accounts log in anew",
            )
    try:
        count = len(Store.open(directory, create=False).accounts())
    except NoStore:
        yield Premise("database", Grade.OK, "there is none yet: no account was added")
    except StoreError as error:
        yield Premise(
            "database",
            Grade.PROBLEM,
            str(error),
            "mend it as it says, then run this again",
        )
    else:
        some = f"{count} account{'s' * (count != 1)}"
        yield Premise("database", Grade.OK, f"{some} in {directory / Store.FILE_NAME}")


def disk(
    directory: Path, least: int = LEAST_FREE, little: int = LITTLE_FREE
) -> Premise:
    """
    Whether there is room for what is stored.

    :param least: with fewer bytes nothing can be stored.
    :param little: with fewer it will not be long.
    """
    free = shutil.disk_usage(_existing(directory)).free
    told = f"{free // MIB} MiB are free at {directory}"
    if free >= little:
        return Premise("disk", Grade.OK, told)
    grade = Grade.PROBLEM if free < least else Grade.WARNING
    return Premise("disk", grade, told, "make room, or what is learnt cannot be stored")


def clock(skew: float) -> Premise | None:
    """
    How wrong the clock is, if it is.

    :param skew: the seconds by which it is ahead of Google's.
    """
    if abs(skew) <= MOST_SKEW:
        return None
    way = "ahead of" if skew > 0 else "behind"
    told = f"it is {abs(skew):.0f} s {way} Google's"
    return Premise("clock", Grade.WARNING, told, REMEDIES[Cause.CLOCK].next)


def _systemd(loaded: Loaded) -> Iterator[Premise]:
    """Whether the directories that systemd has made are those that are used."""
    environ, problems = loaded.environ, []
    kept = environ.get("CREDENTIALS_DIRECTORY")
    if kept and not Path(kept).is_dir():
        problems.append(f"there is no {kept}, as CREDENTIALS_DIRECTORY has it")
    for name, used in (
        ("STATE_DIRECTORY", loaded.state_directory()),
        ("CONFIGURATION_DIRECTORY", loaded.path.parent),
    ):
        given = [Path(each) for each in environ.get(name, "").split(":") if each]
        if given and used not in given:
            problems.append(f"{used} is used, and not {given[0]}, as {name} has it")
    to_do = "have the unit and the configuration say the same"
    for problem in problems:
        yield Premise("systemd", Grade.WARNING, problem, to_do)


def _descriptors(loaded: Loaded) -> Premise:
    """Of this process: a unit may have another limit (``LimitNOFILE``)."""
    limits = loaded.config.limits
    found = room(limits, *resource.getrlimit(resource.RLIMIT_NOFILE))
    if not found.is_tight:
        told = f"room for {found.connections} connections of clients"
        return Premise("file descriptors", Grade.OK, told)
    return Premise(
        "file descriptors",
        Grade.WARNING,
        f"a daemon started from here may open {found.descriptors} files: room for "
        f"{found.connections} connections of clients",
        f"LimitNOFILE={found.needed} in its unit, or 'ulimit -n {found.needed}' in the "
        "shell that starts it",
    )


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _existing(path: Path) -> Path:
    """*path*, or the nearest directory above it that is there."""
    return next(each for each in (path, *path.absolute().parents) if each.exists())


def _user(id: int) -> str:
    try:
        return pwd.getpwuid(id).pw_name
    except KeyError:
        return str(id)
