"""calibrate_isotonic@1: a score becomes what a piecewise linear function says.

One column in, one out. Tensors ``x`` and ``y`` float64 ``(points,)``, the points of the function, ``x`` increasing.
Between ``x[i]`` and ``x[i + 1]``: ``out = (y[i + 1] - y[i]) / (x[i + 1] - x[i]) * (in - x[i]) + y[i]``. Parameters:
``outside``, what lies before the first point or behind the last: ``"clip"`` takes the value of the nearest one,
``"missing"`` has none, so without a later step for it there is no prediction; ``dtype``, ``"float64"`` or
``"float32"``: what ``in`` and ``out`` are rounded to, for libraries that calculate so. Missing values are not allowed.

Equal to scikit-learn's IsotonicRegression with its ``X_thresholds_`` and ``y_thresholds_`` (``out_of_bounds`` "clip",
"nan"), of which CalibratedClassifierCV(method="isotonic") has one per class; and to ``numpy.interp``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scorer.batch import Floats
from scorer.compiled import helper
from scorer.model.limits import Limits
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import ISOTONIC, Given, Program

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
        return cls(given, x, y, clips, given.params["dtype"].one_of("float64", "float32") == "float32")

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
        found = np.where(np.isnan(column), np.nan, np.interp(column, self.x, self.y, **edge))
        if self.rounds:
            found = found.astype(np.float32).astype(np.float64)
        prepared.numbers[self.given.outputs[0]] = found


@helper
def isotonic(
    registers: Floats, target: int, source: int, points: int, floats: Floats, at: int, how: int, width: int
) -> None:
    """The operation ISOTONIC: ``floats[at:]`` has the ``x`` of all points, then their ``y``."""
    x, y = floats[at : at + points], floats[at + points : at + 2 * points]
    for j in range(width):
        value = registers[source + j]
        if how & ROUNDS:
            value = np.float64(np.float32(value))
        found = interpolated(x, y, value, how & CUTS)
        registers[target + j] = np.float64(np.float32(found)) if how & ROUNDS else found


@helper
def interpolated(x: Floats, y: Floats, value: float, cuts: int) -> float:
    """The function at ``value``; NaN at NaN, and outside of the points where it ``cuts``."""
    last = len(x) - 1
    if np.isnan(value):
        return np.nan
    if value < x[0] or value > x[last]:
        edge = y[0] if value < x[0] else y[last]
        return np.nan if cuts else float(edge)
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
