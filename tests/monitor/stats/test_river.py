"""River, which learns and forgets row by row, comes to the same figures where it has the same metric."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from river import metrics as oracle
from sklearn.metrics import roc_auc_score

from monitor.stats.figures import figure
from monitor.stats.layout import Layout
from scorer.quality.parameters import Parameters
from scorer.quality.table import Kind
from tests.monitor.stats.support import CLASSES, outcomes, requirement, wanted
from tests.monitor.stats.test_buckets import one

DECIDED: dict[str, Callable[[], Any]] = {
    "accuracy": oracle.Accuracy, "precision": oracle.Precision, "recall": oracle.Recall, "f1": oracle.F1,
    "balanced_accuracy": oracle.BalancedAccuracy,
}  # fmt: skip
ESTIMATED: dict[str, Callable[[], Any]] = {"mae": oracle.MAE, "rmse": oracle.RMSE, "r2": oracle.R2}
OF_SCORES: dict[str, Callable[[], Any]] = {"log_loss": oracle.LogLoss, "auc": oracle.ROCAUC}


def layout(kind: Kind) -> Layout:
    return Layout.of(wanted(kind), kind, CLASSES[kind], "probability")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_decisions_and_log_loss(seed: int) -> None:
    table = outcomes("binary", 3000, seed)
    table = replace(table, scores=np.clip(table.scores, 1e-6, 1.0 - 1e-6))
    bucket = one(table, layout("binary"))
    for name, make in DECIDED.items():
        theirs = make()
        for truth, predicted in zip((table.labels == 1.0).tolist(), (table.predicted == 1).tolist(), strict=True):
            theirs.update(truth, predicted)
        assert figure(bucket, layout("binary"), requirement(name)).value == pytest.approx(theirs.get(), rel=1e-12)
    loss = OF_SCORES["log_loss"]()
    for truth, score in zip((table.labels == 1.0).tolist(), table.scores[0].tolist(), strict=True):
        loss.update(truth, {True: score, False: 1.0 - score})
    clipped = requirement("log_loss", Parameters(clip=1e-6))
    assert figure(bucket, layout("binary"), clipped).value == pytest.approx(loss.get(), rel=1e-9)


def test_accuracy_of_several_classes() -> None:
    table = outcomes("multiclass", 3000, 4)
    bucket = one(table, layout("multiclass"))
    for name in ("accuracy", "balanced_accuracy"):
        theirs = DECIDED[name]()
        for truth, predicted in zip(table.labels.tolist(), table.predicted.tolist(), strict=True):
            theirs.update(int(truth), predicted)
        assert figure(bucket, layout("multiclass"), requirement(name)).value == pytest.approx(theirs.get(), rel=1e-12)


def test_estimates() -> None:
    table = outcomes("regression", 3000, 5)
    bucket = one(table, layout("regression"))
    for name, make in ESTIMATED.items():
        theirs = make()
        for label, score in zip(table.labels.tolist(), table.scores[0].tolist(), strict=True):
            theirs.update(label, score)
        assert figure(bucket, layout("regression"), requirement(name)).value == pytest.approx(theirs.get(), rel=1e-9)


def test_the_auc_of_ten_thresholds_is_not_that_of_the_scores() -> None:
    """River keeps counts at ten thresholds: of scores that are all small it sees little."""
    rng = np.random.default_rng(6)
    table = outcomes("binary", 4000, 6)
    labels = (rng.random(4000) < 0.3).astype(np.float64)
    scores = rng.beta(2.0, 400.0, (1, 4000)) * np.where(labels > 0.0, 2.0, 1.0)
    table = replace(table, labels=labels, scores=scores)
    theirs = OF_SCORES["auc"]()
    for truth, score in zip((labels > 0.0).tolist(), scores[0].tolist(), strict=True):
        theirs.update(truth, {True: score, False: 1.0 - score})
    exact = roc_auc_score(labels, scores[0])
    found = figure(one(table, layout("binary")), layout("binary"), requirement("auc"))
    assert found.error is not None
    assert found.value == pytest.approx(exact, abs=found.error + 1e-12)
    assert abs(theirs.get() - exact) > 0.05
