"""Prediction records: the columns they are made of, and their encoding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scorer.batch import Batch, Bytes, Columns, Field, Floats, Int64s, Kind, Layout
from scorer.errors import SettingsError
from scorer.scoring.models import Active
from scorer.wire.decode import Decoder
from scorer.wire.encode import Encoded, Encoder, Entries, Run, Source
from scorer.wire.framing import Framing
from scorer.wire.joined import join
from scorer.wire.plan import value_type
from scorer.wire.schema import RecordSchema, Unit
from scorer.wire.spelling import spelled
from scorer.wire.utf8 import valid_utf8

CHAMPION, TRIAL = "champion", "trial"

_LATEST = np.iinfo(np.int64).max // 1000

_TEXTS = ("event_id", "source_topic", "model", "version", "role", "class")
_INTEGERS = ("source_partition", "source_offset", "event_time", "scored_time", "flags", "scores.count")


@dataclass(frozen=True, slots=True)
class PredictionForm:
    """What a deployment's predictions look like, apart from the version that makes them.

    ``schema``, ``framing`` and ``schema_id`` are how they are written; ``id_field`` and ``time_field`` name the event's
    id and time (``None``: its key or coordinates, the broker's timestamp); ``carried`` fields are copied as they are.
    """

    model: str
    schema: RecordSchema
    framing: Framing = Framing.CONFLUENT
    schema_id: int = 0
    id_field: str | None = None
    time_field: str | None = None
    carried: tuple[str, ...] = ()


class Predictions:
    """Columns for the predictions of one batch, one row per event, reused from batch to batch."""

    def __init__(self, form: PredictionForm, decoder: Decoder, outputs: int) -> None:
        """Room for ``outputs`` scores each. Raises SettingsError where the events lack a field that ``form`` names."""
        self.outputs = outputs
        events = decoder.layout
        self._id = _field(events, "scorer.id_field", form.id_field, (Kind.TEXT, Kind.INTEGER))
        self._time = _field(events, "scorer.time_field", form.time_field, (Kind.INTEGER,))
        if self._time is not None:
            _check_time(decoder, self._time.name)
        kinds = (Kind.TEXT, Kind.INTEGER, Kind.NUMBER)
        carried = [field for name in form.carried if (field := _field(events, "scorer.carried", name, kinds))]
        scores = tuple(f"scores.{number}" for number in range(outputs))
        self._layout = Layout(
            [
                *((name, Kind.TEXT) for name in _TEXTS),
                ("digest", Kind.BYTES),
                *((name, Kind.INTEGER) for name in _INTEGERS),
                *((name, Kind.NUMBER) for name in ("score", *scores)),
                *((f"carried.{field.name}", field.kind) for field in carried),
            ]
        )
        sources: dict[str, Source] = {
            "scores": Run(scores, "scores.count"),
            "carried": Entries({field.name: f"carried.{field.name}" for field in carried}),
        }
        self._encoder = Encoder(
            form.schema, self._layout, framing=form.framing, schema_id=form.schema_id, sources=sources
        )
        self._carried = [(field, self._layout[f"carried.{field.name}"]) for field in carried]
        self._texts = {text: join([text.encode()]) for text in (form.model, CHAMPION, TRIAL)}
        self._model = form.model
        self._columns = self._layout.columns(0)

    def begin(self, n: int) -> None:
        """Make room for ``n`` events."""
        if n > self._columns.capacity:
            self._columns = self._layout.columns(1 << (n - 1).bit_length())
            self._columns.valid[:] = 1

    def describe_scores(self, active: Active, role: str, rows: Int64s, scores: Floats) -> None:
        """Fill in what the version says of these rows: ``scores`` has shape (its outputs, rows)."""
        model, several = active.bound.model, active.bound.model.n_outputs > 1
        self._point("version", rows, *active.text(0))
        self._point("digest", rows, *active.text(1))
        self._say("role", rows, role)
        classes = model.classify(scores)
        self._number("score")[rows] = scores[classes, np.arange(len(rows))] if several else scores[0]
        self._integer("scores.count")[rows] = model.n_outputs if several else 0
        for number in range(model.n_outputs if several else 0):
            self._number(f"scores.{number}")[rows] = scores[number]
        self._valid("class")[rows] = bool(model.classes)
        if model.classes:
            self._point("class", rows, *active.text(classes + 2))

    def describe_events(self, batch: Batch, events: Columns, flags: Bytes, now: int) -> object:
        """Fill in what is known without any version; returns what keeps some of its bytes alive."""
        n = len(batch)
        all_rows = slice(0, n)
        self._integer("source_partition")[:n] = batch.partition
        self._integer("source_offset")[:n] = batch.offset
        self._integer("scored_time")[:n] = now
        self._integer("flags")[:n] = flags[:n]
        topics, address, length = join([topic.encode() for topic in batch.topics])
        self._point("source_topic", all_rows, address[batch.topic], length[batch.topic])
        self._say("model", all_rows, self._model)
        if self._time is None:
            # A producer may write anything; what has no microseconds in 64 bits is no time.
            known = (batch.time >= 0) & (batch.time <= _LATEST)
            self._integer("event_time")[:n] = np.where(known, batch.time, 0) * 1000
            self._valid("event_time")[:n] = known
        else:
            self._copy(events, self._time, self._layout["event_time"], n)
        for source, target in self._carried:
            self._copy(events, source, target, n)
        return topics, self._identify(batch, events)

    def encode(self, rows: Int64s) -> Encoded:
        """Encode the predictions of these rows. Valid until the next call."""
        return self._encoder.encode(self._columns, rows)

    def why(self, encoded: Encoded, place: int) -> str:
        """Why one of them could not be encoded."""
        return self._encoder.reason(encoded, place).text

    def _identify(self, batch: Batch, events: Columns) -> object:
        """Fill in the ids: the id field, else the key, else the source coordinates; returns what keeps their bytes."""
        n = len(batch)
        named, kept = np.zeros(n, np.bool_), np.zeros(0, np.uint8)
        if self._id is not None:
            named[:] = events.valid[self._id.index, :n]
            if self._id.kind == Kind.TEXT:
                self._copy(events, self._id, self._layout["event_id"], n)
                self._valid("event_id")[:n] = 1
            else:
                nothing = np.zeros(n, np.int64)
                kept, *texts = spelled(nothing, nothing, events.integers[self._id.slot : self._id.slot + 1, :n])
                self._point("event_id", slice(0, n), *texts)
        if named.all():
            return kept
        keyed = np.flatnonzero(~named & valid_utf8(batch.key_address, batch.key_length))
        self._point("event_id", keyed, batch.key_address[keyed], batch.key_length[keyed])
        named[keyed] = True
        rest = np.flatnonzero(~named)
        topic = self._layout["source_topic"].slot
        address, length = self._columns.address[topic, rest], self._columns.length[topic, rest]
        coordinates, *texts = spelled(address, length, np.array([batch.partition[rest], batch.offset[rest]], np.int64))
        self._point("event_id", rest, *texts)
        return kept, coordinates

    def _copy(self, events: Columns, source: Field, target: Field, n: int) -> None:
        """The first ``n`` values of an event column, as they are."""
        mine = self._columns
        mine.valid[target.index, :n] = events.valid[source.index, :n]
        if target.kind == Kind.TEXT:
            mine.address[target.slot, :n] = events.address[source.slot, :n]
            mine.length[target.slot, :n] = events.length[source.slot, :n]
        elif target.kind == Kind.INTEGER:
            mine.integers[target.slot, :n] = events.integers[source.slot, :n]
        else:
            mine.numbers[target.slot, :n] = events.numbers[source.slot, :n]

    def _say(self, name: str, rows: Int64s | slice, text: str) -> None:
        """The same known text for all rows."""
        _, address, length = self._texts[text]
        self._point(name, rows, address[0], length[0])

    def _point(self, name: str, rows: Int64s | slice, address: Int64s | np.int64, length: Int64s | np.int64) -> None:
        slot = self._layout[name].slot
        self._columns.address[slot][rows] = address
        self._columns.length[slot][rows] = length

    def _integer(self, name: str) -> Int64s:
        return np.asarray(self._columns.integers[self._layout[name].slot])

    def _number(self, name: str) -> Floats:
        return np.asarray(self._columns.numbers[self._layout[name].slot])

    def _valid(self, name: str) -> Bytes:
        return np.asarray(self._columns.valid[self._layout[name].index])


def _field(events: Layout, setting: str, name: str | None, kinds: Sequence[Kind]) -> Field | None:
    """The field that a setting names. Raises SettingsError where the events have none of that name and kind."""
    if name is None:
        return None
    field = events.get(name)
    if field is None:
        known = ", ".join(field.name for field in events)
        raise SettingsError(f"{setting}: the events have no field {name!r}; they have {known}")
    if field.kind not in kinds:
        wanted = " or ".join(kind.name.lower() for kind in kinds)
        raise SettingsError(f"{setting}: field {name!r} holds {field.kind.name.lower()} values; it must hold {wanted}")
    return field


def _check_time(decoder: Decoder, name: str) -> None:
    for schema in decoder.schemas:
        for field in schema.fields:
            if field.name == name and value_type(schema, field)[0].unit is not Unit.TIMESTAMP:
                raise SettingsError(f"scorer.time_field: {schema.name}: field {name!r} is no timestamp")
