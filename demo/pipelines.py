"""The two models of the demo as scikit-learn pipelines on raw rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from demo.flights import WEATHER
from scorer.batch import Floats
from scorer.model.inputs import Input

INTEGERS = ("distance", "weekday", "hour", "minute")
GAPPY = ("plane_year", "seats", *WEATHER)
NUMBERS = (*INTEGERS, *GAPPY)
CATEGORIES = ("carrier", "origin", "dest", "manufacturer")
RAW = [*NUMBERS, *CATEGORIES]
"""The columns of a raw row. Not the month: the models see three of them in training and nine others after it."""

INPUTS = (
    *(Input(name, "int64") for name in INTEGERS),
    *(Input(name, "float64", nullable=True) for name in GAPPY),
    *(Input(name, "category", nullable=name == "manufacturer") for name in CATEGORIES),
)


@dataclass(frozen=True)
class Recipe:
    """How one version is made: its serial, and an unfitted pipeline."""

    serial: int
    pipeline: Callable[[], Pipeline]


def logistic() -> Pipeline:
    """A logistic regression on imputed, standardised and one-hot encoded columns."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    prepare = ColumnTransformer(
        [("numbers", numbers, list(NUMBERS)), ("words", OneHotEncoder(handle_unknown="ignore"), list(CATEGORIES))]
    )
    # This solver converges in a few steps to the last digits, so that other machines come to almost the same numbers.
    return Pipeline([("prepare", prepare), ("score", LogisticRegression(solver="newton-cholesky", tol=1e-10))])


def boosted() -> Pipeline:
    """Boosted trees, which take missing values as they are, on numbers and the positions of categories."""
    places = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan, dtype=np.float64
    )
    prepare = ColumnTransformer([("numbers", "passthrough", list(NUMBERS)), ("words", places, list(CATEGORIES))])
    trees = HistGradientBoostingClassifier(
        max_iter=60, max_leaf_nodes=15, min_samples_leaf=50, early_stopping=False, random_state=0
    )
    return Pipeline([("prepare", prepare), ("score", trees)])


RECIPES: Mapping[str, Recipe] = {
    "2013-q1-logistic": Recipe(1, logistic),
    "2013-q1-boosted": Recipe(2, boosted),
}
"""The versions by name, the first champion first."""

LOGISTIC, BOOSTED = RECIPES


def late(fitted: Pipeline, rows: pd.DataFrame) -> Floats:
    """The library's probability of a late arrival for raw rows, shape ``(rows,)``."""
    found: Floats = fitted.predict_proba(rows[RAW])[:, 1]
    return found
