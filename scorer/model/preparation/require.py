"""require@1: a row that has no finite number here cannot be scored.

``out = in``, column by column; a row in which it is infinite is refused and becomes a dead letter. Parameter
``missing``: ``"refused"`` refuses rows in which it is missing, too; ``"allowed"`` lets them pass.

Equal to the checks by which scikit-learn's transformers and estimators raise ``ValueError``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scorer.batch import Floats, Int64s
from scorer.compiled import borrowing
from scorer.model.limits import Limits
from scorer.model.ops import REQUIRE
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Number, Program

NAME = "require@1"


@dataclass(frozen=True, slots=True, eq=False)
class Require:
    """The step as a version gives it."""

    given: Given
    missing_too: bool

    @classmethod
    def read(cls, given: Given, limits: Limits) -> Require:  # noqa: ARG003 - all steps are read alike
        """Check what the version gives. Raises ``VersionRefused``."""
        given.expect(["missing"], [])
        if len(given.outputs) != len(given.inputs):
            raise given.refused(f"takes {len(given.inputs)} columns and must make as many, not {len(given.outputs)}")
        return cls(given, given.params["missing"].one_of("allowed", "refused") == "refused")

    def emit(self, program: Program) -> None:
        """Write one operation per column; what it makes lies where it was."""
        for source, made in zip(self.given.inputs, self.given.outputs, strict=True):
            column = program.number(source, self.given)
            why = "it is missing or infinite" if self.missing_too else "it is infinite"
            program.op(REQUIRE, column.register, program.refusal(source, why), int(self.missing_too))
            program.columns[made] = Number(column.register, column.may_be_missing and not self.missing_too)

    def reference(self, prepared: Prepared) -> None:
        """The same in plain numpy."""
        for source, made in zip(self.given.inputs, self.given.outputs, strict=True):
            column = prepared.numbers[source]
            prepared.refuse(~np.isfinite(column) if self.missing_too else np.isinf(column))
            prepared.numbers[made] = column


@borrowing
def require_finite(registers: Floats, source: int, refusal: int, missing_too: int, missing: Int64s, width: int) -> None:
    """The operation REQUIRE on the first ``width`` rows of a block; where all is well, vector instructions see it."""
    column, refuses_gaps, wrong = registers[source : source + width], missing_too != 0, False
    for j in range(width):
        wrong |= np.isinf(column[j]) | (refuses_gaps & np.isnan(column[j]))
    if wrong:
        for j in range(width):
            if (np.isinf(column[j]) or (refuses_gaps and np.isnan(column[j]))) and missing[j] < 0:
                missing[j] = refusal
