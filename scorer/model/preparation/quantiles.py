"""quantiles@1: a number becomes its place in the distribution of the training data.

Column by column: ``p = (f(in) + g(in)) / 2``, where ``f`` draws straight lines between the points ``(quantiles[k],
references[k])``, level outside; where quantiles are equal, ``f`` takes the last of their references and ``g``, the same
function read from the other end, the first. Parameter ``output``: ``"uniform"`` gives ``p``, and exactly 0 or 1 at the
outer quantiles; ``"normal"`` gives the ``z`` with ``P(N(0, 1) <= z) = p``, from -5.2 to 5.2, where ``p`` is 0 or 1
within 1e-7 of the outer quantiles.

Tensors: ``quantiles`` float64 ``(n, columns)``, not decreasing; ``references`` float64 ``(n,)``, increasing from 0 to
1. A missing value stays missing. What lies outside of the quantiles sets the flag CLIPPED.

Equal to scikit-learn's QuantileTransformer: uniform bit for bit, normal to about 1e-14.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scorer.batch import Floats, Int64s
from scorer.compiled import helper
from scorer.model.limits import Limits
from scorer.model.ops import CLIPPED, QUANTILES
from scorer.model.preparation.normal import HIGHEST, LOWEST, inverse_normal, inverse_normal_reference
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "quantiles@1"

NEAR = 1e-7
"""How near an outer quantile a value counts as that quantile, for the normal distribution."""


@dataclass(frozen=True, slots=True, eq=False)
class Quantiles:
    """The step as a version gives it."""

    given: Given
    quantiles: Floats
    references: Floats
    normal: bool

    @classmethod
    def read(cls, given: Given, limits: Limits) -> Quantiles:  # noqa: ARG003 - all steps are read alike
        """Check what the version gives. Raises ``VersionRefused``."""
        given.expect(["output"], ["quantiles", "references"])
        columns, points = len(given.inputs), given.tensors["references"].shape[:1]
        if len(given.outputs) != columns:
            raise given.refused(f"takes {columns} columns and must make as many, not {len(given.outputs)}")
        normal = given.params["output"].one_of("uniform", "normal") == "normal"
        quantiles, references = given.floats("quantiles", *points, columns), given.floats("references", *points)
        if len(references) < 2 or references[0] != 0 or references[-1] != 1 or not (np.diff(references) > 0).all():
            raise given.refused("tensor 'references' must increase from 0 to 1")
        if not (quantiles[1:] >= quantiles[:-1]).all():
            raise given.refused("tensor 'quantiles' decreases within a column")
        return cls(given, quantiles, references, normal)

    def emit(self, program: Program) -> None:
        """Write one operation per column."""
        references, count = program.floats(self.references), len(self.references)
        for i, (source, made) in enumerate(zip(self.given.inputs, self.given.outputs, strict=True)):
            column = program.number(source, self.given)
            target = program.make(made, may_be_missing=column.may_be_missing)
            own = program.floats(self.quantiles[:, i])
            program.op(QUANTILES, target, column.register, own, references, count, int(self.normal))

    def reference(self, prepared: Prepared) -> None:
        """The same in plain numpy."""
        for i, (source, made) in enumerate(zip(self.given.inputs, self.given.outputs, strict=True)):
            x, own = prepared.numbers[source], self.quantiles[:, i]
            rising = np.interp(x, own, self.references)
            falling = np.interp(-x, -own[::-1], -self.references[::-1])
            place = 0.5 * (rising - falling)
            place[x + NEAR > own[-1] if self.normal else x == own[-1]] = 1.0
            place[x - NEAR < own[0] if self.normal else x == own[0]] = 0.0
            prepared.numbers[made] = inverse_normal_reference(place) if self.normal else place
            prepared.flags[(x < own[0]) | (x > own[-1])] |= CLIPPED


@helper
def _line(x: float, floats: Floats, here: int, at: int, begin: int, reference: int) -> float:
    """The line through points ``here`` and its right neighbour, drawn from point ``at``, as numpy.interp does."""
    rise = floats[reference + here + 1] - floats[reference + here]
    slope = rise / (floats[begin + here + 1] - floats[begin + here])
    return float(slope * (x - floats[begin + at]) + floats[reference + at])


@helper
def _place(x: float, floats: Floats, begin: int, reference: int, count: int) -> float:
    """``p`` of a value that lies between the outer quantiles."""
    low, high = 0, count
    while low < high:  # the last quantile that is <= x is the one before this
        middle = (low + high) // 2
        if x < floats[begin + middle]:
            high = middle
        else:
            low = middle + 1
    last = low - 1
    if floats[begin + last] != x:
        # Read from the other end, the line is the same, drawn from its other point.
        rising = _line(x, floats, last, last, begin, reference)
        falling = _line(x, floats, last, last + 1, begin, reference)
        return float(0.5 * (rising + falling))
    first = last
    while first > 0 and floats[begin + first - 1] == x:
        first -= 1
    return float(0.5 * (floats[reference + last] + floats[reference + first]))


@helper
def quantiles(
    registers: Floats,
    target: int,
    source: int,
    floats: Floats,
    begin: int,
    reference: int,
    count: int,
    normal: int,
    flags: Int64s,
    width: int,
) -> None:
    """The operation QUANTILES on the first ``width`` rows of a block."""
    lowest, highest = floats[begin], floats[begin + count - 1]
    for j in range(width):
        x = registers[source + j]
        if np.isnan(x):
            registers[target + j] = x
            continue
        flags[j] |= CLIPPED if x < lowest or x > highest else 0
        if x - NEAR < lowest if normal else x <= lowest:
            place = 0.0
        elif x + NEAR > highest if normal else x >= highest:
            place = 1.0
        else:
            place = _place(x, floats, begin, reference, count)
        if normal:
            place = LOWEST if place == 0 else HIGHEST if place == 1 else inverse_normal(place)
        registers[target + j] = place
