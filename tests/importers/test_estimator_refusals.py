"""What cannot be represented is refused: with what it is, the exact reason, and the nearest way that works."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import ensemble, linear_model, multiclass
from sklearn.cluster import KMeans
from sklearn.model_selection import FixedThresholdClassifier

from scorer.errors import NotImportable
from scorer.importers import import_model
from tests.importers.twins import amounts, labels, rows


def refusal(estimator: Any, frame: pd.DataFrame, target: Any) -> NotImportable:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(frame, target)
    with pytest.raises(NotImportable) as caught:
        import_model(estimator, model="m", version="v", rows=frame)
    return caught.value


def test_several_targets_and_several_labels() -> None:
    frame = rows(5, 60)
    two = np.stack([amounts(frame, 6), amounts(frame, 7)], axis=1)
    for estimator in (linear_model.LinearRegression(), ensemble.RandomForestRegressor(2)):
        assert "one model for each target" in refusal(estimator, frame, two).nearest
    several = multiclass.OneVsRestClassifier(linear_model.LogisticRegression())
    assert "several labels" in refusal(several, frame, two > two.mean(axis=0)).why


def test_what_neither_estimates_nor_classifies() -> None:
    frame = rows(8, 60)
    assert "neither estimates a number" in refusal(KMeans(2, n_init=1), frame, None).why


def test_what_is_not_fitted_and_what_is_no_model() -> None:
    with pytest.raises(NotImportable, match="it is not fitted; fit it, then import it"):
        import_model(linear_model.Ridge(), model="m", version="v", rows=rows(9))
    with pytest.raises(NotImportable, match=r"builtins\.dict cannot be imported: it is no model of scikit-learn"):
        import_model({}, model="m", version="v", rows=rows(9))


def test_text_that_the_library_turns_into_numbers_in_silence() -> None:
    frame = pd.DataFrame({"a": ["1", "2.5", "3"] * 10})
    error = refusal(linear_model.LinearRegression(), frame.astype(object), np.arange(30))
    assert "'a', which is text, as numbers" in error.why
    assert "OneHotEncoder" in error.nearest


def test_a_threshold_for_the_first_class() -> None:
    frame = rows(10, 60)
    moved = FixedThresholdClassifier(linear_model.LogisticRegression(), threshold=0.3, pos_label=0)
    assert "the first class" in refusal(moved, frame, labels(frame, 11, 2)).why
