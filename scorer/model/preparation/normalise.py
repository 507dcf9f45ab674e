"""normalise@1: divide the columns of a row by their norm.

``out[k] = in[k] / norm``; parameter ``norm``: ``"l1"``, the sum of ``|in[k]|``; ``"l2"``, the root of the sum of
``in[k] ** 2``; ``"max"``, the highest ``|in[k]|``. Sums are added from the first column to the last. A norm of 0 counts
as 1. Missing values are not allowed.

Equal, up to the order of the sum, to scikit-learn's Normalizer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from scorer.batch import Floats, Int64s
from scorer.compiled import helper
from scorer.model.limits import Limits
from scorer.model.ops import NORMALISE, STRIDE
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "normalise@1"

L1, L2, MAX = 0, 1, 2
NORMS = {"l1": L1, "l2": L2, "max": MAX}


@dataclass(frozen=True, slots=True, eq=False)
class Normalise:
    """The step as a version gives it."""

    given: Given
    norm: str

    @classmethod
    def read(cls, given: Given, limits: Limits) -> Normalise:  # noqa: ARG003 - all steps are read alike
        """Check what the version gives. Raises ``VersionRefused``."""
        given.expect(["norm"], [])
        if len(given.outputs) != len(given.inputs):
            raise given.refused(f"takes {len(given.inputs)} columns and must make as many, not {len(given.outputs)}")
        return cls(given, given.params["norm"].one_of(*NORMS))

    def emit(self, program: Program) -> None:
        """Write one operation for all columns; the norm has a register of its own."""
        sources = [program.whole(name, self.given).register for name in self.given.inputs]
        norm = program.scratch()
        first, *_ = [program.make(made, may_be_missing=False) for made in self.given.outputs]
        words = program.words(np.array(sources, np.int64))
        program.op(NORMALISE, first, norm, words, len(sources), NORMS[self.norm])

    def reference(self, prepared: Prepared) -> None:
        """The same in plain numpy."""
        columns = [prepared.numbers[name] for name in self.given.inputs]
        norm = np.zeros(len(columns[0]))
        for column in columns:
            size = np.abs(column)
            norm = (
                norm + size if self.norm == "l1" else norm + size * size if self.norm == "l2" else _higher(norm, size)
            )
        norm = np.sqrt(norm) if self.norm == "l2" else norm
        norm = np.where(norm == 0, 1.0, norm)
        for made, column in zip(self.given.outputs, columns, strict=True):
            prepared.numbers[made] = column / norm


def _higher(norm: Floats, size: Floats) -> Floats:
    return np.where(size > norm, size, norm)


@helper
def normalise(
    registers: Floats, first: int, norm: int, words: Int64s, at: int, count: int, which: int, width: int
) -> None:
    """The operation NORMALISE on the first ``width`` rows of a block."""
    for j in range(width):
        total = 0.0
        for k in range(count):
            size = abs(registers[words[at + k] + j])
            if which == L1:
                total += size
            elif which == L2:
                total += size * size
            elif size > total:
                total = size
        total = math.sqrt(total) if which == L2 else total
        registers[norm + j] = 1.0 if total == 0 else total
    for k in range(count):
        source, target = words[at + k], first + k * STRIDE
        for j in range(width):
            registers[target + j] = registers[source + j] / registers[norm + j]
