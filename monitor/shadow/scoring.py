"""A challenger's scores of a batch of events, by the scorer's own function."""

from __future__ import annotations

from monitor.joining import Shadow
from scorer.batch import Batch
from scorer.scoring.evaluation import Evaluation
from scorer.scoring.models import Active
from scorer.wire.decode import Decoder


class ShadowScoring:
    """Scores events with a challenger. Reuses its buffers, so it is for one thread."""

    def __init__(self, decoder: Decoder) -> None:
        self._evaluation = Evaluation(decoder)

    def score(self, batch: Batch, active: Active) -> list[Shadow | None]:
        """What the challenger, which has two classes, says of each event; ``None`` where the scorer would have made a
        dead letter of it: it cannot be decoded, lacks an input, or its score is not finite."""
        rows, scores = self._evaluation.all(batch, active)
        said: list[Shadow | None] = [None] * len(batch)
        for row, score in zip(rows.tolist(), scores[0].tolist(), strict=True):
            said[row] = Shadow(active.version, score)
        return said
