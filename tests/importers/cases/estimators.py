"""Estimators of scikit-learn: weighted sums and trees, regressions and classifiers of two and three classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sklearn import discriminant_analysis, dummy, ensemble, isotonic, svm, tree
from sklearn import linear_model as lm
from sklearn.base import clone, is_classifier

from scorer.importers import Difference
from tests.importers.cases.case import Case, options
from tests.importers.twins import NAMES, amounts, labels, rows, twin

SUMS, TREES, CONSTANTS = "weighted sums", "trees", "functions of one column, and constants"


def tried(
    group: str,
    estimator: Any,
    *,
    kinds: int = 0,
    gaps: bool = False,
    names: Sequence[str] = NAMES,
    near: float = 1e-9,
    how: str | None = None,
    named: bool = True,
) -> Case:
    """A case of an estimator on raw rows, of ``kinds`` classes if it is a classifier; fresh rows are scored, too."""

    def differences() -> Sequence[Difference]:
        frame, fresh = rows(1, gaps=gaps)[list(names)], rows(3, gaps=gaps)[list(names)]
        whole = rows(1, gaps=gaps)
        goal = labels(whole, 2, kinds, named=named) if kinds else amounts(whole, 2)
        found = twin(clone(estimator), frame, goal)
        found.assert_alike(fresh, rtol=near, atol=near * 1e-3)
        expected = "regression" if not kinds else "binary" if kinds == 2 else "multiclass"
        assert found.model.kind == expected
        assert len(found.model.classes) == kinds
        return found.imported.differences

    said = options(estimator) if how is None else how
    several = f"{kinds} classes" if kinds else ""
    return Case(group, type(estimator).__name__, ", ".join(filter(None, (said, several))), differences)


def both(group: str, *estimators: Any, gaps: bool = False) -> Iterator[Case]:
    """Cases of estimators; of classifiers with two and with three classes."""
    for estimator in estimators:
        for kinds in (2, 3) if is_classifier(estimator) else (0,):
            yield tried(group, estimator, kinds=kinds, gaps=gaps)


def _sums() -> Iterator[Case]:
    yield from both(
        SUMS,
        lm.LinearRegression(), lm.LinearRegression(fit_intercept=False), lm.LinearRegression(positive=True),
        lm.Ridge(alpha=3.0), lm.RidgeCV(), lm.Lasso(alpha=0.01), lm.LassoCV(cv=3),
        lm.ElasticNet(alpha=0.02, l1_ratio=0.3), lm.ElasticNetCV(cv=3), lm.Lars(), lm.LarsCV(cv=3),
        lm.LassoLars(alpha=0.01), lm.LassoLarsCV(cv=3), lm.LassoLarsIC(), lm.OrthogonalMatchingPursuit(),
        lm.OrthogonalMatchingPursuitCV(cv=3), lm.BayesianRidge(), lm.ARDRegression(), lm.HuberRegressor(),
        lm.QuantileRegressor(alpha=0.01), lm.TheilSenRegressor(random_state=0, max_subpopulation=50),
        lm.SGDRegressor(random_state=0), svm.LinearSVR(random_state=0),
        lm.PoissonRegressor(), lm.GammaRegressor(alpha=0.1), lm.TweedieRegressor(power=0),
        lm.TweedieRegressor(power=1.5, alpha=0.1), lm.TweedieRegressor(power=0, link="log"),
        lm.LogisticRegression(), lm.LogisticRegression(fit_intercept=False, C=0.1), lm.LogisticRegressionCV(cv=3, Cs=3),
        discriminant_analysis.LinearDiscriminantAnalysis(), lm.SGDClassifier(loss="log_loss", random_state=0),
        lm.SGDClassifier(loss="modified_huber", random_state=0), lm.SGDClassifier(random_state=0),
        svm.LinearSVC(random_state=0), lm.RidgeClassifier(), lm.RidgeClassifierCV(), lm.Perceptron(random_state=0),
    )  # fmt: skip


def _trees() -> Iterator[Case]:
    yield from both(
        TREES,
        tree.DecisionTreeClassifier(random_state=0), tree.DecisionTreeRegressor(criterion="poisson", random_state=0),
        ensemble.RandomForestClassifier(8, random_state=0), ensemble.RandomForestRegressor(8, random_state=0),
        ensemble.ExtraTreesClassifier(8, random_state=0), ensemble.ExtraTreesRegressor(8, random_state=0),
        ensemble.HistGradientBoostingClassifier(max_iter=12, random_state=0),
        ensemble.HistGradientBoostingRegressor(max_iter=12, random_state=0),
        ensemble.HistGradientBoostingRegressor(max_iter=12, categorical_features=["whole"], random_state=0),
        gaps=True,
    )  # fmt: skip
    for loss in ("absolute_error", "poisson", "gamma"):
        yield from both(TREES, ensemble.HistGradientBoostingRegressor(loss=loss, max_iter=6), gaps=True)
    yield from both(
        TREES,
        ensemble.HistGradientBoostingRegressor(loss="quantile", quantile=0.8, max_iter=6),
        tree.ExtraTreeClassifier(random_state=0), tree.ExtraTreeRegressor(random_state=0),
        ensemble.GradientBoostingClassifier(n_estimators=10, random_state=0),
        ensemble.GradientBoostingClassifier(n_estimators=5, init="zero", random_state=0),
        *(
            ensemble.GradientBoostingRegressor(loss=loss, n_estimators=8, random_state=0)
            for loss in ("squared_error", "absolute_error", "huber", "quantile")
        ),
        ensemble.GradientBoostingRegressor(
            n_estimators=5, init=tree.DecisionTreeRegressor(max_depth=2, random_state=0), random_state=0
        ),
    )  # fmt: skip
    exponential = ensemble.GradientBoostingClassifier(loss="exponential", n_estimators=5, random_state=0)
    yield tried(TREES, exponential, kinds=2)
    first = ensemble.RandomForestClassifier(3, max_depth=2, random_state=0)
    yield tried(TREES, ensemble.GradientBoostingClassifier(n_estimators=5, init=first, random_state=0), kinds=3)
    # A linear first estimator is fitted and calculates in float32.
    yield tried(TREES, ensemble.GradientBoostingRegressor(n_estimators=5, init=lm.Ridge(), random_state=0), near=1e-5)


def _alone() -> Iterator[Case]:
    yield from both(CONSTANTS, dummy.DummyRegressor(), dummy.DummyClassifier())
    yield tried(CONSTANTS, isotonic.IsotonicRegression(out_of_bounds="clip"), names=["plain"])


CASES = (*_sums(), *_trees(), *_alone())
"""All of them."""
