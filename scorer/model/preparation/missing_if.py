"""missing_if@1: a value that stands for a missing one becomes missing.

``out = missing where in is the value, else in``, column by column. Numeric columns give the parameter ``value``, a
number; text columns the parameter ``texts``, a list of one text. It concerns those only who take ``out``: where a value
always stands for a missing one, the input's ``missing_sentinel`` says so.

Equal to what scikit-learn's SimpleImputer and MissingIndicator take for missing with ``missing_values=value``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from scorer.batch import Floats
from scorer.compiled import inlined
from scorer.model.limits import Limits
from scorer.model.ops import MISSING_IF
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "missing_if@1"


@dataclass(frozen=True, slots=True, eq=False)
class MissingIf:
    """The step as a version gives it: for text where there is a ``text``, else for numbers."""

    given: Given
    value: float
    text: str | None

    @classmethod
    def read(cls, given: Given, limits: Limits) -> MissingIf:
        """Check what the version gives. Raises ``VersionRefused``."""
        if len(given.outputs) != len(given.inputs):
            raise given.refused(f"takes {len(given.inputs)} columns and must make as many, not {len(given.outputs)}")
        if "texts" in given.params:
            given.expect(["texts"], [])
            (text,) = given.params["texts"].items(1, 1)
            return cls(given, np.nan, text.raw_text(limits.category_bytes))
        given.expect(["value"], [])
        return cls(given, given.params["value"].number(), None)

    def emit(self, program: Program) -> None:
        """Write one operation per number; for text it costs none, its lookup does it."""
        for source, made in zip(self.given.inputs, self.given.outputs, strict=True):
            if self.text is None:
                register = program.number(source, self.given).register
                at = program.floats(np.array([self.value]))
                program.op(MISSING_IF, program.make(made, may_be_missing=True), register, at)
                continue
            column = program.category(source, self.given)
            if column.fill is not None or column.gap is not None:
                raise self.given.refused(f"text column {source!r} is not as it came: take the input itself")
            program.columns[made] = replace(column, may_be_missing=True, gap=self.text)

    def reference(self, prepared: Prepared) -> None:
        """The same in plain numpy."""
        for source, made in zip(self.given.inputs, self.given.outputs, strict=True):
            if self.text is None:
                column = prepared.numbers[source]
                prepared.numbers[made] = np.where(column == self.value, np.nan, column)
            else:
                gap = self.text.encode()
                prepared.categories[made] = [None if word == gap else word for word in prepared.categories[source]]


@inlined
def missing_if(registers: Floats, target: int, source: int, value: float, width: int) -> None:
    """The operation MISSING_IF on the first ``width`` rows of a block."""
    for j in range(width):
        found = registers[source + j]
        registers[target + j] = np.nan if found == value else found
