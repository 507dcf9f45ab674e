"""Decision trees in one layout for all libraries: what it is, how it is checked, and the walk in plain numpy.

The layout, arrays over the nodes of all trees, tree after tree: ``feature`` (index of the kernel's column),
``threshold``, ``left`` (index of the left child; the right one is the next node; a leaf names itself), ``missing`` (one
of the constants below: what happens where there is no value). A child comes after its parent. Over the leaves, in the
order of their nodes: ``value``, a row each of what the leaf adds to the tree's margins. Over the trees: ``root``, the
tree's first node, and ``output``, the first margin that its leaves add to. A row goes left where ``x <= threshold``;
what is 0 because it has no meaning (the threshold of a leaf) must be 0.

A node may split on a **set of categories** instead: see :class:`Sets`. Its threshold has no meaning.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scorer.batch import Bools, Bytes, Floats, Int32s, Int64s
from scorer.model.limits import Limits
from scorer.model.program import Given

MISSING_RIGHT, MISSING_LEFT = 0, 1
"""A missing value goes right, or left."""
MISSING_IS_ZERO = 2
"""A missing value counts as 0."""
ZERO_RIGHT, ZERO_LEFT = 3, 4
"""A missing value and 0 go right, or left, whatever the threshold."""

WORD = 64


@dataclass(frozen=True, slots=True, eq=False)
class Sets:
    """The splits on sets of categories: of each its ``node``, increasing, and which codes go left.

    A category is a code from 0 on. ``size`` says how many codes the set speaks of; ``bits`` holds one bit for each of
    them, set after set, each beginning a new word (code ``c`` is bit ``c % 64`` of word ``c // 64``): 1 goes left, 0
    right. Any other value goes left where ``other`` is 1. A missing value follows ``missing`` of the node, which is
    MISSING_RIGHT or MISSING_LEFT.
    """

    node: Int32s
    size: Int32s
    other: Bytes
    bits: Int64s

    @property
    def first(self) -> Int64s:
        """The first word of each set, and the end of the last."""
        return np.concatenate([[0], np.cumsum(-(-self.size.astype(np.int64) // WORD))])

    def holds(self, which: Int64s, codes: Int64s) -> Bools:
        """Whether set ``which[i]`` sends ``codes[i]`` left; -1 is any other value."""
        known = (codes >= 0) & (codes < self.size[which])
        code = np.where(known, codes, 0)
        bit = (self.bits[self.first[which] + code // WORD] >> (code % WORD)) & 1
        return np.equal(np.where(known, bit, self.other[which]), 1, dtype=np.bool_)


NO_SETS = Sets(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.uint8), np.zeros(0, np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """Trees: see the module. ``base`` holds the value that each margin begins with."""

    feature: Int32s
    threshold: Floats
    left: Int32s
    missing: Bytes
    value: Floats
    root: Int32s
    output: Int32s
    base: Floats
    sets: Sets = NO_SETS

    @property
    def leaf(self) -> Bools:
        """Which nodes are leaves."""
        return np.equal(self.left, np.arange(len(self.left)), dtype=np.bool_)

    @property
    def tree(self) -> Int64s:
        """The tree of each node."""
        sizes = np.diff(self.root, append=len(self.left))
        return np.repeat(np.arange(len(self.root)), sizes)

    @property
    def place(self) -> Int64s:
        """The row of ``value`` of each node that is a leaf."""
        return np.cumsum(self.leaf) - 1

    @property
    def set_of(self) -> Int64s:
        """The set that each node splits on, or -1."""
        found = np.full(len(self.left), -1)
        found[self.sets.node] = np.arange(len(self.sets.node))
        return found

    def levels(self, most: int) -> list[Int64s]:
        """The nodes at depth 0, 1, …; at most ``most + 1`` levels, so a longer list means that there are more."""
        leaf, level = self.leaf, self.root.astype(np.int64)
        found: list[Int64s] = []
        while level.size and len(found) <= most + 1:
            found.append(level)
            inner = self.left[level[~leaf[level]]].astype(np.int64)
            level = np.concatenate([inner, inner + 1])
        return found


def sizes(given: Given, limits: Limits) -> tuple[int, int]:
    """How many nodes and trees a version gives. Raises ``VersionRefused`` where there are none or too many."""
    nodes = given.tensors["left"].shape[:1]
    count = given.tensors["root"].shape[:1]
    if not nodes or not count or not 1 <= count[0] <= limits.trees or not 1 <= nodes[0] <= limits.nodes:
        raise given.refused(f"must have 1 to {limits.trees} trees with at most {limits.nodes} nodes in all")
    return nodes[0], count[0]


def check(trees: Trees, given: Given, limits: Limits) -> None:
    """Check that arrays of the right dtypes and shapes are trees. Raises ``VersionRefused``."""
    _check_nodes(trees, given)
    margins, width = len(trees.base), trees.value.shape[1]
    if ((trees.output < 0) | (trees.output > margins - width)).any():
        raise given.refused(f"tensor 'output' names a margin that is not one of the {margins}")
    _check_shape(trees, given)
    if len(trees.levels(limits.depth)) > limits.depth + 1:
        raise given.refused(f"a tree is deeper than {limits.depth} levels")


def _check_nodes(trees: Trees, given: Given) -> None:
    leaf, features, on_set = trees.leaf, len(given.inputs), trees.set_of >= 0
    idle = (trees.feature != 0) | (trees.threshold != 0) | (trees.missing != 0)
    for wrong, text in (
        ((trees.feature < 0) | (trees.feature >= features), f"feature is not one of the {features} columns"),
        (np.isnan(trees.threshold), "threshold is NaN"),
        (leaf & idle, "leaf has a feature, threshold or missing other than 0"),
        (on_set & (trees.threshold != 0), "threshold is other than 0, but it splits on a set"),
        (on_set & (trees.missing > MISSING_LEFT), "missing is neither 0 nor 1, but it splits on a set"),
    ):
        if wrong.any():
            raise given.refused(f"node {int(np.argmax(wrong))}: its {text}")


def _check_shape(trees: Trees, given: Given) -> None:
    """Children lie behind their parent in the same tree, and each node but the roots is the child of exactly one."""
    nodes, root, left = len(trees.left), trees.root.astype(np.int64), trees.left.astype(np.int64)
    if root[0] != 0 or (np.diff(root) <= 0).any() or root[-1] >= nodes:
        raise given.refused("tensor 'root' must begin with 0, increase and stay below the number of nodes")
    end = np.append(root[1:], nodes)[trees.tree]
    inner = np.flatnonzero(~trees.leaf)
    outside = (left[inner] <= inner) | (left[inner] + 1 >= end[inner])
    if outside.any():
        raise given.refused(f"node {int(inner[np.argmax(outside)])}: its children are not behind it in the same tree")
    parents = np.bincount(np.concatenate([left[inner], left[inner] + 1]), minlength=nodes)
    parents[root] += 1
    if (parents != 1).any():
        raise given.refused(f"node {int(np.argmax(parents != 1))}: it must be the child of exactly one node, or a root")


def walk(trees: Trees, columns: Floats, codes: Int64s) -> Int64s:
    """The leaf's node of each row in each tree, ``(trees, rows)``, in plain numpy.

    ``columns`` is ``(features, rows)``, NaN where there is no value; ``codes`` are the same values as categories, -1
    where a value is none.
    """
    rows = np.arange(columns.shape[1])
    leaf, set_of = trees.leaf, trees.set_of
    found = np.repeat(trees.root.astype(np.int64)[:, None], columns.shape[1], axis=1)
    for nodes in found:
        while not leaf[nodes].all():
            feature, missing = trees.feature[nodes], trees.missing[nodes]
            x = columns[feature, rows]
            x = np.where(np.isnan(x) & (missing == MISSING_IS_ZERO), 0.0, x)
            gap = np.isnan(x) | ((x == 0) & (missing >= ZERO_RIGHT))
            goes_left = x <= trees.threshold[nodes]
            on_set = set_of[nodes] >= 0
            goes_left[on_set] = trees.sets.holds(set_of[nodes[on_set]], codes[feature[on_set], rows[on_set]])
            goes_left = np.where(gap, (missing == MISSING_LEFT) | (missing == ZERO_LEFT), goes_left)
            nodes[:] = np.where(leaf[nodes], nodes, np.where(goes_left, trees.left[nodes], trees.left[nodes] + 1))
    return found
