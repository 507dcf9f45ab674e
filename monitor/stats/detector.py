"""Fast alarms: a Shiryaev-Roberts detector of a mean that falls below its floor.

Shin, Ramdas & Rinaldo (2023), "E-detectors: a nonparametric framework for sequential change detection". For stakes
``w`` of a fixed set, ``R_w = (1 + R_w) (1 + w (m - x))``; the detector is their mean, and alarms at ``A``. While every
mean, given the past, is at least the floor ``m``, its expectation grows by at most 1 a value: so on average at least
``A`` values lie before a false alarm. After an alarm it begins anew.
"""

from __future__ import annotations

import numpy as np
from numba import types

from monitor.stats.continuous.scaling import WHOLE, Scale, restored
from scorer.batch import Floats, Int64s
from scorer.compiled import entry
from scorer.wire.arrays import INT64S

STAKES = 8
"""Stakes are halved so often: the first finds what fell far, the last what fell little."""

_N, _ALARMS, _FIRST = range(3)


@entry(types.int64(types.float64[::1], types.float64, types.float64, types.float64[::1], INT64S))
def _watch(values: Floats, m: float, at: float, state: Floats, out: Int64s) -> int:
    found = 0
    for row in range(values.shape[0]):
        state[_N] += 1.0
        total = 0.0
        stake = 0.5 / (1.0 - m)
        for place in range(STAKES):
            state[_FIRST + place] = (1.0 + state[_FIRST + place]) * (1.0 + stake * (m - values[row]))
            total += state[_FIRST + place]
            stake *= 0.5
        if total >= at * STAKES:
            state[_ALARMS] += 1.0
            state[_FIRST:] = 0.0
            out[found] = row
            found += 1
    return found


class Detector:
    """Watches that the mean of values on ``scale`` stays at ``floor`` or above.

    While it does, ``mean_run`` or more values lie on average before each false alarm. For a ceiling, feed ``-x``.
    Raises ``ValueError`` where the floor is not inside the scale. ``state`` is what :meth:`plain` gave.
    """

    def __init__(self, floor: float, mean_run: float, scale: Scale = WHOLE, state: Floats | None = None) -> None:
        if not scale.low < floor < scale.high:
            raise ValueError(f"a floor of {floor} is not between {scale.low} and {scale.high}")
        if not mean_run >= 1.0:
            raise ValueError(f"a mean run of {mean_run} values is no run")
        self.floor, self.mean_run, self.scale = floor, mean_run, scale
        self._state = restored(state, _FIRST + STAKES)

    @property
    def n(self) -> int:
        """How many values were fed."""
        return int(self._state[_N])

    @property
    def alarms(self) -> int:
        """How many alarms there were."""
        return int(self._state[_ALARMS])

    @property
    def level(self) -> float:
        """How near the next alarm is, from 0 to 1."""
        return float(self._state[_FIRST:].sum()) / (STAKES * self.mean_run)

    def update(self, values: Floats) -> Int64s:
        """Feed ``values`` float64 ``(n,)`` in their order; returns the places among them at which it alarmed."""
        out = np.empty(len(values), np.int64)
        found = _watch(self.scale.shares(values), self.scale.share(self.floor), self.mean_run, self._state, out)
        return out[:found]

    def plain(self) -> list[float]:
        """The state, as numbers that come back with the same bits."""
        return list(map(float, self._state))
