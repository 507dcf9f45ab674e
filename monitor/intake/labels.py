"""Labels as rows of the state: new ones, corrections, retractions. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from monitor.intake.parts import part
from monitor.judge.outputs import Outputs
from monitor.rows import Int64s, Rows
from monitor.store.admission import NO_TIME, NOT_FINITE, UNKNOWN_CLASS, UNREADABLE, WRONG_TYPE
from scorer.batch import Batch
from scorer.wire.decode import Decoded, Decoder
from scorer.wire.framing import Framing
from scorer.wire.reasons import OK, TOMBSTONE, TRUNCATED
from scorer.wire.schema import RecordSchema
from scorer.wire.siphash import siphash

_LATEST = np.iinfo(np.int64).max // 1000
_ADDED = "revision"


class Labels:
    """Reads the labels of one model. Reuses its buffers, so it is for one thread.

    They are written by ``schema`` behind what ``framing`` says, or by that schema as it was before its last field,
    ``revision``, was added: such a record ends where the field would begin, so there is no doubt which it is.
    """

    def __init__(self, schema: RecordSchema, framing: Framing, schema_id: int, outputs: Outputs) -> None:
        number = 0 if framing is Framing.BARE else schema_id
        if schema.fields[-1].name != _ADDED:
            raise ValueError(f"{schema.name}: its last field is not `{_ADDED}`")
        self._now = Decoder({number: schema}, framing)
        self._before = Decoder({number: replace(schema, fields=schema.fields[:-1])}, framing)
        self._classes = len(outputs.classes)
        self._last = len(schema.fields) - 1

    def read(self, batch: Batch, revisions: Mapping[int, int | None]) -> tuple[Rows, Int64s]:
        """The labels of a batch as rows, all of them, and why some cannot be used: numbers of ``admission.REASONS``.

        A message without a value retracts the label of the event that its key names, as of the broker's time and with
        the revision that ``revisions`` says of its row, 0 where nothing is said; ``None`` makes it unreadable.
        """
        found = self._now.decode(batch)
        tombstone = (found.status == TOMBSTONE) & (batch.key_length >= 0)
        rows: Rows = {
            "id_high": np.zeros(len(batch), np.uint64),
            "id_low": np.zeros(len(batch), np.uint64),
            "partition": batch.partition,
            "position": batch.offset,
            "time": np.zeros(len(batch), np.int64),
            "revision": np.zeros(len(batch), np.int64),
            "value": np.zeros(len(batch)),
            "retracted": tombstone,
        }
        refused = np.full(len(batch), UNREADABLE, np.int64)
        older = np.flatnonzero((found.status == TRUNCATED) & (found.field == self._last))
        self._fill(rows, refused, self._now, found, np.arange(len(batch)))
        if len(older):
            self._fill(rows, refused, self._before, self._before.decode(part(batch, older)), older)
        self._judge(rows, refused)
        self._retract(rows, refused, batch, np.flatnonzero(tombstone), revisions)
        return rows, refused

    def _fill(self, rows: Rows, refused: Int64s, decoder: Decoder, found: Decoded, places: Int64s) -> None:
        """Take over what could be decoded; record k of ``found`` is that at ``places[k]``."""
        columns, layout = found.columns, decoder.layout
        good = np.flatnonzero(found.status == OK)
        at = places[good]
        refused[at] = 0
        field = layout["event_id"].slot
        rows["id_high"][at], rows["id_low"][at] = siphash(columns.address[field, good], columns.length[field, good])
        rows["value"][at] = columns.numbers[layout["label"].slot, good]
        rows["time"][at] = columns.integers[layout["label_time"].slot, good]
        if _ADDED in layout:
            rows["revision"][at] = columns.integers[layout[_ADDED].slot, good]  # 0 where it is null

    def _judge(self, rows: Rows, refused: Int64s) -> None:
        """Refuse what is no label of this model."""
        value = rows["value"]
        refused[(refused == 0) & ~np.isfinite(value)] = NOT_FINITE
        if self._classes:
            refused[(refused == 0) & (value != np.floor(value))] = WRONG_TYPE
            refused[(refused == 0) & ((value < 0) | (value >= self._classes))] = UNKNOWN_CLASS

    def _retract(
        self, rows: Rows, refused: Int64s, batch: Batch, at: Int64s, revisions: Mapping[int, int | None]
    ) -> None:
        rows["id_high"][at], rows["id_low"][at] = siphash(batch.key_address[at], batch.key_length[at])
        known = (batch.time[at] >= 0) & (batch.time[at] <= _LATEST)
        rows["time"][at] = np.where(known, batch.time[at], 0) * 1000
        refused[at] = np.where(known, 0, NO_TIME)
        for row, revision in revisions.items():
            if revision is None:
                refused[row] = UNREADABLE
            else:
                rows["revision"][row] = revision
