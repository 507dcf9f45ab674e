"""XGBoost: leaves and scores of imported models are the library's, bit for bit, however it was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import make_classification

from scorer.errors import NotImportable
from scorer.importers.parts import Source
from scorer.importers.xgboost import CLASSIFIERS, LINKS, XGBoostSource, source
from tests.importers.boosted import data, extreme, extreme_for, frame, mixed, target, worth
from tests.importers.drafted import assert_same_leaves, hard, scores, version_of

NUMBERS = np.array([
    np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, -5e-324, 1e-36, 1e-45, 1e-46, 1e300, -1e300, 3.4028235e38, 3.4028236e38,
])  # fmt: skip
CODES = np.array(
    [np.nan, -0.5, -1.0, -0.0, 0.0, 0.9, 1.5, 2.0, 6.0, 7.0, 31.0, 32.0, 63.0, 64.0, 1e7, 2**24, 2**31, 1e18]
)


def assert_same(found: Source, rows: pd.DataFrame, method: str) -> None:
    model, estimate = version_of(found, rows, method)
    x = hard(np.random.default_rng(1), rows.to_numpy(np.float64), estimate, NUMBERS)
    codes = rows.to_numpy(np.float64)[np.random.default_rng(2).integers(len(rows), size=2 * len(CODES))]
    codes[:, 3:] = np.stack([np.repeat(CODES, 2), np.tile(CODES, 2)], axis=1)
    x = np.concatenate([x, codes])
    assert_same_leaves(model, estimate, x)
    odd = pd.DataFrame(x, columns=rows.columns)
    np.testing.assert_array_equal(scores(model, odd), found.answer(odd, method))


hyper = st.fixed_dictionaries({
    "max_depth": st.sampled_from([0, 1, 3, 6, 9]),
    "max_leaves": st.sampled_from([0, 20, 120]),
    "grow_policy": st.sampled_from(["depthwise", "lossguide"]),
    "tree_method": st.sampled_from(["hist", "approx"]),
    "max_cat_to_onehot": st.sampled_from([1, 4, 100]),
    "booster": st.sampled_from(["gbtree", "gbtree", "dart"]),
    "rate_drop": st.sampled_from([0.0, 0.4]),
    "num_parallel_tree": st.sampled_from([1, 3]),
    "base_score": st.sampled_from([0.0, 0.5, 1e6]),
    "subsample": st.just(0.7),
    "min_child_weight": st.sampled_from([0, 5]),
    "seed": st.integers(0, 1000),
})  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(hyper, st.integers(0, 2**31), st.sampled_from([0, 1, 2]))
def test_whatever_the_parameters_leaves_and_margins_are_the_library_s(
    params: dict[str, Any], seed: int, sets: int
) -> None:
    if params["max_depth"] == 0 and params["max_leaves"] == 0:
        params["max_leaves"] = 50
    if params["booster"] == "gbtree":
        del params["rate_drop"]
    x = data(seed)
    assert_same(source(extreme(x, target(x, seed), sets=sets, **params)), frame(x), "predict")


@pytest.mark.parametrize("objective", LINKS)
def test_objectives(objective: str) -> None:
    rows = frame(data(5))
    found = source(extreme_for(objective, data(5)))
    assert found.names(rows) == tuple(rows.columns)
    for method in found.methods[:2]:
        assert_same(found, rows, method)
    if objective in CLASSIFIERS:
        model, _ = version_of(found, rows, "predict_proba")
        chosen = model.classify(scores(model, rows))
        np.testing.assert_array_equal(chosen, found.answer(rows, "predict")[0])


@pytest.mark.parametrize("objective", ["binary:logistic", "count:poisson"])
def test_the_base_is_the_library_s_margin(objective: str) -> None:
    x = data(6)
    y = target(x, 6)
    found = source(extreme(x, y > 2 if "binary" in objective else np.round(y), objective=objective))
    assert isinstance(found, XGBoostSource)
    assert found._base[0] not in (0.0, 0.5)
    assert_same(found, frame(x), found.methods[-2] if len(found.methods) > 1 else "predict")


@pytest.mark.parametrize("missing", [0.0, -999.0, -999.1])
def test_a_number_that_is_missing_is_compared_after_rounding(missing: float) -> None:
    rng = np.random.default_rng(7)
    x = rng.normal(size=(500, 3))
    x[rng.random(x.shape) < 0.3] = missing
    fitted = xgb.XGBRegressor(n_estimators=20, missing=missing, n_jobs=1).fit(x, x[:, 0] * 2 + (x[:, 1] == missing))
    found, rows = source(fitted), pd.DataFrame(x, columns=["a", "b", "c"])
    model, estimate = version_of(found, rows, "predict")
    assert {entry.missing_sentinel for entry in model.inputs} == {missing}
    near = np.nextafter(missing, [-np.inf, np.inf])
    extra = np.array([missing, *near, float(np.float32(missing)), 1e-46, -1e-50, np.nan, np.inf])
    odd = pd.DataFrame(hard(rng, x, estimate, extra), columns=rows.columns)
    np.testing.assert_array_equal(scores(model, odd), found.answer(odd, "predict"))
    np.testing.assert_array_equal(found.answer(odd, "predict")[0], fitted.predict(odd.to_numpy()))


def test_of_whole_numbers_a_fraction_is_never_missing() -> None:
    rows = pd.DataFrame({"a": np.arange(100) % 7 - 999, "b": np.arange(100) / 3})
    found = source(xgb.XGBRegressor(n_estimators=3, missing=-999.1).fit(rows, rows.b))
    found.names(rows)
    assert dict(found.sentinels) == {"b": -999.1}


@pytest.mark.parametrize("onehot", [1, 100])
def test_pandas_categories_keep_the_order_of_the_model(onehot: int) -> None:
    rows = mixed()
    fitted = xgb.XGBRegressor(n_estimators=20, enable_categorical=True, max_cat_to_onehot=onehot, n_jobs=1)
    found = source(fitted.fit(rows, worth(rows)))
    model, _ = version_of(found, rows, "predict")
    turned = rows.assign(carrier=rows.carrier.cat.reorder_categories(["Zurich", "B6", "UA", "", "DL"]))
    plain = rows.assign(carrier=rows.carrier.astype(object), year=rows.year.astype(np.int64))
    for some in (rows, turned, plain):
        np.testing.assert_array_equal(scores(model, some)[0], fitted.predict(rows))
        np.testing.assert_array_equal(found.answer(some, "predict")[0], fitted.predict(rows))


@pytest.mark.parametrize(
    ("column", "value"), [("carrier", "C"), ("carrier", "never seen"), ("year", 2014), ("year", 9999)]
)
def test_a_category_that_was_never_seen_is_refused(column: str, value: object) -> None:
    """Two of these four the library takes for the next in order, and raises for the others."""
    rows = mixed()
    found = source(xgb.XGBRegressor(n_estimators=20, enable_categorical=True, n_jobs=1).fit(rows, worth(rows)))
    model, _ = version_of(found, rows, "predict")
    strange = rows.iloc[:3].assign(**{column: pd.Categorical([value] * 3)})
    with pytest.raises(ValueError, match="not in the training data"):
        found.answer(strange, "predict")
    assert np.isnan(scores(model, strange)).all()


@pytest.mark.parametrize("suffix", [".json", ".ubj"])
def test_files(tmp_path: Path, suffix: str) -> None:
    rows = mixed(1)
    fitted = xgb.XGBClassifier(n_estimators=10, enable_categorical=True, n_jobs=1).fit(rows, worth(rows) > 2)
    fitted.save_model(tmp_path / f"model{suffix}")
    found = source(tmp_path / f"model{suffix}")
    model, _ = version_of(found, rows, "predict_proba")
    np.testing.assert_array_equal(scores(model, rows)[0], fitted.predict_proba(rows)[:, 1])
    assert model.classes == ("0", "1")
    margins, _ = version_of(found, rows, "decision_function")
    np.testing.assert_array_equal(scores(margins, rows)[0], fitted.predict(rows, output_margin=True))


def test_early_stopping_counts_the_best_iterations_only() -> None:
    x, y = make_classification(400, 5, random_state=0)
    fitted = xgb.XGBClassifier(n_estimators=200, learning_rate=0.7, early_stopping_rounds=3, n_jobs=1)
    fitted.fit(x[:200], y[:200], eval_set=[(x[200:], y[200:])], verbose=False)
    rows = pd.DataFrame(x, columns=list("abcde"))
    assert fitted.best_iteration + 1 < fitted.get_booster().num_boosted_rounds()
    for model in (fitted, fitted.get_booster()):
        version, estimate = version_of(source(model), rows, "decision_function")
        assert len(estimate.kernel.arrays["root"]) == fitted.best_iteration + 1
        np.testing.assert_array_equal(scores(version, rows)[0], fitted.predict(x, output_margin=True))
    assert (
        fitted.get_booster().predict(xgb.DMatrix(x), output_margin=True) != fitted.predict(x, output_margin=True)
    ).any()


@pytest.mark.parametrize("strategy", ["one_output_per_tree", "multi_output_tree"])
def test_three_classes(strategy: str) -> None:
    x, y = make_classification(600, 5, n_informative=4, n_redundant=0, n_classes=3, random_state=0)
    fitted = xgb.XGBClassifier(n_estimators=15, multi_strategy=strategy, tree_method="hist", n_jobs=1).fit(x, y)
    found, rows = source(fitted), pd.DataFrame(x, columns=list("abcde"))
    margins, _ = version_of(found, rows, "decision_function")
    np.testing.assert_array_equal(scores(margins, rows), fitted.predict(x, output_margin=True).T)
    model, _ = version_of(found, rows, "predict_proba")
    np.testing.assert_array_equal(scores(model, rows), fitted.predict_proba(x).T)


def test_two_classes_with_two_margins() -> None:
    x = data(9)
    found = source(extreme(x, target(x, 9) > 2, objective="multi:softprob", num_class=2))
    assert_same(found, frame(x), "predict_proba")
    with pytest.raises(NotImportable, match="two margins"):
        version_of(found, frame(x), "decision_function")


def test_random_forests() -> None:
    x = data(10)
    fitted = xgb.XGBRFRegressor(n_estimators=30, n_jobs=1).fit(x, target(x, 10))
    found = source(fitted)
    assert_same(found, frame(x), "predict")
    np.testing.assert_array_equal(found.answer(frame(x), "predict")[0], fitted.predict(x))


def test_text_without_the_list_of_its_categories_is_refused() -> None:
    x = data(12)
    found = source(extreme(x, target(x, 12), sets=1))
    with pytest.raises(NotImportable, match="list of its categories") as caught:
        version_of(found, frame(x).assign(e="text"), "predict")
    assert "3.1" in caught.value.nearest


def test_a_list_that_the_library_stores_wrong_is_refused() -> None:
    rows = mixed(4)
    rows["carrier"] = rows.carrier.cat.rename_categories({"UA": "Zürich"})
    fitted = xgb.XGBRegressor(n_estimators=3, enable_categorical=True).fit(rows, rows.seats)
    known: Any = fitted.get_booster().get_categories(export_to_arrow=True).to_arrow()[1][1]
    assert "Zürich" not in known.to_pylist()
    with pytest.raises(NotImportable, match="counts characters") as caught:
        source(fitted)
    assert "ASCII" in caught.value.nearest


def test_numbers_for_text_are_refused() -> None:
    rows = mixed(3)
    found = source(xgb.XGBRegressor(n_estimators=3, enable_categorical=True).fit(rows, worth(rows)))
    with pytest.raises(NotImportable, match="something else"):
        version_of(found, rows.assign(carrier=1.0), "predict")


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(NotImportable, match="no model of XGBoost"):
        source(tmp_path / "model.json")
