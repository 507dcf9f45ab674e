"""Trees in compiled code: three walks that find the same leaves, so which of them is taken changes no bit.

By tests, for blocks of rows and trees of at most 64 leaves: every inner node of a tree is tested on all rows, with
vector instructions and without a jump. A row keeps one bit for each leaf; where a test fails, the leaves on its left
are cleared; the lowest bit that is left is the row's leaf.

By levels, for blocks of rows and larger trees: all rows take one step down a tree together, so that the processor
always has many independent steps at hand and the tree stays in the cache. A leaf leads to itself.

By row, for a few rows: all trees take one step down together, the deepest first.

The tables are those of :mod:`scorer.model.kernels.tree_tables`.

Source of the walk by tests: C. Lucchese et al., QuickScorer, SIGIR 2015.
"""

from __future__ import annotations

import numpy as np
from numba.cpython.unsafe.numbers import trailing_zeros

from scorer.batch import Floats, Int64s
from scorer.compiled import helper, inlined
from scorer.model.kernels.tree_tables import (
    ACTIVE,
    BASE,
    BOUND,
    COUNT,
    LEAF,
    LEVELS,
    MARGIN,
    MASK,
    NARROW,
    NODE,
    PLACE,
    ROOT,
    SET_MASK,
    SET_PLACE,
    SET_TEST,
    SET_TESTED,
    SETS,
    STEPS,
    TEST,
    TESTED,
    THRESHOLD,
    VALUE,
    WIDTH,
)
from scorer.model.program import STRIDE

FEW = 8
"""Below so many rows the walk by row is faster."""

_ALL = np.int64(-1)
_SET = np.int64(1 << 31)
_SOURCE = np.int64((1 << 31) - 1)


@helper
def sum_trees(
    registers: Floats, first: int, margins: int, words: Int64s, at: int, floats: Floats, lanes: Int64s, width: int
) -> None:
    """The operation TREES on the first ``width`` rows of a block: the base values, then tree after tree as stored."""
    head = words[at:]
    base = floats[head[BASE] :]
    for k in range(margins):
        for j in range(width):
            registers[first + k * STRIDE + j] = base[k]
    if width < FEW:
        by_row(registers, head, words, floats, lanes, width)
        return
    steps, margin = words[head[STEPS] :], words[head[MARGIN] :]
    for tree in range(head[COUNT]):
        if steps[tree] > 0:
            by_levels(registers, head, words, floats, tree, steps[tree], lanes, width)
        else:
            by_tests(registers, head, words, floats, tree, lanes, width)
        add(registers, margin[tree], head, floats, lanes, width)


@helper
def add(registers: Floats, margin: int, head: Int64s, floats: Floats, lanes: Int64s, width: int) -> None:
    """Add to each row what its leaf ``lanes[j]`` is worth."""
    values, each, narrow = floats[head[VALUE] :], head[WIDTH], head[NARROW]
    for k in range(each):
        total = margin + k * STRIDE
        if narrow:
            for j in range(width):
                registers[total + j] = np.float64(np.float32(registers[total + j] + values[lanes[j] * each + k]))
        else:
            for j in range(width):
                registers[total + j] += values[lanes[j] * each + k]


@inlined
def member(words: Int64s, at: int, code: float) -> bool:
    """Whether the set at ``words[at]`` sends ``code`` left."""
    bit = int(code)
    if bit >= words[at]:
        bit = 1
    return (words[at + 1 + (bit >> 6)] >> (bit & 63)) & 1 != 0  # type: ignore[no-any-return]


@helper
def by_tests(
    registers: Floats, head: Int64s, words: Int64s, floats: Floats, tree: int, lanes: Int64s, width: int
) -> None:
    """``lanes[j]`` has a bit for each leaf that row ``j`` can still reach, then its leaf; two tests at a time."""
    firsts, sources, masks, bounds = (
        words[head[TEST] :],
        words[head[TESTED] :],
        words[head[MASK] :],
        floats[head[BOUND] :],
    )
    wide = (width + 7) & ~7  # Whole vectors: a block has room, and nobody reads the rows beyond.
    for j in range(wide):
        lanes[j] = _ALL
    for test in range(firsts[tree], firsts[tree + 1], 2):
        bound_a, mask_a, a = bounds[test], masks[test], sources[test]
        bound_b, mask_b, b = bounds[test + 1], masks[test + 1], sources[test + 1]
        xs_a, xs_b = registers[a : a + wide], registers[b : b + wide]
        for j in range(wide):
            kept = _ALL if xs_a[j] <= bound_a else mask_a
            lanes[j] &= kept & (_ALL if xs_b[j] <= bound_b else mask_b)
    firsts = words[head[SET_TEST] :]
    for test in range(firsts[tree], firsts[tree + 1]):
        source, mask = words[head[SET_TESTED] + test], words[head[SET_MASK] + test]
        at = head[SETS] + words[head[SET_PLACE] + test]
        for j in range(width):
            if not member(words, at, registers[source + j]):
                lanes[j] &= mask
    leaf = words[head[LEAF] + tree]
    for j in range(width):
        lanes[j] = leaf + trailing_zeros(lanes[j])


@inlined
def step(registers: Floats, words: Int64s, sets: int, entry: int, threshold: float, j: int) -> int:
    """The child of the node ``entry`` that row ``j`` goes to."""
    x = registers[(entry & _SOURCE) + j]
    goes_left = member(words, sets + int(threshold), x) if entry & _SET else x <= threshold
    return (entry >> 32) + (0 if goes_left else 1)


@helper
def by_levels(
    registers: Floats, head: Int64s, words: Int64s, floats: Floats, tree: int, steps: int, lanes: Int64s, width: int
) -> None:
    """``lanes[j]`` is the node that row ``j`` has reached, then its leaf."""
    nodes, thresholds, sets = words[head[NODE] :], floats[head[THRESHOLD] :], head[SETS]
    root = words[head[ROOT] + words[head[PLACE] + tree]]
    for j in range(width):
        lanes[j] = root
    for _ in range(steps):
        for j in range(width):
            node = lanes[j]
            lanes[j] = step(registers, words, sets, nodes[node], thresholds[node], j)
    for j in range(width):
        lanes[j] = np.int64(thresholds[lanes[j]])


@helper
def by_row(registers: Floats, head: Int64s, words: Int64s, floats: Floats, lanes: Int64s, width: int) -> None:
    """``lanes[place]`` is the node that the row at hand has reached in the tree of that place."""
    trees, each, narrow, sets = head[COUNT], head[WIDTH], head[NARROW], head[SETS]
    nodes, thresholds, values = words[head[NODE] :], floats[head[THRESHOLD] :], floats[head[VALUE] :]
    roots, places = words[head[ROOT] :], words[head[PLACE] :]
    active, margins = words[head[ACTIVE] :], words[head[MARGIN] :]
    for j in range(width):
        for place in range(trees):
            lanes[place] = roots[place]
        for level in range(head[LEVELS]):
            for place in range(active[level]):
                node = lanes[place]
                lanes[place] = step(registers, words, sets, nodes[node], thresholds[node], j)
        for tree in range(trees):
            leaf = np.int64(thresholds[lanes[places[tree]]]) * each
            for k in range(each):
                total = margins[tree] + k * STRIDE + j
                found = registers[total] + values[leaf + k]
                registers[total] = np.float64(np.float32(found)) if narrow else found
