"""shares@1: scores of all classes, divided by their sum.

``out[k] = in[k] / (in[0] + in[1] + …)``, added from the first to the last: the probabilities of one-vs-rest estimators.
Parameter ``when_zero``, what the outputs are where the sum is 0: ``"uniform"``, one over their number, or ``"zeros"``.
Missing values are not allowed.

Equal to what scikit-learn does in CalibratedClassifierCV, SGDClassifier and one-vs-rest logistic regressions
(``"uniform"``), and in OneVsRestClassifier (``"zeros"``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scorer.batch import Floats, Int64s
from scorer.compiled import helper
from scorer.model.limits import Limits
from scorer.model.ops import SHARES, STRIDE
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "shares@1"


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """The step as a version gives it."""

    given: Given
    otherwise: float

    @classmethod
    def read(cls, given: Given, limits: Limits) -> Shares:  # noqa: ARG003 - all steps are read alike
        """Check what the version gives. Raises ``VersionRefused``."""
        given.expect(["when_zero"], [])
        count = len(given.inputs)
        if len(given.outputs) != count:
            raise given.refused(f"takes {count} columns and must make as many, not {len(given.outputs)}")
        return cls(given, 1 / count if given.params["when_zero"].one_of("uniform", "zeros") == "uniform" else 0.0)

    def emit(self, program: Program) -> None:
        """Write the operation; the columns that it makes lie side by side."""
        sources = [program.whole(name, self.given).register for name in self.given.inputs]
        first, *_ = [program.make(name, may_be_missing=False) for name in self.given.outputs]
        words, floats = program.words(np.array(sources, np.int64)), program.floats(np.array([self.otherwise]))
        program.op(SHARES, first, len(sources), words, floats)

    def reference(self, prepared: Prepared) -> None:
        """The same in plain numpy."""
        columns = [prepared.numbers[name] for name in self.given.inputs]
        total = np.zeros_like(columns[0])
        for column in columns:
            total = total + column
        for column, made in zip(columns, self.given.outputs, strict=True):
            prepared.numbers[made] = np.where(total == 0, self.otherwise, column / total)


@helper
def shares(
    registers: Floats, first: int, count: int, words: Int64s, at: int, floats: Floats, where: int, width: int
) -> None:
    """The operation SHARES: ``words[at:]`` has the sources, ``floats[where]`` what takes the place of 0 / 0."""
    for j in range(width):
        total = 0.0
        for k in range(count):
            total += registers[words[at + k] + j]
        for k in range(count):
            share = floats[where] if total == 0 else registers[words[at + k] + j] / total
            registers[first + k * STRIDE + j] = share
