"""Weighted sums: linear regressions, generalised linear models, linear classifiers."""

from __future__ import annotations

import numpy as np
from sklearn import discriminant_analysis, linear_model, svm
from sklearn._loss.link import IdentityLink, LogLink

from scorer.batch import Floats
from scorer.importers.parts import Columns, Draft, Estimate, EstimatorImporter, Fitted
from scorer.importers.refusal import refused, require
from scorer.importers.sklearn.estimators.common import (
    REGRESSION,
    as_they_are,
    classes_of,
    dense,
    numbers,
    outputs_of,
)  # fmt: skip
from scorer.model import build, build_scores
from scorer.model.outputs import MARGIN


def _sums(fitted: Fitted, columns: Columns, sums: int) -> tuple[Floats, Floats]:
    """Coefficients ``(sums, columns)`` and intercepts ``(sums,)``."""
    coef = np.atleast_2d(dense(fitted.coef_))
    require(
        coef.shape == (sums, len(columns)),
        fitted,
        f"its coefficients have the shape {coef.shape} for {len(columns)} columns and {sums} scores",
        "train one model for each target",
    )
    intercept = np.asarray(getattr(fitted, "intercept_", 0.0), np.float64)
    return coef, np.broadcast_to(intercept.reshape(-1), sums).copy()


def regression(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:  # noqa: ARG001 - all alike
    """Whatever predicts ``X @ coef_ + intercept_``."""
    return Estimate(build.linear(numbers(fitted, columns, draft), *_sums(fitted, columns, 1)), REGRESSION)


def generalised(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:  # noqa: ARG001 - all alike
    """Generalised linear models: the link is the identity or the logarithm, whatever the distribution."""
    link = type(fitted._base_loss.link)  # the library has no public way to it: "auto" depends on the power
    kernels = {IdentityLink: build.linear, LogLink: build_scores.loglinear}
    if link not in kernels:
        raise refused(fitted, f"its link is {link.__name__}", "use the link 'log' or 'identity'")
    return Estimate(kernels[link](numbers(fitted, columns, draft), *_sums(fitted, columns, 1)), REGRESSION)


def margins(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:
    """Linear classifiers without probabilities: how far a row is from the plane between the classes."""
    require(
        method == "decision_function",
        fitted,
        "it has no probabilities",
        "wrap it in CalibratedClassifierCV, or take its margins (decision_function)",
    )
    names = classes_of(fitted)
    coef, intercept = _sums(fitted, columns, 1 if len(names) == 2 else len(names))
    return Estimate(build.linear(numbers(fitted, columns, draft), coef, intercept), outputs_of(names, MARGIN))


def logistic(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:
    """Logistic regressions and linear discriminants: sigmoid of one margin, softmax of several, or one-vs-rest."""
    found = margins(fitted, columns, draft, "decision_function")
    if method == "decision_function":
        return found
    names = found.outputs.classes
    scheme = getattr(fitted, "multi_class", "auto")  # gone from scikit-learn 1.8 on
    if len(names) > 2 and (scheme == "ovr" or getattr(fitted, "solver", "") == "liblinear"):
        return one_vs_rest(found, draft)
    coef, intercept = found.kernel.arrays["coef"], found.kernel.arrays["intercept"]
    # Two classes as a softmax over the margin and its negative, which is the sigmoid of its double.
    twice = 2.0 if len(names) == 2 and scheme == "multinomial" else 1.0
    return Estimate(build.logistic(found.kernel.taken, coef * twice, intercept * twice), outputs_of(names))


def one_vs_rest(found: Estimate, draft: Draft) -> Estimate:
    """Probabilities from margins of one class against the rest: their sigmoids, divided by their sum."""
    names = found.outputs.classes
    taken = draft.place(found, "margin")
    made = draft.fresh_all([f"{name} alone" for name in taken])
    ones = np.ones(len(taken))
    alone = draft.add(build_scores.calibrate_sigmoid(taken, made, -ones, 0 * ones))
    return shared(alone, names, draft)


def shared(alone: Columns, names: tuple[str, ...], draft: Draft, when_zero: str = "uniform") -> Estimate:
    """Probabilities of each class by itself to probabilities of the classes; of two, the second's are there already."""
    if len(names) == 2:
        return as_they_are(alone, outputs_of(names))
    made = draft.fresh_all([f"share of {name}" for name in names])
    return as_they_are(draft.add(build_scores.shares(alone, made, when_zero=when_zero)), outputs_of(names))


def descent(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:
    """SGDClassifier: what its probabilities are depends on its loss."""
    if method == "decision_function":
        return margins(fitted, columns, draft, method)
    if fitted.loss == "log_loss":
        found = margins(fitted, columns, draft, "decision_function")
        if found.outputs.kind == "multiclass":
            return one_vs_rest(found, draft)
        kernel = build.logistic(found.kernel.taken, found.kernel.arrays["coef"], found.kernel.arrays["intercept"])
        return Estimate(kernel, outputs_of(found.outputs.classes))
    require(
        fitted.loss == "modified_huber",
        fitted,
        f"it has no probabilities with the loss {fitted.loss!r}",
        "use the loss 'log_loss', wrap it in CalibratedClassifierCV, or take its margins (decision_function)",
    )
    found = margins(fitted, columns, draft, "decision_function")
    alone: list[str] = []
    for name in draft.place(found, "margin"):
        (made,) = draft.fresh_all([f"{name} alone"])
        # (clip(margin, -1, 1) + 1) / 2
        alone += draft.add(build_scores.calibrate_isotonic(name, made, [-1.0, 1.0], [0.0, 1.0]))
    return shared(tuple(alone), found.outputs.classes, draft)


_REGRESSIONS = (
    "ARDRegression", "BayesianRidge", "ElasticNet", "ElasticNetCV", "HuberRegressor", "Lars", "LarsCV", "Lasso",
    "LassoCV", "LassoLars", "LassoLarsCV", "LassoLarsIC", "LinearRegression", "OrthogonalMatchingPursuit",
    "OrthogonalMatchingPursuitCV", "QuantileRegressor", "Ridge", "RidgeCV", "SGDRegressor", "TheilSenRegressor",
)  # fmt: skip

LINEAR: dict[type, EstimatorImporter] = {
    **{getattr(linear_model, name): regression for name in _REGRESSIONS},
    svm.LinearSVR: regression,
    linear_model.GammaRegressor: generalised,
    linear_model.PoissonRegressor: generalised,
    linear_model.TweedieRegressor: generalised,
    svm.LinearSVC: margins,
    linear_model.Perceptron: margins,
    linear_model.RidgeClassifier: margins,
    linear_model.RidgeClassifierCV: margins,
    linear_model.LogisticRegression: logistic,
    linear_model.LogisticRegressionCV: logistic,
    discriminant_analysis.LinearDiscriminantAnalysis: logistic,
    linear_model.SGDClassifier: descent,
}
"""Estimators that are weighted sums of columns."""
