"""The rooms of the house, and who may enter which."""

import ast
from pathlib import Path

import pytest

import antigravity_gw
import antigravity_sandbox

MAY_IMPORT: dict[str, set[str]] = {
    "causes": set(),
    "errors": set(),
    "checks": set(),
    "database": set(),
    "keys": {"catalog", "errors"},
    "times": set(),
    "trouble": set(),
    "allowances": {"errors", "journal", "keys", "times"},
    "gaps": set(),
    "happenings": set(),
    "journal": {"causes", "gaps", "wire"},
    "logs": {"journal", "trouble"},
    "needs": set(),
    "tally": set(),
    "wire": {"causes", "errors", "needs"},
    "reach": {"checks"},
    "record": {"wire"},
    "catalog": {"checks", "errors"},
    "importing": {"wire"},
    "clientfile": {"checks", "wire"},
    "journey": {"errors", "needs", "wire"},
    "settings": set(),
    "config": {"catalog", "checks", "keys", "logs", "reach"},
    "loading": {"config", "keys", "reach", "settings", "wire"},
    "waiting": {"errors"},
    "relay": {"errors", "gaps", "waiting", "wire"},
    "upstream": {
        *("causes", "errors", "happenings", "needs", "sending", "waiting", "wire"),
    },
    "kind": {"causes", "reach", "record", "upstream", "wire"},
    "kinds": {
        *("causes", "checks", "errors", "kind", "needs", "record", "upstream"),
        *("waiting", "wire"),
    },
    "pool": {
        *("causes", "database", "errors", "happenings", "keys", "kind", "needs"),
        *("record", "trouble", "waiting", "wire"),
    },
    "usage": {"database", "journal", "times", "trouble"},
    "gateway": {"errors", "journal", "journey", "pool", "relay", "upstream", "wire"},
    "web": {
        *("allowances", "catalog", "checks", "errors", "gateway", "happenings"),
        *("journal", "keys", "logs"),
        *("pool", "tally", "wire"),
    },
    "accepting": set(),
    "sending": set(),
    "steadying": set(),
    "inheriting": set(),
    "listening": {"accepting", "inheriting", "sending", "web"},
    "checking": {"config", "listening", "loading", "settings", "upstream"},
    "descriptors": {"config", "web"},
    "draining": {"errors"},
    "supervision": set(),
    "notifying": {"supervision"},
    "embedded": {"config", "loading", "pool", "record"},
    "means": {
        *("catalog", "config", "kind", "kinds", "loading", "settings", "upstream"),
        "wire",
    },
    "metrics": {
        *("errors", "gaps", "happenings", "journal", "keys", "listening", "pool"),
        *("states", "upstream", "web", "wire"),
    },
    "bookkeeping": {"allowances", "database", "pool", "times", "usage"},
    "daemon": {"listening"},
    "books": {"admin", "journal", "metrics", "usage"},
    "making": {
        *("config", "gateway", "happenings", "kind", "loading", "logs", "means"),
        *("pool", "trial", "upstream"),
    },
    "fronting": {
        *("books", "config", "keys", "loading", "logs", "making", "means"),
        *("metrics", "pool", "upstream", "web"),
    },
    "wiring": {
        *("admin", "books", "config", "fronting", "loading", "making", "means"),
        *("metrics", "pool", "states", "upstream", "usage", "web"),
    },
    "reloading": {
        *("config", "descriptors", "fronting", "listening", "loading", "logs"),
        *("making", "wiring"),
    },
    "tap": {
        *("bookkeeping", "checking", "daemon", "database", "descriptors", "draining"),
        *("embedded", "keys", "listening", "loading", "logs", "making", "metrics"),
        *("notifying", "pool", "reloading", "steadying", "wiring"),
    },
    "states": {"needs", "pool", "record"},
    "objects": {"kinds", "pool", "record", "states"},
    "outcome": {"causes", "objects", "pool", "states"},
    "trial": {
        *("database", "errors", "gateway", "journal", "outcome", "pool", "wire"),
    },
    "admin": {
        *("catalog", "checks", "database", "errors", "journal", "objects", "outcome"),
        *("pool", "record", "states", "times", "trial", "usage", "web", "wire"),
    },
    "receiving": {"errors", "waiting", "web", "wire"},
    "login": {"errors", "needs", "receiving", "waiting", "wire"},
    "remedies": {"causes", "states"},
    "diagnosis": {
        *("causes", "needs", "record", "remedies", "states", "times", "upstream"),
        *("waiting", "wire"),
    },
    "doctor": {
        *("causes", "diagnosis", "errors", "kind", "needs", "pool", "trial"),
        *("upstream", "waiting", "wire"),
    },
    "premises": {
        *("causes", "config", "database", "descriptors", "diagnosis", "loading"),
        *("pool", "remedies"),
    },
    "ports": {"listening", "premises"},
    "cli": {
        *("checking", "checks", "clientfile", "database", "doctor", "loading"),
        *("importing", "keys", "kind", "kinds", "login", "making", "means"),
        *("objects", "outcome", "pool", "ports", "premises", "receiving", "record"),
        *("remedies", "settings", "states", "times", "upstream", "usage", "wire"),
    },
}

PURE = (
    *("causes", "errors", "checks", "keys", "journal", "needs", "wire", "catalog"),
    *("allowances", "gaps", "happenings", "times", "logs/levels", "logs/redaction"),
    *("admin/failures", "admin/plots", "admin/session", "admin/snapshot"),
    "admin/trials",
    *("usage/batch", "usage/counts", "usage/periods", "usage/schema"),
    *("reach", "record", "upstream/order"),
    *("importing", "clientfile", "journey", "settings", "states", "config", "loading"),
    *("remedies", "diagnosis", "objects", "outcome", "supervision"),
    *("metrics/counted", "metrics/families", "metrics/histogram"),
    *("metrics/meters", "metrics/names"),
    *("pool/account", "pool/choosing", "pool/hold", "pool/learnt", "pool/schema"),
    *(
        "tally",
        "upstream/endpoints",
        "upstream/failures",
        "upstream/way",
        "web/admission",
        "web/deadlines",
        "web/forms",
        "web/origins",
        "web/paths",
    ),
)
"""The rules: they import no framework, and take no time from a clock."""

ROOT = Path(antigravity_gw.__file__).parent
MODULES = sorted(ROOT.rglob("[!_]*.py"))


def imported(source: Path) -> set[str]:
    """The modules *source* imports from, written in full."""
    tree = list(ast.walk(ast.parse(source.read_text())))
    plain = {a.name for n in tree if isinstance(n, ast.Import) for a in n.names}
    return plain | {n.module for n in tree if isinstance(n, ast.ImportFrom) if n.module}


@pytest.mark.parametrize("source", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_arrows_point_one_way(source: Path) -> None:
    """A room imports only from the rooms listed for it."""
    room = source.relative_to(ROOT).parts[0].removesuffix(".py")
    names = (m.split(".") for m in imported(source) if m.startswith("antigravity_gw."))

    assert {name[1] for name in names} <= MAY_IMPORT[room] | {room}


@pytest.mark.parametrize("source", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_rules_have_no_framework(source: Path) -> None:
    """Rules import no framework, no clock and no chance."""
    place = source.relative_to(ROOT).as_posix()
    worldly = {"twisted", "treq", "time", "random", "secrets", "uuid", "sqlite3"}

    if place.startswith(tuple(f"{rule}{end}" for rule in PURE for end in (".", "/"))):
        assert not {m.split(".")[0] for m in imported(source)} & worldly


def test_nobody_has_moved_in_unseen() -> None:
    """Every room there is has its place in the list."""
    rooms = {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in MODULES}

    assert rooms == set(MAY_IMPORT)


def test_the_sandbox_is_a_stranger() -> None:
    """It imports nothing of the gateway, so it cannot agree with its mistakes."""
    folder = Path(antigravity_sandbox.__file__).parent
    names = {name for path in folder.rglob("*.py") for name in imported(path)}

    assert not {name for name in names if name.split(".")[0] == "antigravity_gw"}
