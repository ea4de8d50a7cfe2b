"""Finding fault with a configuration before anything is opened."""

from collections.abc import Callable, Mapping
from typing import Any

from antigravity_gw.config import KINDS, Loaded, load
from antigravity_gw.listening import CannotStart, check_endpoints
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
    """The configuration, if there is one to speak of, and every mistake in it."""
    from twisted.internet import reactor

    try:
        loaded = load(file, environ, options)
    except ConfigError as error:
        return None, error.problems
    problems = check_endpoints(reactor, loaded.config.listen)
    problems += check_endpoints(reactor, loaded.config.metrics.listen, "metrics.listen")
    for reads in (loaded.key_ring, loaded.operator_ring, loaded.oauth_client):
        problems += _problems_of(reads)
    return loaded, problems + _useless_certificates(loaded)


def good_news(loaded: Loaded) -> str:
    """What to say of a configuration that has been checked."""
    return f"antigravity-gw: the configuration is good ({loaded.path})"


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
