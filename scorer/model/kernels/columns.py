"""columns@1: the scores are columns as they are.

``score[k] = in[k]``. No parameters, no tensors; as many columns as the version has scores. It ends a version whose last
step makes the scores: an average of several estimators, or a calibration. A score that is missing has no prediction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scorer.batch import Floats
from scorer.compiled import inlined
from scorer.model.limits import Limits
from scorer.model.ops import COPY
from scorer.model.outputs import Outputs
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "columns@1"


@dataclass(frozen=True, slots=True, eq=False)
class ColumnsAsTheyAre:
    """The kernel as a version gives it."""

    given: Given

    @classmethod
    def read(cls, given: Given, outputs: Outputs, limits: Limits) -> ColumnsAsTheyAre:  # noqa: ARG003 - all are read alike
        """Check what the version gives. Raises ``VersionRefused``."""
        given.expect([], [])
        if len(given.inputs) != outputs.count:
            raise given.refused(f"must take {outputs.count} columns, one for each score, not {len(given.inputs)}")
        return cls(given)

    def emit(self, program: Program) -> int:
        """Write the operations; returns the register of the first score."""
        columns = [program.number(name, self.given).register for name in self.given.inputs]
        targets = [program.scratch() for _ in columns]
        for target, source in zip(targets, columns, strict=True):
            program.op(COPY, target, source)
        return targets[0]

    def reference(self, prepared: Prepared) -> Floats:
        """The scores in plain numpy, ``(scores, rows)``."""
        return np.array([prepared.numbers[name] for name in self.given.inputs])


@inlined
def copied(registers: Floats, target: int, source: int, width: int) -> None:
    """The operation COPY on the first ``width`` rows of a block."""
    for j in range(width):
        registers[target + j] = registers[source + j]
