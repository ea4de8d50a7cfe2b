"""Finding fault with a configuration before anything is opened."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from antigravity_gw.config import KINDS
from antigravity_gw.listening import CannotStart, check_endpoints
from antigravity_gw.loading import PREFIX, Loaded, read
from antigravity_gw.settings import ConfigError
from antigravity_gw.upstream.trust import UselessFile, read_trust


class Misconfigured(CannotStart):
    """It will not start before somebody has mended the configuration."""


def checked(
    file: str | None, environ: Mapping[str, str], options: Mapping[str, Any]
) -> Loaded:
    """
    The configuration; what it refers to has been read as well.

    :raises Misconfigured: naming every mistake, a line each.
    """
    loaded, problems = looked_through(file, environ, options)
    if loaded is None or problems:
        raise Misconfigured("\nantigravity-gw: ".join(problems))
    return loaded


def looked_through(
    file: str | None, environ: Mapping[str, str], options: Mapping[str, Any]
) -> tuple[Loaded | None, list[str]]:
    """
    The configuration, if its values are such as can be, and every mistake in it.

    What the tables without a mistake refer to is looked at in any case.
    """
    try:
        loaded, mistakes = read(file, environ, options)
    except ConfigError as error:
        return None, error.problems
    keys = _problems_of(loaded.key_ring) + _problems_of(loaded.operator_ring)
    problems = [
        *mistakes,
        *_useless_endpoints(loaded, options),
        *(keys or _problems_of(loaded.expect_apart)),
        *_problems_of(loaded.oauth_client),
        *_useless_certificates(loaded),
        *_bodies_nowhere(loaded),
    ]
    return None if mistakes else loaded, problems


def good_news(loaded: Loaded) -> str:
    """What to say of a configuration that has been checked."""
    return f"antigravity-gw: the configuration is good ({loaded.path})"


def _useless_endpoints(loaded: Loaded, options: Mapping[str, Any]) -> list[str]:
    """Where it cannot listen, or not for both: clients, and who reads metrics."""
    from twisted.internet import reactor

    listen, scraped = loaded.config.listen, loaded.config.metrics.listen
    here, there = (
        f"{_source(loaded, setting, options)}: {setting}"
        for setting in ("listen", "metrics.listen")
    )
    twice = [each for each in scraped if each in listen and not _is_any_port(each)]
    return [
        *check_endpoints(reactor, listen, here),
        *check_endpoints(reactor, scraped, there),
        *(
            f"{there} = {each!r} is where clients connect (listen); take another port, "
            "or leave it out: /metrics is there for operators as well"
            for each in twice
        ),
    ]


def _source(loaded: Loaded, setting: str, options: Mapping[str, Any]) -> str:
    """Where the value of *setting* is to be mended."""
    variable = PREFIX + setting.replace(".", "_").upper()
    if setting in options:
        return f"--{setting}"
    return variable if variable in loaded.environ else str(loaded.path)


def _is_any_port(endpoint: str) -> bool:
    """Whether the system chooses the port, and so another one each time."""
    return ":0:" in f"{endpoint}:" or ":port=0:" in f"{endpoint}:"


def _bodies_nowhere(loaded: Loaded) -> list[str]:
    """Whether bodies are to be written where there is no directory."""
    file = loaded.bodies_file()
    # The daemon makes the directory of its state itself.
    if file is None or file.parent == loaded.state_directory().absolute():
        return []
    if os.path.isdir(file.parent):
        return []
    return [
        f"{loaded.path}: log.bodies_file: there is no directory {file.parent} to write "
        "to; make it for the daemon's user, or name a file in another"
    ]


def _useless_certificates(loaded: Loaded) -> list[str]:
    problems = []
    for kind in KINDS:
        file = loaded.reach(kind).ca_file
        try:
            if file:
                read_trust(file)
        except UselessFile as error:
            problems.append(f"{loaded.path}: upstream.{kind}.ca_file: {error}")
    return problems


def _problems_of(reads: Callable[[], object]) -> list[str]:
    try:
        reads()
    except ConfigError as error:
        return error.problems
    return []
