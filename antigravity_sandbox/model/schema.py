"""Values that match a schema, be it OpenAPI's or JSON Schema's."""

from typing import Any

from attrs import frozen

from antigravity_sandbox.model.prompt import get, listed

_NUMBERED = {
    1: "string",
    2: "number",
    3: "integer",
    4: "boolean",
    5: "array",
    6: "object",
    7: "null",
}
_FORMATS = {
    "date": "2026-11-20",
    "date-time": "2026-11-20T12:00:00Z",
    "time": "12:00:00Z",
    "duration": "3.5s",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
DEEPEST = 6
"""
How far down optional members are made; required ones are made twice as far.

A schema that refers to itself would have no end otherwise.
"""


def sample(schema: object, word: str) -> Any:
    """A value for *schema*, with *word* wherever it leaves a choice of text."""
    return _Sampler(schema, word).value(schema, 0)


@frozen
class _Sampler:
    root: object
    word: str

    def value(self, schema: object, depth: int) -> Any:
        """A value for a part of the schema, *depth* levels down."""
        schema = self._resolved(schema)
        if not isinstance(schema, dict):
            return self.word
        if depth > 2 * DEEPEST:
            return None
        if (fixed := self._fixed(schema)) is not None:
            return fixed
        if alternatives := _alternatives(schema):
            return self.value({**_without(schema), **alternatives[0]}, depth + 1)
        match _kind(schema):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "integer":
                return int(_number(schema))
            case "number":
                return float(_number(schema))
            case "boolean":
                return True
            case "null":
                return None
        return self._text(schema)

    def _resolved(self, schema: object) -> object:
        """The schema that a ``$ref`` leads to, one step and no further."""
        pointer = get(schema, "$ref")
        if not isinstance(pointer, str):
            return schema
        place: object = self.root
        for name in pointer.removeprefix("#").strip("/").split("/"):
            place = place.get(name) if isinstance(place, dict) else None
        return {} if get(place, "$ref") else place

    def _fixed(self, schema: dict[str, Any]) -> Any:
        if "const" in schema:
            return schema["const"]
        choices = listed(schema.get("enum"))
        return choices[0] if choices else None

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties")
        if not isinstance(properties, dict):
            return {}
        if depth > DEEPEST:
            required = listed(schema.get("required"))
            properties = {k: v for k, v in properties.items() if k in required}
        order = listed(get(schema, "propertyOrdering")) or list(properties)
        names = [name for name in order if name in properties]
        return {name: self.value(properties[name], depth + 1) for name in names}

    def _array(self, schema: dict[str, Any], depth: int) -> list[Any]:
        if depth > DEEPEST:
            return []
        least = _whole(get(schema, "minItems"), 1)
        most = _whole(get(schema, "maxItems"), 100)
        count = min(max(least, min(2, most)), 100)
        items = schema.get("items", {"type": "string"})
        return [self.value(items, depth + 1) for _ in range(count)]

    def _text(self, schema: dict[str, Any]) -> str:
        text = _FORMATS.get(str(schema.get("format")), self.word)
        text = text.ljust(_whole(get(schema, "minLength"), 0), ".")
        return text[: _whole(get(schema, "maxLength"), len(text))]


def _alternatives(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The schemas of an ``anyOf`` and its like, those for null last."""
    for name in ("anyOf", "oneOf", "allOf"):
        if found := [s for s in listed(get(schema, name)) if isinstance(s, dict)]:
            return sorted(found, key=lambda s: _kind(s) == "null")
    return []


def _without(schema: dict[str, Any]) -> dict[str, Any]:
    choices = ("anyOf", "oneOf", "allOf", "any_of", "one_of", "all_of")
    return {name: value for name, value in schema.items() if name not in choices}


def _kind(schema: dict[str, Any]) -> str:
    """The type in lower case, guessed from the rest when it is not given."""
    kinds = listed(schema.get("type"))
    names = [_NUMBERED.get(k, "") if isinstance(k, int) else str(k) for k in kinds]
    named = [name.lower() for name in names if name.lower() != "null"]
    if named:
        return named[0]
    if names:
        return "null"
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema else "string"


def _number(schema: dict[str, Any]) -> int:
    """An integer within the bounds, 42 if they allow it."""
    low, high = schema.get("minimum"), schema.get("maximum")
    number = 42.0
    if isinstance(high, int | float):
        number = min(number, high)
    if isinstance(low, int | float):
        number = max(number, low)
    return int(number)


def _whole(value: object, default: int) -> int:
    """A count, which protobuf's JSON may spell as a string."""
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) else default
