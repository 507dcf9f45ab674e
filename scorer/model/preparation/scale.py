"""scale@1: multiply and shift.

``out = in * scale + shift``, column by column, two roundings; tensors ``scale`` and ``shift`` float64 ``(columns,)``. A
missing value stays missing. Where a library divides, standardise@1 does too.

Equal to scikit-learn's MinMaxScaler with its fitted ``scale_`` and ``min_``, and to ColumnTransformer's and
FeatureUnion's ``transformer_weights``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scorer.batch import Floats
from scorer.compiled import inlined
from scorer.model.limits import Limits
from scorer.model.ops import SCALE
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "scale@1"


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """The step as a version gives it: one scale and one shift per column."""

    given: Given
    scale: Floats
    shift: Floats

    @classmethod
    def read(cls, given: Given, limits: Limits) -> Scale:  # noqa: ARG003 - all steps are read alike
        """Check what the version gives. Raises ``VersionRefused``."""
        count = len(given.inputs)
        if len(given.outputs) != count:
            raise given.refused(f"takes {count} columns and must make as many, not {len(given.outputs)}")
        given.expect([], ["scale", "shift"])
        return cls(given, given.floats("scale", count), given.floats("shift", count))

    def emit(self, program: Program) -> None:
        """Write one operation per column."""
        for i, (source, made) in enumerate(zip(self.given.inputs, self.given.outputs, strict=True)):
            column = program.number(source, self.given)
            target = program.make(made, may_be_missing=column.may_be_missing)
            program.op(SCALE, target, column.register, program.floats(np.array([self.scale[i], self.shift[i]])))

    def reference(self, prepared: Prepared) -> None:
        """The same in plain numpy."""
        for i, (source, made) in enumerate(zip(self.given.inputs, self.given.outputs, strict=True)):
            prepared.numbers[made] = prepared.numbers[source] * self.scale[i] + self.shift[i]


@inlined
def scale(registers: Floats, target: int, source: int, factor: float, shift: float, width: int) -> None:
    """The operation SCALE on the first ``width`` rows of a block."""
    for j in range(width):
        registers[target + j] = registers[source + j] * factor + shift
