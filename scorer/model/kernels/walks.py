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
from scorer.compiled import borrowing, inlined
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
    ON_SETS,
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
from scorer.model.ops import STRIDE

FEW = 8
"""Below so many rows the walk by row is faster."""

_ALL = np.int64(-1)
_SET = np.int64(1 << 31)
_SOURCE = np.int64((1 << 31) - 1)


@borrowing
def sum_trees(
    registers: Floats, first: int, margins: int, words: Int64s, at: int, floats: Floats, lanes: Int64s, width: int
) -> None:
    """The operation TREES on the first ``width`` rows of a block: the base values, then tree after tree as stored."""
    for k in range(margins):
        base = floats[words[at + BASE] + k]
        for j in range(width):
            registers[first + k * STRIDE + j] = base
    if width < FEW:
        by_row(registers, words, at, floats, lanes, width)
        return
    for tree in range(words[at + COUNT]):
        steps = words[words[at + STEPS] + tree]
        if steps > 0:
            by_levels(registers, words, at, floats, tree, steps, lanes, width)
        else:
            by_tests(registers, words, at, floats, tree, lanes, width)
        add(registers, words[words[at + MARGIN] + tree], words, at, floats, lanes, width)


@borrowing
def add(registers: Floats, margin: int, words: Int64s, at: int, floats: Floats, lanes: Int64s, width: int) -> None:
    """Add to each row what its leaf ``lanes[j]`` is worth."""
    value, each = words[at + VALUE], words[at + WIDTH]
    if words[at + NARROW]:
        for k in range(each):
            for j in range(width):
                found = registers[margin + k * STRIDE + j] + floats[value + lanes[j] * each + k]
                registers[margin + k * STRIDE + j] = np.float64(np.float32(found))
    elif each > 1:
        for k in range(each):
            for j in range(width):
                registers[margin + k * STRIDE + j] += floats[value + lanes[j] * each + k]
    else:
        for j in range(width):
            registers[margin + j] += floats[value + lanes[j]]


@inlined
def member(words: Int64s, at: int, code: float) -> bool:
    """Whether the set at ``words[at]`` sends ``code`` left."""
    bit = int(code)
    if bit >= words[at]:
        bit = 1
    return (words[at + 1 + (bit >> 6)] >> (bit & 63)) & 1 != 0  # type: ignore[no-any-return]


@borrowing
def by_tests(registers: Floats, words: Int64s, at: int, floats: Floats, tree: int, lanes: Int64s, width: int) -> None:
    """``lanes[j]`` has a bit for each leaf that row ``j`` can still reach, then its leaf; two tests at a time."""
    wide = (width + 7) & ~7  # Whole vectors: a block has room, and nobody reads the rows beyond.
    for j in range(wide):
        lanes[j] = _ALL
    range_, tested, masks, bounds = words[at + TEST] + tree, words[at + TESTED], words[at + MASK], words[at + BOUND]
    for test in range(words[range_], words[range_ + 1], 2):
        bound_a, mask_a, a = floats[bounds + test], words[masks + test], words[tested + test]
        bound_b, mask_b, b = floats[bounds + test + 1], words[masks + test + 1], words[tested + test + 1]
        xs_a, xs_b = registers[a : a + wide], registers[b : b + wide]
        for j in range(wide):
            kept = _ALL if xs_a[j] <= bound_a else mask_a
            lanes[j] &= kept & (_ALL if xs_b[j] <= bound_b else mask_b)
    range_, tested, masks, sets = (
        words[at + SET_TEST] + tree,
        words[at + SET_TESTED],
        words[at + SET_MASK],
        words[at + SETS],
    )
    for test in range(words[range_], words[range_ + 1]):
        source, mask, members = words[tested + test], words[masks + test], sets + words[words[at + SET_PLACE] + test]
        for j in range(width):
            if not member(words, members, registers[source + j]):
                lanes[j] &= mask
    leaf = words[words[at + LEAF] + tree]
    for j in range(width):
        lanes[j] = leaf + trailing_zeros(lanes[j])


@inlined
def step(registers: Floats, entry: int, threshold: float, j: int) -> int:
    """The child of the node ``entry`` that row ``j`` goes to."""
    return (entry >> 32) + (0 if registers[(entry & _SOURCE) + j] <= threshold else 1)


@inlined
def step_or_set(registers: Floats, words: Int64s, sets: int, entry: int, threshold: float, j: int) -> int:
    """The same where the node may split on a set."""
    if entry & _SET:
        goes_left = member(words, sets + int(threshold), registers[(entry & _SOURCE) + j])
        return (entry >> 32) + (0 if goes_left else 1)
    return step(registers, entry, threshold, j)


@borrowing
def by_levels(
    registers: Floats, words: Int64s, at: int, floats: Floats, tree: int, steps: int, lanes: Int64s, width: int
) -> None:
    """``lanes[j]`` is the node that row ``j`` has reached, then its leaf."""
    nodes, thresholds, sets = words[at + NODE], words[at + THRESHOLD], words[at + SETS]
    root = words[words[at + ROOT] + words[words[at + PLACE] + tree]]
    for j in range(width):
        lanes[j] = root
    for _ in range(steps):
        for j in range(width):
            node = lanes[j]
            lanes[j] = step_or_set(registers, words, sets, words[nodes + node], floats[thresholds + node], j)
    for j in range(width):
        lanes[j] = int(floats[thresholds + lanes[j]])


@borrowing
def by_row(registers: Floats, words: Int64s, at: int, floats: Floats, lanes: Int64s, width: int) -> None:
    """``lanes[place]`` is the node that the row at hand has reached in the tree of that place."""
    trees, each, narrow, sets = words[at + COUNT], words[at + WIDTH], words[at + NARROW], words[at + SETS]
    nodes, thresholds = words[at + NODE], words[at + THRESHOLD]
    for j in range(width):
        for place in range(trees):
            lanes[place] = words[words[at + ROOT] + place]
        for level in range(words[at + LEVELS]):
            active = words[words[at + ACTIVE] + level]
            if words[at + ON_SETS]:
                for place in range(active):
                    node = lanes[place]
                    entry, threshold = words[nodes + node], floats[thresholds + node]
                    lanes[place] = step_or_set(registers, words, sets, entry, threshold, j)
            else:
                for place in range(active):
                    node = lanes[place]
                    lanes[place] = step(registers, words[nodes + node], floats[thresholds + node], j)
        for tree in range(trees):
            leaf = int(floats[thresholds + lanes[words[words[at + PLACE] + tree]]])
            for k in range(each):
                total = words[words[at + MARGIN] + tree] + k * STRIDE + j
                found = registers[total] + floats[words[at + VALUE] + leaf * each + k]
                registers[total] = np.float64(np.float32(found)) if narrow else found
