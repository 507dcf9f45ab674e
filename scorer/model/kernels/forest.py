"""forest@1: sums or means of what the leaves hold that a row reaches, for the trees of all libraries.

``margin[k] = base[k] + value[leaf, k]`` of each tree, added in the order in which trees are stored; then
``margin / divisor * slope``; then the link. A tree adds to all margins, or to one: the first is ``output`` of the tree,
and ``value`` has as many columns as margins that it adds to.

Parameters:

- ``comparison``: ``"<="`` or ``"<"``: what sends a row left; ``in_dtype``: ``"float64"`` or ``"float32"``: what the
  columns are rounded to first; ``missing_value``: the number that then counts as missing besides NaN, or ``"NaN"``;
  ``zero_within``: what is at most this far from 0 is 0.
- ``categories``: ``"none"``: no splits on sets; ``"from 0"``: a value of 0 and more, cut off to an integer, is a
  category; ``"above -1"``: so is a value above -1, which is category 0 as long as it is below 1.
- ``sum_dtype``: ``"float64"`` or ``"float32"``: what each sum is rounded to. ``divisor``, positive: the number of trees
  for a mean, else 1.0. ``slope``: 1.0 but for sigmoids of another steepness.
- ``link``: see :mod:`scorer.model.kernels.links`. A softmax of two margins serves two classes.

Tensors as described in :mod:`scorer.model.kernels.trees`: ``base`` float64 ``(margins,)``; ``feature`` int32,
``threshold`` float64, ``left`` int32, ``missing`` uint8, all ``(nodes,)``; ``value`` float64 ``(leaves, width)``;
``root`` and ``output`` int32 ``(trees,)``; with categories also ``set_node`` and ``set_size`` int32 and ``set_other``
uint8 ``(sets,)``, ``set_bits`` int64 ``(words,)``.

Equal bit for bit in the margins to scikit-learn's forests, trees and gradient boosting, to LightGBM, and, with
sums in float32, to XGBoost; with the links in float32 in XGBoost's scores, too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from scorer.batch import Floats, Int64s
from scorer.compiled import helper
from scorer.model.kernels.links import emit_link, link_reference
from scorer.model.kernels.tree_columns import Reading
from scorer.model.kernels.tree_sums import TreeSums, at_most
from scorer.model.kernels.trees import NO_SETS, WORD, ZERO_LEFT, Sets, Trees, check, sizes
from scorer.model.limits import Limits
from scorer.model.ops import SLOPE, STRIDE
from scorer.model.outputs import Outputs
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "forest@1"
PARAMS = (
    "comparison", "in_dtype", "missing_value", "zero_within", "categories", "sum_dtype", "divisor", "slope", "link",
)  # fmt: skip
TENSORS = ("base", "feature", "threshold", "left", "missing", "value", "root", "output")
SET_TENSORS = ("set_node", "set_size", "set_other", "set_bits")
ABOVE = {"none": -1.0, "above -1": -1.0, "from 0": float(np.nextafter(0.0, -1.0))}
"""What a value must be above to be a category."""
FOREST_LINKS = {
    "regression": (
        "identity", "exp", "exp_float32", "sigmoid", "sigmoid_float32", "log1p_exp", "signed_square",
    ),
    "binary": ("identity", "sigmoid", "sigmoid_float32", "softmax", "softmax_float32"),
    "multiclass": ("identity", "sigmoid", "softmax", "softmax_float32"),
}  # fmt: skip
"""The links that each kind of output may have."""


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """The kernel as a version gives it, its comparison brought to ``<=``."""

    given: Given
    sums: TreeSums
    divisor: float
    slope: float
    link: str
    second: bool
    """Of the two scores only the second is an output."""

    @property
    def trees(self) -> Trees:
        """The trees, with the thresholds of ``<=``."""
        return self.sums.trees

    @classmethod
    def read(cls, given: Given, outputs: Outputs, limits: Limits) -> Forest:
        """Check what the version gives. Raises ``VersionRefused``."""
        given.expect(PARAMS, given.tensors)
        params = given.params
        categories = params["categories"].one_of(*ABOVE)
        given.expect(PARAMS, TENSORS if categories == "none" else TENSORS + SET_TENSORS)
        link = params["link"].one_of(*FOREST_LINKS[outputs.kind])
        second = outputs.kind == "binary" and link.startswith("softmax")
        trees = _read(given, 2 if second else outputs.count, limits)
        check(trees, given, limits)
        if params["comparison"].one_of("<=", "<") == "<":
            number = ~trees.leaf & (trees.set_of < 0)
            trees = replace(trees, threshold=at_most(trees.threshold, number, given))
        rounds = params["in_dtype"].one_of("float64", "float32") == "float32"
        missing, zero = params["missing_value"].any_number(), params["zero_within"].number()
        if np.isinf(missing) or zero < 0:
            raise given.refused("'missing_value' must be finite or NaN, and 'zero_within' not negative")
        divisor, slope = params["divisor"].number(), params["slope"].number()
        if divisor <= 0:
            raise given.refused("'divisor' must be positive")
        narrow = params["sum_dtype"].one_of("float64", "float32") == "float32"
        sums = TreeSums(given, trees, Reading(rounds, missing, zero, ABOVE[categories]), narrow)
        return cls(given, sums, divisor, slope, link, second)

    def emit(self, program: Program) -> int:
        """Write the operations; returns the register of the first score."""
        first, count = self.sums.emit(program), len(self.trees.base)
        if self.divisor != 1 or self.slope != 1:
            program.op(SLOPE, first, count, program.floats(np.array([self.divisor, self.slope])))
        emit_link(program, self.given, self.link, first, count)
        return first + STRIDE if self.second else first

    def leaves(self, prepared: Prepared) -> Int64s:
        """The leaf's node of each row in each tree, ``(trees, rows)``, in plain numpy."""
        return self.sums.leaves(prepared)

    def reference(self, prepared: Prepared) -> Floats:
        """The scores in plain numpy, ``(scores, rows)``."""
        scores = link_reference(self.link, self.sums.reference(prepared) / self.divisor * self.slope)
        return scores[1:] if self.second else scores


def _read(given: Given, margins: int, limits: Limits) -> Trees:
    nodes, count = sizes(given, limits)
    left = given.tensor("left", "int32", (nodes,))
    leaves, width = int(np.count_nonzero(left == np.arange(nodes))), given.tensors["value"].shape[-1:]
    if width not in {(1,), (margins,)}:
        raise given.refused(f"tensor 'value' must have 1 or {margins} columns")
    missing = given.tensor("missing", "uint8", (nodes,))
    if (missing > ZERO_LEFT).any():
        raise given.refused(f"node {int(np.argmax(missing > ZERO_LEFT))}: its missing is not one of 0 to {ZERO_LEFT}")
    return Trees(
        given.tensor("feature", "int32", (nodes,)),
        given.tensor("threshold", "float64", (nodes,), finite=False),
        left,
        missing,
        given.floats("value", leaves, *width),
        given.tensor("root", "int32", (count,)),
        given.tensor("output", "int32", (count,)),
        given.floats("base", margins),
        _read_sets(given, nodes, limits) if "set_node" in given.tensors else NO_SETS,
    )


def _read_sets(given: Given, nodes: int, limits: Limits) -> Sets:
    shape = given.tensors["set_node"].shape[:1]
    if not shape:
        raise given.refused("tensor 'set_node' must be a list of nodes")
    size, other = given.tensor("set_size", "int32", shape), given.tensor("set_other", "uint8", shape)
    node = given.tensor("set_node", "int32", shape)
    if not len(node) or node[0] < 0 or (np.diff(node) <= 0).any() or node[-1] >= nodes:
        raise given.refused("tensor 'set_node' must name a node at least, increase and stay below the number of nodes")
    if ((size < 1) | (size > limits.categories)).any() or (other > 1).any():
        raise given.refused(f"each set must have 1 to {limits.categories} categories, and an 'other' of 0 or 1")
    words = int(np.sum(-(-size.astype(np.int64) // WORD)))
    sets = Sets(node, size, other, given.tensor("set_bits", "int64", (words,)))
    last = size.astype(np.uint64) % np.uint64(WORD)
    bits = sets.bits[sets.first[1:] - 1].view(np.uint64)
    if ((last > 0) & (bits >> last != 0)).any():
        raise given.refused("tensor 'set_bits' has bits beyond the size of their set")
    leaf = given.tensors["left"][node] == node
    if leaf.any():
        raise given.refused(f"node {int(node[np.argmax(leaf)])}: it is a leaf, which cannot split on a set")
    return sets


@helper
def sloped(registers: Floats, first: int, count: int, divisor: float, slope: float, width: int) -> None:
    """The operation SLOPE: ``x / divisor * slope`` of ``count`` registers, in place."""
    for k in range(first, first + count * STRIDE, STRIDE):
        for j in range(width):
            registers[k + j] = registers[k + j] / divisor * slope
