"""Histogram gradient boosting: float64 thresholds, gaps, and splits on sets of categories."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn import ensemble

from scorer.batch import Floats, Int64s
from scorer.importers.parts import Columns, Draft, Estimate, EstimatorImporter, Fitted, Leaves
from scorer.importers.sklearn.estimators.common import REGRESSION, classes_of, outputs_of, worded
from scorer.model.build_trees import CategorySplit, ForestTree, forest
from scorer.model.kernels.trees import MISSING_LEFT, MISSING_RIGHT
from scorer.model.outputs import MARGIN, Outputs

BITS = 32
"""Categories in one word of the library's sets."""


def boosting(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:
    """HistGradientBoosting: its encoder of categories, where it has one, then its trees."""
    # The library has no public way to its encoder and its trees.
    taken = columns if fitted._preprocessor is None else _encoded(fitted, columns, draft)
    predictors = [one for stage in fitted._predictors for one in stage]
    margins = fitted.n_trees_per_iteration_
    trees = [_tree(fitted, one, place % margins) for place, one in enumerate(predictors)]
    outputs = _outputs(fitted, method)
    kernel = forest(
        worded(fitted, taken, draft),
        trees,
        fitted._baseline_prediction.ravel(),
        _link(fitted, outputs, method),
    )
    return Estimate(kernel, outputs, _leaves(predictors, fitted))


def _encoded(fitted: Fitted, columns: Columns, draft: Draft) -> Columns:
    """Categories as codes, and behind them the numbers: the order in which the trees count columns."""
    encoder = fitted._preprocessor.named_transformers_["encoder"]
    pairs = list(zip(columns, fitted.is_categorical_, strict=True))
    codes = draft.transform(encoder, tuple(name for name, category in pairs if category))
    return (*codes, *(name for name, category in pairs if not category))


def _tree(fitted: Fitted, one: Fitted, output: int) -> ForestTree:
    nodes = one.nodes
    leaf = nodes["is_leaf"] == 1
    left, right = (np.where(leaf, -1, nodes[side].astype(np.int64)) for side in ("left", "right"))
    missing = np.where(nodes["missing_go_to_left"] == 1, MISSING_LEFT, MISSING_RIGHT)
    sets = {}
    for node in np.flatnonzero(~leaf & (nodes["is_categorical"] == 1)).tolist():
        bits = _held(one.raw_left_cat_bitsets[nodes["bitset_idx"][node]])
        known = len(fitted._preprocessor.named_transformers_["encoder"].categories_[nodes["feature_idx"][node]])
        # What is no category of the training data goes where missing values go.
        sets[node] = CategorySplit(bits, known, bool(nodes["missing_go_to_left"][node]))
    return ForestTree(nodes["feature_idx"], nodes["num_threshold"], left, right, missing, nodes["value"], sets, output)


def _held(words: npt.NDArray[np.uint32]) -> list[int]:
    """The categories of a set."""
    return [k for k in range(BITS * len(words)) if int(words[k // BITS]) >> (k % BITS) & 1]


def _leaves(predictors: list[Fitted], fitted: Fitted) -> Leaves:
    """The library tells the value of a leaf only: so its trees get copies whose values are the numbers of the nodes."""
    known, places = fitted._bin_mapper.make_known_categories_bitsets()
    named = []
    for one in predictors:
        nodes = one.nodes.copy()
        nodes["value"] = np.arange(len(nodes))
        named.append(type(one)(nodes, one.binned_left_cat_bitsets, one.raw_left_cat_bitsets))

    def found(x: Floats) -> Int64s:
        return np.array([one.predict(x, known, places, 1) for one in named]).astype(np.int64)

    return found


def _outputs(fitted: Fitted, method: str) -> Outputs:
    if isinstance(fitted, ensemble.HistGradientBoostingRegressor):
        return REGRESSION
    scale = (MARGIN,) if method == "decision_function" else ()
    return outputs_of(classes_of(fitted), *scale)


def _link(fitted: Fitted, outputs: Outputs, method: str) -> str:
    if outputs.kind == "regression":
        return {"LogLink": "exp", "IdentityLink": "identity"}[type(fitted._loss.link).__name__]
    if method == "decision_function":
        return "identity"
    return "sigmoid" if outputs.kind == "binary" else "softmax"


HISTOGRAM: dict[type, EstimatorImporter] = {
    ensemble.HistGradientBoostingClassifier: boosting,
    ensemble.HistGradientBoostingRegressor: boosting,
}
"""Estimators of trees on histograms."""
