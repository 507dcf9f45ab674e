"""The gate: evidence by betting that one version's losses are smaller than another's, pair by pair.

Waudby-Smith & Ramdas (2024), JRSS-B 86. Of each pair comes ``d = loss(champion) - loss(challenger)``, which lies
between ``-B`` and ``B``. Who bets that the mean of ``d`` is above ``floor`` has, with ``x = (d + B) / 2B`` and
``m = (floor + B) / 2B``, after ``t`` pairs::

    K = Π (1 + w_i (x_i - m)),   w = clip((mean - m) / (variance + (mean - m)²), 0, 1 / 2m)

with mean and variance of the pairs before. If every ``d``, given those before, has an expectation of at most ``floor``,
then ``K`` ever reaches ``1/alpha`` with probability at most ``alpha``, however often one looks. It says nothing of a
challenger that is better now and worse later: so what counts is the evidence that there is now, and not the most that
there ever was.

With a ``floor`` of 0 or more the gate asks for superiority, with one below 0 for non-inferiority by that margin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numba import types

from monitor.stats.continuous.betting import PART
from monitor.stats.continuous.counts import Counts
from monitor.stats.continuous.scaling import Scale, restored
from scorer.batch import Floats
from scorer.compiled import entry

_N, _TOTAL, _SQUARES, _WEALTH, _PEAK, _SIZE = range(6)


@entry(types.void(types.float64[::1], types.float64, types.float64[::1]))
def _bet(values: Floats, m: float, state: Floats) -> None:
    """The upper side of ``betting.FloorBet``, and the most that there ever was."""
    for x in values:
        state[_N] += 1.0
        t = state[_N]
        gap = (0.5 + state[_TOTAL]) / t - m
        variance = (0.25 + state[_SQUARES]) / t
        stake = gap / (variance + gap * gap)
        if stake > 0.0:
            state[_WEALTH] += math.log1p(min(stake, PART / m) * (x - m))
            state[_PEAK] = max(state[_PEAK], state[_WEALTH])
        state[_TOTAL] += x
        state[_SQUARES] += (x - (0.5 + state[_TOTAL]) / (t + 1.0)) ** 2


class Gate:
    """Evidence that differences of losses, between ``-bound`` and ``bound``, have a mean above ``floor``.

    Raises ``ValueError`` where the floor is not between the bounds. ``state`` is what :meth:`plain` gave.
    """

    def __init__(self, bound: float, floor: float = 0.0, state: Floats | None = None) -> None:
        if not -bound < floor < bound:
            raise ValueError(f"a margin of {floor} is not between {-bound} and {bound}")
        self.floor, self.scale = floor, Scale(-bound, bound)
        self._state = restored(state, _SIZE)

    @property
    def n(self) -> int:
        """How many pairs were fed."""
        return int(self._state[_N])

    @property
    def mean(self) -> float:
        """The mean difference: above 0 where the challenger's losses are smaller; 0 before any pair."""
        width = self.scale.high - self.scale.low
        return self.scale.low + width * float(self._state[_TOTAL] / self.n) if self.n else 0.0

    @property
    def evidence(self) -> float:
        """The logarithm of the evidence that there is now: the gate is open at ``ln(1/alpha)``."""
        return float(self._state[_WEALTH])

    @property
    def peak(self) -> float:
        """The most that the evidence ever was: it reaches ``ln(1/alpha)`` with probability ``alpha`` by chance."""
        return float(self._state[_PEAK])

    def update(self, differences: Floats) -> None:
        """Feed ``differences`` float64 ``(n,)`` in the order of the cohort. Raises ``ValueError`` for one that is
        beyond the bound, or no number."""
        _bet(self.scale.shares(differences), self.scale.share(self.floor), self._state)

    def open(self, alpha: float) -> bool:
        """Whether the evidence is enough now."""
        return self.evidence >= -math.log(alpha)

    def plain(self) -> list[float]:
        """The state, as numbers that come back with the same bits."""
        return list(map(float, self._state))


@dataclass(frozen=True, slots=True)
class Discordant:
    """The gate of 0/1 losses without a margin, from counts alone: McNemar's test, one-sided.

    Of pairs of which one side alone was right, ``counts`` holds those that the challenger won as successes. The
    evidence is the mixture of likelihood ratios over all chances of the champion below 1/2, so it grows only where the
    challenger is better; ``Counts.unequal`` would grow where it is worse, too.
    """

    counts: Counts = field(default_factory=Counts)

    def update(self, differences: Floats) -> Discordant:
        """With ``differences`` ``(n,)`` of -1, 0 or 1, in any order. Raises ``ValueError`` for another."""
        if not np.isin(differences, (-1.0, 0.0, 1.0)).all():
            raise ValueError("a difference of 0/1 losses is none of -1, 0 and 1")
        won, lost = int((differences > 0.0).sum()), int((differences < 0.0).sum())
        return Discordant(self.counts.merge(Counts(won, lost)))

    @property
    def evidence(self) -> float:
        """The logarithm of the evidence against "the challenger wins at most half of these, given the past"."""
        return self.counts.above(0.5)

    def open(self, alpha: float) -> bool:
        """Whether the evidence is enough now."""
        return self.evidence >= -math.log(alpha)
