"""Boosters of XGBoost and LightGBM: every objective, and whatever their trees may hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import xgboost as xgb
from sklearn.datasets import make_classification

from scorer.importers import Difference, import_model
from scorer.importers.files import source
from scorer.importers.lightgbm import LINKS as LIGHT_LINKS
from scorer.importers.xgboost import LINKS as EXTREME_LINKS
from tests.importers.boosted import (
    LIGHT,
    data,
    extreme,
    extreme_for,
    frame,
    light,
    light_for,
    mixed,
    target,
    worth,
)
from tests.importers.cases.case import Case

XGBOOST, LIGHTGBM = "XGBoost", "LightGBM"

Made = Callable[[], tuple[Any, pd.DataFrame]]


def tried(group: str, what: str, how: str, made: Made) -> Case:
    """A case of a model and the rows that it was trained on."""

    def differences() -> Sequence[Difference]:
        model, rows = made()
        return import_model(model, model="m", version="v", rows=rows).differences

    return Case(group, what, how, differences)


def numbers(train: Callable[..., Any], sets: int = 0, **params: Any) -> Made:
    """A booster on numbers with gaps; the last ``sets`` columns are codes of categories."""

    def made() -> tuple[Any, pd.DataFrame]:
        x = data(21)
        return train(x, target(x, 21), sets=sets, **params), frame(x)

    return made


def trained_for(train: Callable[..., Any], objective: str) -> Made:
    """A booster that was trained for an objective."""

    def made() -> tuple[Any, pd.DataFrame]:
        return train(objective, data(5)), frame(data(5))

    return made


def of_pandas(estimator: Any, word: str = "Zurich") -> Made:
    """An estimator on columns of pandas' categories."""

    def made() -> tuple[Any, pd.DataFrame]:
        rows = mixed(22, word)
        labels = worth(rows)
        classifies = type(estimator).__name__.endswith("Classifier")
        return estimator.fit(rows, labels > 2 if classifies else labels), rows

    return made


def of_a_file(made: Made, name: str) -> Made:
    """The same by way of a file."""

    def read() -> tuple[Any, pd.DataFrame]:
        model, rows = made()
        booster: Any = model.booster_ if isinstance(model, lgb.LGBMClassifier) else model
        with TemporaryDirectory() as directory:
            path = Path(directory, name)
            booster.save_model(path)
            return source(path, allow_pickle=False, trust=()), rows

    return read


def sentinel() -> tuple[Any, pd.DataFrame]:
    rng = np.random.default_rng(7)
    x = rng.normal(size=(500, 3))
    x[rng.random(x.shape) < 0.3] = 0.0
    fitted = xgb.XGBRegressor(n_estimators=20, missing=0.0, n_jobs=1).fit(x, x[:, 0] * 2 + (x[:, 1] == 0))
    return fitted, pd.DataFrame(x, columns=["a", "b", "c"])


def stopped(train: Callable[..., Any]) -> Made:
    """A model whose best iteration is not its last."""

    def made() -> tuple[Any, pd.DataFrame]:
        x, y = make_classification(400, 5, random_state=0)
        return train(x[:200], y[:200], x[200:], y[200:]), pd.DataFrame(x, columns=list("abcde"))

    return made


def extreme_stopped(x: Any, y: Any, other: Any, labels: Any) -> Any:
    fitted = xgb.XGBClassifier(n_estimators=200, learning_rate=0.7, early_stopping_rounds=3, n_jobs=1)
    return fitted.fit(x, y, eval_set=[(other, labels)], verbose=False)


def light_stopped(x: Any, y: Any, other: Any, labels: Any) -> Any:
    train, valid = lgb.Dataset(x, y), lgb.Dataset(other, labels)
    return lgb.train(
        {**LIGHT, "objective": "binary", "learning_rate": 0.5}, train, 200, [valid],
        callbacks=[lgb.early_stopping(3, verbose=False)], keep_training_booster=True,
    )  # fmt: skip


def three(estimator: Any) -> Made:
    def made() -> tuple[Any, pd.DataFrame]:
        x, y = make_classification(600, 5, n_informative=4, n_redundant=0, n_classes=3, random_state=0)
        return estimator.fit(x, y), pd.DataFrame(x, columns=list("abcde"))

    return made


def _xgboost() -> Iterator[Case]:
    def case(what: str, how: str, made: Made) -> Case:
        return tried(XGBOOST, what, how, made)

    for objective in EXTREME_LINKS:
        yield case(objective, "numbers with gaps", trained_for(extreme_for, objective))
    yield case("missing values", "NaN", numbers(extreme))
    yield case("missing values", "missing=0", sentinel)
    yield case("categories", "codes, one-hot splits", numbers(extreme, sets=2, max_cat_to_onehot=100))
    yield case("categories", "codes, splits on sets", numbers(extreme, sets=2, max_cat_to_onehot=1))
    pandas = of_pandas(xgb.XGBRegressor(n_estimators=20, enable_categorical=True, max_cat_to_onehot=1, n_jobs=1))
    yield case("categories", "pandas (text, numbers)", pandas)
    yield case("trees", "depthwise", numbers(extreme, max_depth=9))
    yield case("trees", "lossguide", numbers(extreme, grow_policy="lossguide", max_leaves=120, max_depth=0))
    yield case("dart", "rate_drop=0.4", numbers(extreme, booster="dart", rate_drop=0.4))
    forest = xgb.XGBRFRegressor(n_estimators=30, n_jobs=1)
    yield case("random forests", "XGBRFRegressor", of_pandas(forest.set_params(enable_categorical=True)))
    yield case("random forests", "num_parallel_tree=3", numbers(extreme, num_parallel_tree=3))
    yield case("early stopping", "the best iteration is not the last", stopped(extreme_stopped))
    for strategy in ("one_output_per_tree", "multi_output_tree"):
        fitted = xgb.XGBClassifier(n_estimators=15, multi_strategy=strategy, tree_method="hist", n_jobs=1)
        yield case("three classes", strategy, three(fitted))
    classifier = of_pandas(xgb.XGBClassifier(n_estimators=10, enable_categorical=True, n_jobs=1))
    for suffix in ("json", "ubj"):
        yield case("files", f".{suffix}", of_a_file(classifier, f"model.{suffix}"))


def _lightgbm() -> Iterator[Case]:
    def case(what: str, how: str, made: Made) -> Case:
        return tried(LIGHTGBM, what, how, made)

    for objective in LIGHT_LINKS:
        yield case(objective, "numbers with gaps, a category", trained_for(light_for, objective))
    yield case("regression", "reg_sqrt=True", numbers(light, objective="regression", reg_sqrt=True))
    yield case("missing values", "NaN", numbers(light))
    yield case("missing values", "zero_as_missing=True", numbers(light, zero_as_missing=True))
    yield case("missing values", "use_missing=False", numbers(light, use_missing=False))
    small: dict[str, Any] = {"min_data_per_group": 1, "cat_smooth": 0.1, "cat_l2": 0}
    yield case("categories", "codes, one-hot splits", numbers(light, sets=2, max_cat_to_onehot=100, **small))
    yield case("categories", "codes, splits on sets", numbers(light, sets=2, max_cat_to_onehot=1, **small))
    pandas = lgb.LGBMRegressor(**{**LIGHT, "min_data_per_group": 1, "cat_smooth": 0})
    yield case("categories", "pandas (text, numbers)", of_pandas(pandas, "Zürich"))
    yield case("dart", "boosting='dart'", numbers(light, boosting="dart"))
    bags: dict[str, Any] = {"bagging_fraction": 0.7, "bagging_freq": 1}
    yield case("random forests", "boosting='rf'", numbers(light, boosting="rf", **bags))
    yield case("extra trees", "extra_trees=True", numbers(light, extra_trees=True))
    yield case("early stopping", "the best iteration is not the last", stopped(light_stopped))
    yield case("three classes", "LGBMClassifier", three(lgb.LGBMClassifier(n_estimators=15, **LIGHT)))
    classifier = of_pandas(lgb.LGBMClassifier(n_estimators=10, **LIGHT), "Zürich")
    yield case("files", ".txt", of_a_file(classifier, "model.txt"))


CASES = (*_xgboost(), *_lightgbm())
"""All of them."""
