"""float32@1: round to float32, as libraries do that calculate with it.

``out = the nearest float32 of in``, column by column. A missing value stays missing; a row in which the result is
infinite is refused. No parameters, no tensors.

Equal to what scikit-learn's decision trees, forests and gradient boosting do with their input, for which they raise
``ValueError`` where it is infinite or too large.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scorer.batch import Floats, Int64s
from scorer.compiled import inlined
from scorer.model.limits import Limits
from scorer.model.ops import NARROW
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "float32@1"


@dataclass(frozen=True, slots=True, eq=False)
class Float32:
    """The step as a version gives it."""

    given: Given

    @classmethod
    def read(cls, given: Given, limits: Limits) -> Float32:  # noqa: ARG003 - all steps are read alike
        """Check what the version gives. Raises ``VersionRefused``."""
        given.expect([], [])
        if len(given.outputs) != len(given.inputs):
            raise given.refused(f"takes {len(given.inputs)} columns and must make as many, not {len(given.outputs)}")
        return cls(given)

    def emit(self, program: Program) -> None:
        """Write one operation per column."""
        for source, made in zip(self.given.inputs, self.given.outputs, strict=True):
            column = program.number(source, self.given)
            target = program.make(made, may_be_missing=column.may_be_missing)
            program.op(NARROW, target, column.register, program.refusal(source, "it is too large for a float32"))

    def reference(self, prepared: Prepared) -> None:
        """The same in plain numpy."""
        for source, made in zip(self.given.inputs, self.given.outputs, strict=True):
            found = prepared.numbers[source].astype(np.float32).astype(np.float64)
            prepared.refuse(np.isinf(found))
            prepared.numbers[made] = found


@inlined
def narrow(registers: Floats, target: int, source: int, refusal: int, missing: Int64s, width: int) -> None:
    """The operation NARROW on the first ``width`` rows of a block."""
    for j in range(width):
        value = np.float64(np.float32(registers[source + j]))
        if np.isinf(value) and missing[j] < 0:
            missing[j] = refusal
        registers[target + j] = value
