"""Which schemas are understood, and what is said about the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scorer.errors import SchemaError
from scorer.wire.schema import Array, Map, Scalar, Union, Unit, parse
from tests.wire.support import parsed, record_schema

SCHEMAS = sorted((Path(__file__).parents[2] / "schemas").rglob("*.avsc"))


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_the_schemas_that_we_ship_are_understood(path: Path) -> None:
    text = path.read_text()
    schema = parse(text, path.name)
    assert [field.name for field in schema.fields] == [field["name"] for field in json.loads(text)["fields"]]


@pytest.mark.parametrize(
    ("kind", "meaning"),
    [
        ("null", Scalar("null")),
        ("boolean", Scalar("boolean")),
        ({"type": "double"}, Scalar("double")),
        ({"type": "string", "avro.java.string": "String"}, Scalar("string")),
        ({"type": "string", "logicalType": "uuid"}, Scalar("string")),
        ({"type": "string", "logicalType": "timestamp-millis"}, Scalar("string")),
        ({"type": "int", "logicalType": "timestamp-millis"}, Scalar("int")),
        ({"type": "long", "logicalType": "made-up"}, Scalar("long")),
        ({"type": "long", "logicalType": 3}, Scalar("long")),
        ({"type": "long", "logicalType": "timestamp-millis"}, Scalar("long", Unit.TIMESTAMP, 1000)),
        ({"type": "long", "logicalType": "timestamp-micros"}, Scalar("long", Unit.TIMESTAMP)),
        ({"type": "long", "logicalType": "local-timestamp-millis"}, Scalar("long", Unit.TIMESTAMP, 1000)),
        ({"type": "long", "logicalType": "local-timestamp-micros"}, Scalar("long", Unit.TIMESTAMP)),
        ({"type": "int", "logicalType": "date"}, Scalar("int", Unit.DATE)),
        ({"type": "int", "logicalType": "time-millis"}, Scalar("int", Unit.TIME_MILLIS)),
        ({"type": "long", "logicalType": "time-micros"}, Scalar("long", Unit.TIME_MICROS)),
        ({"type": "fixed", "name": "F", "size": 16}, Scalar("fixed", size=16)),
        ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, Scalar("enum", symbols=("A", "B"))),
        (["null", "string"], Union((Scalar("null"), Scalar("string")))),
        ({"type": "array", "items": "double"}, Array(Scalar("double"))),
        ({"type": "map", "values": ["null", "long"]}, Map(Union((Scalar("null"), Scalar("long"))))),
    ],
)
def test_types_mean(kind: Any, meaning: Any) -> None:
    assert parsed(record_schema(("x", kind))).fields[0].type == meaning


@pytest.mark.parametrize("again", ["E", "space.E", {"type": "E"}])
def test_a_named_type_may_be_used_again_by_its_name(again: Any) -> None:
    schema = record_schema(("a", {"type": "enum", "name": "E", "symbols": ["A"]}), ("b", again))
    first, second = parsed({**schema, "namespace": "space"}).fields
    assert first.type == second.type


def test_a_namespace_of_its_own_counts() -> None:
    kind = {"type": "fixed", "name": "F", "namespace": "other", "size": 1}
    schema = {**record_schema(("a", kind), ("b", "other.F")), "namespace": "space"}
    assert parsed(schema).record == "space.Event"
    with pytest.raises(SchemaError, match="'F'"):
        parsed({**record_schema(("a", kind), ("b", "F")), "namespace": "space"})


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ({"type": "record", "name": "R", "fields": []}, "spread the parts of a nested record"),
        ("flaot", "is of type 'flaot', which is not supported here"),
        ("Event", "is of type 'Event'"),
        ({"type": "bytes", "logicalType": "decimal", "precision": 4}, "decimal, which is not supported: use double"),
        ({"type": "long", "logicalType": "timestamp-nanos"}, "use timestamp-micros"),
        ({"type": "fixed", "name": "D", "size": 12, "logicalType": "duration"}, "duration"),
        ({"type": "array"}, 'without "items"'),
        ({"type": "map"}, 'without "values"'),
        ({"type": "array", "items": {"type": "array", "items": "long"}}, "'array'"),
        ([], "a union that is empty"),
        (["null", "null"], "names a type twice"),
        (["null", ["long"]], "not supported here"),
        (3, "not supported here: 3"),
        (None, "not supported here: null"),
        ({"type": {"type": "long"}}, "not supported here"),
        ({"type": "enum", "name": "E"}, '"symbols"'),
        ({"type": "enum", "name": "E", "symbols": []}, '"symbols"'),
        ({"type": "enum", "name": "E", "symbols": ["A", "A"]}, "twice the same"),
        ({"type": "enum", "name": "E", "symbols": ["A b"]}, "symbols that Avro does not allow"),
        ({"type": "enum", "name": "E", "symbols": [1]}, "symbols that Avro does not allow"),
        ({"type": "enum", "symbols": ["A"]}, "no name that Avro allows"),
        ({"type": "fixed", "name": "F"}, '"size"'),
        ({"type": "fixed", "name": "F", "size": -1}, '"size"'),
        ({"type": "fixed", "name": "F", "size": True}, '"size"'),
        ({"type": "fixed", "name": "F", "size": 1 << 40}, '"size"'),
        ({"type": "fixed", "name": "1F", "size": 1}, "no name that Avro allows"),
    ],
)
def test_types_that_are_refused(kind: Any, words: str) -> None:
    with pytest.raises(SchemaError) as refused:
        parsed(record_schema(("good", "long"), ("x", kind)), "orders.avsc")
    assert str(refused.value).startswith("orders.avsc: field `x` ")
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ('"string"', "must be a record"),
        ("[]", "must be a record"),
        ('{"type": "enum"}', "must be a record"),
        ('{"type": "record", "fields": []}', "no name that Avro allows"),
        ('{"type": "record", "name": "a b", "fields": []}', "no name that Avro allows"),
        ('{"type": "record", "name": "R"}', 'no list of "fields"'),
        ('{"type": "record", "name": "R", "fields": {}}', 'no list of "fields"'),
        ('{"type": "record", "name": "R", "fields": [3]}', "a field without a name: 3"),
        ('{"type": "record", "name": "R", "fields": [{"name": "a"}]}', 'field `a` has no "type"'),
        ('{"type": "record", "name": "R", "fields": [{"name": "a-b", "type": "int"}]}', "field `a-b` has a name"),
    ],
)
def test_what_is_no_record_schema_is_refused(text: str, words: str) -> None:
    with pytest.raises(SchemaError) as refused:
        parse(text, "orders.avsc")
    assert str(refused.value).startswith("orders.avsc")
    assert words in str(refused.value)


def test_names_are_given_once() -> None:
    with pytest.raises(SchemaError, match="field `a` occurs twice"):
        parsed(record_schema(("a", "int"), ("a", "int")))
    fixed = {"type": "fixed", "name": "F", "size": 1}
    with pytest.raises(SchemaError, match="field `b` defines the name F a second time"):
        parsed(record_schema(("a", fixed), ("b", fixed)))


def test_a_parsed_schema_is_taken_too() -> None:
    assert parse({"type": "record", "name": "R", "fields": []}, "empty").fields == ()
