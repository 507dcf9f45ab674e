"""What the tests of the wire share: batches of payloads, columns as Python values, schemas and records to try."""

from __future__ import annotations

import ctypes
import io
import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import fastavro
import numpy as np
from hypothesis import strategies as st

from scorer.batch import Batch, Columns, Field, Int64s, Kind, Layout
from scorer.wire.joined import join
from scorer.wire.schema import RecordSchema, parse

Value = bool | int | float | bytes | str | None


@dataclass
class Kept:
    """The owner of a batch: keeps the joined bytes alive."""

    data: bytes

    def release(self) -> None:
        self.data = b""


def batch_of(payloads: Sequence[bytes | None]) -> Batch:
    """A batch with these payloads and no keys."""
    data, address, length = join(payloads)
    return batch_at(address, length, data)


def batch_at(address: Int64s, length: Int64s, data: bytes = b"") -> Batch:
    """A batch of payloads at these addresses."""
    n = len(address)
    return Batch(
        payload_address=address,
        payload_length=length,
        key_address=np.zeros(n, np.int64),
        key_length=np.full(n, -1, np.int64),
        topic=np.zeros(n, np.int32),
        partition=np.zeros(n, np.int32),
        offset=np.arange(n),
        time=np.full(n, -1, np.int64),
        has_headers=np.zeros(n, np.bool_),
        topics=("events",),
        owner=Kept(data),
    )


def bytes_at(address: int, length: int) -> bytes:
    """The bytes at an address."""
    return ctypes.string_at(address, length)


def stored(columns: Columns, field: Field, row: int) -> Value:
    """What columns hold of a field in a row; ``None`` where it is not valid, which must leave nothing behind."""
    valid = columns.valid[field.index, row]
    assert valid in (0, 1)
    if field.kind is Kind.NUMBER:
        number = float(columns.numbers[field.slot, row])
        assert valid or np.isnan(number)
        return number if valid else None
    if field.kind is Kind.INTEGER:
        integer = int(columns.integers[field.slot, row])
        assert valid or integer == 0
        return integer if valid else None
    length = int(columns.length[field.slot, row])
    assert valid or length == 0
    if not valid:
        return None
    data = bytes_at(int(columns.address[field.slot, row]), length)
    return data.decode() if field.kind is Kind.TEXT else data


def row_of(layout: Layout, columns: Columns, row: int) -> dict[str, Value]:
    """One row of columns as a record."""
    return {field.name: stored(columns, field, row) for field in layout}


def fill(layout: Layout, records: Sequence[Mapping[str, Value]]) -> tuple[Columns, list[bytes]]:
    """Columns with these records, and the bytes that their spans point to."""
    columns = layout.columns(max(1, len(records)))
    columns.numbers[:] = np.nan
    kept = []
    for row, record in enumerate(records):
        for field in layout:
            value = record.get(field.name)
            if value is None:
                continue
            columns.valid[field.index, row] = 1
            if isinstance(value, (str, bytes)):
                data = value.encode() if isinstance(value, str) else value
                kept.append(data)
                _, address, length = join([data])
                kept.append(_)
                columns.address[field.slot, row] = address[0]
                columns.length[field.slot, row] = length[0]
            elif field.kind is Kind.NUMBER:
                columns.numbers[field.slot, row] = value
            else:
                columns.integers[field.slot, row] = value
    return columns, kept


def same(one: Value, other: Value) -> bool:
    """Equality by type and, for floating point, by bits."""
    if isinstance(one, float) and isinstance(other, float):
        return struct.pack("<d", one) == struct.pack("<d", other)
    return type(one) is type(other) and one == other


def same_records(one: Mapping[str, Value], other: Mapping[str, Value]) -> bool:
    """Equality of records, field by field."""
    return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)


# ---------------------------------------------------------------- the oracle


def written(schema: dict[str, Any], record: Mapping[str, Any]) -> bytes:
    """The record as fastavro encodes it."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(plain(schema)), record)
    return out.getvalue()


def read(schema: dict[str, Any], data: bytes) -> tuple[dict[str, Value], int]:
    """The record that fastavro decodes, and how many bytes it took. Raises whatever fastavro raises."""
    stream = io.BytesIO(data)
    record = fastavro.schemaless_reader(stream, fastavro.parse_schema(plain(schema)), None)
    assert isinstance(record, dict)
    return record, stream.tell()


def plain(schema: Any) -> Any:
    """The schema without logical types, so that fastavro shows the numbers as they are encoded."""
    if isinstance(schema, list):
        return [plain(part) for part in schema]
    if isinstance(schema, dict):
        return {key: plain(part) for key, part in schema.items() if key != "logicalType"}
    return schema


def expected(schema: dict[str, Any], record: Mapping[str, Value]) -> dict[str, Value]:
    """What columns must hold of a record: times in microseconds, booleans as numbers, nothing of null fields."""
    result: dict[str, Value] = {}
    for field in schema["fields"]:
        value, kind = record[field["name"]], field["type"]
        if kind == "null":
            continue
        if isinstance(value, bool):
            value = int(value)
        if "-millis" in json.dumps(kind) and "timestamp" in json.dumps(kind) and isinstance(value, int):
            value *= 1000
        result[field["name"]] = value
    return result


def parsed(schema: dict[str, Any], name: str = "event.avsc") -> RecordSchema:
    """The schema as the scorer reads it."""
    return parse(json.dumps(schema), name)


def record_schema(*fields: tuple[str, Any], name: str = "Event") -> dict[str, Any]:
    """A record schema with these fields."""
    return {"type": "record", "name": name, "fields": [{"name": field, "type": kind} for field, kind in fields]}


# ---------------------------------------------------------------- schemas and records to try

_INT32 = st.integers(-(2**31), 2**31 - 1)
_INT64 = st.integers(-(2**63), 2**63 - 1)
_MILLIS = st.integers(-(2**63 // 1000), (2**63 - 1) // 1000)
# The first and last characters of each length in UTF-8, among others.
_TEXT = st.text("aZ0-\0\x7f\x80é\u07ff\u0800中\ud7ff\ue000\uffff\U00010000😀\U0010ffff", max_size=12)
_TEXT |= st.text("abcXYZ09-", max_size=40)

_SCALARS: list[tuple[Any, st.SearchStrategy[Any]]] = [
    ("boolean", st.booleans()),
    ("int", _INT32),
    ("long", _INT64),
    ("float", st.floats(width=32)),
    ("double", st.floats()),
    ("bytes", st.binary(max_size=20)),
    ("string", _TEXT),
    ({"type": "long", "logicalType": "timestamp-millis"}, _MILLIS),
    ({"type": "long", "logicalType": "timestamp-micros"}, _INT64),
    ({"type": "long", "logicalType": "local-timestamp-millis"}, _MILLIS),
    ({"type": "int", "logicalType": "date"}, _INT32),
    ({"type": "long", "logicalType": "time-micros"}, _INT64),
]


@st.composite
def _field_types(draw: st.DrawFn, name: str) -> tuple[Any, st.SearchStrategy[Any]]:
    choice = draw(st.integers(0, len(_SCALARS) + 2))
    if choice < len(_SCALARS):
        kind, values = _SCALARS[choice]
    elif choice == len(_SCALARS):
        size = draw(st.integers(0, 20))
        kind, values = {"type": "fixed", "name": f"F_{name}", "size": size}, st.binary(min_size=size, max_size=size)
    elif choice == len(_SCALARS) + 1:
        symbols = [f"{name}_{k}" * (k + 1) for k in range(draw(st.integers(1, 5)))]
        kind, values = {"type": "enum", "name": f"E_{name}", "symbols": symbols}, st.sampled_from(symbols)
    else:
        return "null", st.none()
    nullable = draw(st.sampled_from([None, "first", "last"]))
    if nullable is None:
        return kind, values
    return ["null", kind] if nullable == "first" else [kind, "null"], st.none() | values


@st.composite
def schemas_and_records(
    draw: st.DrawFn, min_records: int = 1, max_records: int = 4
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A flat record schema and a few records of it."""
    names = [f"f{k}" for k in range(draw(st.integers(0, 7)))]
    types = {name: draw(_field_types(name)) for name in names}
    schema = record_schema(*((name, kind) for name, (kind, _) in types.items()))
    record = st.fixed_dictionaries({name: values for name, (_, values) in types.items()})
    return schema, draw(st.lists(record, min_size=min_records, max_size=max_records))


def framed(schema_id: int, records: Iterable[bytes]) -> list[bytes]:
    """Confluent's header before each record."""
    return [b"\0" + struct.pack(">I", schema_id) + record for record in records]
