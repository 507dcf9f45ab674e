"""impute@1: put a fixed value where there is none.

``out = fill where in is missing, else in``, column by column; sets the flag IMPUTED where it did. Missing is what has
no value, NaN, or the input's sentinel. Numeric columns take the tensor ``fill`` float64 ``(columns,)``; categories
take the parameter ``fill``, a list of categories. One step takes columns of one sort.

Equal to scikit-learn's SimpleImputer with its fitted ``statistics_``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from scorer.batch import Floats, Int64s
from scorer.compiled import inlined
from scorer.model.limits import Limits
from scorer.model.ops import IMPUTE, IMPUTED
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "impute@1"


@dataclass(frozen=True, slots=True, eq=False)
class Impute:
    """The step as a version gives it: either ``numbers`` or ``categories`` has one entry per column."""

    given: Given
    numbers: Floats | None
    categories: tuple[str, ...]

    @classmethod
    def read(cls, given: Given, limits: Limits) -> Impute:
        """Check what the version gives. Raises ``VersionRefused``."""
        count = len(given.inputs)
        if len(given.outputs) != count:
            raise given.refused(f"takes {count} columns and must make as many, not {len(given.outputs)}")
        if "fill" in given.params:
            given.expect(["fill"], [])
            fills = given.params["fill"].items(count, count)
            return cls(given, None, tuple(fill.raw_text(limits.category_bytes) for fill in fills))
        given.expect([], ["fill"])
        return cls(given, given.floats("fill", count), ())

    def emit(self, program: Program) -> None:
        """Write the operations; filling a category costs none, its lookup does it."""
        for i, (source, made) in enumerate(zip(self.given.inputs, self.given.outputs, strict=True)):
            if self.numbers is None:
                column = program.category(source, self.given)
                fill = self.categories[i] if column.fill is None else column.fill
                program.columns[made] = replace(column, may_be_missing=False, fill=fill)
            else:
                register = program.number(source, self.given).register
                target = program.make(made, may_be_missing=False)
                program.op(IMPUTE, target, register, program.floats(self.numbers[i : i + 1]))

    def reference(self, prepared: Prepared) -> None:
        """The same in plain numpy."""
        for i, (source, made) in enumerate(zip(self.given.inputs, self.given.outputs, strict=True)):
            if self.numbers is None:
                words = prepared.categories[source]
                fill = self.categories[i].encode()
                prepared.categories[made] = [fill if word is None else word for word in words]
                prepared.flags[[word is None for word in words]] |= IMPUTED
            else:
                column = prepared.numbers[source]
                gaps = np.isnan(column)
                prepared.numbers[made] = np.where(gaps, self.numbers[i], column)
                prepared.flags[gaps] |= IMPUTED


@inlined
def impute(registers: Floats, target: int, source: int, fill: float, flags: Int64s, width: int) -> None:
    """The operation IMPUTE on the first ``width`` rows of a block."""
    for j in range(width):
        value = registers[source + j]
        gap = np.isnan(value)
        registers[target + j] = fill if gap else value
        flags[j] |= IMPUTED if gap else 0
