"""What the decoder promises, one case each: statuses and their words, several schemas, columns, buffers."""

from __future__ import annotations

import struct
import sys
from typing import Any

import numpy as np
import pytest

from scorer.batch import Kind
from scorer.errors import SchemaError
from scorer.wire.decode import Decoder
from scorer.wire.framing import Framing
from scorer.wire.reasons import Reason, Status
from tests.wire.support import Value, batch_of, framed, parsed, record_schema, row_of, same_records, written

FLIGHT = record_schema(
    ("id", "string"),
    ("late", "boolean"),
    ("seats", ["null", "int"]),
    ("origin", {"type": "enum", "name": "Origin", "symbols": ["EWR", "JFK", "LGA"]}),
    ("at", {"type": "long", "logicalType": "timestamp-millis"}),
    ("temp", ["double", "null"]),
    ("hash", {"type": "fixed", "name": "Hash", "size": 4}),
)
RECORD: dict[str, Any] = {
    "id": "UA-1545",
    "late": True,
    "seats": 149,
    "origin": "JFK",
    "at": 1_357_000_000_123,
    "temp": None,
    "hash": b"\0\1\2\3",
}
# Where the fields of the record start, behind the five bytes of the framing.
ID, LATE, SEATS, ORIGIN, AT, TEMP, HASH, END = 5, 13, 14, 17, 18, 24, 25, 29
GOOD = framed(9, [written(FLIGHT, RECORD)])[0]
LONG = record_schema(("n", "long"))


def reason_for(payload: bytes | None, schema: dict[str, Any] = FLIGHT) -> tuple[Status, Reason]:
    """The status and reason of one payload that cannot be decoded; its row must hold nothing."""
    decoder = Decoder({9: parsed(schema)})
    batch = batch_of([payload])
    decoded = decoder.decode(batch)
    assert not any(decoded.columns.valid[:, 0])
    assert all(value is None for value in row_of(decoder.layout, decoded.columns, 0).values())
    return Status(int(decoded.status[0])), decoder.reason(decoded, 0)


def test_a_record_becomes_typed_columns() -> None:
    decoder = Decoder({9: parsed(FLIGHT)})
    batch = batch_of([GOOD])
    decoded = decoder.decode(batch)
    assert len(GOOD) == END
    assert [(field.name, field.kind) for field in decoder.layout] == [
        ("id", Kind.TEXT),
        ("late", Kind.INTEGER),
        ("seats", Kind.INTEGER),
        ("origin", Kind.TEXT),
        ("at", Kind.INTEGER),
        ("temp", Kind.NUMBER),
        ("hash", Kind.BYTES),
    ]
    assert decoded.status.tolist() == [Status.OK]
    assert decoded.schema.tolist() == [0]
    assert decoder.reason(decoded, 0).code == "ok"
    assert row_of(decoder.layout, decoded.columns, 0) == {
        "id": "UA-1545",
        "late": 1,
        "seats": 149,
        "origin": "JFK",
        "at": 1_357_000_000_123_000,
        "temp": None,
        "hash": b"\0\1\2\3",
    }


def test_text_points_into_the_payload_and_is_not_copied() -> None:
    decoder = Decoder({9: parsed(FLIGHT)})
    batch = batch_of([GOOD])
    decoded = decoder.decode(batch)
    assert decoded.columns.address[decoder.layout["id"].slot, 0] == batch.payload_address[0] + ID + 1


def changed(at: int, new: bytes, drop: int = 1) -> bytes:
    """The good payload with some bytes replaced."""
    return GOOD[:at] + new + GOOD[at + drop :]


@pytest.mark.parametrize(
    ("payload", "status", "field", "position", "text"),
    [
        (None, Status.TOMBSTONE, None, None, "the record has no payload (a tombstone)"),
        (b"", Status.EMPTY, None, 0, "the payload is empty"),
        (GOOD[:3], Status.FRAMING, None, 3, "the payload ends at byte 3, inside the five bytes that name its schema"),
        (GOOD[:4], Status.FRAMING, None, 4, "the payload ends at byte 4, inside the five bytes that name its schema"),
        (
            b'{"id"',
            Status.UNKNOWN_MAGIC,
            None,
            0,
            "the payload starts with byte 123, not with the 0 of Confluent's framing",
        ),
        (
            b"{",
            Status.UNKNOWN_MAGIC,
            None,
            0,
            "the payload starts with byte 123, not with the 0 of Confluent's framing",
        ),
        (
            changed(1, b"\1\2\3\4", 4),
            Status.UNKNOWN_SCHEMA,
            None,
            1,
            "schema id 16909060 at byte 1 is none of those that this scorer reads",
        ),
        (
            changed(1, b"\xff\xff\xff\xff", 4),
            Status.UNKNOWN_SCHEMA,
            None,
            1,
            "schema id 4294967295 at byte 1 is none of those that this scorer reads",
        ),
        (GOOD[:5], Status.TRUNCATED, "id", 5, "field `id`: the payload ends at byte 5, before the end of the field"),
        (
            GOOD[:LATE],
            Status.TRUNCATED,
            "late",
            LATE,
            "field `late`: the payload ends at byte 13, before the end of the field",
        ),
        (
            GOOD[: AT + 2],
            Status.TRUNCATED,
            "at",
            AT + 2,
            "field `at`: the payload ends at byte 20, before the end of the field",
        ),
        (
            GOOD[:TEMP],
            Status.TRUNCATED,
            "temp",
            TEMP,
            "field `temp`: the payload ends at byte 24, before the end of the field",
        ),
        (
            GOOD[:-1],
            Status.TRUNCATED,
            "hash",
            28,
            "field `hash`: the payload ends at byte 28, before the end of the field",
        ),
        (
            changed(SEATS + 1, b"\x80\x80\x80\x80\x10", 2),
            Status.VARINT,
            "seats",
            SEATS + 1,
            "field `seats`: the integer at byte 15 has more bits than its type",
        ),
        (
            changed(AT, b"\xff" * 9 + b"\2", TEMP - AT),
            Status.VARINT,
            "at",
            AT,
            "field `at`: the integer at byte 18 has more bits than its type",
        ),
        (changed(LATE, b"\2"), Status.BOOLEAN, "late", LATE, "field `late`: byte 13 is 2, but a boolean is 0 or 1"),
        (changed(ID + 3, b"\xed"), Status.UTF8, "id", ID + 3, "field `id`: invalid UTF-8 at byte 8"),
        (
            changed(ORIGIN, b"\6"),
            Status.ENUM,
            "origin",
            ORIGIN,
            "field `origin`: enum index 3 at byte 17 is none of the schema's symbols",
        ),
        (
            changed(ORIGIN, b"\1"),
            Status.ENUM,
            "origin",
            ORIGIN,
            "field `origin`: enum index -1 at byte 17 is none of the schema's symbols",
        ),
        (
            changed(TEMP, b"\4"),
            Status.UNION,
            "temp",
            TEMP,
            "field `temp`: union branch 2 at byte 24 is none of the union's",
        ),
        (
            changed(SEATS, b"\1"),
            Status.UNION,
            "seats",
            SEATS,
            "field `seats`: union branch -1 at byte 14 is none of the union's",
        ),
        (
            changed(ID, b"\1"),
            Status.LENGTH,
            "id",
            ID,
            "field `id`: the length -1 at byte 5 is negative or reaches beyond the payload",
        ),
        (
            changed(ID, b"\x32"),
            Status.LENGTH,
            "id",
            ID,
            "field `id`: the length 25 at byte 5 is negative or reaches beyond the payload",
        ),
        (
            changed(ID, b"\xfe" + b"\xff" * 8 + b"\1"),
            Status.LENGTH,
            "id",
            ID,
            "field `id`: the length 9223372036854775807 at byte 5 is negative or reaches beyond the payload",
        ),
        (
            changed(AT, b"\xfe" + b"\xff" * 8 + b"\1", TEMP - AT),
            Status.TIME,
            "at",
            AT,
            "field `at`: the time 9223372036854775807 at byte 18 does not fit 64 bits in microseconds",
        ),
        (
            GOOD + b"ab",
            Status.TRAILING,
            None,
            END,
            "2 bytes are left over from byte 29 on, behind the last field of the schema",
        ),
    ],
)
def test_what_is_wrong_is_said_with_field_and_byte(
    payload: bytes | None, status: Status, field: str | None, position: int | None, text: str
) -> None:
    assert reason_for(payload) == (status, Reason(status.name.lower(), field, position, text))


def test_every_status_of_decoding_has_a_case_above() -> None:
    cases = test_what_is_wrong_is_said_with_field_and_byte.pytestmark[0].args[1]  # type: ignore[attr-defined]
    elsewhere = {Status.OK, Status.MISSING, Status.RANGE, Status.BLOCK}  # the last in test_containers.py
    assert {case[1] for case in cases} | elsewhere == set(Status)


def test_a_field_that_a_schema_lacks_is_invalid_in_its_rows() -> None:
    old = record_schema(("id", "string"), ("size", "long"))
    new = record_schema(("share", "double"), ("id", "string"), ("raw", "bytes"))
    decoder = Decoder({1: parsed(old, "old.avsc"), 2: parsed(new, "new.avsc")})
    olds = framed(1, [written(old, {"id": f"o{k}", "size": k}) for k in range(300)])
    news = framed(2, [written(new, {"id": f"n{k}", "share": k / 2, "raw": b"r"}) for k in range(300)])
    batch = batch_of([payload for pair in zip(olds, news, strict=True) for payload in pair])
    decoded = decoder.decode(batch)
    assert decoded.schema.tolist() == [0, 1] * 300
    for k in range(300):
        first: dict[str, Value] = {"id": f"o{k}", "size": k, "share": None, "raw": None}
        second: dict[str, Value] = {"id": f"n{k}", "size": None, "share": k / 2, "raw": b"r"}
        assert same_records(row_of(decoder.layout, decoded.columns, 2 * k), first)
        assert same_records(row_of(decoder.layout, decoded.columns, 2 * k + 1), second)


def test_rows_keep_apart_over_many_blocks() -> None:
    schema = record_schema(("n", ["null", "long"]), ("s", "string"), ("x", "float"))
    records: list[dict[str, Value]] = [
        {"n": k if k % 3 else None, "s": "é" * (k % 37), "x": float(k)} for k in range(1000)
    ]
    payloads = [written(schema, record) for record in records]
    for k in range(0, 1000, 7):
        payloads[k] = payloads[k][: k % len(payloads[k])]
    decoder = Decoder({0: parsed(schema)}, Framing.BARE)
    batch = batch_of(payloads)
    decoded = decoder.decode(batch)
    assert [k for k in range(1000) if decoded.status[k] != Status.OK] == list(range(0, 1000, 7))
    nothing = dict.fromkeys(["n", "s", "x"])
    for k, record in enumerate(records):
        assert same_records(row_of(decoder.layout, decoded.columns, k), record if k % 7 else nothing)


def test_a_reason_names_the_field_of_the_records_own_schema() -> None:
    decoder = Decoder({1: parsed(record_schema(("a", "long"))), 2: parsed(record_schema(("b", "long")))})
    batch = batch_of([b"\0\0\0\0\1", b"\0\0\0\0\2"])
    decoded = decoder.decode(batch)
    assert [decoder.reason(decoded, row).field for row in range(2)] == ["a", "b"]


def test_a_column_that_always_is_null_has_no_kind_and_no_place() -> None:
    schema = record_schema(("nothing", "null"), ("n", "long"))
    decoder = Decoder({0: parsed(schema)}, Framing.BARE)
    assert [field.name for field in decoder.layout] == ["n"]


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ("long", "double", ["`x`", "integer in one.avsc", "number in other.avsc"]),
        ("string", "bytes", ["text in one.avsc", "bytes in other.avsc"]),
        (
            "long",
            {"type": "long", "logicalType": "timestamp-millis"},
            ["integer in one.avsc", "integer (microseconds since 1970) in other.avsc"],
        ),
        (
            {"type": "int", "logicalType": "time-millis"},
            {"type": "long", "logicalType": "time-micros"},
            ["milliseconds of the day", "microseconds of the day"],
        ),
    ],
)
def test_fields_of_one_name_must_hold_the_same(one: Any, other: Any, words: list[str]) -> None:
    schemas = {
        1: parsed(record_schema(("x", one)), "one.avsc"),
        2: parsed(record_schema(("x", ["null", other])), "other.avsc"),
    }
    with pytest.raises(SchemaError) as refused:
        Decoder(schemas)
    assert all(word in str(refused.value) for word in words)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("int", "long"),
        ("float", "double"),
        ("string", {"type": "enum", "name": "E", "symbols": ["A"]}),
        ("bytes", {"type": "fixed", "name": "F", "size": 2}),
        ({"type": "long", "logicalType": "timestamp-millis"}, {"type": "long", "logicalType": "timestamp-micros"}),
    ],
)
def test_types_that_columns_hold_alike_may_change_from_schema_to_schema(one: Any, other: Any) -> None:
    Decoder({1: parsed(record_schema(("x", one))), 2: parsed(record_schema(("x", other)))})


@pytest.mark.parametrize(
    "kind",
    [
        {"type": "array", "items": "double"},
        {"type": "map", "values": "long"},
        ["null", "long", "string"],
        ["long"],
        ["long", "string"],
    ],
)
def test_types_without_a_column_are_refused_by_name(kind: Any) -> None:
    with pytest.raises(SchemaError, match=r"event\.avsc: field `x` is an array, a map, or a union other than"):
        Decoder({1: parsed(record_schema(("id", "string"), ("x", kind)))})


@pytest.mark.parametrize(
    ("numbers", "framing"),
    [
        ([], Framing.CONFLUENT),
        ([], Framing.BARE),
        ([1], Framing.BARE),
        ([0, 1], Framing.BARE),
        ([2**32], Framing.CONFLUENT),
    ],
)
def test_ids_must_fit_the_framing(numbers: list[int], framing: Framing) -> None:
    with pytest.raises(SchemaError):
        Decoder({number: parsed(LONG) for number in numbers}, framing)


def test_floats_are_widened_exactly() -> None:
    values = [0.1, -0.0, float("inf"), float("nan"), 1e-45, 3.4e38]
    schema = record_schema(("x", "float"))
    decoder = Decoder({0: parsed(schema)}, Framing.BARE)
    batch = batch_of([struct.pack("<f", value) for value in values])
    decoded = decoder.decode(batch)
    wanted = np.array(values, np.float32).astype(np.float64)
    assert decoded.columns.numbers[0, : len(values)].tobytes() == wanted.tobytes()


def test_buffers_grow_and_are_used_again() -> None:
    decoder = Decoder({0: parsed(LONG)}, Framing.BARE)
    batches = [batch_of([b"\2"] * n) for n in (0, 1, 1000, 3)]
    results = [decoder.decode(batch) for batch in batches]
    assert [len(result.status) for result in results] == [0, 1, 1000, 3]
    assert results[2].columns.capacity >= 1000
    assert results[3].columns is results[2].columns


def test_arrays_are_borrowed_and_given_back() -> None:
    decoder = Decoder({0: parsed(LONG)}, Framing.BARE)
    batch = batch_of([b"\2", b""])
    columns = decoder.decode(batch).columns
    before = [sys.getrefcount(array) for array in (batch.payload_address, columns.integers, columns.valid)]
    for _ in range(50):
        decoder.decode(batch)
    assert [sys.getrefcount(array) for array in (batch.payload_address, columns.integers, columns.valid)] == before


def test_a_failure_is_forgotten_by_the_next_call() -> None:
    decoder = Decoder({9: parsed(FLIGHT)})
    for bad in (None, b"{", changed(1, b"\1\2\3\4", 4), changed(LATE, b"\2")):
        batch = batch_of([bad])
        assert decoder.decode(batch).status[0] != Status.OK
        batch = batch_of([GOOD])
        decoded = decoder.decode(batch)
        assert decoder.reason(decoded, 0) == Reason("ok", None, None, "the record is good")
        assert decoded.schema[0] == 0


def test_a_batch_of_nothing_but_bad_records_is_decoded() -> None:
    decoder = Decoder({1: parsed(LONG)})
    batch = batch_of([None, b"", b"x", b"\0\0\0\0\7"] * 300)
    decoded = decoder.decode(batch)
    assert (
        decoded.status.tolist() == [Status.TOMBSTONE, Status.EMPTY, Status.UNKNOWN_MAGIC, Status.UNKNOWN_SCHEMA] * 300
    )
    assert not decoded.columns.valid.any()
