"""Parity with the library that trained: on raw rows, with gaps, thresholds and their neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

from scorer.batch import Floats
from scorer.model import build, golden
from scorer.model.build import Design, Part, Proof
from scorer.model.frame import predict, rows
from scorer.model.inputs import Input
from scorer.model.kernels.boosted_trees import BoostedTrees
from scorer.model.kernels.trees import walk
from scorer.model.model import Model
from scorer.model.table import table
from tests.model import earlier
from tests.model.earlier import Tree

FEATURES = 8
NAMES = [f"x{i}" for i in range(FEATURES)]
INPUTS = tuple(Input(name, "float64", nullable=True) for name in NAMES)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """OpenMP threads that wait for a busy processor make these tests ten times slower."""
    with threadpool_limits(1):
        yield


def data(seed: int, count: int = 3000) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, FEATURES))
    x[:, 3:5] = np.round(x[:, 3:5], 1)
    x[rng.random(x.shape) < 0.08] = np.nan
    filled = np.nan_to_num(x)
    return x, filled[:, 0] * filled[:, 1] + filled[:, 2] + rng.normal(size=count) * 0.3


def trees_of(fitted: Any) -> list[Tree]:
    """The trees of a histogram gradient boosting model, in the order in which it adds them."""
    found = []
    for iteration in fitted._predictors:
        for output, predictor in enumerate(iteration):
            nodes = predictor.nodes
            leaf = nodes["is_leaf"] == 1
            left = np.where(leaf, -1, nodes["left"].astype(np.int64))
            right = np.where(leaf, -1, nodes["right"].astype(np.int64))
            split = nodes["num_threshold"], left, right, nodes["missing_go_to_left"], nodes["value"]
            found.append(Tree(nodes["feature_idx"], *split, output))
    return found


def boosted(fitted: Any, link: str) -> Part:
    return earlier.boosted_trees(NAMES, trees_of(fitted), fitted._baseline_prediction.ravel(), link)


def hard_rows(part: Part, x: Floats) -> Floats:
    """Rows on every threshold and one step to either side of it, besides those of ``x``."""
    inner = part.arrays["left"] != np.arange(len(part.arrays["left"]))
    feature, threshold = part.arrays["feature"][inner], part.arrays["threshold"][inner]
    picked = np.random.default_rng(1).choice(len(feature), min(1500, len(feature)), replace=False)
    made = []
    for near in (threshold, np.nextafter(threshold, -np.inf), np.nextafter(threshold, np.inf)):
        block = x[np.arange(len(picked)) % len(x)].copy()
        block[np.arange(len(picked)), feature[picked]] = near[picked]
        made.append(block)
    odd = np.full((5, FEATURES), np.nan)
    odd[1:] = np.array([[np.inf], [-np.inf], [0.0], [-0.0]])
    return np.concatenate([x, *made, odd])


def scored(design: Design, proof: Proof, x: Floats) -> tuple[Model, Floats]:
    model = golden.admit(build.version(design, proof))
    values = [(np.ascontiguousarray(column), ~np.isnan(column)) for column in x.T]
    return model, golden.score(model, table(INPUTS, values, len(x))).scores


def raw(x: Floats) -> list[list[float | None]]:
    return [[None if np.isnan(value) else value for value in row] for row in x.tolist()]


def finite(x: Floats) -> Floats:
    """The rows that scikit-learn takes."""
    return x[~np.isinf(x).any(axis=1)]


def test_boosted_trees_reach_the_same_leaves_and_margins_bit_for_bit() -> None:
    x, y = data(0)
    fitted = HistGradientBoostingClassifier(max_iter=120, early_stopping=False).fit(x, y > 0)
    part = boosted(fitted, "identity")
    x = finite(hard_rows(part, x))
    expected = fitted._raw_predict(x).T
    design = Design("m", "v", 0, ("scikit-learn", "1"), INPUTS, [], part, "regression")
    model, got = scored(design, Proof(raw(x[:64]), expected[:, :64], 0.0, 0.0), x)
    np.testing.assert_array_equal(got, expected)
    assert isinstance(model.kernel, BoostedTrees)
    trees = model.kernel.trees
    leaves = walk(trees, np.ascontiguousarray(x.T), np.zeros(x.T.shape, np.int64))
    for iteration, reached in zip(fitted._predictors, leaves, strict=True):
        np.testing.assert_array_equal(trees.value[trees.place[reached], 0], tree_predict(fitted, iteration[0], x))


def tree_predict(fitted: Any, predictor: Any, x: Floats) -> Floats:
    bitsets, places = fitted._bin_mapper.make_known_categories_bitsets()
    found: Floats = predictor.predict(x, known_cat_bitsets=bitsets, f_idx_map=places, n_threads=1)
    return found


@pytest.mark.parametrize("leaves", [2, 31, 64, 127])
def test_boosted_trees_binary(leaves: int) -> None:
    x, y = data(leaves)
    fitted = HistGradientBoostingClassifier(max_iter=40, max_leaf_nodes=leaves, min_samples_leaf=2).fit(x, y > 0)
    part = boosted(fitted, "sigmoid")
    x = finite(hard_rows(part, x))
    expected = fitted.predict_proba(x)[:, 1][None]
    design = Design("m", "v", 0, ("scikit-learn", "1"), INPUTS, [], part, "binary", ("False", "True"))
    model, got = scored(design, Proof(raw(x[:64]), expected[:, :64]), x)
    np.testing.assert_array_max_ulp(got, expected, maxulp=4)
    np.testing.assert_array_equal(model.classify(got) == 1, fitted.predict(x))


def test_boosted_trees_of_three_classes() -> None:
    x, y = data(9)
    fitted = HistGradientBoostingClassifier(max_iter=30).fit(x, np.digitize(y, [-0.7, 0.7]))
    margins = boosted(fitted, "softmax")
    x = finite(hard_rows(margins, x))
    expected = fitted.predict_proba(x).T
    design = Design("m", "v", 0, ("scikit-learn", "1"), INPUTS, [], margins, "multiclass", ("low", "mid", "high"))
    model, got = scored(design, Proof(raw(x[:64]), expected[:, :64]), x)
    np.testing.assert_allclose(got, expected, rtol=1e-14)
    np.testing.assert_array_equal(model.classify(got), fitted.predict(x))


def test_boosted_trees_for_a_regression() -> None:
    x, y = data(10)
    fitted = HistGradientBoostingRegressor(max_iter=50).fit(x, y)
    part = boosted(fitted, "identity")
    x = finite(hard_rows(part, x))
    expected = fitted.predict(x)[None]
    design = Design("m", "v", 0, ("scikit-learn", "1"), INPUTS, [], part, "regression")
    _, got = scored(design, Proof(raw(x[:64]), expected[:, :64], 0.0, 0.0), x)
    np.testing.assert_array_equal(got, expected)


NUMERIC = ["age", "seats", "wind"]
TEXT = ["carrier", "origin"]
MIXED = (
    Input("age", "float64", nullable=True),
    Input("seats", "int64", nullable=True),
    Input("wind", "float64"),
    Input("carrier", "category", nullable=True),
    Input("origin", "category"),
)


def mixed(seed: int, count: int = 2000) -> tuple[pd.DataFrame, npt.NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": np.where(rng.random(count) < 0.2, np.nan, rng.normal(30, 9, count)),
            "seats": pd.array(rng.integers(20, 300, count), dtype="Int64"),
            "wind": rng.gamma(2, 5, count),
            "carrier": rng.choice(["AA", "B6", "DL", "Ü"], count),
            "origin": pd.Categorical(rng.choice(["EWR", "JFK", "LGA"], count)),
        }
    )
    frame.loc[rng.random(count) < 0.1, "seats"] = pd.NA
    frame["carrier"] = frame["carrier"].astype(object).where(rng.random(count) > 0.1, None)
    linear = frame["wind"] / 10 + (frame["carrier"] == "AA") - (frame["origin"] == "JFK") + rng.normal(size=count)
    return frame, np.asarray(np.digitize(linear, [0.5, 1.5]), np.int64)


def for_sklearn(frame: pd.DataFrame) -> pd.DataFrame:
    plain = frame.astype({"seats": "float64", "carrier": object, "origin": object})
    plain["carrier"] = plain["carrier"].where(plain["carrier"].notna(), np.nan)
    return plain


def preparation(drop: str | None) -> ColumnTransformer:
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    words = make_pipeline(
        SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore", drop=drop, sparse_output=False)
    )
    return ColumnTransformer([("numbers", numbers, NUMERIC), ("words", words, TEXT)])


def parts(fitted: ColumnTransformer) -> tuple[list[Part], list[str]]:
    """A fitted ``preparation`` as steps, and the columns that they end in."""
    imputer, scaler = (step for _, step in fitted.named_transformers_["numbers"].steps)
    frequent, encoder = (step for _, step in fitted.named_transformers_["words"].steps)
    filled, scaled = [f"{name}.filled" for name in NUMERIC], [f"{name}.scaled" for name in NUMERIC]
    named = [f"{name}.named" for name in TEXT]
    steps = [
        build.impute(NUMERIC, filled, imputer.statistics_),
        build.standardise(filled, scaled, scaler.mean_, scaler.scale_),
        build.impute_categories(TEXT, named, list(frequent.statistics_)),
    ]
    for place, name in enumerate(named):
        drop = None if encoder.drop_idx_ is None else encoder.categories_[place][encoder.drop_idx_[place]]
        steps.append(build.one_hot(name, list(encoder.categories_[place]), drop=drop))
    return steps, [*scaled, *(column for step in steps[3:] for column in step.made)]


@pytest.mark.filterwarnings("ignore:Found unknown categories")
@pytest.mark.parametrize("drop", [None, "first"])
@pytest.mark.parametrize("kind", ["regression", "binary", "multiclass"])
def test_a_whole_pipeline_on_a_raw_frame(kind: str, drop: str | None) -> None:
    frame, target = mixed(1)
    estimator = LinearRegression() if kind == "regression" else LogisticRegression(max_iter=400)
    pipeline = Pipeline([("prepare", preparation(drop)), ("score", estimator)])
    pipeline.fit(for_sklearn(frame), target if kind != "binary" else target > 0)
    fresh, _ = mixed(2, 500)
    fresh.loc[::7, "carrier"] = "unseen"
    plain = for_sklearn(fresh)
    expected = pipeline.predict(plain)[None] if kind == "regression" else pipeline.predict_proba(plain).T
    if kind == "binary":
        expected = expected[1:]
    steps, columns = parts(pipeline.named_steps["prepare"])
    kernel = (build.linear if kind == "regression" else build.logistic)(columns, estimator.coef_, estimator.intercept_)
    classes = {"regression": (), "binary": ("False", "True"), "multiclass": ("0", "1", "2")}[kind]
    design = Design("m", "v", 0, ("scikit-learn", "1"), MIXED, steps, kernel, kind, classes)
    proof = Proof(rows(MIXED, fresh[:100]), expected[:, :100])
    found = predict(golden.admit(build.version(design, proof)), fresh)
    if kind == "multiclass":
        np.testing.assert_allclose(found[["score 0", "score 1", "score 2"]].to_numpy().T, expected, rtol=1e-11)
        np.testing.assert_array_equal(found["score"], found[["score 0", "score 1", "score 2"]].max(axis=1))
    else:
        np.testing.assert_allclose(found["score"], expected[0], rtol=1e-9, atol=1e-12)
    if kind != "regression":
        np.testing.assert_array_equal(found["class"], pipeline.predict(plain).astype(str))
    assert (found["flags"][::7] & 4 == 4).all()
    np.testing.assert_array_equal(found["flags"] & 1 == 1, fresh.isna().any(axis=1))


def test_ordinal_codes_are_those_of_the_encoder() -> None:
    frame, _ = mixed(3)
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-5, encoded_missing_value=-6)
    known = for_sklearn(frame)[["carrier"]]
    encoder.fit(known)
    words = [word for word in encoder.categories_[0] if isinstance(word, str)]
    step = build.ordinal("carrier", "code", words, unknown=-5, missing=-6)
    kernel = build.linear(["code"], [1.0], 0.0)
    inputs = (Input("carrier", "category", nullable=True),)
    design = Design("m", "v", 0, ("scikit-learn", "1"), inputs, [step], kernel, "regression")
    fresh, _ = mixed(4, 300)
    fresh.loc[::5, "carrier"] = "unseen"
    expected = encoder.transform(for_sklearn(fresh)[["carrier"]]).T
    model = golden.admit(build.version(design, Proof(rows(inputs, fresh), expected, 0.0, 0.0)))
    np.testing.assert_array_equal(predict(model, fresh)["score"], expected[0])
