"""Everything that can be imported, against the library that trained it; and the page that lists it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter

import pytest
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

from scorer.importers.lightgbm import LINKS as LIGHT_LINKS
from scorer.importers.sklearn.estimators import ESTIMATORS
from scorer.importers.sklearn.transformers import TRANSFORMERS
from scorer.importers.xgboost import LINKS as EXTREME_LINKS
from tests.importers import table
from tests.importers.cases.boosters import LIGHTGBM, XGBOOST
from tests.importers.cases.case import Case
from tests.importers.cases.everything import CASES


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield


@pytest.mark.filterwarnings("ignore")  # of the libraries: few rows and iterations, names that are not handed on
@pytest.mark.parametrize("case", CASES, ids=attrgetter("name"))
def test_the_version_scores_as_the_library_does(case: Case) -> None:
    differences = case.differences()
    assert all(one.ok for one in differences)
    assert any(one.what in table.SCORES and one.rows for one in differences)
    if any(one.what.startswith("leaves") for one in differences):
        assert all(one.absolute == 0 for one in differences if one.what.startswith("leaves"))


NEVER_REFUSED = {
    "weighted sums": """LinearRegression Ridge Lasso ElasticNet LogisticRegression PoissonRegressor GammaRegressor
        TweedieRegressor SGDRegressor SGDClassifier LinearSVC LinearSVR""",
    "trees": """DecisionTreeClassifier DecisionTreeRegressor RandomForestClassifier RandomForestRegressor
        ExtraTreesClassifier ExtraTreesRegressor GradientBoostingClassifier GradientBoostingRegressor
        HistGradientBoostingClassifier HistGradientBoostingRegressor""",
    "ensembles and wrappers": """CalibratedClassifierCV VotingClassifier VotingRegressor StackingClassifier
        StackingRegressor OneVsRestClassifier Pipeline""",
    "transformers": """Pipeline ColumnTransformer SimpleImputer MissingIndicator StandardScaler MinMaxScaler
        RobustScaler MaxAbsScaler QuantileTransformer PowerTransformer Normalizer KBinsDiscretizer PolynomialFeatures
        OneHotEncoder OrdinalEncoder TargetEncoder DateParts FunctionTransformer""",
}
"""What must never be refused, by its class; with which options stands below."""

WITH = {
    "LogisticRegression": ("2 classes", "3 classes"),
    "OneVsRestClassifier": ("logistic, 2 classes", "logistic, 3 classes"),
    "CalibratedClassifierCV": ("sigmoid", "isotonic", "XGBoost", "LightGBM"),
    "SimpleImputer": ("defaults", "median", "most_frequent", "constant", "add_indicator=True"),
    "OneHotEncoder": ("drop=", "min_frequency", "max_categories", "handle_unknown='ignore'", "infrequent_if_exist"),
    "DateParts": ("hour", "weekday", "month", "cyclic=True"),
    "FunctionTransformer": ("log", "log1p", "clip"),
    "KBinsDiscretizer": ("ordinal", "uniform", "kmeans"),
    "missing values": ("NaN",),
    "categories": ("codes", "pandas"),
    "three classes": (),
    "trees": ("depthwise", "lossguide"),
}


def listed() -> dict[tuple[str, str], str]:
    """What is tried of each thing, by group and what it is."""
    return {
        (group, what): table.tried(some)
        for group, cases in groupby(CASES, attrgetter("group"))
        for what, some in table.rows(cases)
    }


def test_nothing_is_lacking_that_must_never_be_refused() -> None:
    found = listed()
    for group, names in NEVER_REFUSED.items():
        assert set(names.split()) <= {what for place, what in found if place == group}
    for what, options in WITH.items():
        rows = [tried for (_, name), tried in found.items() if name == what]
        assert rows
        for tried in rows:
            assert [one for one in options if one not in tried] == []
    for group in (XGBOOST, LIGHTGBM):
        assert {"missing values", "categories", "three classes"} <= {what for place, what in found if place == group}


def test_nothing_is_lacking_that_the_importers_take() -> None:
    """The lists of classes and objectives are closed: whatever stands in them is a case."""
    found = {what for _, what in listed()}
    assert {one.__name__ for one in (*ESTIMATORS, *TRANSFORMERS)} - found == set()
    assert {what for group, what in listed() if group == XGBOOST} >= set(EXTREME_LINKS)
    assert {what for group, what in listed() if group == LIGHTGBM} >= set(LIGHT_LINKS)


def page() -> dict[tuple[str, str], list[str]]:
    """The rows of the page, by group and what they are of."""
    found: dict[tuple[str, str], list[str]] = {}
    group = ""
    for line in table.parts(table.PAGE.read_text("utf-8"))[1].splitlines():
        if line.startswith("### "):
            group = line.removeprefix("### ")
        elif line.startswith("| ") and not line.startswith(("| what", "| ---")) and table.NOT not in group:
            what, *cells = (cell.strip() for cell in line.removesuffix("|").split("|")[1:])
            assert (group, what) not in found
            found[group, what] = cells
    return found


def test_the_page_lists_what_is_tried_and_nothing_else() -> None:
    """Else write it again: python -m tests.importers.table."""
    written = {key: cells[0] for key, cells in page().items()}
    assert written == {(f"{group[0].upper()}{group[1:]}", what): tried for (group, what), tried in listed().items()}


def test_what_the_page_says_is_within_what_is_allowed() -> None:
    for (_, what), (_, _, *_, absolute, relative, allowed) in page().items():
        tolerance = re.fullmatch(r"(\S+) \+ (\S+) of it", allowed)
        atol, rtol = map(float, tolerance.groups()) if tolerance else (0.0, 0.0)
        assert float(absolute) <= atol or float(relative) <= rtol, what
