"""What has no value is not a number; and the mean, on which most metrics rest."""

from __future__ import annotations

import numpy as np

from scorer.batch import Floats


class Undefined(ValueError):
    """Raised by a metric that has no value on the rows given. The message completes ``undefined: …``.

    There are no labels, or all are of one class, or a divisor is zero. Judging turns it into INSUFFICIENT.
    """


def weighed(rows: int, weights: Floats | None) -> Floats:
    """The weight of each row, by default 1. Raises ``Undefined`` without rows or where all weigh nothing."""
    if rows == 0:
        raise Undefined("there are no labels")
    if weights is None:
        return np.ones(rows)
    if not weights.sum() > 0.0:
        raise Undefined("all weights are zero")
    return weights


def mean(values: Floats, weights: Floats | None = None) -> float:
    """``Σ w x / Σ w`` of ``values`` ``(n,)``; ``weights`` ``(n,)`` are not negative. May raise ``Undefined``."""
    return float(np.average(values, weights=weighed(len(values), weights)))
