"""Predictions as people ask for them: those of a certain event."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import fastavro
from confluent_kafka import Message

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
    """What a prediction says of an event: which version scored it, as what, the score, and the predicted class.

    ``at`` is where the prediction is, ``source`` where the event was. Times are microseconds since 1970, UTC;
    ``event_time`` is ``None`` for an event that has none.
    """

    at: Coordinates
    event_id: str
    source: Coordinates
    version: str
    digest: str
    role: str
    score: float
    klass: str | None
    event_time: int | None
    scored_time: int
    flags: int


def find(settings: Settings, source: Coordinates, since: int) -> Prediction | None:
    """The prediction of the event at ``source``, which was there at ``since`` (ms since the epoch); ``None``: none yet.

    Predictions are read from about that time on, until it is found. Raises StreamBroken.
    """
    reader = _Reader(settings, source.topic)
    with History(settings, settings.topics.predictions) as history:
        found = reader.read(history.oldest_first(max(0, since - _SKEW_MS)))
        return next((one for one in found if one.source == source), None)


def newest(settings: Settings, event: str | Coordinates, since: int | None) -> Iterator[Prediction]:
    """The predictions of an event, by its id or by where it was; the newest first.

    Nothing older than ``since`` (ms since the epoch; ``None``: all that the topic holds) is read. Raises StreamBroken.
    """
    reader = _Reader(settings, event if isinstance(event, str) else event.topic)
    with History(settings, settings.topics.predictions) as history:
        for one in reader.read(history.newest_first(since)):
            if event in (one.event_id, one.source):
                yield one


class _Reader:
    """Reads predictions that have a certain text in them; others are passed without being decoded."""

    def __init__(self, settings: Settings, text: str) -> None:
        self._header = schema_files.framing(settings.schemas).header(settings.schemas.prediction_id)
        self._schema = fastavro.parse_schema(_without_logical_types(schema_files.own("prediction")))
        self._text = text.encode("utf-8", "surrogateescape")

    def read(self, messages: Iterator[Message]) -> Iterator[Prediction]:
        for message in messages:
            value = message.value()
            if value is None or not value.startswith(self._header) or self._text not in value:
                continue
            try:
                record = fastavro.schemaless_reader(io.BytesIO(value[len(self._header) :]), self._schema, None)
            except _GARBAGE:
                continue  # somebody else's record: it is no prediction of ours
            if isinstance(record, dict):
                yield _prediction(message, record)


def _prediction(message: Message, record: dict[str, Any]) -> Prediction:
    return Prediction(
        Coordinates(str(message.topic()), int(message.partition() or 0), int(message.offset() or 0)),
        record["event_id"],
        Coordinates(record["source_topic"], record["source_partition"], record["source_offset"]),
        record["version"],
        record["digest"].hex(),
        record["role"],
        record["score"],
        record["class"],
        record["event_time"],
        record["scored_time"],
        record["flags"],
    )


def _without_logical_types(schema: Any) -> Any:
    """Times as the numbers that they are: an event's may lie beyond what Python takes for one."""
    if isinstance(schema, list):
        return [_without_logical_types(one) for one in schema]
    if isinstance(schema, dict):
        return {name: _without_logical_types(one) for name, one in schema.items() if name != "logicalType"}
    return schema
