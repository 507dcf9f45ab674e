"""What cannot be represented is refused: with what it is, the exact reason, and the nearest way that works."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import compose, dummy, ensemble, linear_model, multiclass, naive_bayes, neighbors, neural_network, svm
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from scorer.errors import NotImportable
from scorer.importers import import_model
from tests.importers.twins import amounts, labels, rows


class Doubled(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """A transformer that only its author knows."""

    def fit(self, frame: Any, target: Any = None) -> Doubled:
        self.n_features_in_ = frame.shape[1]
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def transform(self, frame: Any) -> Any:
        return frame * 2


class Constant(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """An estimator that only its author knows."""

    def fit(self, frame: Any, target: Any) -> Constant:
        self.constant_ = float(np.mean(target))
        self.n_features_in_ = frame.shape[1]
        return self

    def predict(self, frame: Any) -> Any:
        return np.full(len(frame), self.constant_)


class Ridge(linear_model.Ridge):  # type: ignore[misc]  # scikit-learn ships no types
    """A subclass, which may predict otherwise."""


CLASSIFIERS: dict[str, tuple[Callable[[], Any], str, str]] = {
    "kernel svm": (svm.SVC, "no kernel calculates what sklearn.svm._classes.SVC does", "LinearSVC"),
    "neighbours": (neighbors.KNeighborsClassifier, "KNeighborsClassifier does", "HistGradientBoostingClassifier"),
    "network": (
        lambda: neural_network.MLPClassifier(max_iter=5),
        "MLPClassifier does",
        "HistGradientBoostingClassifier",
    ),
    "naive bayes": (naive_bayes.GaussianNB, "GaussianNB does", "LinearDiscriminantAnalysis"),
    "nested": (
        lambda: ensemble.VotingClassifier([("a", neighbors.KNeighborsClassifier())], voting="soft"),
        "KNeighborsClassifier does",
        "HistGradientBoostingClassifier",
    ),
    "calibrated": (lambda: CalibratedClassifierCV(svm.SVC(), cv=2), "SVC does", "LinearSVC"),
    "own transformer": (
        lambda: make_pipeline(Doubled(), linear_model.LogisticRegression()),
        "no step of a version does what",
        "StandardScaler",
    ),
    "at random": (lambda: dummy.DummyClassifier(strategy="stratified"), "answers at random", "'prior'"),
    "temperature": (
        lambda: CalibratedClassifierCV(linear_model.LogisticRegression(), method="temperature", cv=2),
        "calibration by 'temperature'",
        "method='sigmoid'",
    ),
}
REGRESSORS: dict[str, tuple[Callable[[], Any], str, str]] = {
    "own": (Constant, "Constant does", "LinearRegression"),
    "subclass": (Ridge, "Ridge does", "LinearRegression"),
    "boosting by weights": (ensemble.AdaBoostRegressor, "AdaBoostRegressor does", "GradientBoostingRegressor"),
    "other target": (
        lambda: compose.TransformedTargetRegressor(linear_model.Ridge(), func=np.cbrt, inverse_func=lambda x: x**3),
        "for the target",
        "log1p",
    ),
    "own function": (
        lambda: make_pipeline(FunctionTransformer(lambda x: x * 2), linear_model.Ridge()),
        "is code, and a version holds data only",
        "",
    ),
}


def refusal(estimator: Any, frame: pd.DataFrame, target: Any) -> NotImportable:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(frame, target)
    with pytest.raises(NotImportable) as caught:
        import_model(estimator, model="m", version="v", rows=frame)
    return caught.value


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers(name: str) -> None:
    made, why, nearest = CLASSIFIERS[name]
    frame = rows(1, 60)
    error = refusal(made(), frame, labels(frame, 2, 2))
    assert why in error.why
    assert nearest in error.nearest
    assert str(error) == f"{error.what} cannot be imported: {error.why}; {error.nearest}"
    assert error.exit_code == 13


@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors(name: str) -> None:
    made, why, nearest = REGRESSORS[name]
    frame = rows(3, 60)
    error = refusal(made(), frame, amounts(frame, 4))
    assert why in error.why
    assert nearest in error.nearest


def test_several_targets_and_several_labels() -> None:
    frame = rows(5, 60)
    two = np.stack([amounts(frame, 6), amounts(frame, 7)], axis=1)
    for estimator in (linear_model.LinearRegression(), ensemble.RandomForestRegressor(2)):
        assert "one model for each target" in refusal(estimator, frame, two).nearest
    several = multiclass.OneVsRestClassifier(linear_model.LogisticRegression())
    assert "several labels" in refusal(several, frame, two > two.mean(axis=0)).why


def test_what_neither_estimates_nor_classifies() -> None:
    frame = rows(8, 60)
    assert "neither estimates a number" in refusal(KMeans(2, n_init=1), frame, None).why


def test_what_is_not_fitted_and_what_is_no_model() -> None:
    with pytest.raises(NotImportable, match="it is not fitted; fit it, then import it"):
        import_model(linear_model.Ridge(), model="m", version="v", rows=rows(9))
    with pytest.raises(NotImportable, match=r"builtins\.dict cannot be imported: it is no model of scikit-learn"):
        import_model({}, model="m", version="v", rows=rows(9))


def test_text_that_the_library_turns_into_numbers_in_silence() -> None:
    frame = pd.DataFrame({"a": ["1", "2.5", "3"] * 10})
    error = refusal(linear_model.LinearRegression(), frame.astype(object), np.arange(30))
    assert "'a', which is text, as numbers" in error.why
    assert "OneHotEncoder" in error.nearest


def test_a_threshold_for_the_first_class() -> None:
    frame = rows(10, 60)
    moved = FixedThresholdClassifier(linear_model.LogisticRegression(), threshold=0.3, pos_label=0)
    assert "the first class" in refusal(moved, frame, labels(frame, 11, 2)).why
