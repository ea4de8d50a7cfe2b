"""
Writes ``docs/configuration.md``: ``make docs``.

What a setting is comes from the classes in ``antigravity_gw.config``, what it is good
for from the comments of ``docs/config.toml``.  Neither is said a second time here, so a
new setting needs nothing in this file.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import groupby
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import attrs

from antigravity_gw.config import Config
from antigravity_gw.loading import PREFIX
from antigravity_gw.reloading import FIXED
from antigravity_gw.settings import Place, settings_of

DOCS = Path(__file__).parent
COMMENTED, PAGE = DOCS / "config.toml", DOCS / "configuration.md"

HEAD = """\
# Configuration

<!-- Written by docs/make_configuration.py from antigravity_gw/config.py and
     docs/config.toml: change those, then run 'make docs'. -->

"""
WORDS = {
    str: "text",
    bool: "`true` or `false`",
    int: "a whole number",
    NoneType: "none",
    datetime: "a date or time",
}
WORDS[float] = "a number"
SEVERAL = {"text": "texts", "a table": "tables"}

Comments = dict[Place, list[str]]
"""The lines of the comment above each table and setting; above the first, ``()``."""


# The comments


def comments_of(text: str, known: set[Place]) -> Comments:
    """
    What is said in a commented TOML file, by the setting or table it stands above.

    A setting right below another is explained with it.  One that is commented out
    counts as if it were not.
    """
    found: Comments = {}
    table: Place = ()
    above: list[str] = []
    for line in text.splitlines():
        setting = re.match(r"(?:# )?(\w+) = ", line)
        place = (*table, setting[1]) if setting else ()
        if place in known:
            found.setdefault(place, above)
        elif header := re.fullmatch(r"(?:# )?\[+([\w.]+)\]+", line):
            table = tuple(header[1].split("."))
            found.setdefault(table, above)
            above = []
        elif line.startswith("#"):
            above = [*above, line.removeprefix("#").removeprefix(" ")]
        elif not line:
            found.setdefault((), above)
            above = []
    return found


def as_above(place: Place, comments: Comments) -> list[str]:
    """A comment with the setting named that it means by "As above"."""
    lines = comments[place]
    if not lines or not lines[0].startswith("As above"):
        return lines
    *_, meant = (
        other
        for other, said in comments.items()
        if other[-1:] == place[-1:] and said and not said[0].startswith("As above")
    )
    return [lines[0].replace("As above", f"As {'.'.join(meant)}"), *lines[1:]]


def in_markdown(lines: list[str], known: Mapping[str, str]) -> str:
    """
    A comment as Markdown: what is indented stays as it is, names become links.

    :param known: the anchor of each name.
    """
    blocks = []
    for is_example, block in groupby(lines, lambda line: line.startswith("  ")):
        if is_example:
            blocks += ["```text", *(line[2:] for line in block), "```", ""]
        else:
            blocks += [*(_marked(line, known) for line in block), ""]
    return "\n".join(blocks).strip()


def _marked(line: str, known: Mapping[str, str]) -> str:
    line = re.sub(r"(?<!\w)'([^']+)'(?!\w)", r"`\1`", line)
    line = re.sub(r"(?<!`)docs/([\w-]+\.(?:md|toml))", r"[\1](\1)", line)
    pattern = r"(?<![\w.`/\[-])(" + "|".join(map(re.escape, known)) + r")(?![\w./-]*\w)"
    return re.sub(pattern, lambda name: f"[{name[1]}]({known[name[1]]})", line)


# The classes


def words(kind: Any) -> str:
    """What a value of a type is, in words."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        said = [words(inner[0]), *(check.expected for check in inner[1:])]
        return ": ".join(said[1:] if said[1].startswith("a number") else said)
    if origin is Literal:
        return "one of " + ", ".join(f"`{json.dumps(choice)}`" for choice in inner)
    if origin in (Union, UnionType):
        return ", or ".join(map(words, inner))
    if origin is tuple:
        each, _, what = words(inner[0]).partition(": ")
        listed = f"a list of {SEVERAL.get(each, each)}"
        return f"{listed}, each {what}" if what else listed
    if origin is dict:
        return f"a table from {words(inner[0])}, to {words(inner[1])}"
    return "a table" if attrs.has(kind) else WORDS[kind]


def entry_of(kind: Any) -> type | None:
    """The class of the tables in a list of them; None for any other type."""
    plain = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    inner = get_args(plain)
    return inner[0] if get_origin(plain) is tuple and attrs.has(inner[0]) else None


def default_of(config: type, place: Place) -> str:
    """The default of a setting, as TOML; of a list of tables, their names."""
    value: Any = config()
    for name in place:
        value = getattr(value, name)
    return in_toml(value)


def in_toml(value: Any) -> str:
    """A value as it is written in the file."""
    if value is attrs.NOTHING:
        return "must be given"
    if value is None:
        return "none"
    if isinstance(value, tuple) and value and attrs.has(type(value[0])):
        return ", ".join(f"`{entry.name}`" for entry in value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, attrs.Factory):
        value = value.factory()
    return f"`{json.dumps(value)}`"


# The page


def page(config: type, text: str) -> str:
    """All of ``docs/configuration.md``."""
    settings = dict(settings_of(config))
    comments = comments_of(text, set(settings))
    missing = [".".join(place) for place in settings if place not in comments]
    if missing:
        raise SystemExit(f"{COMMENTED} does not have {', '.join(missing)}")
    anchors = {".".join(place): f"#{''.join(place)}" for place in settings if place[1:]}
    parts = [f"{HEAD}{in_markdown(comments[()], anchors)}\n"]
    table: Place | None = None
    for place in (place for place in comments if place in settings):
        if place[:-1] != table:
            table = place[:-1]
            parts.append(_table(table, comments, anchors))
        said = in_markdown(as_above(place, comments), anchors)
        parts.append(f"### `{'.'.join(place)}`\n\n{said}\n")
        parts.append(_facts(config, place, settings[place]))
        if entry := entry_of(settings[place]):
            parts.append(_entries(entry))
    return "\n".join(parts)


def _table(table: Place, comments: Comments, anchors: Mapping[str, str]) -> str:
    title = f"`[{'.'.join(table)}]`" if table else "Before the first table"
    said = in_markdown(comments.get(table, []) if table else [], anchors)
    return f"## {title}\n" + (f"\n{said}\n" if said else "")


def _facts(config: type, place: Place, kind: Any) -> str:
    variable = PREFIX + "_".join(place).upper()
    how = "takes a restart" if place[0] in FIXED else "takes it up"
    rows = [("default", default_of(config, place)), ("what", words(kind))]
    rows += [("environment", f"`{variable}`"), ("SIGHUP", how)]
    return "| | |\n| --- | --- |\n" + "".join(
        f"| {a} | {_cell(b)} |\n" for a, b in rows
    )


def _entries(entry: type) -> str:
    """The settings in each table of a list."""
    return "| in each | default | what |\n| --- | --- | --- |\n" + "".join(
        f"| `{a.name}` | {_cell(in_toml(a.default))} | {_cell(words(a.type))} |\n"
        for a in _fields(entry)
    )


def _fields(entry: type) -> Iterator[Any]:
    yield from attrs.fields(attrs.resolve_types(entry, include_extras=True))


def _cell(text: str) -> str:
    """Text that no table is broken by."""
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(Config, COMMENTED.read_text("utf-8")), "utf-8")
