"""What it takes to make rows of records, beside fastavro's reading of the same: predictions, labels, events.

An event is decoded for the drift of its inputs, and counted in the bins of the profile of the version that scores it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from bench import job, pure
from bench.effort import Effort
from bench.errors import BenchError
from bench.monitor.rows import OUTPUTS, SEGMENTS, START, late, scores
from monitor.intake.drift import Drift
from monitor.intake.labels import Labels
from monitor.intake.predictions import Predictions
from monitor.rows import Rows
from scorer import schema_files
from scorer.model import golden
from scorer.model.evidence import CategoryProfile, NumberProfile, Profile
from scorer.model.profile import PROBABILITIES, quantiles
from scorer.wire.decode import Decoder
from scorer.wire.framing import Framing
from scorer.wire.schema import parse

RECORDS = 10_000
MODEL = "flights"

Side = tuple[str, int, Callable[[], object], Callable[[], object]]
"""A name, bytes, our call and fastavro's."""


class Codes:
    """Numbers texts as a step of the state does."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, int]] = {}

    def __call__(self, kind: str, names: Iterable[str], most: int = 2**31) -> list[int]:
        """The codes of texts; -1 where there are ``most`` others."""
        known = self._known.setdefault(kind, {})
        return [known.setdefault(name, len(known)) if name in known or len(known) < most else -1 for name in names]


def compare(effort: Effort) -> list[tuple[str, int, pure.Pair]]:
    """Each sort with its bytes, and microseconds of processor time a record; raises ``BenchError`` for other values."""
    return [
        (name, size, pure.side_by_side(ours, theirs, RECORDS, effort))
        for name, size, ours, theirs in (_predictions(), _labels(), _events())
    ]


def _predictions() -> Side:
    schema, numbers = schema_files.own("prediction"), np.arange(RECORDS)
    score = scores(numbers).tolist()
    records: list[dict[str, Any]] = [
        {
            "event_id": f"2013-04-01 UA {number:05d} EWR 0515",
            "source_topic": "flights.events",
            "source_partition": number % 4,
            "source_offset": number // 4,
            "model": MODEL,
            "version": "boosted-2013q1",
            "digest": bytes(range(32)),
            "role": "champion",
            "score": score[number],
            "class": OUTPUTS.classes[score[number] > 0.5],
            "scores": [],
            "event_time": START + number,
            "scored_time": START + number + 5_000,
            "flags": 1,
            "carried": {name: f"{name} {number * 7 % size}" for name, size in SEGMENTS.items()},
        }
        for number in range(RECORDS)
    ]
    payloads = job.written(schema, records)
    reader = Predictions(
        parse(schema, "prediction.avsc"), Framing.CONFLUENT, job.EVENT_ID, model=MODEL, outputs=OUTPUTS,
        segments=tuple(SEGMENTS),
    )  # fmt: skip
    batch, codes = pure.batch(payloads), Codes()
    rows, refused = reader.read(batch, codes)
    _check("predictions", rows, refused, {"score_0": score, "time": [one["event_time"] for one in records]})
    return "prediction", len(payloads[-1]), lambda: reader.read(batch, codes), lambda: job.read(schema, payloads)


def _labels() -> Side:
    schema, numbers = schema_files.own("label"), np.arange(RECORDS)
    truth = late(numbers).astype(np.float64).tolist()
    records = [
        {"event_id": f"2013-04-01 UA {number:05d} EWR 0515", "label": truth[number], "label_time": START + number,
         "revision": None}
        for number in range(RECORDS)
    ]  # fmt: skip
    payloads = job.written(schema, records)
    reader, batch = Labels(parse(schema, "label.avsc"), Framing.CONFLUENT, job.EVENT_ID, OUTPUTS), pure.batch(payloads)
    rows, refused = reader.read(batch, {})
    _check("labels", rows, refused, {"value": truth, "time": [START + number for number in range(RECORDS)]})
    return "label", len(payloads[-1]), lambda: reader.read(batch, {}), lambda: job.read(schema, payloads)


def _events() -> Side:
    model = golden.admit(job.version("bench", "v1", job.logistic()))
    payloads = job.written(job.EVENT, job.events(RECORDS))
    decoder, batch = Decoder({job.EVENT_ID: parse(job.EVENT, "event")}), pure.batch(payloads)
    values = np.array([job.row(event, np.nan) for event in job.events(RECORDS)])
    inputs: dict[str, NumberProfile | CategoryProfile] = {
        one.name: NumberProfile(
            int(np.isnan(values[:, place]).sum()), quantiles(values[:, place], ~np.isnan(values[:, place]))
        )
        for place, one in enumerate(model.inputs)
    }
    profile = Profile(RECORDS, PROBABILITIES, inputs, ())
    drift, rows = Drift(tuple(model.inputs), profile, decoder.layout), np.arange(RECORDS)
    time = START + rows

    def call() -> Rows:
        return drift.count(decoder.decode(batch).columns, rows, time)

    if call()["n"].sum() != RECORDS * len(model.inputs):
        raise BenchError("not every input of every event is counted: the figures mean nothing")
    return "event, 20 inputs counted", len(payloads[-1]), call, lambda: job.read(job.EVENT, payloads)


def _check(what: str, rows: Rows, refused: np.ndarray[Any, Any], wanted: dict[str, list[Any]]) -> None:
    """Raise ``BenchError`` where a row was refused, or says something else than its record."""
    for name, values in wanted.items():
        if refused.any() or rows[name].tolist() != values:
            raise BenchError(f"{what} become other rows than they should: the figures mean nothing")
