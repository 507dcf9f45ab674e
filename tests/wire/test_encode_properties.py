"""The encoder against fastavro, over random schemas and records."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scorer.batch import Kind, Layout
from scorer.wire.decode import Decoder
from scorer.wire.encode import Encoded, Encoder, Entries, Run, Source
from scorer.wire.framing import Framing
from scorer.wire.reasons import Status
from tests.wire.support import (
    batch_of,
    expected,
    fill,
    framed,
    parsed,
    record_schema,
    schemas_and_records,
    written,
)


def records_of(encoded: Encoded) -> list[bytes]:
    """The encoded records as bytes."""
    return [
        bytes(encoded.buffer[start : start + length])
        for start, length in zip(encoded.start, encoded.length, strict=True)
    ]


@given(schemas_and_records(max_records=6), st.randoms(use_true_random=False))
def test_records_are_byte_identical_to_those_of_fastavro(
    case: tuple[dict[str, Any], list[dict[str, Any]]], random: Any
) -> None:
    schema, records = case
    layout = Decoder({1: parsed(schema)}).layout
    columns, _kept = fill(layout, [expected(schema, record) for record in records])
    order = random.sample(range(len(records)), len(records))
    encoder = Encoder(parsed(schema), layout, schema_id=1)
    encoded = encoder.encode(columns, np.array(order, np.int64))
    assert encoded.status.tolist() == [Status.OK] * len(records)
    assert records_of(encoded) == framed(1, [written(schema, records[row]) for row in order])


@given(schemas_and_records(max_records=6))
def test_decoded_columns_encode_to_the_bytes_they_came_from(
    case: tuple[dict[str, Any], list[dict[str, Any]]],
) -> None:
    schema, records = case
    batch = batch_of(framed(1, [written(schema, record) for record in records]))
    decoder = Decoder({1: parsed(schema)})
    decoded = decoder.decode(batch)
    encoder = Encoder(parsed(schema), decoder.layout, framing=Framing.BARE)
    encoded = encoder.encode(decoded.columns, np.arange(len(records)))
    assert records_of(encoded) == [written(schema, record) for record in records]


_CARRIED = {"type": "map", "values": ["null", "long", "double", "string"]}
_VALUES = {
    "count": st.none() | st.integers(-(2**63), 2**63 - 1),
    "share": st.none() | st.floats(),
    "place": st.none() | st.text("aé中😀", max_size=20),
}


@given(
    st.lists(
        st.tuples(st.lists(st.floats(), max_size=3), st.fixed_dictionaries(_VALUES)),
        min_size=1,
        max_size=5,
    )
)
def test_arrays_and_maps_are_byte_identical_to_those_of_fastavro(
    rows: list[tuple[list[float], dict[str, Any]]],
) -> None:
    schema = record_schema(("scores", {"type": "array", "items": "double"}), ("carried", _CARRIED))
    layout = Layout(
        [
            *((f"score_{k}", Kind.NUMBER) for k in range(3)),
            ("classes", Kind.INTEGER),
            ("count", Kind.INTEGER),
            ("share", Kind.NUMBER),
            ("place", Kind.TEXT),
        ]
    )
    records = []
    for scores, values in rows:
        flat = {f"score_{k}": score for k, score in enumerate(scores)}
        records.append({**flat, "classes": len(scores), **values})
    columns, _kept = fill(layout, records)
    sources: dict[str, Source] = {
        "scores": Run(("score_0", "score_1", "score_2"), "classes"),
        "carried": Entries({"Zahl": "count", "": "share", "Ort": "place"}),
    }
    encoded = Encoder(parsed(schema), layout, sources=sources).encode(columns, np.arange(len(rows)))
    oracle: list[dict[str, Any]] = [
        {"scores": scores, "carried": {"Zahl": values["count"], "": values["share"], "Ort": values["place"]}}
        for scores, values in rows
    ]
    assert records_of(encoded) == framed(0, [written(schema, record) for record in oracle])
