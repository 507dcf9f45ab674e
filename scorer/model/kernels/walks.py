"""Trees in compiled code: two walks that find the same leaves, so which of them is taken changes no bit.

By tests, for blocks of rows: every inner node of a tree is tested on all rows, with vector instructions and without a
jump. A row keeps one bit for each leaf; where a test fails, the leaves on its left are cleared; the lowest bit that is
left is the row's leaf. For trees of at most 64 leaves.

By levels, for a few rows and for larger trees: all trees take one step down together, the deepest first, so that the
processor always has many independent steps at hand. A leaf leads to itself.

The words of the operation TREES, with ``trees``, ``levels``, ``nodes`` and ``tests`` as its head: the margin's
register of each tree; root and place of the trees, deepest first; how many trees are deeper than each level; for
each node ``left << 32 | register``; the first test of each tree and the end of the last; the first leaf of each tree;
register and mask of each test. The floats: base of each margin; threshold of each node; value of each node; bound of
each test; value of each leaf.

Source of the walk by tests: C. Lucchese et al., QuickScorer, SIGIR 2015.
"""

from __future__ import annotations

import numpy as np
from numba.cpython.unsafe.numbers import trailing_zeros

from scorer.batch import Floats, Int64s
from scorer.compiled import helper
from scorer.model.program import STRIDE

FEW = 8
"""Below so many rows the walk by levels is faster."""

_HEAD = 4
_ALL = np.int64(-1)
_LOW = np.int64(0xFFFFFFFF)


@helper
def sum_trees(
    registers: Floats,
    first: int,
    margins: int,
    words: Int64s,
    at: int,
    floats: Floats,
    where: int,
    lanes: Int64s,
    width: int,
) -> None:
    """The operation TREES on the first ``width`` rows of a block: the base values, then tree after tree as stored."""
    for k in range(margins):
        base = floats[where + k]
        for j in range(width):
            registers[first + k * STRIDE + j] = base
    trees, levels, nodes, tests = words[at], words[at + 1], words[at + 2], words[at + 3]
    at, where = at + _HEAD, where + margins
    if tests > 0 and width >= FEW:
        skipped = 3 * trees + levels + nodes
        by_tests(registers, words[at:], floats[where + 2 * nodes :], skipped, trees, tests, lanes, width)
    else:
        by_levels(registers, words[at:], floats[where:], trees, levels, nodes, lanes, width)


@helper
def by_tests(
    registers: Floats, words: Int64s, floats: Floats, at: int, trees: int, tests: int, lanes: Int64s, width: int
) -> None:
    """``lanes[j]`` has a bit for each leaf that row ``j`` can still reach; tests are made two at a time."""
    firsts = words[at : at + trees + 1]
    leaves = words[at + trees + 1 : at + 2 * trees + 1]
    at += 2 * trees + 1
    sources, masks = words[at : at + tests], words[at + tests : at + 2 * tests]
    bounds, values = floats[:tests], floats[tests:]
    wide = (width + 7) & ~7  # Whole vectors: a block has room, and nobody reads the rows beyond.
    for tree in range(trees):
        for j in range(wide):
            lanes[j] = _ALL
        for test in range(firsts[tree], firsts[tree + 1], 2):
            bound_a, mask_a, a = bounds[test], masks[test], sources[test]
            bound_b, mask_b, b = bounds[test + 1], masks[test + 1], sources[test + 1]
            xs_a, xs_b = registers[a : a + wide], registers[b : b + wide]
            for j in range(wide):
                kept = _ALL if xs_a[j] <= bound_a else mask_a
                lanes[j] &= kept & (_ALL if xs_b[j] <= bound_b else mask_b)
        margin, leaf = words[tree], leaves[tree]
        for j in range(width):
            registers[margin + j] += values[leaf + trailing_zeros(lanes[j])]


@helper
def by_levels(
    registers: Floats, words: Int64s, floats: Floats, trees: int, levels: int, nodes: int, lanes: Int64s, width: int
) -> None:
    """``lanes[i]`` is the node that the ``i``-th deepest tree has reached for the row at hand."""
    roots, places = words[trees : 2 * trees], words[2 * trees : 3 * trees]
    active = words[3 * trees : 3 * trees + levels]
    packed = words[3 * trees + levels : 3 * trees + levels + nodes]
    thresholds, values = floats[:nodes], floats[nodes : 2 * nodes]
    for j in range(width):
        for i in range(trees):
            lanes[i] = roots[i]
        for level in range(levels):
            for i in range(active[level]):
                node = lanes[i]
                x = registers[(packed[node] & _LOW) + j]
                lanes[i] = (packed[node] >> 32) + (0 if x <= thresholds[node] else 1)
        for tree in range(trees):
            registers[words[tree] + j] += values[lanes[places[tree]]]
