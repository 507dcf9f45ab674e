"""How fast records become columns and columns become records, beside fastavro doing the same record by record.

The records are those of the job: an event of 22 fields and 208 bytes, a prediction of 59 bytes as short as one can be;
and this project's own prediction. Both sides take turns for a few rounds; the table has medians of processor time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from rich.table import Table

from bench import job, pure
from bench.effort import Effort
from bench.errors import BenchError
from scorer import schema_files
from scorer.batch import Kind, Layout
from scorer.wire.decode import Decoder
from scorer.wire.encode import Encoder, Entries, Run, Source
from scorer.wire.joined import join
from scorer.wire.schema import Scalar, Union, parse

RECORDS = 10_000
CARRIED = ("origin", "carrier")
SHORT = job.record(
    "Prediction", event_id="string", model_version="string", score="double", event_ts=job.TIME, scored_ts=job.TIME
)

Records = list[dict[str, Any]]


def run(effort: Effort) -> Table:
    """Measure; raises ``BenchError`` where what was decoded or encoded is not what fastavro makes of it."""
    events = job.events(RECORDS)
    payloads = job.written(job.EVENT, events)
    own, long = schema_files.own("prediction"), _long()
    short = [
        {
            "event_id": event["event_id"],
            "model_version": "logit-2026-11-22",
            "score": 0.5,
            "event_ts": event["ts"],
            "scored_ts": event["ts"],
        }
        for event in events
    ]
    cases: list[tuple[str, list[bytes], Callable[[], object], Callable[[], object]]] = [
        ("decode an event, 22 fields", payloads, decoding(payloads, events), lambda: job.read(job.EVENT, payloads)),
        (
            "encode a short prediction",
            job.written(SHORT, short[:1]),
            encoding(SHORT, short, ()),
            lambda: job.written(SHORT, short),
        ),
        (
            "encode a prediction",
            job.written(own, long[:1]),
            encoding(own, long, CARRIED),
            lambda: job.written(own, long),
        ),
    ]
    table = Table(
        "", "bytes", "CPU µs/record", "fastavro µs", "ratio",
        title=f"codec: batches of {RECORDS:,} records, {effort.rounds} rounds",
    )  # fmt: skip
    for name, sample, ours, theirs in cases:
        found = pure.side_by_side(ours, theirs, RECORDS, effort)
        effort.say(f"codec: {name}: {found.ours:.4f} µs, fastavro {found.theirs:.2f} µs")
        table.add_row(
            name, str(max(map(len, sample))), f"{found.ours:.4f}", f"{found.theirs:.2f}", f"{found.ratio:.0f}"
        )
    return table


def decoding(payloads: list[bytes], events: Records) -> Callable[[], object]:
    """A call that decodes all payloads, which hold these events."""
    decoder, batch = Decoder({job.EVENT_ID: parse(job.EVENT, "event")}), pure.batch(payloads)
    columns, layout = decoder.decode(batch).columns, decoder.layout
    for name in job.FEATURES:
        wanted = np.array([event[name] for event in events], np.float64)  # None becomes NaN
        got = columns.numbers[layout[name].slot, : len(events)]
        if not np.array_equal(got, wanted, equal_nan=True):
            raise BenchError(f"the decoder reads other values of {name} than were written: the figures mean nothing")
    return lambda: decoder.decode(batch)


def encoding(schema: dict[str, Any], records: Records, carried: tuple[str, ...]) -> Callable[[], object]:
    """A call that encodes all records from columns that hold them."""
    parsed = parse(schema, "schema")
    kinds: dict[str, Kind] = dict.fromkeys(carried, Kind.TEXT)
    for field in parsed.fields:
        inner = field.type.branches[-1] if isinstance(field.type, Union) else field.type
        if isinstance(inner, Scalar) and inner.kind is not None:
            kinds[field.name] = inner.kind
    layout = Layout(kinds.items())
    columns, kept = layout.columns(len(records)), []
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
    encoder, rows = Encoder(parsed, layout, schema_id=job.EVENT_ID, sources=sources), np.arange(len(records))
    encoded = encoder.encode(columns, rows)
    spans = zip(encoded.start.tolist(), (encoded.start + encoded.length).tolist(), strict=True)
    if [bytes(encoded.buffer[start:end]) for start, end in spans] != job.written(schema, records):
        raise BenchError("the encoder's bytes are not those of fastavro: the figures mean nothing")
    return lambda: (kept, encoder.encode(columns, rows))


def _long() -> Records:
    """Predictions as this project writes them, with two carried fields."""
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
