"""Tests for ``antigravity_sandbox.model.schema``."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antigravity_sandbox.model.schema import sample


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "STRING"}, "Paris"),
        ({"type": "string", "enum": ["c", "f"]}, "c"),
        ({"type": 1}, "Paris"),
        ({"type": 3}, 42),
        ({"type": "INTEGER", "maximum": 10}, 10),
        ({"type": "number", "minimum": 50}, 50.0),
        ({"type": 4}, True),
        ({"type": ["null", "string"]}, "Paris"),
        ({"type": "null"}, None),
        ({"const": 7}, 7),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, 42),
        ({"any_of": [{"type": "BOOLEAN"}]}, True),
        ({"type": 5, "items": {"type": 3}}, [42, 42]),
        ({"type": "array", "minItems": "3", "items": {"type": 4}}, [True] * 3),
        ({"type": "string", "format": "date"}, "2026-11-20"),
        ({"type": "string", "maxLength": 2}, "Pa"),
        ({"properties": {"city": {}}}, {"city": "Paris"}),
        ({"type": "OBJECT"}, {}),
        (True, "Paris"),
    ],
)
def test_value(schema: object, value: object) -> None:
    """A value matches its schema, however its type is spelled."""
    assert value == sample(schema, "Paris")


def test_order() -> None:
    """Properties come in the order that is asked for."""
    schema = {
        "type": 6,
        "properties": {"a": {"type": 1}, "b": {"type": 3}},
        "property_ordering": ["b", "a"],
    }

    assert list(sample(schema, "x")) == ["b", "a"]


def test_references() -> None:
    """References are followed, and a schema that contains itself has an end."""
    schema = {
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "next": {"$ref": "#/$defs/node"},
                },
                "required": ["name"],
            }
        },
    }

    value = sample(schema, "x")

    assert "x" == value["name"] == value["next"]["name"]


@pytest.mark.parametrize(
    "schema",
    [
        {"anyOf": [{"$ref": "#"}]},
        {"$ref": "#"},
        {"$ref": "#/nowhere"},
        {"type": "array", "minItems": 9, "items": {"$ref": "#"}},
        {"properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}},
        {"properties": {"a": {"$ref": "#"}}, "required": ["a"]},
        {"properties": {"a": {"items": {"$ref": "#"}}}},
    ],
)
def test_bottomless(schema: object) -> None:
    """No schema is followed for ever, nor for long."""
    assert len(json.dumps(sample(schema, "x"))) < 10_000_000


schemas = st.recursive(
    st.sampled_from([{"type": t} for t in (1, "NUMBER", "integer", 4, "null")]),
    lambda inner: st.one_of(
        st.builds(lambda s: {"type": "array", "items": s}, inner),
        st.builds(
            lambda p: {"type": "OBJECT", "properties": p},
            st.dictionaries(st.text(max_size=3), inner, max_size=3),
        ),
        st.builds(lambda s: {"anyOf": s}, st.lists(inner, min_size=1, max_size=2)),
    ),
    max_leaves=8,
)


@given(schemas)
def test_is_json(schema: Any) -> None:
    """Whatever the schema, the value is JSON."""
    value = sample(schema, "x")

    assert value == json.loads(json.dumps(value))
