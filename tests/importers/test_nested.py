"""Estimators of XGBoost and LightGBM inside pipelines and ensembles of scikit-learn, on raw rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from lightgbm import LGBMClassifier
from sklearn.compose import make_column_transformer
from sklearn.ensemble import VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types
from xgboost import XGBClassifier

from tests.importers.twins import NAMES, labels, rows, twin


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield


def boosters() -> list[tuple[str, Any]]:
    return [
        ("x", XGBClassifier(n_estimators=4, max_depth=3, n_jobs=1)),
        ("l", LGBMClassifier(n_estimators=4, num_leaves=5, verbose=-1, n_jobs=1)),
    ]


@pytest.mark.filterwarnings("ignore")  # these libraries warn of names that scikit-learn does not hand on
@pytest.mark.parametrize("kinds", [2, 3])
def test_a_vote_behind_preparation(kinds: int) -> None:
    scale = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), NAMES[:2]), remainder="passthrough"
    )
    model = make_pipeline(scale, VotingClassifier([*boosters(), ("s", LogisticRegression())], voting="soft"))
    frame = rows(1, gaps=True)
    found = twin(model, frame, labels(frame, 2, kinds))
    found.assert_alike(rows(3, gaps=True), rtol=1e-5, atol=1e-6)
    assert any("leaves" in one.what and one.absolute == 0 for one in found.imported.differences)
