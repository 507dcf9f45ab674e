"""Batches of events with everything that a scorer looks at, and predictions read back by fastavro."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import fastavro
import numpy as np

from scorer import schema_files
from scorer.batch import Batch
from scorer.model import build, golden
from scorer.model.build import Design, Proof
from scorer.model.inputs import Input
from scorer.scoring.models import Active
from scorer.scoring.prediction import PredictionForm
from scorer.scoring.score import Scored, Scoring
from scorer.wire.decode import Decoder
from scorer.wire.joined import join
from scorer.wire.schema import parse

EVENT = {
    "type": "record",
    "name": "Event",
    "fields": [
        {"name": "id", "type": ["null", "string"]},
        {"name": "number", "type": "long"},
        {"name": "at", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}]},
        {"name": "x", "type": ["null", "double"]},
        {"name": "place", "type": ["null", "string"]},
    ],
}
SCHEMA_ID = 5
PREDICTION = fastavro.parse_schema(schema_files.own("prediction"))
FORM = PredictionForm(
    "m", parse(schema_files.own("prediction"), "prediction.avsc"), schema_id=9, id_field="id", time_field="at",
    carried=("place", "number", "x"),
)  # fmt: skip


def event(**fields: Any) -> bytes:
    """One framed event; fields that are not given are null, or 0."""
    out = io.BytesIO(b"\0" + SCHEMA_ID.to_bytes(4, "big"))
    out.seek(0, io.SEEK_END)
    defaults = {"id": None, "number": 0, "at": None, "x": None, "place": None}
    fastavro.schemaless_writer(out, fastavro.parse_schema(EVENT), defaults | fields)
    return out.getvalue()


def batch(payloads: Sequence[bytes | None], keys: Sequence[bytes | None] | None = None, start: int = 0) -> Batch:
    """A batch of them, from two topics and three partitions, with offsets from ``start`` on."""
    n = len(payloads)
    data, address, length = join(payloads)
    key_data, key_address, key_length = join(keys if keys is not None else [None] * n)
    row = np.arange(start, start + n)
    return Batch(
        address,
        length,
        key_address,
        key_length,
        (row % 2).astype(np.int32),
        (row % 3).astype(np.int32),
        row,
        1_000 + row,
        np.zeros(n, np.bool_),
        ("m.events", "m.retry"),
        Kept(data, key_data),
    )


@dataclass
class Kept:
    """The owner of a batch: keeps the joined bytes alive."""

    payloads: bytes
    keys: bytes

    def release(self) -> None:
        self.payloads = self.keys = b""


def scoring(form: PredictionForm = FORM) -> Scoring:
    """The batch function for these events."""
    return Scoring(Decoder({SCHEMA_ID: parse(json.dumps(EVENT), "event.avsc")}), form)


def active(
    made: Scoring, name: str = "v1", slope: float = 1.0, *, nullable: bool = True, kind: str = "binary"
) -> Active:
    """A version of one input, ``x``: logistic with two or three classes, or linear."""
    x = np.linspace(-3, 3, 32)
    rows: list[list[float | int | str | None]] = [[float(value)] for value in x]
    known = "x.known" if nullable else "x"
    steps = [build.impute(["x"], ["x.known"], [0.0])] if nullable else []
    classes: tuple[str, ...]
    if kind == "binary":
        kernel, classes, scores = (
            build.logistic([known], [slope], 0.0),
            ("no", "yes"),
            1 / (1 + np.exp(-slope * x))[None],
        )
    elif kind == "multiclass":
        slopes = np.array([[-slope], [0.0], [slope]])
        kernel, classes = build.logistic([known], slopes, np.zeros(3)), ("low", "middle", "high")
        powers = np.exp(slopes * x)
        scores = powers / powers.sum(axis=0)
    else:
        kernel, classes, scores = build.linear([known], [slope], 0.0), (), (slope * x)[None]
    inputs = [Input("x", "float64", nullable=nullable)]
    design = Design("m", name, 1, ("numpy", "2"), inputs, steps, kernel, kind, classes)
    model = golden.admit(build.version(design, Proof(rows, scores, rtol=1e-12)))
    return Active(name, model.digest, model.bind(made.decoder.layout))


def predictions(scored: Scored) -> list[dict[str, Any]]:
    """The predictions, decoded by fastavro; every byte must belong to one."""
    found = []
    for start, length in zip(scored.start.tolist(), scored.length.tolist(), strict=True):
        data = io.BytesIO(scored.buffer[start : start + length].tobytes())
        assert data.read(5) == b"\0\0\0\0\x09"
        record = fastavro.schemaless_reader(data, PREDICTION, None)
        assert isinstance(record, dict)
        assert not data.read()
        found.append(record)
    return found
