"""Decision trees, forests and gradient boosting. They compare columns rounded to float32 with float64 thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from sklearn import ensemble, tree

from scorer.batch import Floats, Int64s
from scorer.importers.parts import Columns, Draft, Estimate, EstimatorImporter, Fitted, Leaves
from scorer.importers.refusal import require
from scorer.importers.sklearn.estimators.common import REGRESSION, classes_of, outputs_of, worded
from scorer.model import build, build_scores
from scorer.model.build_trees import ForestTree, forest
from scorer.model.kernels.trees import MISSING_LEFT, MISSING_RIGHT
from scorer.model.outputs import MARGIN, PROBABILITY, Outputs


def _taken(fitted: Fitted, columns: Columns, draft: Draft) -> Columns:
    """The columns rounded to float32, with a refusal of what the library raises for: infinity, perhaps no value."""
    gaps = bool(fitted.__sklearn_tags__().input_tags.allow_nan)
    return draft.finite(draft.narrow(worded(fitted, columns, draft)), missing_too=not gaps)


def grown(one: Fitted, value: npt.ArrayLike, output: int = 0) -> ForestTree:
    """One tree with the given values in its leaves."""
    nodes = one.tree_
    missing = np.where(np.asarray(nodes.missing_go_to_left) == 1, MISSING_LEFT, MISSING_RIGHT)
    return ForestTree(
        nodes.feature, nodes.threshold, nodes.children_left, nodes.children_right, missing, value, output=output
    )


def leaves_of(trees: Sequence[Fitted]) -> Leaves:
    """The library's own way to the leaves."""

    def found(x: Floats) -> Int64s:
        narrow = x.astype(np.float32)
        return np.array([one.tree_.apply(narrow) for one in trees], np.int64)

    return found


def classifier(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:
    """A tree, or the mean of a forest's trees: the shares of the classes in the leaves."""
    require(method == "predict_proba", fitted, "it has no margins", "take its probabilities (predict_proba)")
    names = classes_of(fitted)
    trees = _estimators(fitted)
    shares = [one.tree_.value[:, 0, :] for one in trees]
    # Of two classes only the share of the second is added up.
    values = [share[:, 1] if len(names) == 2 else share for share in shares]
    forest_ = [grown(one, value) for one, value in zip(trees, values, strict=True)]
    base = np.zeros(1 if len(names) == 2 else len(names))
    taken = _taken(fitted, columns, draft)
    return Estimate(
        forest(taken, forest_, base, "identity", in_dtype="float32", divisor=len(trees)),
        outputs_of(names),
        leaves_of(trees),
    )


def regressor(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:  # noqa: ARG001 - all alike
    """A tree, or the mean of a forest's trees."""
    require(fitted.n_outputs_ == 1, fitted, "it predicts several targets", "train one model for each target")
    trees = _estimators(fitted)
    forest_ = [grown(one, one.tree_.value[:, 0, 0]) for one in trees]
    taken = _taken(fitted, columns, draft)
    return Estimate(
        forest(taken, forest_, [0.0], "identity", in_dtype="float32", divisor=len(trees)), REGRESSION, leaves_of(trees)
    )


def _estimators(fitted: Fitted) -> list[Fitted]:
    return list(getattr(fitted, "estimators_", [fitted]))


def boosting(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:
    """GradientBoosting: what its first estimator says, and the trees on top of it.

    The first estimator is a constant unless another was given.
    """
    margins = fitted.estimators_.shape[1]
    trees = fitted.estimators_.ravel().tolist()
    taken = _taken(fitted, columns, draft)
    boosted = [
        grown(one, fitted.learning_rate * one.tree_.value[:, 0, 0], place % margins) for place, one in enumerate(trees)
    ]
    regresses = isinstance(fitted, ensemble.GradientBoostingRegressor)
    outputs = REGRESSION if regresses else _decided(classes_of(fitted), method)
    link, slope = _link(fitted, outputs)
    base = _base(fitted, margins, regresses)
    if base is not None:
        return Estimate(forest(taken, boosted, base, link, in_dtype="float32", slope=slope), outputs, leaves_of(trees))
    first = _first(fitted, taken, draft, regresses)
    raw = REGRESSION if regresses else replace(outputs, scale=MARGIN, threshold=None)
    kernel = forest(taken, boosted, np.zeros(margins), "identity", in_dtype="float32")
    added = draft.place(Estimate(kernel, raw, leaves_of(trees)), "boosted")
    # The margin of exponential loss is half that of the first estimator's probability.
    share = 0.5 if fitted.loss == "exponential" else 1.0
    coef = slope * np.concatenate([share * np.eye(margins), np.eye(margins)], axis=1)
    sums = build.linear if link == "identity" else build.logistic
    return Estimate(sums([*first, *added], coef, np.zeros(margins)), outputs)


def _decided(names: tuple[str, ...], method: str) -> Outputs:
    """The outputs of an answer; a tie between two classes goes to the second, so its threshold is the next below."""
    scale, tie = (MARGIN, 0.0) if method == "decision_function" else (PROBABILITY, 0.5)
    return outputs_of(names, scale, float(np.nextafter(tie, -1.0)) if len(names) == 2 else None)


def _link(fitted: Fitted, outputs: Outputs) -> tuple[str, float]:
    """The link, and what the margin is multiplied with before it."""
    if outputs.meaning != PROBABILITY:
        return "identity", 1.0
    if outputs.kind == "multiclass":
        return "softmax", 1.0
    return "sigmoid", 2.0 if fitted.loss == "exponential" else 1.0


def _base(fitted: Fitted, margins: int, regresses: bool) -> Floats | None:
    """The margins before the first tree, where they are the same for all rows."""
    first = fitted.init_
    if isinstance(first, str):  # "zero"
        return np.zeros(margins)
    if type(first).__name__ not in ("DummyClassifier", "DummyRegressor"):
        return None
    width = fitted.n_features_in_
    found = fitted._raw_predict_init(np.zeros((1, width), np.float32))  # no public way to it
    require(regresses or first.strategy == "prior", first, "it answers at random", "start from another estimator")
    return np.asarray(found[0], np.float64)


def _first(fitted: Fitted, taken: Columns, draft: Draft, regresses: bool) -> Columns:
    """The margins of another first estimator, which the library gives columns in float32, too."""
    draft.loosen(1e-6, 1e-5)
    estimate = draft.estimate(fitted.init_, taken, "predict" if regresses else "predict_proba")
    scores = draft.place(estimate, "first")
    if regresses:
        return scores
    made = draft.fresh_all(f"{name} margin" for name in scores)
    return draft.add(build_scores.log_odds(scores, made, float(np.finfo(np.float64).eps)))


TREES: dict[type, EstimatorImporter] = {
    tree.DecisionTreeClassifier: classifier,
    tree.DecisionTreeRegressor: regressor,
    tree.ExtraTreeClassifier: classifier,
    tree.ExtraTreeRegressor: regressor,
    ensemble.RandomForestClassifier: classifier,
    ensemble.RandomForestRegressor: regressor,
    ensemble.ExtraTreesClassifier: classifier,
    ensemble.ExtraTreesRegressor: regressor,
    ensemble.GradientBoostingClassifier: boosting,
    ensemble.GradientBoostingRegressor: boosting,
}
"""Estimators of trees on columns in float32."""
