"""calibrate_isotonic@1: a score becomes what a piecewise linear function says.

One column in, one out. Tensors ``x`` and ``y`` float64 ``(points,)``, the points of the function, ``x`` increasing.
Between ``x[i]`` and ``x[i + 1]``: ``out = (y[i + 1] - y[i]) / (x[i + 1] - x[i]) * (in - x[i]) + y[i]``. Parameters:
``outside``, what lies before the first point or behind the last: ``"clip"`` takes the value of the nearest one,
``"missing"`` has none, so without a later step for it there is no prediction; ``dtype``, ``"float64"`` or
``"float32"``: what ``in`` and every operation are rounded to, for libraries that calculate so; then the points must be
float32, too. Missing values are not allowed.

Equal to scikit-learn's IsotonicRegression with its ``X_thresholds_`` and ``y_thresholds_`` (``out_of_bounds`` "clip",
"nan"), of which CalibratedClassifierCV(method="isotonic") has one per class; in float64 to ``numpy.interp``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scorer.batch import Floats
from scorer.compiled import helper
from scorer.model.limits import Limits
from scorer.model.ops import ISOTONIC
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "calibrate_isotonic@1"

CUTS, ROUNDS = 1, 2
"""Bits that say how the operation does it: NaN outside of the points; ``in`` and ``out`` rounded to float32."""


@dataclass(frozen=True, slots=True, eq=False)
class CalibrateIsotonic:
    """The step as a version gives it."""

    given: Given
    x: Floats
    y: Floats
    clips: bool
    rounds: bool

    @classmethod
    def read(cls, given: Given, limits: Limits) -> CalibrateIsotonic:  # noqa: ARG003 - all steps are read alike
        """Check what the version gives. Raises ``VersionRefused``."""
        given.expect(["outside", "dtype"], ["x", "y"])
        if len(given.inputs) != 1 or len(given.outputs) != 1:
            raise given.refused("takes one column and makes one")
        points = given.tensors["x"].shape[:1]
        if points in ((), (0,)):
            raise given.refused("must have at least one point")
        x, y = given.floats("x", *points), given.floats("y", *points)
        with np.errstate(over="ignore"):
            if not (np.diff(x) > 0).all() or not np.isfinite([*np.diff(x), *np.diff(y)]).all():
                raise given.refused("tensor 'x' must increase, and no two points may be further apart than a float64")
        clips = given.params["outside"].one_of("clip", "missing") == "clip"
        rounds = given.params["dtype"].one_of("float64", "float32") == "float32"
        if rounds and not (np.equal(x, x.astype(np.float32)).all() and np.equal(y, y.astype(np.float32)).all()):
            raise given.refused("the points must be float32 where it calculates in float32")
        return cls(given, x, y, clips, rounds)

    def emit(self, program: Program) -> None:
        """Write the operation."""
        (source,), (made,) = self.given.inputs, self.given.outputs
        register = program.whole(source, self.given).register
        target = program.make(made, may_be_missing=not self.clips)
        floats = program.floats(np.concatenate([self.x, self.y]))
        how = (0 if self.clips else CUTS) | (ROUNDS if self.rounds else 0)
        program.op(ISOTONIC, target, register, len(self.x), floats, how)

    def reference(self, prepared: Prepared) -> None:
        """The same in plain numpy."""
        column = prepared.numbers[self.given.inputs[0]]
        if self.rounds:
            column = column.astype(np.float32).astype(np.float64)
        edge = {} if self.clips else {"left": np.nan, "right": np.nan}
        found = np.interp(column, self.x, self.y, **edge)
        inside = (self.x[0] <= column) & (column <= self.x[-1])
        if self.rounds and len(self.x) > 1 and inside.any():
            found[inside] = self._narrow(column[inside])
        prepared.numbers[self.given.outputs[0]] = np.where(np.isnan(column), np.nan, found)

    def _narrow(self, column: Floats) -> npt.NDArray[np.float32]:
        """The function in float32, between the points, in plain numpy."""
        x, y, value = (array.astype(np.float32) for array in (self.x, self.y, column))
        high = np.searchsorted(x, value).clip(1, len(x) - 1)
        slope = (y[high] - y[high - 1]) / (x[high] - x[high - 1])
        found: npt.NDArray[np.float32] = slope * (value - x[high - 1]) + y[high - 1]
        return found


@helper
def isotonic(
    registers: Floats, target: int, source: int, points: int, floats: Floats, at: int, how: int, width: int
) -> None:
    """The operation ISOTONIC: ``floats[at:]`` has the ``x`` of all points, then their ``y``."""
    x, y = floats[at : at + points], floats[at + points : at + 2 * points]
    for j in range(width):
        value = registers[source + j]
        if how & ROUNDS:
            registers[target + j] = narrow(x, y, np.float64(np.float32(value)), how & CUTS)
        else:
            registers[target + j] = wide(x, y, value, how & CUTS)


@helper
def beyond(x: Floats, y: Floats, value: float, cuts: int) -> float:
    """The function where ``value`` is NaN or outside of the points: NaN, or that of the nearest point."""
    if cuts or np.isnan(value):
        return np.nan
    return float(y[0] if value < x[0] else y[len(x) - 1])


@helper
def wide(x: Floats, y: Floats, value: float, cuts: int) -> float:
    """The function in float64, from the last point that is not above ``value``."""
    last = len(x) - 1
    if not x[0] <= value <= x[last]:
        return beyond(x, y, value, cuts)
    low, high = 0, last + 1
    while high - low > 1:
        middle = (low + high) // 2
        if x[middle] <= value:
            low = middle
        else:
            high = middle
    if low == last:
        return float(y[last])
    return float((y[low + 1] - y[low]) / (x[low + 1] - x[low]) * (value - x[low]) + y[low])


@helper
def narrow(x: Floats, y: Floats, value: float, cuts: int) -> float:
    """The function in float32, each operation rounded, from the last point below ``value``, or the first."""
    last = len(x) - 1
    if not x[0] <= value <= x[last]:
        return beyond(x, y, value, cuts)
    if last == 0:
        return float(y[0])
    low, high = 0, last
    while high - low > 1:
        middle = (low + high) // 2
        if x[middle] < value:
            low = middle
        else:
            high = middle
    slope = np.float32(np.float32(y[high] - y[low]) / np.float32(x[high] - x[low]))
    return float(np.float32(np.float32(slope * np.float32(value - x[low])) + np.float32(y[low])))
