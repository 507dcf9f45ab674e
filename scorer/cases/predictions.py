"""Predictions as people ask for them: the one of a certain event."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

import fastavro

from scorer import schema_files
from scorer.settings import Settings
from scorer.stream.history import History
from scorer.stream.letters import Coordinates

_GARBAGE = (ValueError, LookupError, EOFError, OverflowError, TypeError, struct.error)
"""What the Avro reader raises for bytes that are no record of its schema."""

_SKEW_MS = 60_000
"""How much earlier than its event a prediction may seem to be, where two clocks differ."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a prediction says of an event: which version scored it, as what, and the score."""

    version: str
    digest: str
    role: str
    score: float


def find(settings: Settings, source: Coordinates, since: int) -> Prediction | None:
    """The prediction of the event at ``source``, which was there at ``since`` (ms since the epoch); ``None``: none yet.

    Predictions are read from about that time on, until it is found. Raises StreamBroken.
    """
    header = schema_files.framing(settings.schemas).header(settings.schemas.prediction_id)
    schema = fastavro.parse_schema(schema_files.own("prediction"))
    with History(settings, settings.topics.predictions) as history:
        for message in history.oldest_first(max(0, since - _SKEW_MS)):
            value = message.value()
            if value is None or not value.startswith(header):
                continue
            try:
                record = fastavro.schemaless_reader(io.BytesIO(value[len(header) :]), schema, None)
            except _GARBAGE:
                continue  # somebody else's record: it is no prediction of ours
            if isinstance(record, dict) and _source(record) == source:
                return Prediction(record["version"], record["digest"].hex(), record["role"], record["score"])
    return None


def _source(record: dict[str, object]) -> tuple[object, ...]:
    return record["source_topic"], record["source_partition"], record["source_offset"]
