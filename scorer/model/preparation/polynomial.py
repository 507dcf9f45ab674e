"""polynomial@1: products of powers of columns.

``out[i] = product of in[k] ** powers[i, k]``. Tensor ``powers`` int32 ``(outputs, columns)``, from 0 to 100 in all per
output; no factor at all makes 1. A product is multiplied factor by factor, from the last column to the first, one
rounding each. Missing values are not allowed.

Equal to scikit-learn's PolynomialFeatures with its fitted ``powers_``, bit for bit: it multiplies each term of a lower
degree with a column before it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scorer.batch import Floats, Int32s, Int64s
from scorer.compiled import helper
from scorer.model.limits import Limits
from scorer.model.ops import PRODUCT
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "polynomial@1"

HIGHEST = 100
"""The highest degree of a product."""


@dataclass(frozen=True, slots=True, eq=False)
class Polynomial:
    """The step as a version gives it."""

    given: Given
    powers: Int32s

    @classmethod
    def read(cls, given: Given, limits: Limits) -> Polynomial:  # noqa: ARG003 - all steps are read alike
        """Check what the version gives. Raises ``VersionRefused``."""
        given.expect([], ["powers"])
        powers = given.tensor("powers", "int32", (len(given.outputs), len(given.inputs)))
        if (powers < 0).any() or (powers > HIGHEST).any() or (powers.sum(axis=1) > HIGHEST).any():
            raise given.refused(f"tensor 'powers' must have 0 to {HIGHEST} in all per output")
        return cls(given, powers)

    def factors(self, output: int) -> Int64s:
        """The columns that are multiplied, in order: the last first."""
        return np.repeat(np.arange(len(self.given.inputs)), self.powers[output])[::-1]

    def emit(self, program: Program) -> None:
        """Write one operation per output."""
        registers = np.array([program.whole(name, self.given).register for name in self.given.inputs], np.int64)
        for output, made in enumerate(self.given.outputs):
            factors = registers[self.factors(output)]
            program.op(PRODUCT, program.make(made, may_be_missing=False), program.words(factors), len(factors))

    def reference(self, prepared: Prepared) -> None:
        """The same in plain numpy."""
        columns = [prepared.numbers[name] for name in self.given.inputs]
        for output, made in enumerate(self.given.outputs):
            product = np.ones(len(columns[0]))
            for column in self.factors(output):
                product = product * columns[column]
            prepared.numbers[made] = product


@helper
def product(registers: Floats, target: int, words: Int64s, at: int, count: int, width: int) -> None:
    """The operation PRODUCT on the first ``width`` rows of a block; the first factor times 1 is itself."""
    for j in range(width):
        registers[target + j] = 1.0
    for k in range(count):
        source = words[at + k]
        for j in range(width):
            registers[target + j] = registers[target + j] * registers[source + j]
