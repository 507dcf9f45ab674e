"""What the encoder promises, one case each: sources, refusals, records that do not fit, buffers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scorer.batch import Columns, Kind, Layout
from scorer.errors import SchemaError
from scorer.wire.encode import Encoded, Encoder, Entries, Run, Source
from scorer.wire.framing import Framing
from scorer.wire.reasons import Reason, Status
from scorer.wire.schema import parse
from tests.wire.support import Value, fill, framed, parsed, read, record_schema, written

PREDICTION = Path(__file__).parents[2] / "schemas" / "prediction.avsc"


def encode(
    schema: dict[str, Any], layout: Layout, columns: Columns, m: int, sources: dict[str, Source] | None = None
) -> tuple[Encoder, Encoded]:
    """All rows, without framing."""
    encoder = Encoder(parsed(schema), layout, framing=Framing.BARE, sources=sources)
    return encoder, encoder.encode(columns, np.arange(m))


def test_a_prediction_is_written_as_its_schema_says() -> None:
    kinds = {
        "id": Kind.TEXT,
        "source_topic": Kind.TEXT,
        "source_partition": Kind.INTEGER,
        "source_offset": Kind.INTEGER,
        "model": Kind.TEXT,
        "version": Kind.TEXT,
        "digest": Kind.BYTES,
        "role": Kind.TEXT,
        "score": Kind.NUMBER,
        "class": Kind.TEXT,
        "s0": Kind.NUMBER,
        "s1": Kind.NUMBER,
        "s2": Kind.NUMBER,
        "classes": Kind.INTEGER,
        "event_time": Kind.INTEGER,
        "scored_time": Kind.INTEGER,
        "flags": Kind.INTEGER,
        "origin": Kind.TEXT,
        "distance": Kind.INTEGER,
    }
    row: dict[str, Value] = {
        "id": "2013-04-01 UA 1545",
        "source_topic": "flights.events",
        "source_partition": 3,
        "source_offset": 1 << 40,
        "model": "flights",
        "version": "v2",
        "digest": bytes(range(32)),
        "role": "champion",
        "score": 0.25,
        "class": None,
        "s0": 0.25,
        "s1": 0.5,
        "s2": 0.25,
        "classes": 3,
        "event_time": None,
        "scored_time": 1_700_000_000_000_001,
        "flags": 5,
        "origin": "EWR",
        "distance": None,
    }
    layout = Layout(kinds.items())
    columns, _kept = fill(layout, [row])
    encoder = Encoder(
        parse(PREDICTION.read_text(), PREDICTION.name),
        layout,
        schema_id=77,
        sources={
            "event_id": "id",
            "scores": Run(("s0", "s1", "s2"), "classes"),
            "carried": Entries({"origin": "origin", "distance": "distance"}),
        },
    )
    encoded = encoder.encode(columns, np.zeros(1, np.int64))
    payload = bytes(encoded.buffer[encoded.start[0] : encoded.start[0] + encoded.length[0]])
    schema = json.loads(PREDICTION.read_text())
    own = {name: row[name] for name in row if name in {field["name"] for field in schema["fields"]}}
    oracle: dict[str, Any] = {
        **own,
        "event_id": row["id"],
        "scores": [0.25, 0.5, 0.25],
        "carried": {"origin": "EWR", "distance": None},
    }
    assert payload == framed(77, [written(schema, oracle)])[0]
    assert read(schema, payload[5:]) == (oracle, len(payload) - 5)
    assert encoded.address[0] == encoded.buffer.ctypes.data + encoded.start[0]


def test_microseconds_are_rounded_down_where_the_schema_has_milliseconds() -> None:
    schema = record_schema(("t", {"type": "long", "logicalType": "timestamp-millis"}))
    layout = Layout([("t", Kind.INTEGER)])
    values = [1999, 2000, -1, -1000, -1001, 2**63 - 1, -(2**63)]
    columns, _ = fill(layout, [{"t": value} for value in values])
    _, encoded = encode(schema, layout, columns, len(values))
    got = [read(schema, bytes(encoded.buffer[at:]))[0]["t"] for at in encoded.start]
    assert got == [value // 1000 for value in values]


@pytest.mark.parametrize(
    ("kind", "column", "value", "status", "text"),
    [
        ("int", Kind.INTEGER, 2**31, Status.RANGE, "field `x`: the value 2147483648 does not fit the schema"),
        ("int", Kind.INTEGER, -(2**31) - 1, Status.RANGE, "field `x`: the value -2147483649 does not fit the schema"),
        ("boolean", Kind.INTEGER, 2, Status.RANGE, "field `x`: the value 2 does not fit the schema"),
        (
            {"type": "fixed", "name": "F", "size": 3},
            Kind.BYTES,
            b"ab",
            Status.RANGE,
            "field `x`: the value 2 does not fit the schema",
        ),
        (
            {"type": "enum", "name": "E", "symbols": ["AB", "ABC"]},
            Kind.TEXT,
            "ABD",
            Status.RANGE,
            "field `x`: the value -1 does not fit the schema",
        ),
        ("long", Kind.INTEGER, None, Status.MISSING, "field `x`: there is no value, but the schema demands one"),
        (
            ["long", "string"],
            Kind.TEXT,
            None,
            Status.MISSING,
            "field `x`: there is no value, but the schema demands one",
        ),
    ],
)
def test_a_record_that_does_not_fit_is_marked_and_its_neighbours_are_written(
    kind: Any, column: Kind, value: Value, status: Status, text: str
) -> None:
    schema = record_schema(("a", "string"), ("x", kind), ("b", ["null", "string"]))
    layout = Layout([("a", Kind.TEXT), ("x", column), ("b", Kind.TEXT)])
    fitting: dict[Kind, Value] = {Kind.INTEGER: 1, Kind.TEXT: "ABC", Kind.BYTES: b"abc"}
    rows = [
        {"a": "before", "x": fitting[column], "b": "y"},
        {"a": "bad", "x": value},
        {"a": "z" * 50, "x": fitting[column]},
    ]
    columns, _kept = fill(layout, rows)
    encoder, encoded = encode(schema, layout, columns, 3)
    assert encoded.status.tolist() == [Status.OK, status, Status.OK]
    assert encoded.length[1] == -1
    assert encoder.reason(encoded, 1) == Reason(status.name.lower(), "x", None, text)
    for j in (0, 2):
        record, used = read(schema, bytes(encoded.buffer[encoded.start[j] :]))
        assert used == encoded.length[j]
        assert record["a"] == rows[j]["a"]


def test_a_failure_is_forgotten_by_the_next_call() -> None:
    layout = Layout([("x", Kind.INTEGER)])
    columns, _ = fill(layout, [{"x": 2**40}, {"x": 3}])
    encoder = Encoder(parsed(record_schema(("x", "int"))), layout)
    assert encoder.encode(columns, np.array([0])).status.tolist() == [Status.RANGE]
    again = encoder.encode(columns, np.array([1]))
    assert (again.status.tolist(), again.field.tolist(), again.length.tolist()) == ([Status.OK], [-1], [6])


@pytest.mark.parametrize("count", [-1, 3, 2**40])
def test_a_run_cannot_be_longer_than_its_columns(count: int) -> None:
    schema = record_schema(("xs", {"type": "array", "items": "double"}))
    layout = Layout([("a", Kind.NUMBER), ("b", Kind.NUMBER), ("n", Kind.INTEGER)])
    columns, _ = fill(layout, [{"a": 1.0, "b": 2.0, "n": count}])
    encoder, encoded = encode(schema, layout, columns, 1, {"xs": Run(("a", "b"), "n")})
    assert encoded.length[0] == -1
    assert encoder.reason(encoded, 0).field == "xs"


@pytest.mark.parametrize(
    ("kind", "source", "words"),
    [
        ("double", "nowhere", "field `x` cannot be written: there is no column `nowhere`"),
        ("double", "text", "field `x` is double, but column `text` holds text values"),
        ("string", "raw", "field `x` is string, but column `raw` holds bytes values"),
        (["null", "long"], "number", "field `x` is null, long, but column `number` holds number values"),
        ("long", Run(("number",), "integer"), "field `x` is no array or map"),
        ({"type": "array", "items": "double"}, "number", "field `x` is an array"),
        ({"type": "array", "items": "long"}, Run(("integer",), "integer"), "only an array of doubles"),
        ({"type": "array", "items": "double"}, Run(("integer",), "integer"), "field `x` needs number values"),
        ({"type": "array", "items": "double"}, Run(("number",), "number"), "field `x` needs integer values"),
        ({"type": "array", "items": "double"}, Run(("number", "later"), "integer"), "consecutive slots"),
        ({"type": "map", "values": "double"}, "number", "field `x` is a map"),
        ({"type": "map", "values": ["null", "double"]}, Entries({"k": "text"}), "column `text` holds text values"),
    ],
)
def test_columns_that_cannot_serve_are_refused_by_name(kind: Any, source: Source, words: str) -> None:
    layout = Layout(
        [
            ("number", Kind.NUMBER),
            ("between", Kind.NUMBER),
            ("later", Kind.NUMBER),
            ("integer", Kind.INTEGER),
            ("text", Kind.TEXT),
            ("raw", Kind.BYTES),
        ]
    )
    with pytest.raises(SchemaError) as refused:
        Encoder(parsed(record_schema(("x", kind)), "out.avsc"), layout, sources={"x": source})
    assert "out.avsc" in str(refused.value)
    assert words in str(refused.value)


def test_a_source_for_a_field_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SchemaError, match="no field `scroe`"):
        Encoder(
            parsed(record_schema(("score", "double"))), Layout([("score", Kind.NUMBER)]), sources={"scroe": "score"}
        )


def test_rows_keep_apart_over_many_blocks() -> None:
    schema = record_schema(("s", "string"), ("n", ["null", "long"]), ("x", "int"))
    layout = Layout([("s", Kind.TEXT), ("n", Kind.INTEGER), ("x", Kind.INTEGER)])
    rows: list[dict[str, Value]] = [
        {"s": "é" * (k % 37), "n": None if k % 3 else -(2**63) + k, "x": 2**31 if k % 7 == 0 else k}
        for k in range(1000)
    ]
    columns, _kept = fill(layout, rows)
    _, encoded = encode(schema, layout, columns, len(rows))
    for k, row in enumerate(rows):
        data = bytes(encoded.buffer[encoded.start[k] : encoded.start[k] + max(encoded.length[k], 0)])
        assert data == (b"" if k % 7 == 0 else written(schema, row))


def test_buffers_grow_and_are_used_again() -> None:
    schema = record_schema(("s", "string"))
    layout = Layout([("s", Kind.TEXT)])
    columns, _kept = fill(layout, [{"s": "x" * 10_000}] * 3)
    encoder = Encoder(parsed(schema), layout)
    small = encoder.encode(columns, np.zeros(0, np.int64))
    assert len(small.start) == 0
    first = encoder.encode(columns, np.arange(3))
    second = encoder.encode(columns, np.arange(2))
    assert first.buffer is second.buffer
    assert len(second.start) == 2
    assert first.length[0] == 5 + 3 + 10_000


def test_a_schema_id_must_fit_four_bytes() -> None:
    with pytest.raises(ValueError, match="32 bits"):
        Encoder(parsed(record_schema(("n", "long"))), Layout([("n", Kind.INTEGER)]), schema_id=2**32)
