"""Estimators against the library that trained them: random hyper-parameters, and rows that they have never seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sklearn import ensemble, isotonic, svm, tree
from sklearn import linear_model as lm
from sklearn.base import is_classifier
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

from scorer.model.frame import predict
from tests.importers.twins import amounts, labels, rows, twin

FEW = settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # an import is slow to shrink
)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """OpenMP threads that wait for a busy processor make these tests ten times slower."""
    with threadpool_limits(1):
        yield


PENALTY = st.floats(1e-3, 10)


def sums(data: st.DataObject) -> Any:
    """An estimator of weighted sums with random options."""
    weight, mix = data.draw(PENALTY), data.draw(st.floats(0.05, 0.95))
    loss = data.draw(st.sampled_from(["log_loss", "modified_huber", "hinge", "squared_hinge"]))
    free = {"fit_intercept": data.draw(st.booleans())}
    return data.draw(
        st.sampled_from([
            lm.Ridge(weight, **free), lm.Lasso(weight / 20, **free), lm.ElasticNet(weight / 20, l1_ratio=mix, **free),
            lm.PoissonRegressor(alpha=weight, **free), lm.GammaRegressor(alpha=weight, **free),
            lm.TweedieRegressor(power=data.draw(st.sampled_from([0, 1.2, 1.5, 1.9, 2, 3])), alpha=weight, **free),
            lm.SGDRegressor(alpha=weight / 1000, random_state=0, **free), svm.LinearSVR(C=weight, **free),
            lm.LogisticRegression(C=weight, **free), svm.LinearSVC(C=weight, **free),
            lm.RidgeClassifier(weight, **free), lm.SGDClassifier(loss, alpha=weight / 1000, random_state=0, **free),
        ])
    )  # fmt: skip


@settings(FEW, max_examples=25)
@given(data=st.data(), seed=st.integers(0, 2**16), kinds=st.integers(2, 4))
def test_sums_with_random_options(data: st.DataObject, seed: int, kinds: int) -> None:
    frame, estimator = rows(seed, 120), sums(data)
    target = labels(frame, seed, kinds, named=True) if is_classifier(estimator) else amounts(frame, seed)
    twin(estimator, frame, target).assert_alike(rows(seed + 1, 60))


DEPTHS = st.one_of(st.none(), st.integers(1, 6))
LEAVES = st.integers(1, 20)


@FEW
@given(data=st.data(), kinds=st.integers(2, 4), gaps=st.booleans())
def test_forests(data: st.DataObject, kinds: int, gaps: bool) -> None:
    """Float64 rows, rounded numbers among them: the library rounds them to float32 and keeps its thresholds."""
    frame, fresh = rows(7, gaps=gaps), rows(8, gaps=gaps)
    which = data.draw(
        st.sampled_from(["DecisionTree", "ExtraTree", "RandomForest", "ExtraTrees"]).filter(
            lambda name: not gaps or name in {"DecisionTree", "RandomForest", "ExtraTrees"}
        )
    )
    options = {
        "max_depth": data.draw(DEPTHS),
        "min_samples_leaf": data.draw(LEAVES),
        "random_state": data.draw(st.integers(0, 99)),
    }
    if which in ("RandomForest", "ExtraTrees"):
        options["n_estimators"] = data.draw(st.integers(1, 12))
    room = tree if which in ("DecisionTree", "ExtraTree") else ensemble
    classifier = getattr(room, f"{which}Classifier")(
        **options, class_weight=data.draw(st.sampled_from([None, "balanced"]))
    )
    twin(classifier, frame, labels(frame, 9, kinds)).assert_alike(fresh)
    criterion = data.draw(st.sampled_from(["squared_error", "poisson"]))
    regressor = getattr(room, f"{which}Regressor")(**options, criterion=criterion)
    found = twin(regressor, frame, amounts(frame, 9))
    found.assert_alike(fresh)
    assert all(entry.nullable for entry in found.model.inputs)
    assert any(one.what.startswith("leaves") and one.absolute == 0 for one in found.imported.differences)


@FEW
@given(data=st.data(), kinds=st.integers(2, 3))
def test_gradient_boosting(data: st.DataObject, kinds: int) -> None:
    frame, fresh = rows(10), rows(11)
    options = {
        "n_estimators": data.draw(st.integers(1, 10)),
        "learning_rate": data.draw(st.floats(0.01, 1.0)),
        "max_depth": data.draw(st.integers(1, 5)),
        "subsample": data.draw(st.sampled_from([0.5, 1.0])),
        "random_state": 0,
    }
    loss = data.draw(st.sampled_from(["log_loss", "exponential"])) if kinds == 2 else "log_loss"
    first = data.draw(st.sampled_from([None, "zero", ensemble.RandomForestClassifier(3, max_depth=2, random_state=0)]))
    classifier = ensemble.GradientBoostingClassifier(**options, loss=loss, init=first)
    twin(classifier, frame, labels(frame, 12, kinds)).assert_alike(fresh)
    loss = data.draw(st.sampled_from(["squared_error", "absolute_error", "huber", "quantile"]))
    first = data.draw(st.sampled_from([None, "zero", tree.DecisionTreeRegressor(max_depth=2), lm.Ridge()]))
    regressor = ensemble.GradientBoostingRegressor(**options, loss=loss, init=first)
    # A linear first estimator is fitted and calculates in float32.
    near = {"rtol": 1e-5, "atol": 1e-6} if isinstance(first, lm.Ridge) else {}
    twin(regressor, frame, amounts(frame, 12)).assert_alike(fresh, **near)


def test_a_tie_between_two_classes_goes_where_the_library_puts_it() -> None:
    """Gradient boosting takes the second class at a margin of exactly 0; most others the first."""
    frame = pd.DataFrame({"a": [0.0, 1.0, 0.0, 1.0] * 10})
    target = np.array([0, 1, 1, 0] * 10)
    found = twin(ensemble.GradientBoostingClassifier(n_estimators=1), frame, target)
    assert found.model.classify(np.array([[0.5]])).tolist() == found.fitted.predict(frame[:1]).tolist() == [1]
    forest = twin(tree.DecisionTreeClassifier(max_depth=1), frame, target)
    assert forest.model.classify(np.array([[0.5]])).tolist() == forest.fitted.predict(frame[:1]).tolist() == [0]


@FEW
@given(data=st.data(), kinds=st.integers(2, 3), gaps=st.booleans())
def test_histogram_gradient_boosting(data: st.DataObject, kinds: int, gaps: bool) -> None:
    frame, fresh = rows(13, gaps=gaps), rows(14, gaps=gaps)
    options = {
        "max_iter": data.draw(st.integers(1, 12)),
        "learning_rate": data.draw(st.floats(0.01, 1.0)),
        "max_leaf_nodes": data.draw(st.integers(2, 40)),
        "min_samples_leaf": data.draw(LEAVES),
        "max_bins": data.draw(st.sampled_from([16, 255])),
        "early_stopping": data.draw(st.booleans()),
        "categorical_features": data.draw(st.sampled_from([None, ["whole"]])),
        "random_state": 0,
    }
    twin(ensemble.HistGradientBoostingClassifier(**options), frame, labels(frame, 15, kinds)).assert_alike(fresh)
    loss = data.draw(st.sampled_from(["squared_error", "absolute_error", "poisson", "gamma", "quantile"]))
    extra = {"quantile": 0.8} if loss == "quantile" else {}
    regressor = ensemble.HistGradientBoostingRegressor(**options, loss=loss, **extra)
    twin(regressor, frame, amounts(frame, 15)).assert_alike(fresh)


def test_categories_of_histogram_gradient_boosting_missing_and_unseen() -> None:
    rng = np.random.default_rng(16)
    words = pd.Categorical(rng.choice(["AA", "B6", "DL", "Zürich"], 400), categories=["Zürich", "DL", "B6", "AA", "NN"])
    frame = rows(16, 400).assign(word=words)
    frame.loc[::9, "word"] = np.nan
    target = amounts(frame.drop(columns="word"), 17) + np.where(frame["word"].isin(["B6", "DL"]), 3.0, 0.0)
    boosting = ensemble.HistGradientBoostingRegressor(max_iter=20, categorical_features="from_dtype")
    found = twin(boosting, frame, target)
    found.assert_alike(frame[::-1])
    assert {step.name for step in found.model.manifest.pipeline} == {"encode@1"}
    assert "set_node" in found.model.manifest.kernel.tensors
    unseen = found.model.manifest.golden.inputs
    assert any("never seen before" in row for row in unseen)
    assert any(row[-1] is None for row in unseen)


@pytest.mark.parametrize("outside", ["clip", "nan", "raise"])
def test_isotonic_regression(outside: str) -> None:
    frame = rows(18)[["plain"]]
    found = twin(isotonic.IsotonicRegression(out_of_bounds=outside), frame, amounts(rows(18), 19))
    inside = rows(20)[["plain"]].clip(frame["plain"].min(), frame["plain"].max())
    found.assert_alike(inside)
    beyond = pd.DataFrame({"plain": [-1e6, 1e6]})
    scores = predict(found.model, beyond)["score"]
    assert scores.notna().all() if outside == "clip" else scores.isna().all()
