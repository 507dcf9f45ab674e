"""Objects that wrap one estimator: searches, frozen estimators, thresholds, transformed targets; and constants."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sklearn import compose, dummy, frozen, model_selection
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from scorer.importers.parts import Columns, Draft, Estimate, EstimatorImporter, Fitted
from scorer.importers.refusal import refused, require
from scorer.importers.sklearn.estimators.common import (
    REGRESSION,
    as_they_are,
    classes_of,
    constant,
    outputs_of,
    scaled,
)  # fmt: skip
from scorer.importers.sklearn.estimators.decisions import decided_by
from scorer.model import build_scores


def search(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:
    """A search over hyper-parameters: the best estimator, fitted on all rows."""
    require(hasattr(fitted, "best_estimator_"), fitted, "it kept no estimator", "search with refit=True")
    return draft.estimate(fitted.best_estimator_, columns, method)


def frozen_estimator(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:
    """FrozenEstimator: what it holds."""
    return draft.estimate(fitted.estimator, columns, method)


def threshold(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:
    """FixedThresholdClassifier and TunedThresholdClassifierCV: the same scores, another threshold for the class.

    The library gives the second class from the threshold on, a version above it: so the next number below is taken.
    """
    tuned = isinstance(fitted, model_selection.TunedThresholdClassifierCV)
    decides = decided_by(fitted)
    require(method == decides, fitted, f"its threshold is one of {decides}", f"take its scores of {decides}")
    names = classes_of(fitted)
    positive = fitted._curve_scorer._get_pos_label() if tuned else fitted.pos_label  # no public way to the first
    require(
        positive is None or positive == fitted.classes_[1],
        fitted,
        "its threshold is one of the first class",
        "name the classes so that the one which the threshold is for comes second in their order",
    )
    bound = fitted.best_threshold_ if tuned else fitted.threshold
    inner = draft.estimate(fitted.estimator_, columns, method)
    if bound == "auto":
        bound = 0.5 if method == "predict_proba" else 0.0
    moved = replace(inner.outputs, threshold=None)
    below = float(np.nextafter(bound, -np.inf))
    return replace(inner, outputs=replace(moved, classes=names, threshold=None if below == moved.bound else below))


def transformed_target(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:
    """TransformedTargetRegressor with a logarithm or a standard scaler for the target."""
    taken = draft.place(draft.estimate(fitted.regressor_, columns, method), "transformed")
    change = fitted.transformer_
    if type(change) is StandardScaler:
        factor = 1.0 if change.scale_ is None else change.scale_
        offset = 0.0 if change.mean_ is None else change.mean_
        return as_they_are(scaled(taken, draft, factor, offset, "estimate"), REGRESSION)
    inverse = change.inverse_func if type(change) is FunctionTransformer else change
    if inverse is None:
        return as_they_are(taken, REGRESSION)
    if inverse not in (np.exp, np.expm1):
        raise refused(
            fitted,
            f"no step undoes {change!r} for the target",
            "transform it with log or log1p (inverse exp, expm1) or StandardScaler",
        )
    power = Estimate(build_scores.loglinear(taken, [1.0], 0.0), REGRESSION)
    if inverse is np.exp:
        return power
    return as_they_are(scaled(draft.place(power, "exponential"), draft, 1.0, -1.0, "estimate"), REGRESSION)


def dummy_regressor(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:  # noqa: ARG001 - all alike
    """DummyRegressor: a constant."""
    values = np.ravel(fitted.constant_)
    require(values.size == 1, fitted, "it predicts several targets", "train one model for each target")
    return as_they_are(constant(values.tolist(), columns, draft, "constant"), REGRESSION)


def dummy_classifier(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:
    """DummyClassifier with the shares of the classes ("prior"), or always the same class."""
    require(
        fitted.strategy in ("prior", "most_frequent", "constant") and method == "predict_proba",
        fitted,
        f"with the strategy {fitted.strategy!r} it answers at random",
        "use the strategy 'prior', 'most_frequent' or 'constant', and its probabilities",
    )
    names = classes_of(fitted)
    shares = fitted.predict_proba(np.zeros((1, len(columns))))[0]
    values = shares[1:] if len(names) == 2 else shares
    return as_they_are(constant(values.tolist(), columns, draft, "constant"), outputs_of(names))


WRAPPERS: dict[type, EstimatorImporter] = {
    model_selection.GridSearchCV: search,
    model_selection.RandomizedSearchCV: search,
    frozen.FrozenEstimator: frozen_estimator,
    model_selection.FixedThresholdClassifier: threshold,
    model_selection.TunedThresholdClassifierCV: threshold,
    compose.TransformedTargetRegressor: transformed_target,
    dummy.DummyRegressor: dummy_regressor,
    dummy.DummyClassifier: dummy_classifier,
}
"""Estimators that wrap another, or none at all."""
