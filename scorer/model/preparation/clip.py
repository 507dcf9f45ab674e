"""clip@1: move a value that is too low or too high to the nearest bound.

``out = low where in < low, high where in > high, else in``, column by column, with the flag CLIPPED where a value was
moved. Parameters ``low`` and ``high``: numbers, or null where there is no such bound. A missing value stays missing.

Equal to ``numpy.clip`` and to the ``clip`` of scikit-learn's MinMaxScaler and MaxAbsScaler.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scorer.batch import Floats, Int64s
from scorer.compiled import inlined
from scorer.model.limits import Limits
from scorer.model.ops import CLIP, CLIPPED
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "clip@1"


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """The step as a version gives it; a bound that there is none of is infinite."""

    given: Given
    low: float
    high: float

    @classmethod
    def read(cls, given: Given, limits: Limits) -> Clip:  # noqa: ARG003 - all steps are read alike
        """Check what the version gives. Raises ``VersionRefused``."""
        given.expect(["high", "low"], [])
        if len(given.outputs) != len(given.inputs):
            raise given.refused(f"takes {len(given.inputs)} columns and must make as many, not {len(given.outputs)}")
        lowest, highest = given.params["low"], given.params["high"]
        low = -np.inf if lowest.value is None else lowest.number()
        high = np.inf if highest.value is None else highest.number()
        if low > high:
            raise given.refused("'low' is above 'high'")
        return cls(given, low, high)

    def emit(self, program: Program) -> None:
        """Write one operation per column."""
        at = program.floats(np.array([self.low, self.high]))
        for source, made in zip(self.given.inputs, self.given.outputs, strict=True):
            column = program.number(source, self.given)
            target = program.make(made, may_be_missing=column.may_be_missing)
            program.op(CLIP, target, column.register, at)

    def reference(self, prepared: Prepared) -> None:
        """The same in plain numpy."""
        for source, made in zip(self.given.inputs, self.given.outputs, strict=True):
            column = prepared.numbers[source]
            below, above = column < self.low, column > self.high
            prepared.numbers[made] = np.where(below, self.low, np.where(above, self.high, column))
            prepared.flags[below | above] |= CLIPPED


@inlined
def clip(registers: Floats, target: int, source: int, low: float, high: float, flags: Int64s, width: int) -> None:
    """The operation CLIP on the first ``width`` rows of a block."""
    for j in range(width):
        value = registers[source + j]
        moved = low if value < low else high if value > high else value
        registers[target + j] = moved
        flags[j] |= CLIPPED if value < low or value > high else 0
