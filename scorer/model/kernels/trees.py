"""Decision trees in one layout for all libraries: how they are checked, and laid out as tables for the walks.

The layout, arrays over the nodes of all trees, tree after tree: ``feature`` (index of the kernel's column),
``threshold``, ``left`` (index of the left child; the right one is the next node; a leaf names itself), ``missing_left``
(1: a missing value goes left), ``value`` (of a leaf). A child comes after its parent. Over the trees: ``root``, the
tree's first node, and ``output``, the margin that its leaves add to. A row goes left where ``x <= threshold``; what
is 0 because it has no meaning (the threshold of a leaf, the value of an inner node) must be 0.

Splits on sets of categories are not in the layout yet: they would be a tensor of their own here, and a test beside
``x <= threshold`` in the walks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scorer.batch import Bools, Bytes, Floats, Int32s, Int64s
from scorer.model.limits import Limits
from scorer.model.program import Given, Program

LEAVES = 64
"""The most leaves of a tree that is walked by tests: one bit of a word each."""


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """Checked trees: see the module. ``base`` holds the value that each margin begins with."""

    feature: Int32s
    threshold: Floats
    left: Int32s
    missing_left: Bytes
    value: Floats
    root: Int32s
    output: Int32s
    base: Floats

    @property
    def leaf(self) -> Bools:
        """Which nodes are leaves."""
        return np.equal(self.left, np.arange(len(self.left)), dtype=np.bool_)

    @property
    def tree(self) -> Int64s:
        """The tree of each node."""
        sizes = np.diff(self.root, append=len(self.left))
        return np.repeat(np.arange(len(self.root)), sizes)

    def levels(self, most: int) -> list[Int64s]:
        """The nodes at depth 0, 1, …; at most ``most + 1`` levels, so a longer list means that there are more."""
        leaf, level = self.leaf, self.root.astype(np.int64)
        found: list[Int64s] = []
        while level.size and len(found) <= most + 1:
            found.append(level)
            inner = self.left[level[~leaf[level]]].astype(np.int64)
            level = np.concatenate([inner, inner + 1])
        return found

    @classmethod
    def read(cls, given: Given, margins: int, limits: Limits) -> Trees:
        """Take the tensors of a version and check that they are trees. Raises ``VersionRefused``."""
        nodes = given.tensors["left"].shape[:1]
        count = given.tensors["root"].shape[:1]
        if not nodes or not count or not 1 <= count[0] <= limits.trees or not 1 <= nodes[0] <= limits.nodes:
            raise given.refused(f"must have 1 to {limits.trees} trees with at most {limits.nodes} nodes in all")
        found = cls(
            given.tensor("feature", "int32", nodes),
            given.tensor("threshold", "float64", nodes, finite=False),
            given.tensor("left", "int32", nodes),
            given.tensor("missing_left", "uint8", nodes),
            given.floats("value", *nodes),
            given.tensor("root", "int32", count),
            given.tensor("output", "int32", count),
            given.floats("base", margins),
        )
        _check_numbers(found, given, margins)
        _check_shape(found, given)
        if len(found.levels(limits.depth)) > limits.depth + 1:
            raise given.refused(f"a tree is deeper than {limits.depth} levels")
        return found


def _check_numbers(trees: Trees, given: Given, margins: int) -> None:
    leaf, features = trees.leaf, len(given.inputs)
    idle = (trees.feature != 0) | (trees.threshold != 0) | (trees.missing_left != 0)
    for wrong, text in (
        ((trees.feature < 0) | (trees.feature >= features), f"feature is not one of the {features} columns"),
        (np.isnan(trees.threshold), "threshold is NaN"),
        (trees.missing_left > 1, "missing_left is neither 0 nor 1"),
        (leaf & idle, "leaf has a feature, threshold or missing_left other than 0"),
        (~leaf & (trees.value != 0), "inner node has a value other than 0"),
    ):
        if wrong.any():
            raise given.refused(f"node {int(np.argmax(wrong))}: its {text}")
    if ((trees.output < 0) | (trees.output >= margins)).any():
        raise given.refused(f"tensor 'output' names a margin that is not one of the {margins}")


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


def emit_trees(program: Program, trees: Trees, plain: Sequence[int], lower: Sequence[int]) -> tuple[int, int, int]:
    """Append the tables of ``trees``.

    ``plain[f]`` is the register of feature ``f``, ``lower[f]`` that in which a missing value is -inf, so that it goes
    left everywhere. Returns the register of the first margin and the offsets of words and floats.
    """
    margins = [program.scratch() for _ in trees.base]
    idle = program.scratch()  # Never written, so it stays 0: a leaf compares it with +inf and leads to itself.
    leaf, tree, levels = trees.leaf, trees.tree, trees.levels(program.limits.depth)
    registers = np.where(trees.missing_left == 1, np.array(lower)[trees.feature], np.array(plain)[trees.feature])
    registers[leaf] = idle
    threshold = np.where(leaf, np.inf, trees.threshold)
    depth = np.zeros(len(trees.root), np.int64)
    for level, nodes in enumerate(levels):
        depth[tree[nodes]] = level
    deepest = np.argsort(-depth, kind="stable")
    place = np.empty_like(deepest)
    place[deepest] = np.arange(len(deepest))
    active = np.array([np.count_nonzero(depth > level) for level in range(len(levels) - 1)], np.int64)
    firsts, tests, masks, bounds, leaf_first, leaf_value = _tests(trees, levels, registers, idle)
    head = np.array([len(depth), len(active), len(leaf), len(tests)], np.int64)
    packed = (trees.left.astype(np.int64) << 32) | registers
    scores = np.array(margins)[trees.output]
    words = program.words(
        np.concatenate([head, scores, trees.root[deepest], place, active, packed, firsts, leaf_first, tests, masks])
    )
    floats = program.floats(np.concatenate([trees.base, threshold, trees.value, bounds, leaf_value]))
    program.lanes = max(program.lanes, len(depth))
    return margins[0], words, floats


def _tests(
    trees: Trees, levels: Sequence[Int64s], registers: Int64s, idle: int
) -> tuple[Int64s, Int64s, Int64s, Floats, Int64s, Floats]:
    """The tables of the walk by tests: first test of each tree, registers, masks and bounds of the tests, leaves.

    No tests at all where a tree has too many leaves. Tests come in pairs; an odd one gets a companion that never
    fails.
    """
    leaf, left, tree, count = trees.leaf, trees.left, trees.tree, len(trees.root)
    below = leaf.astype(np.int64)
    for nodes in reversed(levels):
        inner = nodes[~leaf[nodes]]
        below[inner] = below[left[inner]] + below[left[inner] + 1]
    leaves = below[trees.root]
    if leaves.max() > LEAVES:
        nothing = np.zeros(0, np.int64)
        return np.zeros(count + 1, np.int64), nothing, nothing, np.zeros(0), np.zeros(count, np.int64), np.zeros(0)
    first = np.zeros(len(leaf), np.int64)
    for nodes in levels:
        inner = nodes[~leaf[nodes]]
        first[left[inner]] = first[inner]
        first[left[inner] + 1] = first[inner] + below[left[inner]]
    inner = np.flatnonzero(~leaf)
    pairs = leaves // 2  # A tree has one inner node less than leaves.
    firsts = np.concatenate([[0], np.cumsum(2 * pairs)])
    rank = np.arange(len(inner)) - np.concatenate([[0], np.cumsum(leaves - 1)])[tree[inner]]
    where = firsts[tree[inner]] + rank
    tests = np.full(firsts[-1], idle, np.int64)
    masks = np.full(firsts[-1], -1, np.int64)
    bounds = np.full(firsts[-1], np.inf)
    tests[where], bounds[where] = registers[inner], trees.threshold[inner]
    on_left = ((np.uint64(1) << below[left[inner]].astype(np.uint64)) - np.uint64(1)) << first[inner].astype(np.uint64)
    masks[where] = (~on_left).view(np.int64)
    leaf_first = np.cumsum(leaves) - leaves
    leaf_value = np.zeros(int(leaves.sum()))
    ends = np.flatnonzero(leaf)
    leaf_value[leaf_first[tree[ends]] + first[ends]] = trees.value[ends]
    return firsts, tests, masks, bounds, leaf_first, leaf_value


def walk(trees: Trees, columns: Floats) -> Int64s:
    """The leaf of each row in each tree, ``(trees, rows)``, in plain numpy; ``columns`` is ``(features, rows)``."""
    rows = np.arange(columns.shape[1])
    leaf = trees.leaf
    found = np.repeat(trees.root.astype(np.int64)[:, None], columns.shape[1], axis=1)
    for nodes in found:
        while not leaf[nodes].all():
            x = columns[trees.feature[nodes], rows]
            goes_left = np.where(np.isnan(x), trees.missing_left[nodes] == 1, x <= trees.threshold[nodes])
            nodes[:] = np.where(leaf[nodes], nodes, np.where(goes_left, trees.left[nodes], trees.left[nodes] + 1))
    return found
