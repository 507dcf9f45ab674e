"""The running mean of bounded values whose expectation may drift, with a confidence sequence.

Howard, Ramdas, McAuliffe & Sekhon (2021), "Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of
Statistics 49, theorem 4 with the stitched boundary of theorem 1::

    mean(x) ± u(max(V, 1)) / n,   V = Σ (x_i - mean of those before)²
    u(v) = sqrt(k1² v l(v) + (k2 l(v))²) + k2 l(v),   l(v) = s ln ln(eta v) + ln(zeta(s) / (alpha/2 ln(eta)^s))

for shares, with ``eta = 2``, ``s = 1.4``, ``k1 = (eta^(1/4) + eta^(-1/4)) / sqrt(2)``, ``k2 = (sqrt(eta) + 1) / 2``. It
covers the mean of the expectations so far, each given its past, at all times at once.
"""

from __future__ import annotations

import math

from numba import types

from monitor.stats.continuous.scaling import WHOLE, Scale, restored
from scorer.batch import Floats
from scorer.compiled import entry

_N, _TOTAL, _SQUARES, _SIZE = range(4)
_ETA, _S = 2.0, 1.4
_ZETA = 3.1055472779775810
"""Riemann's zeta of 1.4."""
_K1 = (_ETA**0.25 + _ETA**-0.25) / math.sqrt(2.0)
_K2 = (math.sqrt(_ETA) + 1.0) / 2.0


@entry(types.void(types.float64[::1], types.float64[::1]))
def _update(values: Floats, state: Floats) -> None:
    for x in values:
        before = state[_TOTAL] / state[_N] if state[_N] > 0.0 else 0.5
        state[_N] += 1.0
        state[_TOTAL] += x
        state[_SQUARES] += (x - before) ** 2


class Running:
    """``scale`` bounds the values; ``state`` is what :meth:`plain` gave."""

    def __init__(self, scale: Scale = WHOLE, state: Floats | None = None) -> None:
        self.scale = scale
        self._state = restored(state, _SIZE)

    @property
    def n(self) -> int:
        """How many values were fed."""
        return int(self._state[_N])

    @property
    def share(self) -> float:
        """The mean of the values, as a share of the scale; one half before any value."""
        return float(self._state[_TOTAL] / self.n) if self.n else 0.5

    def update(self, values: Floats) -> None:
        """Feed ``values`` float64 ``(n,)`` in their order. Raises ``ValueError`` for one outside the scale."""
        _update(self.scale.shares(values), self._state)

    def interval(self, alpha: float) -> tuple[float, float]:
        """Bounds of the running mean, at all times at once with probability ``1 - alpha``; before any value, all."""
        if not self.n:
            return self.scale.low, self.scale.high
        spread = max(float(self._state[_SQUARES]), 1.0)
        level = _S * math.log(math.log(_ETA * spread)) + math.log(2.0 * _ZETA / (alpha * math.log(_ETA) ** _S))
        radius = (math.sqrt(_K1**2 * spread * level + (_K2 * level) ** 2) + _K2 * level) / self.n
        return self.scale.interval(self.share - radius, self.share + radius)

    def plain(self) -> list[float]:
        """The state, as numbers that come back with the same bits."""
        return list(map(float, self._state))
