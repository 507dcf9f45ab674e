"""calibrate_sigmoid@1: a score becomes a probability by Platt's sigmoid.

``out = 1 / (1 + exp(slope * in + offset))``, column by column; tensors ``slope`` and ``offset`` float64 ``(columns,)``.
With the slope -1 and the offset 0 a margin becomes its probability. Missing values are not allowed.

Equal to the calibrators of scikit-learn's CalibratedClassifierCV(method="sigmoid") with their ``a_`` and ``b_``.

Source: J. Platt, Probabilistic outputs for support vector machines, 1999.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scorer.batch import Floats
from scorer.compiled import inlined
from scorer.model.kernels.links import link_reference
from scorer.model.limits import Limits
from scorer.model.ops import MARGIN_OF, SIGMOID
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "calibrate_sigmoid@1"


@dataclass(frozen=True, slots=True, eq=False)
class CalibrateSigmoid:
    """The step as a version gives it: one slope and one offset per column."""

    given: Given
    slope: Floats
    offset: Floats

    @classmethod
    def read(cls, given: Given, limits: Limits) -> CalibrateSigmoid:  # noqa: ARG003 - all steps are read alike
        """Check what the version gives. Raises ``VersionRefused``."""
        count = len(given.inputs)
        if len(given.outputs) != count:
            raise given.refused(f"takes {count} columns and must make as many, not {len(given.outputs)}")
        given.expect([], ["slope", "offset"])
        return cls(given, given.floats("slope", count), given.floats("offset", count))

    def emit(self, program: Program) -> None:
        """Write two operations per column: the margin, then its sigmoid in place."""
        for i, (source, made) in enumerate(zip(self.given.inputs, self.given.outputs, strict=True)):
            register = program.whole(source, self.given).register
            target = program.make(made, may_be_missing=False)
            floats = program.floats(np.array([self.slope[i], self.offset[i]]))
            program.op(MARGIN_OF, target, register, floats)
            program.op(SIGMOID, target)

    def reference(self, prepared: Prepared) -> None:
        """The same in plain numpy."""
        for i, (source, made) in enumerate(zip(self.given.inputs, self.given.outputs, strict=True)):
            margin = -(prepared.numbers[source] * self.slope[i] + self.offset[i])
            prepared.numbers[made] = link_reference("sigmoid", margin)


@inlined
def margin_of(registers: Floats, target: int, source: int, slope: float, offset: float, width: int) -> None:
    """The operation MARGIN_OF: ``-(slope * in + offset)``."""
    for j in range(width):
        registers[target + j] = -(registers[source + j] * slope + offset)
