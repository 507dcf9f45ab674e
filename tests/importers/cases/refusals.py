"""What cannot be represented: each is refused with what it is, the exact reason, and the nearest way that works."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn import compose, dummy, ensemble, linear_model, naive_bayes, neighbors, neural_network, svm
from sklearn import preprocessing as pre
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.feature_extraction import FeatureHasher
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from scorer.importers import import_model
from tests.importers.cases.refusal import Refusal
from tests.importers.prepared import frame, twin
from tests.importers.twins import amounts, labels, rows

ROWS = frame(0)


class Mine(pre.StandardScaler):  # type: ignore[misc]  # scikit-learn ships no types
    """A subclass may do anything."""


def ratio(table: pd.DataFrame) -> pd.DataFrame:
    return table / 2


def mixed() -> pd.DataFrame:
    return pd.DataFrame({"mixed": pd.Series(["a", None, np.nan, "b"], dtype=object)})


def huge() -> pd.DataFrame:
    return pd.DataFrame({"id": np.array([2**53 + 1, 2, 3])})


def bounds() -> npt.NDArray[np.float64]:
    return np.array([1.0, 2.0])


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


def as_events_hold(rows: pd.DataFrame) -> pd.DataFrame:
    """Columns of Python objects as numbers or text."""
    made = rows.infer_objects()
    lists = [name for name in made if isinstance(made[name].iloc[0], list)]
    return made.assign(**{str(name): "a" for name in lists})


TRANSFORMERS: list[tuple[Callable[[], Any], pd.DataFrame, str, str]] = [
    (KNNImputer, ROWS[["gaps", "plain"]], "no step of a version does what .*KNNImputer does", "SimpleImputer"),
    (lambda: PCA(1), ROWS[["plain", "whole"]], "no step of a version does what .*PCA does", "StandardScaler"),
    (Mine, ROWS[["plain"]], "no step of a version does what .*Mine does", "StandardScaler"),
    (pre.SplineTransformer, ROWS[["plain"]], "SplineTransformer", "KBinsDiscretizer"),
    (
        lambda: pre.FunctionTransformer(ratio),
        ROWS[["plain"]],
        r"refusals\.ratio is code, and a version holds data only",
        "DateParts",
    ),
    (lambda: pre.FunctionTransformer(lambda x: x + 1), ROWS[["plain"]], "lambda> is code", "use one of numpy's log"),
    (
        lambda: pre.FunctionTransformer(np.clip, kw_args={"a_min": bounds(), "a_max": None}),
        ROWS[["plain", "positive"]],
        r"numpy\.clip has the bound array",
        "bounds of their own by a ColumnTransformer",
    ),
    (
        lambda: pre.FunctionTransformer(np.log, kw_args={"where": True}),
        ROWS[["positive"]],
        r"numpy\.log is called with \{'where': True\}",
        "call it without arguments",
    ),
    (
        lambda: pre.FunctionTransformer(np.clip, kw_args={"a_min": 0, "a_max": 1, "where": True}),
        ROWS[["positive"]],
        r"numpy\.clip is called with \{'where': True\}",
        "use one of numpy's",
    ),
    (
        pre.OrdinalEncoder,
        huge(),
        r"holds numbers up to 2\*\*53, and 9007199254740993",
        "all text or all numbers",
    ),
    (
        lambda: pre.KBinsDiscretizer(3, encode="ordinal", strategy="uniform", dtype=np.float32),
        ROWS[["plain"]],
        "compares numbers as float32",
        "dtype=None or numpy.float64",
    ),
    (
        lambda: pre.QuantileTransformer(n_quantiles=1),
        ROWS[["plain"]],
        "has one quantile only",
        "n_quantiles of 2 and more",
    ),
    (lambda: pre.PolynomialFeatures(101), ROWS[["plain"]], "degree is above 100", "use a lower degree"),
    (
        lambda: SimpleImputer(missing_values=0, strategy="most_frequent"),
        ROWS[["whole", "text"]].astype(object).fillna("AA"),
        "column 'text' cannot hold missing_values=0",
        "by a ColumnTransformer",
    ),
    (
        lambda: SimpleImputer(strategy="constant", fill_value=0),
        ROWS[["none"]].astype(object),
        "fills 'none', which holds text, with 0",
        "give a text as fill_value",
    ),
    (
        lambda: ColumnTransformer([("hash", FeatureHasher(4, input_type="string"), "text")]),
        ROWS[["text"]].fillna("AA").map(lambda word: [word]),
        "FeatureHasher",
        "OneHotEncoder",
    ),
]


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
        lambda: compose.TransformedTargetRegressor(linear_model.Ridge(), func=np.arcsinh, inverse_func=np.sinh),
        "for the target",
        "log1p",
    ),
    "own function": (
        lambda: make_pipeline(FunctionTransformer(lambda x: x * 2), linear_model.Ridge()),
        "is code, and a version holds data only",
        "",
    ),
}


def transformed(make: Callable[[], Any], table: pd.DataFrame) -> Callable[[], object]:
    """An attempt to import a transformer that was fitted on a table."""
    return lambda: twin(make().fit(table), as_events_hold(table))


def estimated(make: Callable[[], Any], target: Callable[[pd.DataFrame], Any]) -> Callable[[], object]:
    """An attempt to import an estimator."""

    def attempt() -> object:
        table = rows(1, 60)
        fitted = make()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted.fit(table, target(table))
        return import_model(fitted, model="m", version="v", rows=table)

    return attempt


SKLEARN = "scikit-learn"


def two(table: pd.DataFrame) -> Any:
    """Two classes."""
    return labels(table, 2, 2)


def positive(table: pd.DataFrame) -> Any:
    """Numbers above 0."""
    return amounts(table, 4)


REFUSALS = (
    *(Refusal(SKLEARN, why, nearest, estimated(make, two)) for make, why, nearest in CLASSIFIERS.values()),
    *(Refusal(SKLEARN, why, nearest, estimated(make, positive)) for make, why, nearest in REGRESSORS.values()),
    *(Refusal(SKLEARN, why, nearest, transformed(make, table)) for make, table, why, nearest in TRANSFORMERS),
)
"""All of them."""
