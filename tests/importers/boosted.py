"""What boosters are trained on: numbers with zeros and gaps, codes of categories, columns of pandas' categories."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import xgboost as xgb

from scorer.batch import Floats

LIGHT: dict[str, Any] = {"verbose": -1, "num_threads": 1, "deterministic": True, "force_row_wise": True}
"""LightGBM, quiet and on one thread."""

EXTREME: dict[str, Any] = {"nthread": 1, "verbosity": 0}
"""XGBoost, quiet and on one thread."""


def data(seed: int, rows: int = 600) -> Floats:
    """Two numbers with zeros and gaps, one with whole values, and two columns of codes."""
    rng = np.random.default_rng(seed)
    whole = [rng.integers(low, high, rows) for low, high in ((-3, 4), (0, 8), (0, 70))]
    x = np.column_stack([rng.normal(size=(rows, 2)), *whole])
    x[:, :3][rng.random((rows, 3)) < 0.2] = 0.0
    x[rng.random(x.shape) < 0.1] = np.nan
    return np.asarray(x, np.float64)


def target(x: Floats, seed: int) -> Floats:
    """A positive number that hangs on everything."""
    rng = np.random.default_rng(seed)
    worth = rng.gamma(1, size=70)
    codes = [np.nan_to_num(column, nan=-1).astype(int) for column in x[:, 3:].T]
    found = np.abs(np.nan_to_num(x[:, 0])) + np.isnan(x[:, 1]) + (x[:, 2] == 0) + worth[codes[0]] + worth[codes[1]]
    return np.asarray(found + rng.gamma(0.5, size=len(x)), np.float64)


def frame(x: Floats) -> pd.DataFrame:
    """The columns with names."""
    return pd.DataFrame(x, columns=["a", "b", "c", "d", "e"])


def mixed(seed: int = 0, word: str = "Zurich", rows: int = 500) -> pd.DataFrame:
    """A number, two columns of pandas' categories (text, numbers; in no order), a truth value, whole numbers."""
    rng = np.random.default_rng(seed)
    found = pd.DataFrame({
        "delay": rng.normal(size=rows),
        "carrier": pd.Categorical(rng.choice(carriers := ["UA", "", word, "B6", "DL"], rows), carriers),
        "year": pd.Categorical(rng.choice(years := [2015, -7, 2013, 400], rows), years),
        "late": rng.integers(0, 2, rows).astype(bool),
        "seats": rng.integers(1, 300, rows),
    })  # fmt: skip
    found.loc[rng.random(rows) < 0.1, ["delay", "carrier"]] = np.nan
    return found


def worth(rows: pd.DataFrame) -> Floats:
    """A number that hangs on all columns of :func:`mixed`."""
    known = {"UA": 1.0, "Zurich": 3.0, "Zürich": 3.0, "B6": -1.0}
    carrier = rows.carrier.map(known).astype(float).fillna(0.2).to_numpy()
    year = (rows.year.astype(float) % 3).to_numpy()
    return np.asarray(rows.delay.fillna(0).to_numpy() + carrier * 2 + year + rows.late.to_numpy(), np.float64)


def extreme(x: Floats, y: Any, rounds: int = 12, sets: int = 0, **params: Any) -> xgb.Booster:
    """A booster of XGBoost; the last ``sets`` columns are codes of categories."""
    types = ["float"] * (x.shape[1] - sets) + ["c"] * sets
    matrix = xgb.DMatrix(x, y, feature_types=types, enable_categorical=True)
    return xgb.train({**EXTREME, **params}, matrix, rounds)


def extreme_for(objective: str, x: Floats) -> xgb.Booster:
    """A booster of XGBoost that was trained for an objective, on labels that suit it."""
    y: Any = target(x, 5)
    params: dict[str, Any] = {"objective": objective, "max_depth": 3}
    if "multi" in objective:
        y, params["num_class"] = np.digitize(y, [1.5, 3.0]), 3
    elif "logistic" in objective or objective == "rank:map":
        y = y > 2
    elif "rank" in objective:
        y = np.digitize(y, [1.5, 3.0])
    elif objective == "reg:quantileerror":
        params["quantile_alpha"] = 0.3
    matrix = xgb.DMatrix(x, y, group=[60] * 10 if "rank" in objective else None)
    if objective == "survival:aft":
        matrix.set_info(label_lower_bound=y, label_upper_bound=y + 1)
    return xgb.train({**EXTREME, **params}, matrix, 10)


def light(x: Floats, y: Any, rounds: int = 12, sets: int = 0, **params: Any) -> lgb.Booster:
    """A booster of LightGBM; the last ``sets`` columns are codes of categories."""
    names = list(frame(x).columns)
    categories: Any = names[len(names) - sets :]
    dataset = lgb.Dataset(x, y, feature_name=names, categorical_feature=categories)
    return lgb.train({**LIGHT, **params}, dataset, rounds)


def light_for(objective: str, x: Floats) -> lgb.Booster:
    """A booster of LightGBM that was trained for an objective, on labels that suit it; one column is a category."""
    y: Any = target(x, 5)
    params: dict[str, Any] = {**LIGHT, "objective": objective, "num_leaves": 8}
    group = None
    if "multiclass" in objective:
        y, params["num_class"] = np.digitize(y, [1.5, 3.0]), 3
    elif objective == "binary":
        y = y > 2
    elif "rank" in objective:
        y, group = np.digitize(y, [1.5, 3.0]), [60] * 10
    elif "entropy" in objective:
        y = np.clip(y / 10, 0, 1)
    if objective in ("binary", "multiclassova"):
        params["sigmoid"] = 0.7
    names = list(frame(x).columns)
    return lgb.train(params, lgb.Dataset(x, y, group=group, feature_name=names, categorical_feature=[3]), 10)
