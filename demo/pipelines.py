"""The two models of the demo as scikit-learn pipelines on raw rows, and what they fitted as parts of a version."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from scorer.model import build
from scorer.model.build import Part, Tree
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

Parts = tuple[list[Part], Part]
"""The preparation and the kernel of a version."""


@dataclass(frozen=True)
class Recipe:
    """How one version is made: an unfitted pipeline, and how to take the fitted one apart."""

    serial: int
    pipeline: Callable[[], Pipeline]
    parts: Callable[[Pipeline], Parts]


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


def parts_of_logistic(fitted: Pipeline) -> Parts:
    """What a fitted ``logistic`` pipeline consists of."""
    prepare, score = fitted["prepare"], fitted["score"]
    imputer, scaler = (step for _, step in prepare.named_transformers_["numbers"].steps)
    filled, scaled = [f"{name}.filled" for name in NUMBERS], [f"{name}.scaled" for name in NUMBERS]
    steps = [
        build.impute(NUMBERS, filled, imputer.statistics_),
        build.standardise(filled, scaled, scaler.mean_, scaler.scale_),
    ]
    for name, known in _known(prepare):
        gap = any(not isinstance(word, str) for word in known)
        steps.append(build.one_hot(name, [word for word in known if isinstance(word, str)], missing_column=gap))
    columns = [*scaled, *(column for step in steps[2:] for column in step.made)]
    return steps, build.logistic(columns, score.coef_, score.intercept_)


def parts_of_boosted(fitted: Pipeline) -> Parts:
    """What a fitted ``boosted`` pipeline consists of."""
    prepare, score = fitted["prepare"], fitted["score"]
    steps = [
        build.ordinal(name, f"{name}.place", [word for word in known if isinstance(word, str)])
        for name, known in _known(prepare)
    ]
    columns = [*NUMBERS, *(step.made[0] for step in steps)]
    # The library has no public way to its trees.
    trees = [_tree(predictor.nodes) for iteration in score._predictors for predictor in iteration]
    return steps, build.boosted_trees(columns, trees, score._baseline_prediction.ravel(), "sigmoid")


def _known(prepare: ColumnTransformer) -> list[tuple[str, Sequence[object]]]:
    """The fitted categories of each category column; NaN among them stands for a missing value."""
    return list(zip(CATEGORIES, prepare.named_transformers_["words"].categories_, strict=True))


def _tree(nodes: np.ndarray) -> Tree:
    leaf = nodes["is_leaf"] == 1
    left, right = (np.where(leaf, -1, nodes[side].astype(np.int64)) for side in ("left", "right"))
    return Tree(nodes["feature_idx"], nodes["num_threshold"], left, right, nodes["missing_go_to_left"], nodes["value"])


RECIPES: Mapping[str, Recipe] = {
    "2013-q1-logistic": Recipe(1, logistic, parts_of_logistic),
    "2013-q1-boosted": Recipe(2, boosted, parts_of_boosted),
}
"""The versions by name, the first champion first."""

LOGISTIC, BOOSTED = RECIPES


def late(fitted: Pipeline, rows: pd.DataFrame) -> Floats:
    """The library's probability of a late arrival for raw rows, shape ``(rows,)``."""
    found: Floats = fitted.predict_proba(rows[RAW])[:, 1]
    return found
