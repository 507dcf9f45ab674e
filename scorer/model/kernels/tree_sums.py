"""Sums of the leaves that a row reaches: what the kernels of trees have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scorer.batch import Bools, Floats, Int64s
from scorer.model.kernels import tree_tables
from scorer.model.kernels.tree_columns import Reading, TreeColumns
from scorer.model.kernels.trees import Trees, walk
from scorer.model.ops import TREES
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program


def at_most(threshold: Floats, number: Bools, given: Given) -> Floats:
    """The thresholds of ``x < t`` as those of ``x <= t``, where a node splits on a ``number``.

    For floats x < t says the same as x <= the next float below t. Raises ``VersionRefused`` for -inf.
    """
    if (threshold[number] == -np.inf).any():
        raise given.refused("nothing is < -Infinity; such a threshold cannot be meant")
    return np.where(number, np.nextafter(threshold, -np.inf), threshold)


@dataclass(frozen=True, slots=True, eq=False)
class TreeSums:
    """Checked trees, how they read their columns, and whether each sum is rounded to float32 (``narrow``)."""

    given: Given
    trees: Trees
    reading: Reading
    narrow: bool = False

    def emit(self, program: Program) -> int:
        """Write the operations; returns the register of the first margin."""
        columns = TreeColumns(program, self.given, self.reading)
        first, head = tree_tables.write(program, self.trees, columns, narrow=self.narrow)
        program.op(TREES, first, len(self.trees.base), head)
        return first

    def leaves(self, prepared: Prepared) -> Int64s:
        """The leaf's node of each row in each tree, ``(trees, rows)``, in plain numpy."""
        columns = self.reading.columns(np.array([prepared.numbers[name] for name in self.given.inputs]))
        return walk(self.trees, columns, self.reading.codes(columns))

    def reference(self, prepared: Prepared) -> Floats:
        """The margins in plain numpy, ``(margins, rows)``."""
        leaves, place = self.leaves(prepared), self.trees.place
        margin = np.repeat(self.trees.base[:, None], leaves.shape[1], axis=1)
        width = self.trees.value.shape[1]
        for output, leaf in zip(self.trees.output, leaves, strict=True):
            margin[output : output + width] += self.trees.value[place[leaf]].T
            if self.narrow:
                margin[output : output + width] = margin[output : output + width].astype(np.float32)
        return margin
