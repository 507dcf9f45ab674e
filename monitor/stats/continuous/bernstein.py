"""The mean of bounded values with a confidence sequence: empirical Bernstein with a predictable mixture.

Waudby-Smith & Ramdas (2024), "Estimating means of bounded random variables by betting", JRSS-B 86, theorem 2. With
``mu_t = (1/2 + Σx) / (t + 1)``, ``s_t = (1/4 + Σ(x_i - mu_i)²) / (t + 1)``, weights
``w_t = min(sqrt(2 ln(2/a) / (s_(t-1) t ln(1 + t))), 1/2)`` and ``psi(w) = -ln(1 - w) - w``::

    Σ w x / Σ w  ±  (ln(2/alpha) + Σ (x_i - mu_(i-1))² psi(w_i)) / Σ w

covers the mean at all times at once with probability ``1 - alpha``, whatever the order of a tie or the time of a look.
The mean is taken to be constant, given the past; where it drifts, the interval is about its weighted mean, in which
early values weigh most. ``running.py`` is about the plain mean of a drift.
"""

from __future__ import annotations

import math

from numba import types

from monitor.stats.continuous.scaling import WHOLE, Scale, restored
from scorer.batch import Floats
from scorer.compiled import entry

_N, _TOTAL, _SQUARES, _WEIGHT, _WEIGHTED, _PENALTY, _SIZE = range(7)


@entry(types.void(types.float64[::1], types.float64, types.float64[::1]))
def _update(values: Floats, tuned_for: float, state: Floats) -> None:
    wide = 2.0 * math.log(2.0 / tuned_for)
    for x in values:
        state[_N] += 1.0
        t = state[_N]
        mean = (0.5 + state[_TOTAL]) / t
        variance = (0.25 + state[_SQUARES]) / t
        weight = min(math.sqrt(wide / (variance * t * math.log(1.0 + t))), 0.5)
        state[_TOTAL] += x
        state[_SQUARES] += (x - (0.5 + state[_TOTAL]) / (t + 1.0)) ** 2
        state[_WEIGHT] += weight
        state[_WEIGHTED] += weight * x
        state[_PENALTY] += (x - mean) ** 2 * (-math.log1p(-weight) - weight)


class Bernstein:
    """``scale`` bounds the values; the interval is narrowest for the ``alpha`` that it is ``tuned_for``.

    ``state`` is what :meth:`plain` gave.
    """

    def __init__(self, scale: Scale = WHOLE, tuned_for: float = 0.05, state: Floats | None = None) -> None:
        self.scale, self.tuned_for = scale, tuned_for
        self._state = restored(state, _SIZE)

    @property
    def n(self) -> int:
        """How many values were fed."""
        return int(self._state[_N])

    def update(self, values: Floats) -> None:
        """Feed ``values`` float64 ``(n,)`` in their order. Raises ``ValueError`` for one outside the scale."""
        _update(self.scale.shares(values), self.tuned_for, self._state)

    def interval(self, alpha: float) -> tuple[float, float]:
        """Bounds of the mean that hold at all times at once with probability ``1 - alpha``; before any value, all."""
        if not self.n:
            return self.scale.low, self.scale.high
        centre = self._state[_WEIGHTED] / self._state[_WEIGHT]
        radius = (math.log(2.0 / alpha) + self._state[_PENALTY]) / self._state[_WEIGHT]
        return self.scale.interval(float(centre - radius), float(centre + radius))

    def plain(self) -> list[float]:
        """The state, as numbers that come back with the same bits."""
        return list(map(float, self._state))
