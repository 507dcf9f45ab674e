"""A challenger's scores of a batch of events, by the scorer's own decoder and the version's own compiled function."""

from __future__ import annotations

import numpy as np

from monitor.joining import Shadow
from scorer.batch import Batch
from scorer.models import Active
from scorer.wire.decode import Decoder
from scorer.wire.reasons import OK


class ShadowScoring:
    """Scores events with a challenger. Reuses its buffers, so it is for one thread."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._scores = np.empty((1, 0))
        self._flags = np.empty(0, np.uint8)
        self._missing = np.empty(0, np.int32)

    def score(self, batch: Batch, active: Active) -> list[Shadow | None]:
        """What the challenger, which has two classes, says of each event; ``None`` where the scorer would have made a
        dead letter of it: it cannot be decoded, lacks an input, or its score is not finite."""
        n = len(batch)
        if n > self._scores.shape[1]:
            self._scores, self._flags, self._missing = np.empty((1, n)), np.empty(n, np.uint8), np.empty(n, np.int32)
        decoded = self._decoder.decode(batch)
        rows = np.flatnonzero(decoded.status == OK)
        active.bound.score(decoded.columns, rows, self._scores, self._flags, self._missing)
        rows = rows[np.isfinite(self._scores[0, rows])]  # NaN where an input is missing
        said: list[Shadow | None] = [None] * n
        for row, score in zip(rows.tolist(), self._scores[0, rows].tolist(), strict=True):
            said[row] = Shadow(active.version, score)
        return said
