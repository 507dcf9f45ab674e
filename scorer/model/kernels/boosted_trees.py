"""boosted_trees@1: margins are sums of the leaves that a row reaches. Read, and no longer written.

Versions that were made before forest@1 name it, and must go on scoring to the same bits; what is trained now becomes
forest@1, which says all that this one says.

``margin[k] = base[k] + value of the leaf in each tree whose output is k``, added in the order in which trees are
stored, so that a sum has the bits of the library that trained it, as long as that adds in float64. Then the link.

Parameters: ``comparison``, ``"<="`` or ``"<"``: what sends a row left; ``in_dtype``, ``"float64"`` or ``"float32"``:
what the columns are rounded to before they are compared; ``link``: ``"identity"`` for a regression, ``"sigmoid"`` for
two classes, ``"softmax"`` for more. Tensors as described in :mod:`scorer.model.kernels.trees`, but with a value for
each node, 0 for inner ones: ``base`` float64 ``(margins,)``; ``feature`` int32, ``threshold`` float64, ``left`` int32,
``missing_left`` uint8, ``value`` float64, all ``(nodes,)``; ``root`` and ``output`` int32 ``(trees,)``. Missing values
go left where ``missing_left`` is 1.

Equal to scikit-learn's HistGradientBoosting and LightGBM bit for bit in the margins.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from scorer.batch import Floats, Int64s
from scorer.model.kernels.links import LINKS, emit_link, link_reference
from scorer.model.kernels.tree_columns import Reading
from scorer.model.kernels.tree_sums import TreeSums, at_most
from scorer.model.kernels.trees import MISSING_LEFT, Trees, check, sizes
from scorer.model.limits import Limits
from scorer.model.outputs import Outputs
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "boosted_trees@1"
TENSORS = ("base", "feature", "threshold", "left", "missing_left", "value", "root", "output")


@dataclass(frozen=True, slots=True, eq=False)
class BoostedTrees:
    """The kernel as a version gives it, its comparison brought to ``<=``."""

    given: Given
    sums: TreeSums
    link: str

    @property
    def trees(self) -> Trees:
        """The trees, with the thresholds of ``<=``."""
        return self.sums.trees

    @classmethod
    def read(cls, given: Given, outputs: Outputs, limits: Limits) -> BoostedTrees:
        """Check what the version gives. Raises ``VersionRefused``."""
        given.expect(["comparison", "in_dtype", "link"], TENSORS)
        trees = _read(given, outputs.count, limits)
        check(trees, given, limits)
        if given.params["comparison"].one_of("<=", "<") == "<":
            trees = replace(trees, threshold=at_most(trees.threshold, ~trees.leaf, given))
        rounds = given.params["in_dtype"].one_of("float64", "float32") == "float32"
        sums = TreeSums(given, trees, Reading(rounds=rounds))
        return cls(given, sums, given.params["link"].one_of(LINKS[outputs.kind]))

    def emit(self, program: Program) -> int:
        """Write the operations; returns the register of the first score."""
        first = self.sums.emit(program)
        emit_link(program, self.given, self.link, first, len(self.trees.base))
        return first

    def leaves(self, prepared: Prepared) -> Int64s:
        """The leaf's node of each row in each tree, ``(trees, rows)``, in plain numpy."""
        return self.sums.leaves(prepared)

    def reference(self, prepared: Prepared) -> Floats:
        """The scores in plain numpy, ``(scores, rows)``."""
        return link_reference(self.link, self.sums.reference(prepared))


def _read(given: Given, margins: int, limits: Limits) -> Trees:
    nodes, count = sizes(given, limits)
    left, value = given.tensor("left", "int32", (nodes,)), given.floats("value", nodes)
    missing = given.tensor("missing_left", "uint8", (nodes,))
    leaf = left == np.arange(nodes)
    for wrong, text in (
        (missing > MISSING_LEFT, "missing_left is neither 0 nor 1"),
        (~leaf & (value != 0), "value is other than 0, but it is an inner node"),
    ):
        if wrong.any():
            raise given.refused(f"node {int(np.argmax(wrong))}: its {text}")
    return Trees(
        given.tensor("feature", "int32", (nodes,)),
        given.tensor("threshold", "float64", (nodes,), finite=False),
        left,
        missing,
        value[leaf][:, None],
        given.tensor("root", "int32", (count,)),
        given.tensor("output", "int32", (count,)),
        given.floats("base", margins),
    )
