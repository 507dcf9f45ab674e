"""Trees as tables of numbers for the walks of :mod:`scorer.model.kernels.walks`.

A table is written into the program's words or floats, and its offset there into the head of the operation TREES: the
head's places are the constants below.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scorer.batch import Int64s
from scorer.model.kernels.tree_columns import TreeColumns
from scorer.model.kernels.trees import MISSING_LEFT, WORD, Trees
from scorer.model.program import Program

LEAVES = 64
"""The most leaves of a tree that is walked by tests: one bit of a word each."""

SET = 1 << 31
"""Beside the register of a node: it is one of codes, and the node splits on a set."""

# The head. Numbers:
COUNT = 0
"""How many trees."""
LEVELS = 1
"""The depth of the deepest."""
WIDTH = 2
"""How many margins a leaf adds to."""
NARROW = 3
"""1: each sum is rounded to float32."""
# Offsets in words, of tables over the trees:
MARGIN = 4
"""The register of the first margin."""
ROOT = 5
"""The root's node; here the deepest tree is the first."""
STEPS = 6
"""How many levels lie below the root; 0 of a tree that has tests, or but one leaf."""
PLACE = 7
"""The place of the tree when the deepest is the first."""
ACTIVE = 8
"""Over the levels: how many trees are deeper."""
TEST = 9
"""The first test, and the end of the last."""
SET_TEST = 10
"""The first test of a set, and the end of the last."""
LEAF = 11
"""The first leaf's place."""
# Of tables over the nodes: a word ``left << 32 | register``, and in floats the threshold; of a leaf its place among the
# leaves, which the 0 that it is compared with never exceeds; of a split on a set the place of the set.
NODE = 12
THRESHOLD = 13
# Of tables over the tests: the register, the leaves that are left where it fails, and in floats the bound.
TESTED = 14
MASK = 15
BOUND = 16
# Of tables over the tests of sets: the register, the leaves that are left where it fails, and the place of the set.
SET_TESTED = 17
SET_MASK = 18
SET_PLACE = 19
# The sets: of each its number of codes, then its bits. Code 0 is a missing value, 1 one that is no category.
SETS = 20
ON_SETS = 23
"""1: there are any."""
VALUE = 21
"""In floats: of each leaf, tree after tree and from left to right, what it adds to each margin."""
BASE = 22
"""In floats: what each margin begins with."""
HEAD = 24


def write(program: Program, trees: Trees, columns: TreeColumns, *, narrow: bool) -> tuple[int, int]:
    """Append the tables of ``trees``; returns the register of the first margin and the place of the head."""
    margins = [program.scratch() for _ in trees.base]
    idle = program.scratch()  # Never written, so it stays 0: a leaf compares its place with it and leads to itself.
    leaf, tree, levels = trees.leaf, trees.tree, trees.levels(program.limits.depth)
    depth = np.zeros(len(trees.root), np.int64)
    for level, nodes in enumerate(levels):
        depth[tree[nodes]] = level
    deepest = np.argsort(-depth, kind="stable")
    registers = np.where(leaf, idle, columns.registers(trees))
    below, first = _leaves(trees, levels)
    place = first + (np.cumsum(below[trees.root]) - below[trees.root])[tree]
    sets, table = _sets(trees)
    on_set = trees.set_of >= 0
    threshold = np.where(leaf, place, trees.threshold)
    threshold[on_set] = sets
    order = np.empty(int(leaf.sum()), np.int64)
    order[place[leaf]] = trees.place[leaf]
    head = np.zeros(HEAD, np.int64)
    head[[COUNT, LEVELS, WIDTH, NARROW]] = len(depth), len(levels) - 1, trees.value.shape[1], narrow
    head[ON_SETS] = len(sets) > 0
    for at, words in (
        (MARGIN, np.array(margins)[trees.output]),
        (ROOT, trees.root[deepest]),
        (STEPS, np.where(below[trees.root] <= LEAVES, 0, depth)),
        (PLACE, np.argsort(deepest)),
        (ACTIVE, np.array([np.count_nonzero(depth > level) for level in range(len(levels) - 1)], np.int64)),
        (LEAF, np.cumsum(below[trees.root]) - below[trees.root]),
        (NODE, (trees.left.astype(np.int64) << 32) | np.where(on_set, registers | SET, registers)),
        (SETS, table),
    ):
        head[at] = program.words(words.astype(np.int64))
    head[THRESHOLD] = program.floats(threshold)
    head[VALUE] = program.floats(trees.value[order])
    head[BASE] = program.floats(trees.base)
    _tests(program, head, trees, registers, idle, below, first, threshold)
    program.lanes = max(program.lanes, len(depth))
    return margins[0], program.words(head)


def _leaves(trees: Trees, levels: Sequence[Int64s]) -> tuple[Int64s, Int64s]:
    """How many leaves lie below each node, and how many of its tree lie on its left."""
    leaf, left = trees.leaf, trees.left
    below = leaf.astype(np.int64)
    for nodes in reversed(levels):
        inner = nodes[~leaf[nodes]]
        below[inner] = below[left[inner]] + below[left[inner] + 1]
    first = np.zeros(len(leaf), np.int64)
    for nodes in levels:
        inner = nodes[~leaf[nodes]]
        first[left[inner]] = first[inner]
        first[left[inner] + 1] = first[inner] + below[left[inner]]
    return below, first


def _sets(trees: Trees) -> tuple[Int64s, Int64s]:
    """The place of each set in their table, and the table."""
    sets = trees.sets
    size = sets.size.astype(np.int64) + 2
    ends = np.cumsum(-(-size // WORD) + 1)
    places = np.concatenate([[0], ends])[:-1]
    table = np.zeros(int(ends[-1]) + 1 if len(ends) else 0, np.uint64)
    if not len(ends):
        return places, table.view(np.int64)
    bits, counts = sets.bits.view(np.uint64), np.diff(sets.first)
    word = np.arange(len(bits)) - np.repeat(sets.first[:-1], counts) + np.repeat(places, counts) + 1
    table[word] = bits << np.uint64(2)
    table[word + 1] |= bits >> np.uint64(WORD - 2)  # Where no word of this set follows, these two bits are 0.
    table[places] = size
    table[places + 1] |= (trees.missing[sets.node] == MISSING_LEFT).astype(np.uint64)
    table[places + 1] |= sets.other.astype(np.uint64) << np.uint64(1)
    return places, table.view(np.int64)


def _tests(
    program: Program,
    head: Int64s,
    trees: Trees,
    registers: Int64s,
    idle: int,
    below: Int64s,
    first: Int64s,
    threshold: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> None:
    """The tables of the walk by tests, for trees with few enough leaves.

    Tests of numbers come in pairs; an odd one gets a companion that never fails.
    """
    tree, on_set = trees.tree, trees.set_of >= 0
    few = below[trees.root] <= LEAVES
    tested = ~trees.leaf & few[tree]
    shift = np.uint64(1) << np.minimum(below[trees.left], LEAVES - 1).astype(np.uint64)
    masks = ~((shift - np.uint64(1)) << np.minimum(first, LEAVES - 1).astype(np.uint64)).view(np.int64)
    numbers, members = np.flatnonzero(tested & ~on_set), np.flatnonzero(tested & on_set)
    counts = np.bincount(tree[numbers], minlength=len(few))
    firsts = np.concatenate([[0], np.cumsum(counts + counts % 2)])
    where = firsts[tree[numbers]] + _rank(tree[numbers])
    sources, keep, bounds = np.full(firsts[-1], idle), np.full(firsts[-1], -1), np.full(firsts[-1], np.inf)
    sources[where], keep[where], bounds[where] = registers[numbers], masks[numbers], threshold[numbers]
    head[TEST] = program.words(firsts)
    head[TESTED], head[MASK], head[BOUND] = program.words(sources), program.words(keep), program.floats(bounds)
    head[SET_TEST] = program.words(np.concatenate([[0], np.cumsum(np.bincount(tree[members], minlength=len(few)))]))
    head[SET_TESTED], head[SET_MASK] = program.words(registers[members]), program.words(masks[members])
    head[SET_PLACE] = program.words(threshold[members].astype(np.int64))


def _rank(groups: Int64s) -> Int64s:
    """The position of each entry among those of its group; groups lie side by side."""
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    return np.arange(len(groups)) - np.repeat(starts, np.diff(starts, append=len(groups)))
