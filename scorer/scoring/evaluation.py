"""Events in, scores out: the part of scoring that the stream and a challenger in the shadow share."""

from __future__ import annotations

import numpy as np

from scorer.batch import Batch, Floats, Int64s
from scorer.scoring.models import Active
from scorer.wire.decode import Decoded, Decoder
from scorer.wire.reasons import OK


class Evaluation:
    """Decodes a batch and runs versions on its events. Reuses its buffers, so it is for one thread.

    ``scores`` float64 ``(outputs, capacity)``, ``flags`` uint8 and ``missing`` int32 ``(capacity,)`` hold at each row
    what the latest version that ran on it said (``BoundModel.score``).
    """

    def __init__(self, decoder: Decoder) -> None:
        self.decoder = decoder
        self.scores = np.empty((1, 0))
        self.flags = np.zeros(0, np.uint8)
        self.missing = np.empty(0, np.int32)

    def decode(self, batch: Batch, outputs: int) -> Decoded:
        """Decode a batch, and make room for so many scores of each event."""
        n = len(batch)
        if n > self.scores.shape[1] or outputs > len(self.scores):
            capacity = 1 << (max(n, self.scores.shape[1], 1) - 1).bit_length()
            self.scores = np.empty((max(outputs, len(self.scores)), capacity))
            self.flags = np.zeros(capacity, np.uint8)
            self.missing = np.empty(capacity, np.int32)
        return self.decoder.decode(batch)

    def run(self, active: Active, decoded: Decoded, rows: Int64s) -> tuple[Int64s, Int64s]:
        """Run a version on some rows; those that have finite scores, and those that lack an input or overflow."""
        active.bound.score(decoded.columns, rows, self.scores, self.flags, self.missing)
        finite = np.isfinite(self.scores[: active.bound.model.n_outputs, rows]).all(axis=0)
        fine = finite & (self.missing[rows] < 0)
        return rows[fine], rows[~fine]

    def all(self, batch: Batch, active: Active) -> tuple[Int64s, Floats]:
        """The rows that can be scored, int64 ``(m,)``, and their scores, float64 ``(outputs, m)``."""
        outputs = active.bound.model.n_outputs
        decoded = self.decode(batch, outputs)
        rows, _ = self.run(active, decoded, np.flatnonzero(decoded.status == OK))
        return rows, np.asarray(self.scores[:outputs, rows])
