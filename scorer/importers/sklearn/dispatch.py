"""Which function imports an object: picked by its exact class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module

from sklearn.base import is_classifier
from sklearn.utils import get_tags

from scorer.importers.parts import Columns, Draft, Estimate, EstimatorImporter, Fitted
from scorer.importers.refusal import refused
from scorer.importers.sklearn.estimators import ESTIMATORS
from scorer.importers.sklearn.estimators.common import REGRESSION, as_they_are, chosen
from scorer.importers.sklearn.estimators.decisions import decided_by
from scorer.importers.sklearn.transformers import CHECKED, TRANSFORMERS

FOREIGN = ("lightgbm", "xgboost")
"""Libraries with estimators in the manner of scikit-learn, and importers of their own."""

NEAREST: Mapping[str, str] = {
    **dict.fromkeys(("SVC", "NuSVC"), "train LinearSVC or HistGradientBoostingClassifier"),
    **dict.fromkeys(("SVR", "NuSVR"), "train LinearSVR or HistGradientBoostingRegressor"),
    **dict.fromkeys(
        ("KNeighborsClassifier", "RadiusNeighborsClassifier", "MLPClassifier", "GaussianProcessClassifier"),
        "train HistGradientBoostingClassifier",
    ),
    **dict.fromkeys(
        ("KNeighborsRegressor", "RadiusNeighborsRegressor", "MLPRegressor", "GaussianProcessRegressor", "KernelRidge"),
        "train HistGradientBoostingRegressor",
    ),
    **dict.fromkeys(("GaussianNB", "QuadraticDiscriminantAnalysis"), "train LinearDiscriminantAnalysis"),
    **dict.fromkeys(("BernoulliNB", "CategoricalNB", "MultinomialNB", "ComplementNB"), "train LogisticRegression"),
    "AdaBoostClassifier": "train GradientBoostingClassifier(loss='exponential')",
    "AdaBoostRegressor": "train GradientBoostingRegressor",
    "OneVsOneClassifier": "train OneVsRestClassifier",
    "OutputCodeClassifier": "train OneVsRestClassifier",
    "RANSACRegressor": "train HuberRegressor, or import its estimator_",
    "MultiTaskLasso": "train one Lasso for each target",
    "MultiOutputRegressor": "import each of its estimators_",
    "MultiOutputClassifier": "import each of its estimators_",
}
"""The nearest estimator that can be imported, for those that people are most likely to try."""


def transform(fitted: Fitted, columns: Columns, draft: Draft) -> Columns:
    """Import a transformer; see :mod:`scorer.importers.parts`. Raises ``NotImportable``."""
    importer = TRANSFORMERS.get(type(fitted))
    if importer is None:
        raise refused(
            fitted,
            f"no step of a version does what {_origin(fitted)} does",
            f"prepare with what can be imported: {_listed(TRANSFORMERS)}",
        )
    if type(fitted) in CHECKED:
        columns = draft.finite(columns, missing_too=not get_tags(fitted).input_tags.allow_nan)
    return importer(fitted, columns, draft)


def estimate(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:
    """Import an estimator; see :mod:`scorer.importers.parts`. Raises ``NotImportable``."""
    importer = ESTIMATORS.get(type(fitted)) or _foreign(fitted)
    if importer is None:
        raise refused(
            fitted,
            f"no kernel calculates what {_origin(fitted)} does",
            NEAREST.get(type(fitted).__name__, f"train one that can be imported: {_listed(ESTIMATORS)}"),
        )
    if method == "predict" and is_classifier(fitted):
        decided = draft.estimate(fitted, columns, decided_by(fitted))
        return as_they_are(chosen(decided, draft, "class"), REGRESSION)
    return importer(fitted, columns, draft, method)


def _foreign(fitted: Fitted) -> EstimatorImporter | None:
    """The importer of an estimator that another library made for scikit-learn's pipelines, where it is one."""
    library = type(fitted).__module__.partition(".")[0]
    if library not in FOREIGN:
        return None
    importer: EstimatorImporter = import_module(f"scorer.importers.{library}").estimate
    return importer


def _origin(fitted: Fitted) -> str:
    return f"{type(fitted).__module__}.{type(fitted).__qualname__}"


def _listed(types: Iterable[type]) -> str:
    return ", ".join(sorted(one.__name__ for one in types))
