"""What challengers say of events, as rows of the state, and when events happened. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from monitor.intake.counting import counted
from monitor.intake.parts import part
from monitor.intake.predictions import Predictions
from monitor.intake.texts import REASON, VERSION, Codes
from monitor.rows import HOUR, SHADOW, Int64s, Rows, take
from monitor.store.admission import NO_TIME, REASONS, UNREADABLE
from scorer.batch import Batch, Columns
from scorer.scoring.models import Active, Models
from scorer.scoring.prediction import PredictionForm
from scorer.scoring.score import Scored, Scoring
from scorer.wire.decode import Decoder
from scorer.wire.reasons import OK

_LATEST = np.iinfo(np.int64).max // 1000


class Read(NamedTuple):
    """The events of a batch: their ``columns``, valid until the next batch is read; event times ``(n,)``, microseconds
    since the epoch; and why some cannot be used, numbers of ``admission.REASONS``."""

    columns: Columns
    time: Int64s
    refused: Int64s


class Said(NamedTuple):
    """What a challenger makes of events: predictions as rows, and its ``failures`` by hour, version and reason."""

    rows: Rows
    failures: Rows


class Events:
    """Reads events and has them scored by challengers. Reuses its buffers, so it is for one thread.

    ``form`` is that of the scorer's predictions, with the fields of the segments carried, and ``predictions`` reads
    such records: a challenger's prediction is the very record that the scorer would have written.
    """

    def __init__(self, decoder: Decoder, form: PredictionForm, predictions: Predictions) -> None:
        """Raises SettingsError where the events lack a field that ``form`` names."""
        self._decoder, self._predictions = decoder, predictions
        self._scoring = Scoring(decoder, form)
        self._time = None if form.time_field is None else decoder.layout[form.time_field]

    def read(self, batch: Batch) -> Read:
        """Decode a batch."""
        n = len(batch)
        found = self._decoder.decode(batch)
        readable = found.status == OK
        if self._time is None:
            known = (batch.time >= 0) & (batch.time <= _LATEST)
            time = np.where(known, batch.time, 0) * 1000
        else:
            known = found.columns.valid[self._time.index, :n] != 0
            time = np.array(found.columns.integers[self._time.slot, :n])
        refused = np.where(readable, np.where(known, 0, NO_TIME), UNREADABLE)
        return Read(found.columns, time, refused.astype(np.int64))

    def challenge(self, batch: Batch, rows: Int64s, time: Int64s, active: Active, codes: Codes, now: int) -> Said:
        """Have the events at ``rows``, which happened at ``time`` ``(m,)``, scored by a challenger at the tick ``now``.

        An event that nobody can read is no failure of the challenger's; one that it cannot do without an input of, or
        to which it gives no finite score, is.
        """
        events = part(batch, rows)
        scored = self._scoring.score(events, Models(active), now)
        written = _written(scored, events)
        found, refused = self._predictions.read(written, codes)
        found["role"] = np.full(len(refused), SHADOW)
        [version] = codes(VERSION, [active.version])
        failed: dict[str, list[int]] = {}
        for letter in scored.dead_letters:
            if letter.version is not None:
                failed.setdefault(letter.code, []).append(letter.row)
        for number in np.unique(refused[refused != 0]).tolist():
            failed.setdefault(REASONS[number], []).extend(scored.rows[refused == number].tolist())
        return Said(take(found, refused == 0), self._failures(failed, time, version, codes))

    def _failures(self, failed: Mapping[str, list[int]], time: Int64s, version: int, codes: Codes) -> Rows:
        reasons = codes(REASON, failed)
        rows = np.array([row for ours in failed.values() for row in ours], np.int64)
        return counted(
            {
                "hour": time[rows] // HOUR * HOUR,
                "version": np.full(len(rows), version),
                "reason": np.repeat(np.array(reasons, np.int64), [len(ours) for ours in failed.values()]),
            }
        )


def _written(scored: Scored, events: Batch) -> Batch:
    """The predictions as records: each has the place of its event."""
    base = scored.buffer.ctypes.data
    return replace(
        part(events, scored.rows),
        payload_address=base + scored.start.astype(np.int64),
        payload_length=scored.length.astype(np.int64),
    )
