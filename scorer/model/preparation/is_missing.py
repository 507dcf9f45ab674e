"""is_missing@1: whether a value is missing, as a number.

``out = 1 if in is missing, else 0``, column by column, for numbers and text that no step has imputed. No parameters.

Equal to scikit-learn's MissingIndicator, and to SimpleImputer's ``add_indicator``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scorer.batch import Bytes, Floats, Int64s
from scorer.compiled import inlined
from scorer.model.limits import Limits
from scorer.model.ops import IS_MISSING
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Category, Given, Program

NAME = "is_missing@1"


@dataclass(frozen=True, slots=True, eq=False)
class IsMissing:
    """The step as a version gives it."""

    given: Given

    @classmethod
    def read(cls, given: Given, limits: Limits) -> IsMissing:  # noqa: ARG003 - all steps are read alike
        """Check what the version gives. Raises ``VersionRefused``."""
        given.expect([], [])
        if len(given.outputs) != len(given.inputs):
            raise given.refused(f"takes {len(given.inputs)} columns and must make as many, not {len(given.outputs)}")
        return cls(given)

    def emit(self, program: Program) -> None:
        """Write one operation per column."""
        for source, made in zip(self.given.inputs, self.given.outputs, strict=True):
            column = program.columns[source]
            if not isinstance(column, Category):
                program.op(IS_MISSING, program.make(made, may_be_missing=False), column.register)
            elif column.fill is None and column.gap is None:
                program.lacks_text(column, made)
            else:
                raise self.given.refused(f"text column {source!r} is not as it came: take the input itself")

    def reference(self, prepared: Prepared) -> None:
        """The same in plain numpy."""
        for source, made in zip(self.given.inputs, self.given.outputs, strict=True):
            if source in prepared.numbers:
                gaps = np.isnan(prepared.numbers[source])
            else:
                gaps = np.array([word is None for word in prepared.categories[source]], np.bool_)
            prepared.numbers[made] = np.where(gaps, 1.0, 0.0)


@inlined
def is_missing(registers: Floats, target: int, source: int, width: int) -> None:
    """The operation IS_MISSING on the first ``width`` rows of a block."""
    for j in range(width):
        registers[target + j] = 1.0 if np.isnan(registers[source + j]) else 0.0


@inlined
def lacks_text(registers: Floats, target: int, valid: Bytes, field: int, rows: Int64s, start: int, width: int) -> None:
    """The operation LACKS_TEXT for ``width`` rows from ``rows[start]`` on."""
    for j in range(width):
        registers[target + j] = 0.0 if valid[field, rows[start + j]] else 1.0
