"""What cannot be represented of XGBoost and LightGBM, and of tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import lightgbm as lgb
import numpy as np
import xgboost as xgb

from scorer.importers import lightgbm, xgboost
from scorer.importers.estimates import Treatment
from tests.importers.boosted import LIGHT, data, extreme, target
from tests.importers.cases import tables
from tests.importers.cases.boosters import LIGHTGBM, XGBOOST
from tests.importers.cases.refusal import Refusal


def squares(y: Any, p: Any) -> tuple[Any, Any]:
    return p - y, np.ones_like(p)


EXTREME: list[tuple[Any, str, str]] = [
    (lambda x, y: extreme(x, y, booster="gblinear"), "gblinear", "gbtree"),
    (lambda x, y: extreme(x, y > 2, objective="binary:logitraw"), "logitraw", "binary:logistic"),
    (lambda x, y: extreme(x, y > 2, objective="binary:hinge"), "hinge", "binary:logistic"),
    (lambda x, y: extreme(x, np.c_[y, y]), "2 numbers", "each of them"),
    (
        lambda x, y: extreme(x, y, objective="reg:quantileerror", quantile_alpha=[0.1, 0.9]),
        "2 numbers",
        "each of them",
    ),
    (lambda x, y: xgb.XGBRegressor(objective=squares, n_estimators=2).fit(x, y), "function of its own", "train with"),
    (lambda x, y: xgb.XGBRegressor(), "not fitted", "fit it"),
    (
        lambda x, y: xgb.XGBRegressor(
            n_estimators=2, missing=0.0, enable_categorical=True, feature_types=["c"] * 5
        ).fit(np.abs(x).round() % 5, y),
        "missing in categories",
        "nan",
    ),
    (xgb.DMatrix, "none of XGBoost's models", "Booster"),
]


LIGHTS: list[tuple[Any, str, str]] = [
    (lambda x, y: lgb.train({**LIGHT, "linear_tree": True}, lgb.Dataset(x, y), 3), "linear_tree", "without"),
    (lambda x, y: lgb.LGBMRegressor(objective=squares, **LIGHT).fit(x, y), "function of its own", "train with one of"),
    (
        lambda x, y: lgb.train({**LIGHT, "objective": "multiclassova", "num_class": 2}, lgb.Dataset(x, y > 2), 3),
        "add up",
        "binary",
    ),
    (lambda x, y: lgb.LGBMRegressor(), "not fitted", "fit it"),
    (lgb.Dataset, "none of LightGBM's models", "Booster"),
]


def boosted(source: Callable[[Any], object], made: Callable[[Any, Any], Any]) -> Callable[[], object]:
    """An attempt to import a booster."""

    def attempt() -> object:
        x = np.nan_to_num(data(11))
        return source(made(x, target(x, 11)))

    return attempt


def tabled(text: str, treatment: Treatment) -> Callable[[], object]:
    """An attempt to import a table."""

    def attempt() -> object:
        with TemporaryDirectory() as directory:
            return tables.source(Path(directory), text, treatment)

    return attempt


TABLES: list[tuple[str, Treatment, str, str]] = [
    (tables.R_GLM, Treatment("binomial", link="probit", classes=("a", "b")), "probit", ""),
    (tables.STATSMODELS, Treatment("gamma", link="inverse"), "inverse", ""),
    (tables.MULTINOM, Treatment("multinomial", classes=("a", "b", "c")), "class", "name a column after each class"),
    ("term,estimate\ndistance,NA\n", Treatment("gaussian"), "'NA'", "delete the line"),
    ("term,estimate\ndistance\n", Treatment("gaussian"), "no number", "delete the line"),
    ("term,estimate\ndistance,inf\n", Treatment("gaussian"), "'inf'", "delete the line"),
    ("term,estimate\ndistance,1\ndistance,2\n", Treatment("gaussian"), "twice", "a line to each term"),
    ("term,estimate\nnightTRUE,1\nnight,2\n", Treatment("gaussian"), "the same", ""),
    ("term,estimate\n", Treatment("gaussian"), "no terms", "a line to each term"),
    ("term,estimate\nlog(distance),1\n", Treatment("gaussian"), "it names no column", ""),
    ("", Treatment("gaussian"), "no CSV", "term,estimate"),
]

REFUSALS = (
    *(Refusal(XGBOOST, why, nearest, boosted(xgboost.source, made)) for made, why, nearest in EXTREME),
    *(Refusal(LIGHTGBM, why, nearest, boosted(lightgbm.source, made)) for made, why, nearest in LIGHTS),
    *(Refusal(tables.GROUP, why, nearest, tabled(text, how)) for text, how, why, nearest in TABLES),
)
"""All of them."""
