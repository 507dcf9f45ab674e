"""The JSON of an XGBoost model, as ``Booster.save_raw("json")`` gives it, as trees for forest@1.

Source: XGBoost 3.2, ``doc/model.schema`` and ``src/tree/io_utils.h``; ``src/data/cat_container.cc`` for categories.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from scorer.model.build_trees import CategorySplit, ForestTree

Json: TypeAlias = dict[str, Any]
"""A part of the document; what is in it is the library's business."""


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A model: its ``objective``, ``margins`` per row, and its ``trees`` in the order in which they are added.

    ``weighted`` says that trees have weights (dart), which are in the values of their leaves already. ``on_set`` says
    which columns are categories; ``lists`` has the list of categories of a column that was coded by one, else ``None``;
    ``garbled`` says that a list of text is not what it was, ``broken`` that a tree is none: the library would follow it
    without end, or out of its memory.
    """

    whole: Json
    objective: str
    margins: int
    trees: tuple[ForestTree, ...]
    weighted: bool
    on_set: tuple[bool, ...]
    lists: tuple[Sequence[object] | None, ...]
    garbled: bool
    broken: bool

    def emptied(self) -> Json:
        """The document with 0 in every leaf, without names and lists."""
        found = self.without_names()
        for tree in _model(found)["trees"]:
            if "leaf_weights" in tree:
                tree["leaf_weights"] = [0.0] * len(tree["leaf_weights"])
            else:
                leaf = np.array(tree["left_children"]) < 0
                tree["split_conditions"] = np.where(leaf, 0.0, tree["split_conditions"]).tolist()
        return found

    def without_names(self) -> Json:
        """The document without the names of columns and the lists of categories."""
        found = copy.deepcopy(self.whole)
        found["learner"]["feature_names"] = []
        _model(found)["cats"] = {"enc": [], "feature_segments": [], "sorted_idx": []}
        return found

    def with_probabilities(self) -> Json:
        """The document with probabilities for answers instead of classes."""
        found = copy.deepcopy(self.whole)
        found["learner"]["objective"]["name"] = "multi:softprob"
        return found


def parse(document: Json) -> Document:
    """Read a document of gbtree or dart."""
    learner = document["learner"]
    params, booster, model = learner["learner_model_param"], learner["gradient_booster"], _model(document)
    margins = max(int(params["num_class"]), int(params["num_target"]), 1)
    weights = booster.get("weight_drop", [1.0] * len(model["trees"]))
    features = int(params["num_feature"])
    lists = model.get("cats", {}).get("enc", [])
    types = learner["feature_types"] or ["float"] * features
    return Document(
        whole=document,
        objective=learner["objective"]["name"],
        margins=margins,
        trees=tuple(
            _tree(tree, output, np.float32(weight))
            for tree, output, weight in zip(model["trees"], model["tree_info"], weights, strict=True)
        ),
        weighted="weight_drop" in booster,
        on_set=tuple(kind == "c" for kind in types),
        lists=tuple(_list(entry) for entry in lists) or (None,) * features,
        garbled=any("offsets" in entry and any(byte & 0x80 for byte in entry["values"]) for entry in lists),
        broken=not all(_is_tree(tree, features) for tree in model["trees"]),
    )


def _model(document: Json) -> Json:
    booster = document["learner"]["gradient_booster"]
    found: Json = booster.get("gbtree", booster)["model"]
    return found


def _tree(tree: Json, output: int, weight: np.float32) -> ForestTree:
    left, right = np.array(tree["left_children"]), np.array(tree["right_children"])
    leaf = left < 0
    conditions = np.array(tree["split_conditions"], np.float32)
    if "leaf_weights" in tree:  # a leaf's right child is the place of its vector
        vectors = np.array(tree["leaf_weights"], np.float32).reshape(int(leaf.sum()), -1)
        value = vectors[np.where(leaf, right, 0)] * weight
    else:
        value = np.where(leaf, conditions, np.float32(0)) * weight
    return ForestTree(
        feature=tree["split_indices"],
        threshold=conditions.astype(np.float64),
        left=left,
        right=np.where(leaf, -1, right),
        missing=tree["default_left"],
        value=value.astype(np.float64),
        sets=_sets(tree),
        output=output,
    )


def _is_tree(tree: Json, features: int) -> bool:
    """Whether no node is the child of two, and all children and columns are there."""
    left, right, feature = (np.array(tree[name]) for name in ("left_children", "right_children", "split_indices"))
    inner = left >= 0
    children = np.concatenate([left[inner], right[inner]])
    own = len(np.unique(children)) == len(children) and bool(((children > 0) & (children < len(left))).all())
    return own and bool(((feature[inner] >= 0) & (feature[inner] < features)).all())


def _sets(tree: Json) -> dict[int, CategorySplit]:
    """The nodes that split on a set; it lists what goes right."""
    found = {}
    for node, start, size in zip(
        tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True
    ):
        right = set(tree["categories"][start : start + size])
        count = max(right) + 1
        found[node] = CategorySplit([code for code in range(count) if code not in right], count, other_left=True)
    return found


def _list(entry: Mapping[str, Any]) -> Sequence[object] | None:
    """The categories of one column: text side by side with its bounds, numbers, or none."""
    values = entry["values"]
    if "offsets" not in entry:
        return list(values)
    offsets = entry["offsets"]
    if not offsets:
        return None
    text = bytes(value & 0xFF for value in values)
    return [text[start:end].decode(errors="replace") for start, end in pairwise(offsets)]
