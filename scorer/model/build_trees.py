"""Writing the kernel forest@1, for importers: trees of any library, as arrays over their nodes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from scorer.batch import Bools, Int64s
from scorer.model.build import Part
from scorer.model.canonical import Json, number_to_json
from scorer.model.kernels.trees import WORD
from scorer.model.tensors import Tensor


@dataclass(frozen=True, slots=True)
class CategorySplit:
    """A split on a set: of the categories ``0`` to ``size - 1`` those in ``left`` go left, the others right.

    A value that is none of them goes left where ``other_left`` is true.
    """

    left: Collection[int]
    size: int
    other_left: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ForestTree:
    """One tree in any order of nodes, node 0 its root: arrays of the same length, ``left`` and ``right`` -1 in leaves.

    ``missing`` says for each inner node what happens without a value: see ``MISSING_RIGHT`` and those after it in
    :mod:`scorer.model.kernels.trees`. ``value`` is ``(nodes,)`` or, where a leaf adds to all margins,
    ``(nodes, margins)``; it counts in leaves. ``sets`` has the nodes that split on categories. ``output`` is the first
    margin that the tree adds to.
    """

    feature: npt.ArrayLike
    threshold: npt.ArrayLike
    left: npt.ArrayLike
    right: npt.ArrayLike
    missing: npt.ArrayLike
    value: npt.ArrayLike
    sets: Mapping[int, CategorySplit] = field(default_factory=dict)
    output: int = 0


def forest(
    taken: Sequence[str],
    trees: Sequence[ForestTree],
    base: npt.ArrayLike,
    link: str,
    *,
    comparison: str = "<=",
    in_dtype: str = "float64",
    missing_value: float = np.nan,
    zero_within: float = 0.0,
    categories: str = "from 0",
    sum_dtype: str = "float64",
    divisor: float = 1.0,
    slope: float = 1.0,
) -> Part:
    """The kernel forest@1, which explains its parameters. ``base`` has the value that each margin begins with.

    ``categories`` says how a value becomes a category; it is written only where a tree splits on a set.
    """
    laid = [_laid_out(tree) for tree in trees]
    roots = np.concatenate([[0], np.cumsum([len(tree["left"]) for tree in laid])])
    arrays: dict[str, Tensor] = {
        role: np.concatenate([tree[role] for tree in laid]) for role in ("feature", "threshold", "missing", "value")
    }
    arrays["left"] = np.concatenate([tree["left"] + root for tree, root in zip(laid, roots[:-1], strict=True)])
    arrays["left"] = arrays["left"].astype(np.int32)
    arrays["root"] = roots[:-1].astype(np.int32)
    arrays["output"] = np.array([tree.output for tree in trees], np.int32)
    arrays["base"] = np.atleast_1d(np.array(base, np.float64))
    sets = {
        int(root + place): tree.sets[node]
        for tree, placed, root in zip(trees, laid, roots[:-1], strict=True)
        for place, node in enumerate(placed["node"].tolist())
        if node in tree.sets
    }
    if sets:
        arrays |= _written(sets)
    params: dict[str, Json] = {
        "comparison": comparison,
        "in_dtype": in_dtype,
        "missing_value": number_to_json(float(missing_value)),
        "zero_within": float(zero_within),
        "categories": categories if sets else "none",
        "sum_dtype": sum_dtype,
        "divisor": float(divisor),
        "slope": float(slope),
        "link": link,
    }
    return Part("forest@1", taken, (), params, arrays)


def _laid_out(tree: ForestTree) -> dict[str, Tensor]:
    """The nodes in the order of :mod:`scorer.model.kernels.trees`, and which ``node`` of the tree each was."""
    nodes, leaf, children = level_order(tree.left, tree.right)
    on_set = np.isin(nodes, np.array(list(tree.sets), np.int64))
    value = np.asarray(tree.value, np.float64)[nodes[leaf]]
    return {
        "node": nodes,
        "feature": np.where(leaf, 0, np.asarray(tree.feature)[nodes]).astype(np.int32),
        "threshold": np.where(leaf | on_set, 0, np.asarray(tree.threshold)[nodes]).astype(np.float64),
        "missing": np.where(leaf, 0, np.asarray(tree.missing)[nodes]).astype(np.uint8),
        "value": value.reshape(len(value), -1),
        "left": children,
    }


def level_order(left: npt.ArrayLike, right: npt.ArrayLike) -> tuple[Int64s, Bools, Int64s]:
    """The nodes of a tree level by level, siblings side by side; which are leaves; and the place of each left child.

    ``left`` and ``right`` are -1 in leaves, which come to name themselves.
    """
    lefts, rights = np.asarray(left, np.int64), np.asarray(right, np.int64)
    order = [np.zeros(1, np.int64)]
    while order[-1].size and len(order) <= len(lefts):
        inner = order[-1][lefts[order[-1]] >= 0]
        order.append(np.stack([lefts[inner], rights[inner]], axis=1).reshape(-1))
    nodes = np.concatenate(order)
    leaf: Bools = lefts[nodes] < 0
    children = np.arange(len(nodes))
    children[~leaf] = 1 + 2 * np.arange(int((~leaf).sum()))
    return nodes, leaf, children


def _written(sets: Mapping[int, CategorySplit]) -> dict[str, Tensor]:
    return {
        "set_node": np.array(list(sets), np.int32),
        "set_size": np.array([split.size for split in sets.values()], np.int32),
        "set_other": np.array([split.other_left for split in sets.values()], np.uint8),
        "set_bits": np.concatenate([_bits(split) for split in sets.values()]),
    }


def _bits(split: CategorySplit) -> Int64s:
    """One bit for each category, in words of 64."""
    held = np.zeros(-(-split.size // WORD) * WORD, np.uint8)
    held[np.array(sorted(split.left), np.int64)] = 1
    return np.packbits(held, bitorder="little").view("<i8").astype(np.int64)
