"""bins@1: a number becomes that of its bin.

``out = how many of the column's inner edges are <= in``, from 0 to the number of bins less 1, column by column.
Tensors: ``edges`` float64, the edges of all columns one after the other, increasing within a column, outer ones
included; ``bins`` int32 ``(columns,)``, how many bins each has, one less than its edges. What lies below the first edge
or above the last counts to the outer bin and sets the flag CLIPPED. Missing values are not allowed.

Equal to scikit-learn's KBinsDiscretizer(encode="ordinal") with its fitted ``bin_edges_``, and to its Binarizer.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from scorer.batch import Floats, Int64s
from scorer.compiled import helper
from scorer.model.limits import Limits
from scorer.model.ops import BINS, CLIPPED
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "bins@1"


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """The step as a version gives it: the edges of each column."""

    given: Given
    edges: tuple[Floats, ...]

    @classmethod
    def read(cls, given: Given, limits: Limits) -> Bins:
        """Check what the version gives. Raises ``VersionRefused``."""
        given.expect([], ["bins", "edges"])
        count = len(given.inputs)
        if len(given.outputs) != count:
            raise given.refused(f"takes {count} columns and must make as many, not {len(given.outputs)}")
        bins = given.tensor("bins", "int32", (count,))
        if (bins < 1).any() or (bins > limits.categories).any():
            raise given.refused(f"tensor 'bins' must have 1 to {limits.categories} for each column")
        ends = np.cumsum([0, *(bins.astype(np.int64) + 1)]).tolist()
        joined = given.floats("edges", ends[-1])
        edges = tuple(joined[start:end] for start, end in pairwise(ends))
        if not all((own[1:] > own[:-1]).all() for own in edges):
            raise given.refused("tensor 'edges' does not increase within a column")
        return cls(given, edges)

    def emit(self, program: Program) -> None:
        """Write one operation per column."""
        for source, made, edges in zip(self.given.inputs, self.given.outputs, self.edges, strict=True):
            register = program.whole(source, self.given).register
            target = program.make(made, may_be_missing=False)
            program.op(BINS, target, register, program.floats(edges), len(edges))

    def reference(self, prepared: Prepared) -> None:
        """The same in plain numpy."""
        for source, made, edges in zip(self.given.inputs, self.given.outputs, self.edges, strict=True):
            column = prepared.numbers[source]
            found = np.searchsorted(edges[1:-1], column, side="right")
            prepared.numbers[made] = found.astype(np.float64)
            prepared.flags[(column < edges[0]) | (column > edges[-1])] |= CLIPPED


@helper
def bins(
    registers: Floats, target: int, source: int, floats: Floats, at: int, count: int, flags: Int64s, width: int
) -> None:
    """The operation BINS on the first ``width`` rows of a block: a binary search in the ``count`` edges.

    A missing value, which only a row has that is refused, is in the last bin, as numpy sorts it.
    """
    lowest, highest = floats[at], floats[at + count - 1]
    for j in range(width):
        value = registers[source + j]
        low, high = 1, count - 1
        while low < high:
            middle = (low + high) // 2
            if value < floats[at + middle]:
                high = middle
            else:
                low = middle + 1
        registers[target + j] = low - 1
        flags[j] |= CLIPPED if value < lowest or value > highest else 0
