"""Compositions of estimators against the library: calibration, voting, stacking, one-vs-rest, and what wraps them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sklearn import ensemble, model_selection, multiclass, svm, tree
from sklearn import linear_model as lm
from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

from scorer.importers import import_model
from scorer.model import golden
from scorer.model.frame import predict
from tests.importers.twins import amounts, labels, rows, twin


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield


FEW = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # an import is slow to shrink
)
CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "logistic": lm.LogisticRegression,
    "svm": lambda: svm.LinearSVC(random_state=0),
    "sgd": lambda: lm.SGDClassifier(loss="log_loss", random_state=0),
    "tree": lambda: tree.DecisionTreeClassifier(max_depth=3, random_state=0),
    "forest": lambda: ensemble.RandomForestClassifier(4, max_depth=3, random_state=0),
    "boosting": lambda: ensemble.HistGradientBoostingClassifier(max_iter=4, max_leaf_nodes=5),
    "pipeline": lambda: make_pipeline(StandardScaler(), lm.LogisticRegression()),
}
CERTAIN = [name for name in CLASSIFIERS if name != "svm"]
REGRESSORS: dict[str, Callable[[], Any]] = {
    "linear": lm.LinearRegression,
    "tree": lambda: tree.DecisionTreeRegressor(max_depth=3, random_state=0),
    "boosting": lambda: ensemble.HistGradientBoostingRegressor(max_iter=4, max_leaf_nodes=5),
    "pipeline": lambda: make_pipeline(StandardScaler(), lm.Ridge()),
}
WEIGHTS = st.floats(0.1, 10)


@FEW
@given(
    name=st.sampled_from(list(CLASSIFIERS)),
    method=st.sampled_from(["sigmoid", "isotonic"]),
    several=st.booleans(),
    kinds=st.integers(2, 3),
)
def test_calibration(name: str, method: str, several: bool, kinds: int) -> None:
    frame = rows(1)
    calibrated = CalibratedClassifierCV(CLASSIFIERS[name](), method=method, cv=2, ensemble=several)
    found = twin(calibrated, frame, labels(frame, 2, kinds, named=True))
    found.assert_alike(rows(3))
    assert len(calibrated.calibrated_classifiers_) == (2 if several else 1)


def test_calibration_with_a_class_that_folds_lack() -> None:
    """A class of few rows is in the training part of one fold only; its column is 0 in the others."""
    frame = rows(7, 90)
    target = labels(frame, 8, 2)
    target[:3] = 2
    folds = model_selection.KFold(2)
    calibrated = CalibratedClassifierCV(tree.DecisionTreeClassifier(max_depth=2), cv=folds, method="sigmoid")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        calibrated.fit(frame, target)
    made = import_model(calibrated, model="m", version="v", rows=frame)
    assert golden.admit(made.stored).classes == ("0", "1", "2")


@FEW
@given(data=st.data(), kinds=st.integers(2, 3), hard=st.booleans())
def test_voting(data: st.DataObject, kinds: int, hard: bool) -> None:
    names = data.draw(st.lists(st.sampled_from(list(CLASSIFIERS) if hard else CERTAIN), min_size=1, max_size=3))
    weights = data.draw(st.none() | st.lists(WEIGHTS, min_size=len(names), max_size=len(names)))
    frame = rows(9)
    vote = ensemble.VotingClassifier(
        [(f"{name} {k}", CLASSIFIERS[name]()) for k, name in enumerate(names)],
        voting="hard" if hard else "soft",
        weights=weights,
    )
    found = twin(vote, frame, labels(frame, 10, kinds, named=True))
    fresh = rows(11)
    if not hard:
        found.assert_alike(fresh)
        return
    assert found.model.scale == "margin"
    np.testing.assert_array_equal(predict(found.model, fresh)["class"], vote.predict(fresh))


def test_dropped_estimators_and_their_weights() -> None:
    frame = rows(12)
    inner = [("a", lm.LogisticRegression()), ("b", tree.DecisionTreeClassifier(max_depth=2)), ("c", "drop")]
    vote = ensemble.VotingClassifier(inner, voting="soft", weights=[3, 1, 7])
    twin(vote, frame, labels(frame, 13, 2)).assert_alike(rows(14))
    stack = ensemble.StackingClassifier(inner, cv=2)
    twin(stack, frame, labels(frame, 13, 3)).assert_alike(rows(14))


@FEW
@given(data=st.data())
def test_voting_and_stacking_of_regressors(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(list(REGRESSORS)), min_size=1, max_size=3))
    weights = data.draw(st.none() | st.lists(WEIGHTS, min_size=len(names), max_size=len(names)))
    inner = [(f"{name} {k}", REGRESSORS[name]()) for k, name in enumerate(names)]
    frame, fresh = rows(15), rows(16)
    twin(ensemble.VotingRegressor(inner, weights=weights), frame, amounts(frame, 17)).assert_alike(fresh)
    last = data.draw(st.sampled_from([None, tree.DecisionTreeRegressor(max_depth=4)]))
    stack = ensemble.StackingRegressor(inner, last, cv=2, passthrough=data.draw(st.booleans()))
    twin(stack, frame, amounts(frame, 17)).assert_alike(fresh, rtol=1e-8)


@FEW
@given(
    data=st.data(),
    kinds=st.integers(2, 3),
    passthrough=st.booleans(),
    answer=st.sampled_from(["auto", "predict", "predict_proba"]),
)
def test_stacking(data: st.DataObject, kinds: int, passthrough: bool, answer: str) -> None:
    """Of two classes the library drops the first probability; a margin or a class is one column."""
    among = CERTAIN if answer == "predict_proba" else list(CLASSIFIERS)
    names = data.draw(st.lists(st.sampled_from(among), min_size=1, max_size=2))
    last = data.draw(st.sampled_from([None, svm.LinearSVC(), tree.DecisionTreeClassifier(max_depth=4)]))
    stack = ensemble.StackingClassifier(
        [(f"{name} {k}", CLASSIFIERS[name]()) for k, name in enumerate(names)],
        last,
        cv=2,
        passthrough=passthrough,
        stack_method=answer,
    )
    frame = rows(18)
    twin(stack, frame, labels(frame, 19, kinds, named=True)).assert_alike(rows(20), rtol=1e-7)


@pytest.mark.parametrize("kinds", [2, 4])
@pytest.mark.parametrize("name", ["logistic", "svm", "tree", "boosting"])
def test_one_vs_rest(name: str, kinds: int) -> None:
    frame = rows(21)
    twin(multiclass.OneVsRestClassifier(CLASSIFIERS[name]()), frame, labels(frame, 22, kinds)).assert_alike(rows(23))


@pytest.mark.parametrize("bound", ["auto", 0.2, 0.75])
@pytest.mark.parametrize("answer", ["auto", "decision_function"])
def test_thresholds(bound: Any, answer: str) -> None:
    frame, fresh = rows(27), rows(28)
    moved = model_selection.FixedThresholdClassifier(lm.LogisticRegression(), threshold=bound, response_method=answer)
    found = twin(moved, frame, labels(frame, 29, 2))
    np.testing.assert_array_equal(predict(found.model, fresh)["class"].astype(int), moved.predict(fresh))
    assert found.model.scale == ("margin" if answer == "decision_function" else "probability")


def test_a_tuned_threshold_within_a_hard_vote() -> None:
    frame = rows(30)
    tuned = model_selection.TunedThresholdClassifierCV(lm.LogisticRegression(), thresholds=9)
    twin(tuned, frame, labels(frame, 31, 2)).assert_alike(rows(32))
    vote = ensemble.VotingClassifier([("a", tuned), ("b", svm.LinearSVC()), ("c", lm.Perceptron())])
    found = twin(vote, frame, labels(frame, 31, 2))
    np.testing.assert_array_equal(predict(found.model, rows(32))["class"].astype(int), vote.predict(rows(32)))
