"""power@1: the power transforms that make a distribution more normal.

Column by column, with ``l`` from the tensor ``lambda`` float64 ``(columns,)``. Parameter ``method``:

- ``"yeo-johnson"``: ``((in + 1) ** l - 1) / l`` where ``in >= 0``, or ``log(in + 1)`` where ``|l|`` is below 2.2e-16;
  ``-((1 - in) ** (2 - l) - 1) / (2 - l)`` where ``in < 0``, or ``-log(1 - in)`` where ``l`` is 2.
- ``"box-cox"``: ``(in ** l - 1) / l``, or ``log(in)`` where ``|l|`` is below 1e-19. It knows positive numbers only: a
  row with another one is refused.

Calculated as ``expm1(l * log(in)) / l``, which is exact where ``l * log(in)`` is small. A missing value stays missing.

Equal to scikit-learn's PowerTransformer(standardize=False) with its fitted ``lambdas_``, to a few units in the last
place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from scorer.batch import Floats, Int64s
from scorer.compiled import helper
from scorer.model.limits import Limits
from scorer.model.ops import BOX_COX, YEO_JOHNSON
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "power@1"

_ZERO = 2.0**-52
"""What scipy takes for 0 in yeojohnson."""
_TINY = 1e-19
"""What scipy takes for 0 in boxcox."""
_HIGHEST = 709.78
"""Above it expm1 overflows."""


@dataclass(frozen=True, slots=True, eq=False)
class Power:
    """The step as a version gives it: one exponent per column."""

    given: Given
    exponents: Floats
    method: str

    @classmethod
    def read(cls, given: Given, limits: Limits) -> Power:  # noqa: ARG003 - all steps are read alike
        """Check what the version gives. Raises ``VersionRefused``."""
        given.expect(["method"], ["lambda"])
        count = len(given.inputs)
        if len(given.outputs) != count:
            raise given.refused(f"takes {count} columns and must make as many, not {len(given.outputs)}")
        method = given.params["method"].one_of("yeo-johnson", "box-cox")
        return cls(given, given.floats("lambda", count), method)

    def emit(self, program: Program) -> None:
        """Write one operation per column."""
        for i, (source, made) in enumerate(zip(self.given.inputs, self.given.outputs, strict=True)):
            column = program.number(source, self.given)
            target = program.make(made, may_be_missing=column.may_be_missing)
            exponent = program.floats(self.exponents[i : i + 1])
            if self.method == "yeo-johnson":
                program.op(YEO_JOHNSON, target, column.register, exponent)
            else:
                refusal = program.refusal(source, "it is not positive, so that its power transform does not exist")
                program.op(BOX_COX, target, column.register, exponent, refusal)

    def reference(self, prepared: Prepared) -> None:
        """The same in plain numpy."""
        for i, (source, made) in enumerate(zip(self.given.inputs, self.given.outputs, strict=True)):
            column = prepared.numbers[source]
            if self.method == "yeo-johnson":
                prepared.numbers[made] = _yeo_johnson(column, self.exponents[i])
            else:
                prepared.refuse(column <= 0)
                prepared.numbers[made] = _box_cox(column, self.exponents[i])


def _yeo_johnson(x: Floats, exponent: float) -> Floats:
    size, other = np.log1p(np.abs(x)), 2.0 - exponent
    above = size if abs(exponent) < _ZERO else np.expm1(exponent * size) / exponent
    below = -size if abs(other) <= _ZERO else -np.expm1(other * size) / other
    return np.where(x >= 0, above, below)


def _box_cox(x: Floats, exponent: float) -> Floats:
    log = np.log(x)
    if abs(exponent) < _TINY:
        return log
    power = exponent * log
    far = np.copysign(1.0, exponent) * np.exp(power - np.log(abs(exponent))) - 1.0 / exponent
    return np.where(power < _HIGHEST, np.expm1(power) / exponent, far)


@helper
def yeo_johnson(registers: Floats, target: int, source: int, exponent: float, width: int) -> None:
    """The operation YEO_JOHNSON on the first ``width`` rows of a block."""
    other = 2.0 - exponent
    for j in range(width):
        x = registers[source + j]
        size = math.log1p(abs(x))
        if x >= 0:
            moved = size if abs(exponent) < _ZERO else math.expm1(exponent * size) / exponent
        else:
            moved = -size if abs(other) <= _ZERO else -math.expm1(other * size) / other
        registers[target + j] = moved


@helper
def box_cox(
    registers: Floats, target: int, source: int, exponent: float, refusal: int, missing: Int64s, width: int
) -> None:
    """The operation BOX_COX on the first ``width`` rows of a block."""
    for j in range(width):
        x = registers[source + j]
        if x <= 0 and missing[j] < 0:
            missing[j] = refusal
        log = math.log(x)
        power = exponent * log
        if abs(exponent) < _TINY:
            moved = log
        elif power < _HIGHEST:
            moved = math.expm1(power) / exponent
        else:
            moved = math.copysign(1.0, exponent) * math.exp(power - math.log(abs(exponent))) - 1.0 / exponent
        registers[target + j] = moved
