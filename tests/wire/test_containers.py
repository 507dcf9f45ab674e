"""Arrays and maps as columns, against fastavro: any records, any way of writing blocks, any bytes."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scorer import schema_files
from scorer.errors import SchemaError
from scorer.wire.decode import Decoded, Decoder
from scorer.wire.framing import Framing
from scorer.wire.plan import Parts
from scorer.wire.reasons import Status
from scorer.wire.schema import Map, parse
from scorer.wire.value import decoded as value_of
from tests.wire.support import batch_of, bytes_at, parsed, read, record_schema, row_of, same, written

KEYS = ("", "carrier", "é", "k")
UNION = ["null", "long", "double", "string"]
SCHEMA = record_schema(
    ("before", "string"),
    ("scores", {"type": "array", "items": "double"}),
    ("carried", {"type": "map", "values": UNION}),
    ("after", "long"),
)
WANTED = 3

_VALUES = st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=10)
_RECORDS = st.fixed_dictionaries(
    {
        "before": st.text(max_size=5),
        "scores": st.lists(st.floats(), max_size=6),
        "carried": st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), _VALUES, max_size=6),
        "after": st.integers(-(2**63), 2**63 - 1),
    }
)


def decoder(elements: int = WANTED, keys: tuple[str, ...] = KEYS, schema: dict[str, Any] = SCHEMA) -> Decoder:
    return Decoder({0: parsed(schema)}, Framing.BARE, Parts({"scores": elements}, {"carried": keys}))


def shown(one: Decoder, found: Decoded, row: int, keys: tuple[str, ...] = KEYS) -> dict[str, Any]:
    """A row as a record: the elements that are there, the values of the keys that are."""
    flat = row_of(one.layout, found.columns, row)
    [field] = [field for field in one.schemas[0].fields if field.name == "carried"]
    assert isinstance(field.type, Map)
    values = {key: flat[f"carried.{key}"] for key in keys}
    assert all(data is None or isinstance(data, bytes) for data in values.values())
    elements = [flat[name] for name in sorted(name for name in flat if name.startswith("scores.") and name[7] != "c")]
    return {
        "count": flat["scores.count"],
        "scores": elements,
        "carried": {
            key: None if data is None else value_of(bytes(data), field.type.values)  # type: ignore[arg-type]
            for key, data in values.items()
        },
        "others": {name: flat[name] for name in ("before", "after")},
    }


def expected(record: dict[str, Any]) -> dict[str, Any]:
    scores = record["scores"]
    return {
        "count": len(scores),
        "scores": [scores[k] if k < len(scores) else None for k in range(WANTED)],
        "carried": {key: record["carried"].get(key) for key in KEYS},
        "others": {name: record[name] for name in ("before", "after")},
    }


def agree(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(agree(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(agree, one, other))
    return same(one, other)


@given(st.lists(_RECORDS, min_size=1, max_size=5))
def test_records_decode_as_fastavro_decodes_them(records: list[dict[str, Any]]) -> None:
    payloads = [written(SCHEMA, record) for record in records]
    one, batch = decoder(), batch_of(payloads)
    found = one.decode(batch)
    assert found.status.tolist() == [Status.OK] * len(records)
    for row, payload in enumerate(payloads):
        assert agree(shown(one, found, row), expected(read(SCHEMA, payload)[0]))


# -- blocks, as other writers make them ----------------------------------------------------------------------------


def varint(number: int, padding: int = 0) -> bytes:
    """Zigzag and seven bits a byte, perhaps with bytes of nothing behind it."""
    raw = (number << 1) ^ (number >> 63)
    out = bytearray()
    while raw > 127:
        out.append(raw & 127 | 128)
        raw >>= 7
    out.append(raw)
    for _ in range(padding):
        out[-1] |= 128
        out.append(0)
    return bytes(out)


def blocks(items: list[bytes], sizes: list[int], sized: list[bool]) -> bytes:
    """Items in blocks of these sizes; those ``sized`` say how long they are."""
    out, at = b"", 0
    for size, named in zip([*sizes, len(items)], [*sized, False], strict=True):
        part = items[at : at + size]
        at += len(part)
        if part:
            data = b"".join(part)
            out += (varint(-len(part)) + varint(len(data)) if named else varint(len(part))) + data
    return out + varint(0)


@st.composite
def _blocky(draw: st.DrawFn) -> bytes:
    record: dict[str, Any] = draw(_RECORDS)
    parts = []
    for field in ("scores", "carried"):
        items = [struct.pack("<d", score) for score in record["scores"]]
        if field == "carried":
            # Also with a key twice, of which fastavro takes the last.
            entries = [
                *record["carried"].items(),
                *draw(st.lists(st.tuples(st.sampled_from(KEYS), _VALUES), max_size=2)),
            ]
            items = [key_and_value(key, value, draw(st.integers(0, 2))) for key, value in entries]
        sizes = draw(st.lists(st.integers(1, 3), max_size=3))
        parts.append(blocks(items, sizes, [draw(st.booleans()) for _ in sizes]))
    head, tail = str(record["before"]).encode(), varint(record["after"])
    return varint(len(head)) + head + b"".join(parts) + tail


def key_and_value(key: str, value: object, padding: int) -> bytes:
    name = key.encode()
    branch, data = [type(None), int, float, str].index(type(value)), b""
    if isinstance(value, int):
        data = varint(value)
    elif isinstance(value, float):
        data = struct.pack("<d", value)
    elif isinstance(value, str):
        data = varint(len(value.encode()), padding) + value.encode()
    return varint(len(name)) + name + varint(branch, padding) + data


@given(_blocky())
def test_blocks_decode_as_fastavro_decodes_them(payload: bytes) -> None:
    one, batch = decoder(), batch_of([payload])
    found = one.decode(batch)
    assert found.status[0] == Status.OK
    assert agree(shown(one, found, 0), expected(read(SCHEMA, payload)[0]))


@given(_blocky())
def test_no_truncation_is_taken_for_a_record(payload: bytes) -> None:
    one, batch = decoder(), batch_of([payload[:size] for size in range(len(payload))])
    found = one.decode(batch)
    assert Status.OK not in found.status
    for row in range(len(payload)):
        assert all(value is None for value in row_of(one.layout, found.columns, row).values())
        assert 0 <= found.at[row] <= row


STRICTER = {Status.VARINT, Status.UNION, Status.TRAILING, Status.BLOCK, Status.LENGTH}


@settings(max_examples=500)
@given(_blocky(), st.data())
def test_broken_bytes_decode_as_fastavro_decodes_them_or_fail(payload: bytes, data: st.DataObject) -> None:
    broken = bytearray(payload)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(broken) - 1))
        broken[at] = data.draw(st.sampled_from([0, 1, 2, 3, 127, 128, 255]) | st.integers(0, 255))
    one, batch = decoder(), batch_of([bytes(broken)])
    found = one.decode(batch)
    status = Status(int(found.status[0]))
    if status is Status.OK:
        oracle, used = read(SCHEMA, bytes(broken))
        assert used == len(broken)
        assert agree(shown(one, found, 0), expected(oracle))
        return
    assert one.reason(found, 0).text
    if status not in STRICTER:
        with pytest.raises((EOFError, IndexError, UnicodeDecodeError)):
            read(SCHEMA, bytes(broken))


def test_a_block_of_another_size_is_named() -> None:
    payload = varint(0) + varint(-1) + varint(9) + bytes(20)
    one, batch = decoder(), batch_of([payload])
    reason = one.reason(one.decode(batch), 0)
    assert (reason.code, reason.field, reason.position) == ("block", "scores", 1)
    assert reason.text == "field `scores`: the block of -1 items at byte 1 has another size than it says"


HUGE = [2**31, 2**60, 2**63 - 1, -1, -(2**31), -(2**62), -(2**63)]


@pytest.mark.parametrize("count", HUGE)
@pytest.mark.parametrize("field", ["scores", "carried"])
def test_no_count_is_believed(count: int, field: str) -> None:
    start = varint(0) + (b"" if field == "scores" else varint(0)) + varint(count)
    payloads = [
        start,
        start + bytes(40),
        start + varint(8) + bytes(40),
        start + b"\2" * 60,
        start + varint(-5) + bytes(40),
    ]
    one, batch = decoder(), batch_of(payloads)
    found = one.decode(batch)
    assert Status.OK not in found.status


def test_the_fields_behind_them_are_read_in_every_row_of_a_large_batch() -> None:
    records = [
        {"before": "b" * (k % 4), "scores": [k / 7] * (k % 5), "carried": {"k": k, "x": "y"}, "after": k}
        for k in range(700)
    ]
    payloads = [written(SCHEMA, record) if k % 9 else b"\xff" for k, record in enumerate(records)]
    one, batch = decoder(), batch_of(payloads)
    found = one.decode(batch)
    for k, record in enumerate(records):
        assert (found.status[k] == Status.OK) == bool(k % 9)
        if k % 9:
            assert agree(shown(one, found, k), expected(record))


@pytest.mark.parametrize("values", ["long", "boolean", "bytes", "float", "int", ["int", "boolean", "bytes", "null"]])
def test_values_of_other_types(values: Any) -> None:
    schema = record_schema(("carried", {"type": "map", "values": values}), ("after", "long"))
    typed: dict[str, Any] = {"long": 2**40, "boolean": True, "bytes": b"\0\xff", "float": 0.5, "int": -3}
    wanted = typed[values] if isinstance(values, str) else b"x"
    one = Decoder({0: parsed(schema)}, Framing.BARE, Parts(keys={"carried": ("a", "b")}))
    batch = batch_of([written(schema, {"carried": {"a": wanted, "c": wanted}, "after": 5})])
    found = one.decode(batch)
    assert found.status[0] == Status.OK
    row = row_of(one.layout, found.columns, 0)
    [kind, _] = [field.type for field in one.schemas[0].fields]
    data = row["carried.a"]
    assert isinstance(kind, Map)
    assert isinstance(data, bytes)
    assert value_of(data, kind.values) == wanted
    assert (row["carried.b"], row["after"]) == (None, 5)


@example(elements=0, keys=0)
@given(st.integers(0, 4), st.integers(0, 4))
def test_as_many_columns_as_were_asked_for(elements: int, keys: int) -> None:
    one = decoder(elements, KEYS[:keys])
    assert len(one.layout) == 2 + 1 + elements + keys
    batch = batch_of([written(SCHEMA, {"before": "b", "scores": [1.0], "carried": {"k": 1, "": 2}, "after": 3})])
    found = one.decode(batch)
    assert found.status[0] == Status.OK
    assert shown(one, found, 0, KEYS[:keys])["others"] == {"before": "b", "after": 3}


def test_what_is_not_named_is_refused() -> None:
    with pytest.raises(SchemaError, match="`scores` is an array"):
        Decoder({0: parsed(SCHEMA)}, Framing.BARE, Parts(keys={"carried": ()}))
    with pytest.raises(SchemaError, match="`carried` is an array, a map"):
        Decoder({0: parsed(SCHEMA)}, Framing.BARE, Parts({"scores": 0}))
    texts = record_schema(("scores", {"type": "array", "items": "string"}))
    with pytest.raises(SchemaError, match="something other than double"):
        Decoder({0: parsed(texts)}, Framing.BARE, Parts({"scores": 0}))


def test_a_schema_without_them_has_none() -> None:
    one = Decoder(
        {1: parsed(SCHEMA), 2: parsed(record_schema(("after", "long")))},
        parts=Parts({"scores": 2}, {"carried": ("k",)}),
    )
    full = written(SCHEMA, {"before": "", "scores": [1.0, 2.0], "carried": {"k": "v"}, "after": 1})
    batch = batch_of([b"\0\0\0\0\1" + full, b"\0\0\0\0\2" + varint(9)])
    found = one.decode(batch)
    assert found.status.tolist() == [Status.OK, Status.OK]
    row = row_of(one.layout, found.columns, 1)
    assert {name for name, value in row.items() if value is not None} == {"after"}


def test_the_schema_of_predictions_becomes_columns() -> None:
    schema = parse(schema_files.own("prediction"), "prediction.avsc")
    names = {field.name for field in Decoder({1: schema}, parts=Parts({"scores": 2}, {"carried": ("a",)})).layout}
    assert {"scores.count", "scores.0", "scores.1", "carried.a", "event_id"} <= names


def test_bytes_behind_the_payload_are_not_read() -> None:
    payload = written(SCHEMA, {"before": "b", "scores": [1.0, 2.0], "carried": {"k": "v" * 9}, "after": 1})
    one = decoder()
    for size in range(len(payload)):
        batch = batch_of([payload[:size], payload])
        found = one.decode(batch)
        assert found.status[0] != Status.OK
        assert bytes_at(int(batch.payload_address[1]), len(payload)) == payload
        assert found.status[1] == Status.OK
