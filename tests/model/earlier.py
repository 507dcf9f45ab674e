"""Writing boosted_trees@1, which new versions no longer have: those that do must go on scoring to the same bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scorer.batch import Bools
from scorer.model.build import Part
from scorer.model.build_trees import level_order
from scorer.model.tensors import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """One tree in any order of nodes, node 0 its root: arrays of the same length, ``left`` and ``right`` -1 in leaves.

    ``value`` counts in leaves, the others in inner nodes; ``output`` is the margin that the tree adds to.
    """

    feature: npt.ArrayLike
    threshold: npt.ArrayLike
    left: npt.ArrayLike
    right: npt.ArrayLike
    missing_left: npt.ArrayLike
    value: npt.ArrayLike
    output: int = 0


def boosted_trees(
    taken: Sequence[str],
    trees: Sequence[Tree],
    base: npt.ArrayLike,
    link: str,
    *,
    comparison: str = "<=",
    in_dtype: str = "float64",
) -> Part:
    """The kernel as it was written; ``base`` has the value that each margin begins with."""
    laid = [_laid_out(tree) for tree in trees]
    sizes = [len(tree["left"]) for tree in laid]
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32)
    arrays: dict[str, Tensor] = {
        role: np.concatenate([tree[role] for tree in laid])
        for role in ("feature", "threshold", "missing_left", "value")
    }
    arrays["left"] = np.concatenate([tree["left"] + root for tree, root in zip(laid, roots, strict=True)])
    arrays["root"] = roots
    arrays["output"] = np.array([tree.output for tree in trees], np.int32)
    arrays["base"] = np.atleast_1d(np.array(base, np.float64))
    return Part("boosted_trees@1", taken, (), {"comparison": comparison, "in_dtype": in_dtype, "link": link}, arrays)


def _laid_out(tree: Tree) -> dict[str, Tensor]:
    """The nodes in the order of :mod:`scorer.model.kernels.trees`."""
    nodes, leaf, children = level_order(tree.left, tree.right)

    def taken(values: npt.ArrayLike, dtype: str, where: Bools) -> Tensor:
        return np.where(where, np.asarray(values)[nodes], 0).astype(dtype)

    return {
        "feature": taken(tree.feature, "int32", ~leaf),
        "threshold": taken(tree.threshold, "float64", ~leaf),
        "missing_left": taken(tree.missing_left, "uint8", ~leaf),
        "value": taken(tree.value, "float64", leaf),
        "left": children.astype(np.int32),
    }
