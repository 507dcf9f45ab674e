"""One batch: encoded events and the models in force in, encoded predictions and dead letters out.

Pure: the time is an argument, and the same events with the same versions give the same bits, whatever the batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scorer.batch import Batch, Bools, Bytes, Columns, Int64s
from scorer.scoring.evaluation import Evaluation
from scorer.scoring.models import Active, Models
from scorer.scoring.prediction import CHAMPION, TRIAL, PredictionForm, Predictions
from scorer.wire.decode import Decoded, Decoder
from scorer.wire.encode import Encoded
from scorer.wire.reasons import OK

FLAGS = {1: "imputed", 2: "clipped", 4: "unseen", 8: "missing", 16: "outside"}

MISSING_INPUT = "missing_input"
REFUSED_VALUE = "refused_value"
NOT_FINITE = "score_not_finite"
NOT_ENCODED = "not_encoded"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Why event ``row`` of a batch has no prediction. ``version`` was to score it, where it came so far."""

    row: int
    code: str
    field: str | None
    position: int | None
    text: str
    version: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """What became of the ``events`` of a batch: each is in ``rows`` or one of the ``dead_letters``.

    The prediction for event ``rows[j]`` is ``buffer[start[j] : start[j] + length[j]]``, in the order of the batch. All
    four are valid until the next batch is scored. ``at`` is the time of scoring in microseconds since the epoch.
    ``by_version`` counts predictions by (version, role), ``by_flag`` by flag.
    """

    at: int
    events: int
    rows: Int64s
    buffer: Bytes
    start: Int64s
    length: Int64s
    dead_letters: Sequence[DeadLetter]
    by_version: Mapping[tuple[str, str], int]
    by_flag: Mapping[str, int]


class Scoring:
    """Scores batches of one model's events. Reuses its buffers, so it is for one thread."""

    def __init__(self, decoder: Decoder, form: PredictionForm) -> None:
        """Raises SettingsError where the events lack a field that ``form`` names."""
        self.decoder = decoder
        self._form = form
        self._evaluation = Evaluation(decoder)
        self._predictions = Predictions(form, decoder, 1)

    def score(self, batch: Batch, models: Models, now: int) -> Scored:
        """Score a batch at ``now``, microseconds since the epoch."""
        n, evaluation = len(batch), self._evaluation
        predictions = self._begin(n, models)
        decoded = evaluation.decode(batch, predictions.outputs)
        readable = decoded.status == OK
        dead = [self._undecodable(decoded, row) for row in np.flatnonzero(~readable).tolist()]
        good, done = np.zeros(n, np.bool_), {}
        for active, role, chosen in self._routes(batch, decoded.columns, models, readable, now):
            rows, unusable = evaluation.run(active, decoded, np.flatnonzero(chosen))
            dead += [self._unusable(active, row) for row in unusable.tolist()]
            good[rows] = True
            done[active.version, role] = rows
            predictions.describe_scores(active, role, rows, evaluation.scores[: active.bound.model.n_outputs, rows])
        kept = predictions.describe_events(batch, decoded.columns, evaluation.flags, now)
        rows = np.flatnonzero(good)
        encoded = predictions.encode(rows)
        del kept  # the bytes of ids that are no field of the event had to live until here
        written = encoded.status == OK
        dead += [self._unwritten(encoded, place, int(rows[place])) for place in np.flatnonzero(~written).tolist()]
        dead.sort(key=lambda letter: letter.row)
        good[rows] = written
        rows, start, length = rows[written], encoded.start[written], encoded.length[written]
        by_version = {key: int(np.count_nonzero(good[theirs])) for key, theirs in done.items()}
        by_flag = {name: int(np.count_nonzero(evaluation.flags[rows] & bit)) for bit, name in FLAGS.items()}
        return Scored(now, n, rows, encoded.buffer, start, length, dead, by_version, by_flag)

    def _begin(self, n: int, models: Models) -> Predictions:
        """Columns with room for ``n`` predictions and for as many scores as the models have."""
        outputs = max(active.bound.model.n_outputs for active in models.all())
        if outputs > self._predictions.outputs:
            self._predictions = Predictions(self._form, self.decoder, outputs)
        self._predictions.begin(n)
        return self._predictions

    def _routes(
        self, batch: Batch, events: Columns, models: Models, readable: Bools, now: int
    ) -> Iterator[tuple[Active, str, Bools]]:
        """Who scores which events."""
        trial = models.trial
        if trial is None or now >= trial.until:
            yield models.champion, CHAMPION, readable
            return
        tried = trial.share.takes(batch, events, self.decoder.layout) & readable
        yield models.champion, CHAMPION, readable & ~tried
        yield trial.active, TRIAL, tried

    def _undecodable(self, decoded: Decoded, row: int) -> DeadLetter:
        reason = self.decoder.reason(decoded, row)
        return DeadLetter(row, reason.code, reason.field, reason.position, reason.text)

    def _unusable(self, active: Active, row: int) -> DeadLetter:
        model, number = active.bound.model, int(self._evaluation.missing[row])
        if number >= len(model.inputs):
            refusal = model.unscored(number)
            text = f"version {active.version} refuses the value of column `{refusal.column}`: {refusal.why}"
            return DeadLetter(row, REFUSED_VALUE, refusal.column, None, text, active.version)
        if number >= 0:
            name = model.inputs[number].name
            text = f"field `{name}` has no value, and version {active.version} cannot do without it"
            return DeadLetter(row, MISSING_INPUT, name, None, text, active.version)
        scores = self._evaluation.scores[: active.bound.model.n_outputs, row].tolist()
        text = f"version {active.version} gives {scores}: an input is infinite, or too large"
        return DeadLetter(row, NOT_FINITE, None, None, text, active.version)

    def _unwritten(self, encoded: Encoded, place: int, row: int) -> DeadLetter:
        text = f"the prediction cannot be encoded: {self._predictions.why(encoded, place)}"
        return DeadLetter(row, NOT_ENCODED, None, None, text)
