"""Performance estimated before labels come, from the probabilities themselves: an estimate, on which no verdict rests.

If the probabilities are calibrated, a row of score ``p`` is of the class with the chance ``p``: expected counts take
the place of counts. Confidence-based performance estimation: Białek, Kuberski, Perrakis & Bifet (2024), "Estimating
model performance under covariate shift without labels". When labels have come, :func:`surprise` says how far off it
was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from scorer.batch import Bools, Floats
from scorer.quality.table import Table
from scorer.quality.undefined import Undefined


@dataclass(frozen=True, slots=True)
class Expected:
    """What rows of two classes are expected to show: a table in which each row is of either class, by its chance."""

    table: Table

    @staticmethod
    def of(score: Floats, positive: Bools) -> Expected:
        """Of probabilities ``(n,)`` and whether each row was predicted to be of the class; no labels are needed.

        Raises ``Undefined`` without rows, ``ValueError`` for what is no probability.
        """
        if not len(score):
            raise Undefined("there are no predictions")
        if not ((score >= 0.0) & (score <= 1.0)).all():
            raise ValueError("a score is not between 0 and 1")
        labels = np.repeat([1.0, 0.0], len(score))
        weights = np.concatenate([score, 1.0 - score])
        predicted = np.tile(positive.astype(np.int64), 2)
        kept = weights > 0.0
        whole = Table("binary", ("others", "class"), np.tile(score, 2)[None], labels, predicted, weights=weights)
        return Expected(whole.take(kept))


def surprise(score: Floats, truth: Bools) -> float:
    """How many standard deviations more rows are of the class than their ``score`` let expect; 0 if calibrated.

    ``Σ(truth - p) / sqrt(Σ p (1 - p))`` of labelled rows ``(n,)``: calibration in the large. Beyond 3 or so either
    way, the estimates of that time were wrong. Raises ``Undefined`` where every outcome was certain.
    """
    spread = math.sqrt(float((score * (1.0 - score)).sum()))
    if not spread > 0.0:
        raise Undefined("there are no labels" if not len(score) else "every outcome was thought certain")
    return float((truth - score).sum()) / spread
