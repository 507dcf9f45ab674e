"""The text of a LightGBM model: what ``Booster.save_model`` writes, as trees for forest@1.

The text is lines ``key=value`` (or a key alone): a head, then a section for each tree, ``Tree=0`` and so on. An inner
node has a number from 0 on, leaf ``k`` is the child ``-1 - k``.

Source: LightGBM 4.6, ``src/boosting/gbdt_model_text.cpp`` and ``src/io/tree.cpp``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scorer.batch import Int64s
from scorer.model.build_trees import CategorySplit, ForestTree
from scorer.model.kernels.trees import (
    MISSING_IS_ZERO,
    MISSING_LEFT,
    MISSING_RIGHT,
    ZERO_LEFT,
    ZERO_RIGHT,
)

_ON_SET, _DEFAULT_LEFT = 1, 2
_MISSING = 2
"""The bits of ``decision_type``: splits on a set; default is left; from this one on the type of missing values."""
_TYPES = {(0, 0): MISSING_IS_ZERO, (0, 1): MISSING_IS_ZERO, (1, 0): ZERO_RIGHT, (1, 1): ZERO_LEFT}
_TYPES |= {(2, 0): MISSING_RIGHT, (2, 1): MISSING_LEFT}
_BITS = 32


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """A model: ``margins`` per row, its ``trees`` in the order in which they are added, and what its objective says.

    ``objective`` is empty where there is none. ``slope`` is that of sigmoids; ``squared`` says that the label was a
    root; ``average`` that the trees are averaged; ``linear`` that leaves hold linear models. ``codes`` are those
    of each column that is a category, empty of others.
    """

    objective: str
    margins: int
    trees: tuple[ForestTree, ...]
    average: bool
    slope: float
    squared: bool
    linear: bool
    codes: tuple[tuple[int, ...], ...]

    @property
    def iterations(self) -> int:
        """How many trees each margin is the sum of."""
        return len(self.trees) // self.margins


def is_whole(text: bytes) -> bool:
    """Whether the trees are as long as the head says, and what follows them is there.

    For a file that was cut in its trees the library ends the whole process; cut later, it has lost its categories.
    """
    _, found, sizes = text.partition(b"\ntree_sizes=")
    at = text.find(b"\nTree=0\n") + 1
    if not found or not at:
        return b"end of trees" in text
    for number, size in enumerate(sizes.partition(b"\n")[0].split()):
        if not text.startswith(b"Tree=%d\n" % number, at) or not size.isdigit():
            return False
        at += int(size)
    return text.startswith(b"end of trees", at) and b"\nend of parameters" in text


def parse(text: str) -> Text:
    """Read the text of a model."""
    head, *sections = text.partition("\nend of trees")[0].split("\nTree=")
    facts = _facts(head)
    name, *options = facts.get("objective", "").split(" ")
    said = dict(option.partition(":")[::2] for option in options)
    margins = int(facts["num_tree_per_iteration"])
    parsed = [_facts(section) for section in sections]
    return Text(
        objective=name,
        margins=margins,
        trees=tuple(_tree(section, number % margins) for number, section in enumerate(parsed)),
        average="average_output" in facts,
        slope=float(said.get("sigmoid", 1.0)),
        squared="sqrt" in said,
        linear=any(section.get("is_linear", "0") != "0" for section in parsed),
        codes=tuple(map(_codes, facts["feature_infos"].split(" "))),
    )


def _codes(info: str) -> tuple[int, ...]:
    """What ``feature_infos`` says of a column: codes with colons between, ``[lowest:highest]``, or ``none``."""
    return () if info.startswith("[") or info == "none" else tuple(int(float(code)) for code in info.split(":"))


def _facts(section: str) -> dict[str, str]:
    return dict(line.partition("=")[::2] for line in section.splitlines())


def _tree(facts: Mapping[str, str], output: int) -> ForestTree:
    leaves = int(facts["num_leaves"])
    inner = leaves - 1
    value = np.concatenate([np.zeros(inner), _floats(facts, "leaf_value")])
    if not inner:
        return ForestTree([0], [0.0], [-1], [-1], [0], value, {}, output)
    kind = _integers(facts, "decision_type")
    on_set = (kind & _ON_SET) == 1
    default = (kind & _DEFAULT_LEFT) // _DEFAULT_LEFT
    missing = [
        MISSING_RIGHT if is_set else _TYPES[of_type, left]
        for is_set, of_type, left in zip(on_set, (kind >> _MISSING) & 3, default, strict=True)
    ]
    threshold = _floats(facts, "threshold")
    return ForestTree(
        feature=_padded(_integers(facts, "split_feature"), leaves),
        threshold=np.concatenate([threshold, np.zeros(leaves)]),
        left=_padded(_children(facts, "left_child", inner), leaves, -1),
        right=_padded(_children(facts, "right_child", inner), leaves, -1),
        missing=_padded(np.array(missing), leaves),
        value=value,
        sets=_sets(facts, on_set, threshold),
        output=output,
    )


def _sets(facts: Mapping[str, str], on_set: np.ndarray, threshold: np.ndarray) -> dict[int, CategorySplit]:
    """The sets of nodes that split on one, whose ``threshold`` is the set's number."""
    if not on_set.any():
        return {}
    bounds, words = _integers(facts, "cat_boundaries"), _integers(facts, "cat_threshold")
    found = {}
    for node in np.flatnonzero(on_set).tolist():
        which = int(threshold[node])
        own = words[bounds[which] : bounds[which + 1]]
        left = np.flatnonzero((own[:, None] >> np.arange(_BITS)) & 1)
        found[node] = CategorySplit(left.tolist(), int(left.max(initial=0)) + 1)
    return found


def _children(facts: Mapping[str, str], key: str, inner: int) -> Int64s:
    """The children, leaves after the inner nodes."""
    found = _integers(facts, key)
    return np.where(found < 0, inner - 1 - found, found)


def _padded(values: np.ndarray, leaves: int, fill: int = 0) -> np.ndarray:
    return np.concatenate([values, np.full(leaves, fill, values.dtype)])


def _integers(facts: Mapping[str, str], key: str) -> Int64s:
    return np.array(facts[key].split(), np.int64)


def _floats(facts: Mapping[str, str], key: str) -> np.ndarray:
    return np.array(facts[key].split(), np.float64)
