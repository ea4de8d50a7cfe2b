"""
A slow and obvious reader of JSON (RFC 8259), for comparing.

It tells where each value begins and ends, and keeps members that come twice.
"""

import re
from typing import Any

from attrs import frozen

DEEP = 400
"""How deeply nested a text may be before this reader gives up on it."""

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_STRING = re.compile(r'"((?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*)"')
_LITERAL = re.compile(r"true|false|null")
_HIGH = r"\\u[dD][89abAB][0-9a-fA-F]{2}"
_LOW = r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_PAIR = re.compile(_HIGH + _LOW)
_ESCAPED_BACKSLASH = re.compile(r"\\\\")
_HALF = re.compile(rf"{_HIGH}|{_LOW}")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class NotJson(Exception):
    """The text is not JSON."""


class TooDeep(Exception):
    """The text may be JSON, but is nested more deeply than anybody has to read."""


@frozen
class Value:
    """
    A value, and where it stands.

    :ivar kind: one of ``object``, ``array``, ``string``, ``number``, ``literal``.
    :ivar inside: pairs of an object, elements of an array, a string's characters;
        of the others as they are spelled.
    """

    kind: str
    raw: str
    inside: Any

    @property
    def is_null(self) -> bool:
        """Whether it is null."""
        return self.raw == "null"

    def last(self, name: str) -> "Value | None":
        """The member of that name which comes last, unless there is none."""
        found = self.all(name)
        return found[-1] if found else None

    def all(self, name: str) -> "list[Value]":
        """All the members of that name."""
        pairs = self.inside if self.kind == "object" else []
        return [value for key, value in pairs if key == name]

    def squeezed(self) -> str:
        """As it is spelled, without the space between the tokens."""
        if self.kind == "object":
            pairs = self.inside_raw()
            return "{" + ",".join(f"{k}:{v.squeezed()}" for k, v in pairs) + "}"
        if self.kind == "array":
            return "[" + ",".join(value.squeezed() for value in self.inside) + "]"
        return self.raw

    def inside_raw(self) -> "list[tuple[str, Value]]":
        """The members of an object, with their names as they are spelled."""
        place, pairs = 1, []
        for _, value in self.inside:
            place = self.raw.index('"', place)
            found = _STRING.match(self.raw, place)
            assert found is not None
            pairs.append((found[0], value))
            place = self.raw.index(value.raw, self.raw.index(":", found.end()))
            place += len(value.raw)
        return pairs


def read(data: bytes, halves: bool = False) -> Value:
    """
    The one value that *data* is.

    :param halves: whether a string may hold half a surrogate pair; RFC 8259 lets
        it, though it has no UTF-8 then.
    :raises NotJson: when it is something else.
    :raises TooDeep: when it is nested too deeply to say.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotJson(str(error)) from error
    if not halves and _has_half(text):
        raise NotJson("half a surrogate pair")
    value, end = _value(text, _space(text, 0), 0)
    if _space(text, end) != len(text):
        raise NotJson("more than one value")
    return value


def _has_half(text: str) -> bool:
    """Outside of strings there is no backslash, or it is no JSON anyway."""
    return _HALF.search(_PAIR.sub("", _ESCAPED_BACKSLASH.sub("  ", text))) is not None


def _space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    assert found is not None
    return found.end()


def _value(text: str, place: int, depth: int) -> tuple[Value, int]:
    if depth > DEEP:
        raise TooDeep
    if text.startswith("{", place):
        return _list_of(text, place, depth, "object")
    if text.startswith("[", place):
        return _list_of(text, place, depth, "array")
    for kind, form in (("number", _NUMBER), ("literal", _LITERAL)):
        if found := form.match(text, place):
            return Value(kind, found[0], found[0]), found.end()
    return _string(text, place)


def _string(text: str, place: int) -> tuple[Value, int]:
    found = _STRING.match(text, place)
    if found is None:
        raise NotJson(f"no value at {place}")
    units = _ESCAPE.sub(_unescaped, found[1])
    inside = units.encode("utf-16-le", "surrogatepass").decode(
        "utf-16-le", "surrogatepass"
    )
    return Value("string", found[0], inside), found.end()


def _unescaped(escape: re.Match[str]) -> str:
    word = escape[1]
    return chr(int(word[1:], 16)) if word[0] == "u" else _SHORT.get(word, word)


def _list_of(text: str, place: int, depth: int, kind: str) -> tuple[Value, int]:
    start, closing = place, "}" if kind == "object" else "]"
    inside: list[Any] = []
    place = _space(text, place + 1)
    while not text.startswith(closing, place):
        if inside:
            if not text.startswith(",", place):
                raise NotJson(f"no comma at {place}")
            place = _space(text, place + 1)
        name = None
        if kind == "object":
            name, place = _string(text, place)
            place = _space(text, place)
            if not text.startswith(":", place):
                raise NotJson(f"no colon at {place}")
            place = _space(text, place + 1)
        value, place = _value(text, place, depth + 1)
        inside.append(value if name is None else (name.inside, value))
        place = _space(text, place)
        if place == len(text):
            raise NotJson("no end")
    return Value(kind, text[start : place + 1], inside), place + 1
