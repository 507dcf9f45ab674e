"""Compositions of scikit-learn's estimators: calibration, voting, stacking, one-vs-rest, and what wraps one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn import compose, ensemble, frozen, model_selection, multiclass, svm, tree
from sklearn import linear_model as lm
from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from xgboost import XGBClassifier, XGBRegressor

from tests.importers.cases.case import Case
from tests.importers.cases.estimators import tried
from tests.importers.twins import labels, rows

GROUP = "ensembles and wrappers"

TREE = tree.DecisionTreeClassifier(max_depth=3, random_state=0)
GROWN = tree.DecisionTreeRegressor(max_depth=3, random_state=0)
BOOSTED = ensemble.HistGradientBoostingClassifier(max_iter=4, max_leaf_nodes=5)
EXTREME = XGBClassifier(n_estimators=4, max_depth=3, n_jobs=1)
LIGHT = LGBMClassifier(n_estimators=4, num_leaves=5, verbose=-1, n_jobs=1)


def _calibrated() -> Iterator[Case]:
    inner = {"svm": svm.LinearSVC(random_state=0), "trees": BOOSTED}
    for method in ("sigmoid", "isotonic"):
        for name, one in inner.items():
            for kinds in (2, 3):
                made = CalibratedClassifierCV(one, method=method, cv=2)
                yield tried(GROUP, made, kinds=kinds, how=f"{method}, {name}")
        made = CalibratedClassifierCV(lm.LogisticRegression(), method=method, cv=2, ensemble=False)
        yield tried(GROUP, made, kinds=3, how=f"{method}, ensemble=False")
        for name, one in {"XGBoost": EXTREME, "LightGBM": LIGHT}.items():
            made = CalibratedClassifierCV(one, method=method, cv=2)
            yield tried(GROUP, made, kinds=2, gaps=True, near=1e-5, how=f"{method}, {name}", named=False)


def _together() -> Iterator[Case]:
    inner = [("sums", lm.LogisticRegression()), ("tree", TREE), ("boosted", BOOSTED)]
    hard = [("svm", svm.LinearSVC(random_state=0)), ("tree", TREE), ("perceptron", lm.Perceptron(random_state=0))]
    estimates = [
        ("sums", lm.LinearRegression()),
        ("tree", GROWN),
        ("scaled", make_pipeline(StandardScaler(), lm.Ridge())),
    ]
    for kinds in (2, 3):
        soft = ensemble.VotingClassifier(inner, voting="soft", weights=[1, 2, 0.5])
        yield tried(GROUP, soft, kinds=kinds, how="soft, weights")
        votes = ensemble.VotingClassifier(hard, weights=[1, 2, 4])
        yield tried(GROUP, votes, kinds=kinds, how="hard, weights")
        boosters = ensemble.VotingClassifier([("x", EXTREME), ("l", LIGHT)], voting="soft")
        yield tried(GROUP, boosters, kinds=kinds, gaps=True, near=1e-5, how="soft, XGBoost and LightGBM")
        for answer in ("auto", "predict", "predict_proba"):
            stack = ensemble.StackingClassifier(inner, cv=2, stack_method=answer)
            yield tried(GROUP, stack, kinds=kinds, near=1e-7, how=f"stack_method={answer!r}")
        stack = ensemble.StackingClassifier(hard[:2], TREE, cv=2, passthrough=True)
        yield tried(GROUP, stack, kinds=kinds, near=1e-7, how="passthrough, a tree at the end")
    yield tried(GROUP, ensemble.VotingRegressor(estimates, weights=[1, 2, 3]), how="weights")
    for passthrough in (False, True):
        stack = ensemble.StackingRegressor(estimates, cv=2, passthrough=passthrough)
        yield tried(GROUP, stack, near=1e-8, how=f"passthrough={passthrough}")
    boosters = [
        ("x", XGBRegressor(n_estimators=4, n_jobs=1)),
        ("l", LGBMRegressor(n_estimators=4, verbose=-1, n_jobs=1)),
    ]
    yield tried(GROUP, ensemble.StackingRegressor(boosters, lm.Ridge(), cv=2), near=1e-5, how="XGBoost and LightGBM")


def _rest() -> Iterator[Case]:
    for name, one in {"logistic": lm.LogisticRegression(), "svm": svm.LinearSVC(random_state=0), "tree": TREE}.items():
        for kinds in (2, 3):
            yield tried(GROUP, multiclass.OneVsRestClassifier(one), kinds=kinds, how=name)
    bags = ensemble.BaggingClassifier(lm.LogisticRegression(), 5, max_features=0.5, random_state=0)
    yield tried(GROUP, bags, kinds=3, how="logistic, max_features=0.5")
    yield tried(GROUP, ensemble.BaggingRegressor(n_estimators=4, max_features=2, random_state=0), how="max_features=2")
    log = {"func": np.log, "inverse_func": np.exp}
    log1p = {"func": np.log1p, "inverse_func": np.expm1}
    scaled, same = {"transformer": StandardScaler()}, {"transformer": FunctionTransformer()}
    ways: dict[str, dict[str, Any]] = {"log": log, "log1p": log1p, "scaled": scaled, "identity": same, "as it is": {}}
    for name, way in ways.items():
        yield tried(GROUP, compose.TransformedTargetRegressor(lm.Ridge(), **way), how=name)
    for answer in ("predict_proba", "decision_function"):
        moved = model_selection.FixedThresholdClassifier(
            lm.LogisticRegression(), threshold=0.2, response_method=answer, pos_label="mid"
        )
        yield tried(GROUP, moved, kinds=2, how=answer)
    tuned = model_selection.TunedThresholdClassifierCV(lm.LogisticRegression(), thresholds=9, scoring="accuracy", cv=3)
    yield tried(GROUP, tuned, kinds=2, how="thresholds=9")
    steps = make_pipeline(StandardScaler(), lm.LogisticRegression())
    yield tried(GROUP, steps, kinds=3, how="ends in an estimator")
    yield tried(GROUP, model_selection.GridSearchCV(steps, {}, cv=2), kinds=3, how="the best of a search")
    search = model_selection.RandomizedSearchCV(lm.Ridge(), {"alpha": [0.1, 1.0, 9.0]}, n_iter=2, cv=2, random_state=0)
    yield tried(GROUP, search, how="the best of a search")
    fitted = lm.SGDClassifier(random_state=0).fit(rows(1), labels(rows(1), 2, 2, named=True))
    yield tried(GROUP, frozen.FrozenEstimator(fitted), kinds=2, how="margins")
    yield tried(GROUP, CalibratedClassifierCV(frozen.FrozenEstimator(fitted)), kinds=2, how="sigmoid, frozen")


CASES = (*_calibrated(), *_together(), *_rest())
"""All of them."""
