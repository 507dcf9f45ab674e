"""Bets on the mean of bounded values: evidence on both sides of a floor, and the interval of all floors not rejected.

Waudby-Smith & Ramdas (2024), JRSS-B 86. Who bets that the mean is above ``m`` has after ``t`` values
``K = Π (1 + w_i (x_i - m))``, with stakes ``w`` chosen from the past and so small that not all can be lost. If every
mean, given the past, is at most ``m``, then ``K`` ever reaches ``1/alpha`` with probability at most ``alpha``. The
other side bets with ``1 + w_i (m - x_i)``.
"""

from __future__ import annotations

import math

import numpy as np
from numba import types

from monitor.stats.continuous.scaling import WHOLE, Scale, restored
from scorer.batch import Floats
from scorer.compiled import entry

_N, _TOTAL, _SQUARES, _ABOVE, _BELOW, _SIZE = range(6)
PART = 0.5
"""The largest part of what one has that one value can cost."""

_MOMENTS = 3
_GRID = 100
"""An interval's ends are hundredths of the range."""


@entry(types.void(types.float64[::1], types.float64, types.float64[::1]))
def _bet(values: Floats, m: float, state: Floats) -> None:
    """Stakes by the growth that the past promises: ``gap / (variance + gap²)``."""
    for x in values:
        state[_N] += 1.0
        t = state[_N]
        gap = (0.5 + state[_TOTAL]) / t - m
        variance = (0.25 + state[_SQUARES]) / t
        stake = gap / (variance + gap * gap)
        if stake > 0.0:
            state[_ABOVE] += math.log1p(min(stake, PART / m) * (x - m))
        else:
            state[_BELOW] += math.log1p(min(-stake, PART / (1.0 - m)) * (m - x))
        state[_TOTAL] += x
        state[_SQUARES] += (x - (0.5 + state[_TOTAL]) / (t + 1.0)) ** 2


@entry(types.void(types.float64[::1], types.float64, types.float64[::1]))
def _bet_on_all(values: Floats, tuned_for: float, state: Floats) -> None:
    """One stake for all floors, cut where it would cost too much: so what is won only falls as the floor rises."""
    wide = 2.0 * math.log(2.0 / tuned_for)
    for x in values:
        state[_N] += 1.0
        t = state[_N]
        variance = (0.25 + state[_SQUARES]) / t
        stake = math.sqrt(wide / (variance * t * math.log(1.0 + t)))
        for place in range(1, _GRID):
            m = place / _GRID
            state[_MOMENTS + place] += math.log1p(min(stake, PART / m) * (x - m))
            state[_MOMENTS + _GRID + place] += math.log1p(min(stake, PART / (1.0 - m)) * (m - x))
        state[_TOTAL] += x
        state[_SQUARES] += (x - (0.5 + state[_TOTAL]) / (t + 1.0)) ** 2


class FloorBet:
    """Evidence that the mean of values on ``scale`` is above ``floor``, and that it is below.

    Raises ``ValueError`` where the floor is not inside the scale: then every mean, or none, keeps it. ``state`` is what
    :meth:`plain` gave.
    """

    def __init__(self, floor: float, scale: Scale = WHOLE, state: Floats | None = None) -> None:
        if not scale.low < floor < scale.high:
            raise ValueError(f"a floor of {floor} is not between {scale.low} and {scale.high}")
        self.floor, self.scale = floor, scale
        self._state = restored(state, _SIZE)

    @property
    def n(self) -> int:
        """How many values were fed."""
        return int(self._state[_N])

    def update(self, values: Floats) -> None:
        """Feed ``values`` float64 ``(n,)`` in their order. Raises ``ValueError`` for one outside the scale."""
        _bet(self.scale.shares(values), self.scale.share(self.floor), self._state)

    @property
    def above(self) -> float:
        """The logarithm of the evidence against "the mean is at most the floor"."""
        return float(self._state[_ABOVE])

    @property
    def below(self) -> float:
        """The logarithm of the evidence against "the mean is at least the floor"."""
        return float(self._state[_BELOW])

    def plain(self) -> list[float]:
        """The state, as numbers that come back with the same bits."""
        return list(map(float, self._state))


class BettingInterval:
    """The mean of values on ``scale``: narrower than Bernstein's where the variance is small, and costs more to feed.

    Ends are hundredths of the scale, rounded outward. ``state`` is what :meth:`plain` gave.
    """

    def __init__(self, scale: Scale = WHOLE, tuned_for: float = 0.05, state: Floats | None = None) -> None:
        self.scale, self.tuned_for = scale, tuned_for
        self._state = restored(state, _MOMENTS + 2 * _GRID)

    @property
    def n(self) -> int:
        """How many values were fed."""
        return int(self._state[_N])

    def update(self, values: Floats) -> None:
        """Feed ``values`` float64 ``(n,)`` in their order. Raises ``ValueError`` for one outside the scale."""
        _bet_on_all(self.scale.shares(values), self.tuned_for, self._state)

    def interval(self, alpha: float) -> tuple[float, float]:
        """Bounds of the mean that hold at all times at once with probability ``1 - alpha``, each with half of it.

        The lower one is the largest floor against which the evidence that the mean is above it is ``2 / alpha``.
        """
        enough = math.log(2.0 / alpha)
        above = np.flatnonzero(self._state[_MOMENTS : _MOMENTS + _GRID] >= enough)
        below = np.flatnonzero(self._state[_MOMENTS + _GRID :] >= enough)
        low = float(above[-1]) if len(above) else 0.0
        high = float(below[0]) if len(below) else float(_GRID)
        return self.scale.interval(low / _GRID, high / _GRID)

    def plain(self) -> list[float]:
        """The state, as numbers that come back with the same bits."""
        return list(map(float, self._state))
