"""LightGBM: leaves and margins of imported models are the library's, bit for bit, however it was trained."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import make_classification

from scorer.errors import NotImportable
from scorer.importers.lightgbm import LINKS, LightGBMSource, source
from scorer.importers.parts import Source
from scorer.model.kernels.trees import MISSING_IS_ZERO, MISSING_LEFT, ZERO_LEFT, ZERO_RIGHT
from tests.importers.boosted import LIGHT, data, frame, light, light_for, mixed, target, worth
from tests.importers.drafted import assert_same_leaves, hard, scores, version_of

ZERO = float(np.float32(1e-35))
NUMBERS = np.array([
    np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, -5e-324, 1e-36, -1e-36, ZERO, -ZERO, np.nextafter(ZERO, 1),
    np.nextafter(-ZERO, -1), 1e300, -1e300,
])  # fmt: skip
CODES = np.array(
    [np.nan, -0.5, -1.0, -3.0, 0.0, 0.9, 1.5, 2.0, 6.0, 7.0, 31.0, 32.0, 33.5, 63.0, 64.0, 1e9, 2**31, 1e18]
)


def assert_same(found: Source, rows: pd.DataFrame, method: str, *, exactly: bool = True) -> None:
    model, estimate = version_of(found, rows, method)
    x = hard(np.random.default_rng(1), rows.to_numpy(np.float64), estimate, NUMBERS)
    codes = rows.to_numpy(np.float64)[np.random.default_rng(2).integers(len(rows), size=2 * len(CODES))]
    codes[:, 3:] = np.stack([np.repeat(CODES, 2), np.tile(CODES, 2)], axis=1)
    x = np.concatenate([x, codes])
    assert_same_leaves(model, estimate, x)
    odd = pd.DataFrame(x, columns=rows.columns)
    got, expected = scores(model, odd), found.answer(odd, method)
    if exactly:
        np.testing.assert_array_equal(got, expected)
    else:
        np.testing.assert_allclose(got, expected, rtol=1e-14, atol=0)


hyper = st.fixed_dictionaries({
    "num_leaves": st.sampled_from([2, 7, 31, 64, 65, 120]),
    "use_missing": st.booleans(),
    "zero_as_missing": st.booleans(),
    "max_cat_to_onehot": st.sampled_from([1, 4]),
    "min_data_in_leaf": st.sampled_from([1, 20]),
    "boosting": st.sampled_from(["gbdt", "gbdt", "rf", "dart"]),
    "extra_trees": st.booleans(),
    "seed": st.integers(0, 1000),
})  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(hyper, st.integers(0, 2**31), st.sampled_from([(), (3,), (3, 4)]))
def test_whatever_the_parameters_leaves_and_margins_are_the_library_s(
    params: dict[str, Any], seed: int, categories: tuple[int, ...]
) -> None:
    x = data(seed)
    settings_ = {**LIGHT, **params, "objective": "regression", "min_data_per_group": 1, "cat_smooth": 0.1, "cat_l2": 0}
    settings_ |= {"bagging_fraction": 0.7, "bagging_freq": 1}
    names = list(frame(x).columns)
    dataset = lgb.Dataset(x, target(x, seed), feature_name=names, categorical_feature=list(categories))
    booster = lgb.train(settings_, dataset, 12)
    assert_same(source(booster), frame(x), "predict")


@pytest.mark.parametrize("objective", LINKS)
def test_objectives(objective: str) -> None:
    x = data(5)
    found = source(light_for(objective, x))
    for method in found.methods:
        if method == "decision_function" or LINKS[objective] == "identity":
            assert_same(found, frame(x), method)
        elif found.methods[0] == method:
            assert_same(found, frame(x), method, exactly=False)


def test_a_label_whose_root_was_taken_is_squared_again() -> None:
    x = data(6)
    booster = lgb.train({**LIGHT, "objective": "regression", "reg_sqrt": True}, lgb.Dataset(x, target(x, 6) - 3), 10)
    rows = pd.DataFrame(x, columns=list("vwxyz"))
    found = source(booster)
    assert found.names(rows) == tuple("vwxyz")
    assert_same(found, rows, "predict")


def test_all_ways_of_missing_values_occur() -> None:
    ways: set[int] = set()
    for params in ({}, {"use_missing": False}, {"zero_as_missing": True}):
        x = data(7)
        booster = lgb.train({**LIGHT, "num_leaves": 60, **params}, lgb.Dataset(x, target(x, 7)), 20)
        found = LightGBMSource(booster, None)
        ways |= {int(way) for tree in found.text.trees for way in np.asarray(tree.missing).tolist()}
    assert ways >= {MISSING_LEFT, MISSING_IS_ZERO, ZERO_RIGHT, ZERO_LEFT}


def test_where_nothing_is_missing_a_gap_is_zero_whatever_the_default_says() -> None:
    """The library writes such splits with the default left, and reads them with the default right, too."""
    x = data(13)
    written = light(x, target(x, 13), use_missing=False, num_leaves=60).model_to_string()
    turned = re.sub(r"(?<=decision_type=)[\d ]+", lambda types: types[0].replace("2", "0"), written)
    assert turned != written
    assert_same(source(lgb.Booster(model_str=turned)), frame(x), "predict")


def test_pandas_categories_keep_the_order_of_the_model_and_unseen_ones_are_missing() -> None:
    rows = mixed(0, "Zürich")
    fitted = lgb.LGBMRegressor(**{**LIGHT, "min_data_per_group": 1, "cat_smooth": 0}).fit(rows, worth(rows))
    found = source(fitted)
    model, _ = version_of(found, rows, "predict")
    unseen = rows.iloc[:60].copy()
    unseen["carrier"] = pd.Categorical(["never seen"] * 30 + ["UA", "DL"] * 15)
    unseen["year"] = pd.Categorical([99] * 15 + [2013] * 45)
    turned = rows.assign(carrier=rows.carrier.cat.reorder_categories(["Zürich", "B6", "UA", "", "DL"]))
    plain = rows.assign(carrier=rows.carrier.astype(object), year=rows.year.astype(np.int64))
    for some in (rows, unseen, turned, plain):
        np.testing.assert_array_equal(scores(model, some), found.answer(some, "predict"))
    np.testing.assert_array_equal(found.answer(plain, "predict")[0], fitted.predict(rows))


def test_text_categories_of_a_file(tmp_path: Path) -> None:
    rows = mixed(1, "Zürich")
    fitted: Any = lgb.LGBMClassifier(**LIGHT).fit(rows, np.where(worth(rows) > 2, "late", "early"))
    fitted.booster_.save_model(tmp_path / "model.txt")
    found = source(tmp_path / "model.txt")
    model, _ = version_of(found, rows, "predict_proba")
    np.testing.assert_allclose(scores(model, rows)[0], fitted.predict_proba(rows)[:, 1], rtol=1e-14)
    assert model.classes == ("0", "1")
    named, _ = version_of(source(fitted), rows, "predict_proba")
    assert named.classes == ("early", "late")


def test_ordered_categories_are_numbers_with_a_list() -> None:
    rows = mixed(2, "Zürich").drop(columns="year")
    rows["carrier"] = rows.carrier.cat.as_ordered()
    found = source(lgb.LGBMRegressor(**LIGHT).fit(rows, rows.delay.fillna(0) + rows.carrier.cat.codes))
    model, _ = version_of(found, rows, "predict")
    np.testing.assert_array_equal(scores(model, rows), found.answer(rows, "predict"))


def test_early_stopping_counts_the_best_iterations_only() -> None:
    x, y = make_classification(400, 5, random_state=0)
    train, valid = lgb.Dataset(x[:200], y[:200]), lgb.Dataset(x[200:], y[200:])
    booster = lgb.train(
        {**LIGHT, "objective": "binary", "learning_rate": 0.5}, train, 200, [valid],
        callbacks=[lgb.early_stopping(3, verbose=False)], keep_training_booster=True,
    )  # fmt: skip
    assert booster.best_iteration < booster.current_iteration()
    rows = pd.DataFrame(x, columns=list("abcde"))
    model, estimate = version_of(source(booster), rows, "decision_function")
    assert len(estimate.kernel.arrays["root"]) == booster.best_iteration
    np.testing.assert_array_equal(scores(model, rows)[0], booster.predict(x, raw_score=True))


def test_a_constant_label_is_one_leaf() -> None:
    x = data(8)
    booster = lgb.train({**LIGHT, "objective": "regression"}, lgb.Dataset(x, np.full(len(x), 7.0)), 3)
    model, _ = version_of(source(booster), frame(x), "predict")
    np.testing.assert_array_equal(scores(model, frame(x)), np.full((1, len(x)), 7.0))


def test_two_classes_with_two_margins() -> None:
    x = data(9)
    booster = lgb.train(
        {**LIGHT, "objective": "multiclass", "num_class": 2}, lgb.Dataset(x, target(x, 9) > 2), 10
    )  # fmt: skip
    found = source(booster)
    model, _ = version_of(found, frame(x), "predict_proba")
    np.testing.assert_allclose(scores(model, frame(x)), found.answer(frame(x), "predict_proba"), rtol=1e-14)
    with pytest.raises(NotImportable, match="two margins"):
        version_of(found, frame(x), "decision_function")


def test_blanks_in_names() -> None:
    rows = frame(data(10)).rename(columns={"a": "a name"})
    found = source(lgb.LGBMRegressor(**LIGHT).fit(rows, target(rows.to_numpy(), 10)))
    assert found.names(rows) == ("a name", "b", "c", "d", "e")


def test_text_for_a_number_is_refused() -> None:
    rows = frame(data(12))
    found = source(lgb.LGBMRegressor(**LIGHT).fit(rows, target(rows.to_numpy(), 12)))
    with pytest.raises(NotImportable, match="as a number"):
        version_of(found, rows.assign(a="text"), "predict")


def test_lists_that_belong_to_no_column_are_refused() -> None:
    rows = mixed(3, "Zürich")
    rows["year"] = rows.year.cat.as_ordered()
    found = source(lgb.LGBMRegressor(**LIGHT).fit(rows, worth(mixed(3, "Zürich"))))
    with pytest.raises(NotImportable, match=r"which list belongs.*give rows with the dtypes"):
        version_of(found, rows.assign(year=rows.year.astype(float)), "predict")
    version_of(found, rows, "predict")


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.txt").write_text("hello\n")
    with pytest.raises(NotImportable, match="no model of LightGBM"):
        source(tmp_path / "model.txt")
