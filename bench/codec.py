"""How fast records become columns and columns become records, beside fastavro doing the same record by record.

Run as ``python -m bench.codec``. The records are those of the peers' comparison: an event of 22 fields and 208 bytes
(an id, a time, 20 nullable doubles), a prediction of 59 bytes; and this project's own prediction. Both sides take
turns for a few rounds; the table has medians.
"""

from __future__ import annotations

import io
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
from rich.console import Console
from rich.table import Table

from scorer.batch import Batch, Kind, Layout
from scorer.wire.decode import Decoder
from scorer.wire.encode import Encoder, Entries, Run, Source
from scorer.wire.joined import join
from scorer.wire.schema import Scalar, Union, parse

RECORDS, ROUNDS, CALLS = 10_000, 7, 20
_TIME = {"type": "long", "logicalType": "timestamp-millis"}
_PREDICTION = Path(__file__).parents[1] / "schemas" / "prediction.avsc"


class _Nobody:
    """The owner of a batch whose bytes Python keeps."""

    def release(self) -> None:
        """Nothing to free."""


def _record(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": key, "type": kind} for key, kind in fields.items()]}


EVENT = _record("Event", event_id="string", ts=_TIME, **{f"f{k}": ["null", "double"] for k in range(20)})
SHORT = _record(
    "Prediction", event_id="string", model_version="string", score="double", event_ts=_TIME, scored_ts=_TIME
)


def _batch(payloads: list[bytes]) -> tuple[Batch, bytes]:
    data, address, length = join(payloads)
    n = len(payloads)
    none, zeros = np.full(n, -1), np.zeros(n, np.int32)
    batch = Batch(address, length, none, none, zeros, zeros, none, none, zeros.astype(np.bool_), ("events",), _Nobody())
    return batch, data


def _events() -> list[dict[str, Any]]:
    numbers = np.random.default_rng(20261123).normal(size=(RECORDS, 20))
    return [
        {"event_id": f"evt-{i:012d}", "ts": 1_700_000_000_000 + i}
        | {f"f{k}": None if x > 2.5 else x for k, x in enumerate(row)}
        for i, row in enumerate(numbers.tolist())
    ]


def _written(schema: dict[str, Any], records: list[dict[str, Any]]) -> list[bytes]:
    parsed, payloads = fastavro.parse_schema(_plain(schema)), []
    for record in records:
        out = io.BytesIO()
        out.write(b"\0\0\0\0\1")
        fastavro.schemaless_writer(out, parsed, record)
        payloads.append(out.getvalue())
    return payloads


def _plain(schema: Any) -> Any:
    """Without logical types: fastavro makes them date objects, which costs it time that nobody asked for here."""
    if isinstance(schema, dict):
        return {key: _plain(part) for key, part in schema.items() if key != "logicalType"}
    return [_plain(part) for part in schema] if isinstance(schema, list) else schema


def _read(schema: dict[str, Any], payloads: list[bytes]) -> None:
    parsed = fastavro.parse_schema(_plain(schema))
    for payload in payloads:
        stream = io.BytesIO(payload)
        stream.seek(5)
        fastavro.schemaless_reader(stream, parsed, None)


def _predictions() -> list[dict[str, Any]]:
    return [
        {
            "event_id": f"2013-04-01 UA {i:04d} EWR 0515",
            "source_topic": "flights.events",
            "source_partition": i % 4,
            "source_offset": 250_000 + i,
            "model": "flights",
            "version": "logistic-2013q1",
            "digest": bytes(range(32)),
            "role": "champion",
            "score": 1 / (2 + i),
            "class": "late",
            "scores": [],
            "event_time": 1_364_800_000_000_000 + i,
            "scored_time": 1_700_000_000_000_000 + i,
            "flags": 1,
            "carried": {"origin": "EWR", "carrier": "UA"},
        }
        for i in range(RECORDS)
    ]


def _encoder(schema: dict[str, Any], records: list[dict[str, Any]], carried: tuple[str, ...]) -> Callable[[], object]:
    """A call that encodes all records from columns that hold them."""
    parsed = parse(schema, "schema")
    kinds: dict[str, Kind] = dict.fromkeys(carried, Kind.TEXT)
    for field in parsed.fields:
        inner = field.type.branches[-1] if isinstance(field.type, Union) else field.type
        if isinstance(inner, Scalar) and inner.kind is not None:
            kinds[field.name] = inner.kind
    layout = Layout(kinds.items())
    columns, kept = layout.columns(RECORDS), []
    for column in layout:
        values = [
            record["carried"][column.name] if column.name in carried else record[column.name] for record in records
        ]
        columns.valid[column.index] = 1
        if column.kind is Kind.NUMBER:
            columns.numbers[column.slot] = values
        elif column.kind is Kind.INTEGER:
            columns.integers[column.slot] = np.array(values) * (1000 if column.name.endswith("_ts") else 1)
        else:
            data, columns.address[column.slot], columns.length[column.slot] = join(
                [value.encode() if isinstance(value, str) else value for value in values]
            )
            kept.append(data)
    sources: dict[str, Source] = (
        {"scores": Run(), "carried": Entries({name: name for name in carried})} if carried else {}
    )
    encoder, rows = Encoder(parsed, layout, schema_id=1, sources=sources), np.arange(RECORDS)
    encoded = encoder.encode(columns, rows)
    at, size = int(encoded.start[-1]), int(encoded.length[-1])
    if bytes(encoded.buffer[at : at + size]) != _written(schema, records[-1:])[0]:
        raise SystemExit("the encoder's bytes are not fastavro's: the figures would mean nothing")
    return lambda: (kept, encoder.encode(columns, rows))


def _microseconds(call: Callable[[], object], times: int) -> float:
    """The time of one record."""
    start = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - start) / times / RECORDS * 1e6


def main() -> None:
    """Measure and print."""
    events, predictions = _events(), _predictions()
    payloads = _written(EVENT, events)
    batch, _kept = _batch(payloads)
    decoder = Decoder({1: parse(EVENT, "event")})
    short = [
        {
            "event_id": e["event_id"],
            "model_version": "logit-2026-11-22",
            "score": 0.5,
            "event_ts": e["ts"],
            "scored_ts": e["ts"],
        }
        for e in events
    ]
    own = json.loads(_PREDICTION.read_text())
    cases: list[tuple[str, int, Callable[[], object], Callable[[], object]]] = [
        ("decode 22 fields", max(map(len, payloads)), lambda: decoder.decode(batch), lambda: _read(EVENT, payloads)),
        (
            "encode short prediction",
            len(_written(SHORT, short[:1])[0]),
            _encoder(SHORT, short, ()),
            lambda: _written(SHORT, short),
        ),
        (
            "encode prediction.avsc",
            len(_written(own, predictions[:1])[0]),
            _encoder(own, predictions, ("origin", "carrier")),
            lambda: _written(own, predictions),
        ),
    ]
    table = Table(
        "", "bytes", "µs/record", "records/s", "fastavro µs", "ratio", title=f"{RECORDS:,} records, {ROUNDS} rounds"
    )
    for name, size, ours, theirs in cases:
        rounds = [(_microseconds(ours, CALLS), _microseconds(theirs, 1)) for _ in range(ROUNDS)]
        mine, other = (statistics.median(side) for side in zip(*rounds, strict=True))
        ratio = statistics.median(b / a for a, b in rounds)
        table.add_row(name, str(size), f"{mine:.4f}", f"{1e6 / mine:,.0f}", f"{other:.2f}", f"{ratio:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
