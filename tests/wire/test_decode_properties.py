"""The decoder against fastavro, over random schemas, records, truncations and mutations."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scorer.wire.decode import Decoder
from scorer.wire.framing import Framing
from scorer.wire.reasons import Status
from tests.wire.support import (
    batch_of,
    expected,
    framed,
    parsed,
    read,
    record_schema,
    row_of,
    same_records,
    schemas_and_records,
    written,
)

Case = tuple[dict[str, Any], list[dict[str, Any]]]

STRICTER = {
    Status.VARINT: "fastavro drops bits beyond 64, and takes an int of any size",
    Status.BOOLEAN: "fastavro takes any byte but 0 for true",
    Status.UNION: "fastavro takes negative branches, counted from the last",
    Status.ENUM: "fastavro takes negative indexes, counted from the last",
    Status.TIME: "the oracle is asked for plain numbers",
    Status.TRAILING: "fastavro is a reader of streams and leaves what follows",
}


@given(schemas_and_records())
def test_bare_records_decode_as_fastavro_decodes_them(case: Case) -> None:
    schema, records = case
    payloads = [written(schema, record) for record in records]
    decoder = Decoder({0: parsed(schema)}, Framing.BARE)
    batch = batch_of(payloads)
    decoded = decoder.decode(batch)
    assert decoded.status.tolist() == [Status.OK] * len(records)
    for row, payload in enumerate(payloads):
        oracle, _ = read(schema, payload)
        assert same_records(row_of(decoder.layout, decoded.columns, row), expected(schema, oracle))


@given(st.lists(schemas_and_records(), min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_records_of_several_schemas_share_columns(cases: list[Case], random: Any) -> None:
    # Names differ from schema to schema but for one, so that fields that a schema lacks are many.
    schemas = []
    rows: list[tuple[int, dict[str, Any]]] = []
    for number, (schema, records) in enumerate(cases):
        fields = [(f"s{number}_{field['name']}", field["type"]) for field in schema["fields"]]
        schemas.append(record_schema(*fields, ("shared", ["null", "long"])))
        for position, record in enumerate(records):
            renamed: dict[str, Any] = {f"s{number}_{name}": value for name, value in record.items()}
            rows.append((number, {**renamed, "shared": position}))
    random.shuffle(rows)
    decoder = Decoder({10 + number: parsed(schema) for number, schema in enumerate(schemas)})
    payloads = [framed(10 + number, [written(schemas[number], record)])[0] for number, record in rows]
    batch = batch_of(payloads)
    decoded = decoder.decode(batch)
    assert decoded.status.tolist() == [Status.OK] * len(rows)
    for row, (number, record) in enumerate(rows):
        assert decoded.schema[row] == number
        own = expected(schemas[number], record)
        wanted = {field.name: own.get(field.name) for field in decoder.layout}
        assert same_records(row_of(decoder.layout, decoded.columns, row), wanted)


@given(schemas_and_records(max_records=2))
def test_no_truncation_is_taken_for_a_record(case: Case) -> None:
    schema, records = case
    decoder = Decoder({7: parsed(schema)})
    for payload in framed(7, [written(schema, record) for record in records]):
        prefixes: list[bytes | None] = [payload[:size] for size in range(len(payload))]
        batch = batch_of(prefixes)
        decoded = decoder.decode(batch)
        assert Status.OK not in decoded.status
        for row, prefix in enumerate(prefixes):
            assert prefix is not None
            assert 0 <= decoded.at[row] <= len(prefix)
            assert all(value is None for value in row_of(decoder.layout, decoded.columns, row).values())


@st.composite
def _mutations(draw: st.DrawFn, payload: bytes) -> bytes:
    data = bytearray(payload)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        kind = draw(st.integers(0, 2))
        if kind == 0 or not data:
            data[at:at] = draw(st.binary(min_size=1, max_size=3))
        elif kind == 1:
            del data[at : at + draw(st.integers(1, 4))]
        else:
            data[min(at, len(data) - 1)] = draw(st.sampled_from([0, 1, 2, 127, 128, 255]) | st.integers(0, 255))
    return bytes(data)


@settings(max_examples=400)
@given(schemas_and_records(max_records=1), st.data())
def test_mutated_records_decode_as_fastavro_decodes_them_or_fail(case: Case, data: st.DataObject) -> None:
    schema, records = case
    payload = data.draw(_mutations(written(schema, records[0])))
    decoder = Decoder({0: parsed(schema)}, Framing.BARE)
    batch = batch_of([payload])
    decoded = decoder.decode(batch)
    status = Status(int(decoded.status[0]))
    try:
        oracle, used = read(schema, payload)
    except (EOFError, IndexError, UnicodeDecodeError):
        assert status is not Status.OK
        return
    if status is Status.OK:
        assert used == len(payload)
        assert same_records(row_of(decoder.layout, decoded.columns, 0), expected(schema, oracle))
    else:
        assert status in STRICTER
        assert decoder.reason(decoded, 0).text


@given(schemas_and_records(min_records=3, max_records=3), st.data())
def test_a_bad_record_changes_nothing_of_its_neighbours(case: Case, data: st.DataObject) -> None:
    schema, records = case
    good = framed(1, [written(schema, record) for record in records])
    bad: list[bytes | None] = [None, b"", b"\1", b"\0\0", b"\0\0\0\0\2", good[0] + b"x"]
    bad += [data.draw(_mutations(good[0])) for _ in range(2)]
    decoder = Decoder({1: parsed(schema)})
    payloads: list[bytes | None] = []
    for payload in good:
        payloads += [payload, *data.draw(st.lists(st.sampled_from(bad), max_size=4))]
    batch = batch_of(payloads)
    mixed = decoder.decode(batch)
    together = [row_of(decoder.layout, mixed.columns, payloads.index(payload)) for payload in good]
    assert [int(mixed.status[payloads.index(payload)]) for payload in good] == [Status.OK] * 3
    batch = batch_of(good)
    alone = decoder.decode(batch)
    for row, record in enumerate(together):
        assert same_records(record, row_of(decoder.layout, alone.columns, row))
