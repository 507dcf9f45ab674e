"""Random trees of every kind that forest@1 knows, and the leaf that a row reaches, by the words of the description."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from scorer.model.build_trees import CategorySplit, ForestTree
from scorer.model.kernels.trees import MISSING_IS_ZERO, MISSING_LEFT, ZERO_LEFT, ZERO_RIGHT
from tests.model import samples


def tree(
    rng: np.random.Generator, leaves: int, features: int, width: int = 1, output: int = 0, *, sets: float = 0.0
) -> ForestTree:
    """A random tree with so many leaves; a share ``sets`` of its splits is on a set of categories."""
    plain = samples.tree(rng, leaves, features, chain=leaves % 7 == 3)
    left = np.asarray(plain.left)
    inner = np.flatnonzero(left >= 0)
    on_set = inner[rng.random(len(inner)) < sets]
    found = {int(node): split(rng) for node in on_set}
    missing = rng.integers(0, 5, len(left))
    missing[on_set] %= 2
    value = rng.normal(size=(len(left), width))
    return ForestTree(plain.feature, plain.threshold, left, plain.right, missing, value, found, output)


def split(rng: np.random.Generator) -> CategorySplit:
    """A random set; its size is often just below or above what fills a word."""
    size = int(rng.choice([1, 2, 5, 61, 62, 63, 64, 65, 126, 127, 128, 129, 200]))
    return CategorySplit(np.flatnonzero(rng.random(size) < 0.5).tolist(), size, bool(rng.integers(2)))


def without_zeros(what: ForestTree) -> ForestTree:
    """The same, in which zero is a number like others."""
    return replace(what, missing=np.asarray(what.missing) % 2)


def leaf_of(what: ForestTree, row: list[float], *, strictly: bool = False, above: float = -1.0) -> int:
    """The leaf of one row, by hand. ``strictly``: what sends left is ``<``; ``above``: what a category is above."""
    feature, threshold, left, right, missing = (
        np.asarray(values).tolist() for values in (what.feature, what.threshold, what.left, what.right, what.missing)
    )
    node = 0
    while left[node] >= 0:
        x = row[feature[node]]
        if math.isnan(x) and missing[node] == MISSING_IS_ZERO:
            x = 0.0
        if math.isnan(x) or (x == 0 and missing[node] in {ZERO_LEFT, ZERO_RIGHT}):
            goes_left = missing[node] in {MISSING_LEFT, ZERO_LEFT}
        elif node in what.sets:
            known = what.sets[node]
            code = int(x) if above < x < 2**31 else -1
            goes_left = code in known.left if 0 <= code < known.size else known.other_left
        else:
            goes_left = x < threshold[node] if strictly else x <= threshold[node]
        node = left[node] if goes_left else right[node]
    return int(node)
