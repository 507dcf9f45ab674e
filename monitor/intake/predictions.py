"""Prediction records as rows of the state. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from monitor.intake.texts import TOPIC, VERSION, Codes, Spans
from monitor.judge.outputs import ROLES, Outputs, list_column, score_column, segment_column, segment_kind
from monitor.rows import Int64s, Rows
from monitor.store.admission import (
    NO_TIME,
    OTHER_MODEL,
    OTHER_OUTPUTS,
    TOO_MANY_NAMES,
    UNKNOWN_ROLE,
    UNREADABLE,
)
from scorer.batch import Batch, Floats
from scorer.errors import SchemaError
from scorer.wire.decode import Decoded, Decoder
from scorer.wire.framing import Framing
from scorer.wire.plan import Parts
from scorer.wire.reasons import OK
from scorer.wire.schema import Map, RecordSchema
from scorer.wire.siphash import siphash
from scorer.wire.value import Value, decoded

_NONE, _OTHER = -1, -2


class Predictions:
    """Reads the predictions of one model. Reuses its buffers, so it is for one thread.

    They are written by ``schema`` behind what ``framing`` says; ``segments`` and ``lists`` are names of carried fields.
    Raises SchemaError where that is no schema of predictions.
    """

    def __init__(
        self,
        schema: RecordSchema,
        framing: Framing,
        schema_id: int,
        *,
        model: str,
        outputs: Outputs,
        segments: Sequence[str],
        lists: Sequence[str] = (),
    ) -> None:
        parts = Parts({"scores": outputs.scores}, {"carried": tuple(dict.fromkeys([*segments, *lists]))})
        self._decoder = Decoder({0 if framing is Framing.BARE else schema_id: schema}, framing, parts)
        self._outputs, self._segments, self._lists = outputs, tuple(segments), tuple(lists)
        self._models = {model.encode(): 0}
        self._roles = {role.encode(): number for number, role in enumerate(ROLES)}
        self._classes = {name.encode(): number for number, name in enumerate(outputs.classes)}
        self._value = _reader(schema)

    def read(self, batch: Batch, codes: Codes) -> tuple[Rows, Int64s]:
        """The predictions of a batch as rows, all of them, and why some cannot be used: numbers of
        ``admission.REASONS``. ``codes`` are given out for those that can be used only.

        One whose score is not finite can be: it counts as invalid. What is no number is infinite here.
        """
        n = len(batch)
        found = self._decoder.decode(batch)
        spans = Spans(self._decoder.layout, found.columns, n)
        scores = self._scores(found, n)
        refused = np.where(found.status == OK, 0, UNREADABLE).astype(np.int64)
        everyone = refused == 0
        role = spans.numbers("role", everyone, self._roles, _OTHER)
        predicted = spans.numbers("class", everyone, self._classes, _OTHER)
        for number, wrong in (
            (OTHER_MODEL, spans.numbers("model", everyone, self._models, _OTHER) != 0),
            (UNKNOWN_ROLE, role < 0),
            (OTHER_OUTPUTS, self._others(found, predicted)),
            (NO_TIME, ~spans.present("event_time")),
        ):
            refused[(refused == 0) & wrong] = number
        fine = refused == 0
        version = spans.codes("version", fine, codes, VERSION)
        topic = spans.codes("source_topic", fine, codes, TOPIC)
        refused[fine & ((version < 0) | (topic < 0))] = TOO_MANY_NAMES
        high, low = siphash(*spans.at("event_id"))
        rows: Rows = {
            "id_high": high,
            "id_low": low,
            "version": version,
            "source_topic": topic,
            "source_partition": self._integers(found, "source_partition", n),
            "source_offset": self._integers(found, "source_offset", n),
            "partition": batch.partition,
            "position": batch.offset,
            "time": self._integers(found, "event_time", n),
            "role": np.maximum(role, 0),
            "predicted": np.maximum(predicted, _NONE),
            "scored": self._integers(found, "scored_time", n),
        }
        for number, column in enumerate(scores):
            rows[score_column(number)] = np.where(np.isnan(column), np.inf, column)  # DuckDB takes a NaN for NULL
        for number, name in enumerate(self._segments):
            kind = segment_kind(name)
            rows[segment_column(number)] = spans.values(f"carried.{name}", fine, codes, kind, self._value)
        for number, name in enumerate(self._lists):
            hashed, _ = siphash(*spans.at(f"carried.{name}"))
            rows[list_column(number)] = np.where(fine & spans.present(f"carried.{name}"), hashed.view(np.int64), 0)
        return rows, refused

    def _scores(self, found: Decoded, n: int) -> Floats:
        """The scores, float64 ``(outputs, n)``; NaN where there are fewer."""
        several = self._outputs.kind == "multiclass"
        names = [f"scores.{number}" for number in range(self._outputs.scores)] if several else ["score"]
        slots = [self._decoder.layout[name].slot for name in names]
        return found.columns.numbers[slots, :n]

    def _others(self, found: Decoded, predicted: Int64s) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Where a version with other outputs than the champion's was at work."""
        count = self._integers(found, "scores.count", len(predicted))
        wanted = self._outputs.scores if self._outputs.kind == "multiclass" else 0
        classless = self._outputs.kind == "regression"
        return np.asarray((count != wanted) | ((predicted != _NONE) if classless else (predicted < 0)))

    def _integers(self, found: Decoded, name: str, n: int) -> Int64s:
        return np.array(found.columns.integers[self._decoder.layout[name].slot, :n])


def _reader(schema: RecordSchema) -> Callable[[bytes], Value]:
    """What reads one carried value."""
    for field in schema.fields:
        if field.name == "carried" and isinstance(field.type, Map):
            return partial(decoded, kind=field.type.values)
    raise SchemaError(f"{schema.name}: there is no map `carried`, so these are no predictions")
