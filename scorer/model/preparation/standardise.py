"""standardise@1: shift and scale.

``out = (in - mean) / scale``, column by column; tensors ``mean`` and ``scale`` float64 ``(columns,)``, ``scale`` not 0.
A missing value stays missing. It is a division, not a multiplication by the reciprocal, whose bits would differ.

Equal to scikit-learn's StandardScaler with its fitted ``mean_`` and ``scale_``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scorer.batch import Floats
from scorer.compiled import inlined
from scorer.model.limits import Limits
from scorer.model.ops import STANDARDISE
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "standardise@1"


@dataclass(frozen=True, slots=True, eq=False)
class Standardise:
    """The step as a version gives it: one mean and one scale per column."""

    given: Given
    mean: Floats
    scale: Floats

    @classmethod
    def read(cls, given: Given, limits: Limits) -> Standardise:  # noqa: ARG003 - all steps are read alike
        """Check what the version gives. Raises ``VersionRefused``."""
        count = len(given.inputs)
        if len(given.outputs) != count:
            raise given.refused(f"takes {count} columns and must make as many, not {len(given.outputs)}")
        given.expect([], ["mean", "scale"])
        mean, scale = given.floats("mean", count), given.floats("scale", count)
        if not scale.all():
            raise given.refused("tensor 'scale' holds a 0, by which nothing can be divided")
        return cls(given, mean, scale)

    def emit(self, program: Program) -> None:
        """Write one operation per column."""
        for i, (source, made) in enumerate(zip(self.given.inputs, self.given.outputs, strict=True)):
            column = program.number(source, self.given)
            target = program.make(made, may_be_missing=column.may_be_missing)
            mean_and_scale = program.floats(np.array([self.mean[i], self.scale[i]]))
            program.op(STANDARDISE, target, column.register, mean_and_scale)

    def reference(self, prepared: Prepared) -> None:
        """The same in plain numpy."""
        for i, (source, made) in enumerate(zip(self.given.inputs, self.given.outputs, strict=True)):
            prepared.numbers[made] = (prepared.numbers[source] - self.mean[i]) / self.scale[i]


@inlined
def standardise(registers: Floats, target: int, source: int, mean: float, scale: float, width: int) -> None:
    """The operation STANDARDISE on the first ``width`` rows of a block."""
    for j in range(width):
        registers[target + j] = (registers[source + j] - mean) / scale
