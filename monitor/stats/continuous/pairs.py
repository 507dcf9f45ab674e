"""The AUC as the mean of a bounded sequence: of a row of the class and the next of the others, which is scored higher.

The AUC is the chance that a row of the class is scored above one that is not, ties one half. So of disjoint pairs,
one of each in the order of the cohort, 1, 1/2 or 0 has the AUC as its mean, and the bounds of ``running.py`` hold. A
row waits until one of the other sort comes; if another of its own sort comes first, that one waits in its stead.
Nothing else is kept. Where one sort is rare, there are about as many pairs as rows of it.

The rows of a pair are neighbours in time. So where the level of scores and labels moves together, from day to day, say,
this is not the AUC of all rows: it is the chance of the right order among rows of about the same time, which is lower,
because nobody gets credit for telling a bad day from a good one.
"""

from __future__ import annotations

import numpy as np
from numba import types

from monitor.stats.continuous.running import Running
from monitor.stats.continuous.scaling import WHOLE
from scorer.batch import Bools, Floats
from scorer.compiled import entry

_SORT, _SCORE, _UNTIED, _SIZE = range(4)


@entry(types.int64(types.float64[::1], types.float64[::1], types.float64[::1], types.float64[::1]))
def _pair(truth: Floats, score: Floats, waiting: Floats, out: Floats) -> int:
    """Sorts are 1 and -1; 0 is nobody. Returns how many pairs were written to ``out``."""
    found = 0
    for row in range(truth.shape[0]):
        sort = 1.0 if truth[row] > 0.0 else -1.0
        if waiting[_SORT] == -sort:
            if score[row] == waiting[_SCORE]:
                out[found] = 0.5
            else:
                waiting[_UNTIED] += 1.0
                out[found] = 1.0 if (score[row] > waiting[_SCORE]) == (sort > 0.0) else 0.0
            found += 1
            waiting[_SORT], waiting[_SCORE] = 0.0, 0.0
        else:
            waiting[_SORT], waiting[_SCORE] = sort, score[row]
    return found


class Pairs:
    """A confidence sequence of the AUC. ``state`` is what :meth:`plain` gave."""

    def __init__(self, state: Floats | None = None) -> None:
        self._rows = np.zeros(_SIZE) if state is None else state[:_SIZE].copy()
        self._sequence = Running(WHOLE, None if state is None else state[_SIZE:])

    @property
    def n(self) -> int:
        """How many pairs there were."""
        return self._sequence.n

    @property
    def value(self) -> float:
        """The share of pairs in the right order, ties one half; one half before any pair."""
        return self._sequence.share

    def update(self, truth: Bools, score: Floats) -> Floats:
        """Feed rows ``(n,)`` in their order: whether each is of the class, and its score. Returns what the pairs gave.

        Raises ``ValueError`` for a score that is not finite.
        """
        if not np.isfinite(score).all():
            raise ValueError("a score is not finite")
        out = np.empty(len(score) // 2 + 1)
        found = _pair(truth.astype(np.float64), np.ascontiguousarray(score), self._rows, out)
        self._sequence.update(out[:found])
        return out[:found]

    def interval(self, alpha: float) -> tuple[float, float]:
        """Bounds of the AUC that hold at all times at once with probability ``1 - alpha``.

        From 0 to 1 before any pair, and while all pairs are of equal scores: who always says the same orders nothing.
        """
        if not self._rows[_UNTIED]:
            return 0.0, 1.0
        return self._sequence.interval(alpha)

    def plain(self) -> list[float]:
        """The state, as numbers that come back with the same bits."""
        return [*map(float, self._rows), *self._sequence.plain()]
