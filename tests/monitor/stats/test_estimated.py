"""Estimates without labels: right where scores are calibrated, and found out where they are not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as oracle

from monitor.stats.estimated import Expected, surprise
from scorer.quality.metrics import METRICS
from scorer.quality.parameters import Parameters
from scorer.quality.undefined import Undefined


def test_estimates_are_what_comes_true() -> None:
    rng = np.random.default_rng(1)
    score = rng.beta(1.0, 2.0, 40_000)
    positive = score > 0.4
    table = Expected.of(score, positive).table
    names = ("accuracy", "precision", "recall", "f1", "brier", "auc", "log_loss")
    realised: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(5):
        truth = rng.random(40_000) < score
        realised["accuracy"].append(oracle.accuracy_score(truth, positive))
        realised["precision"].append(oracle.precision_score(truth, positive))
        realised["recall"].append(oracle.recall_score(truth, positive))
        realised["f1"].append(oracle.f1_score(truth, positive))
        realised["brier"].append(oracle.brier_score_loss(truth, score))
        realised["auc"].append(oracle.roc_auc_score(truth, score))
        realised["log_loss"].append(oracle.log_loss(truth, score))
    for name, values in realised.items():
        given = Parameters(clip=1e-9 if name == "log_loss" else None)
        assert METRICS[name].measure(table, given) == pytest.approx(np.mean(values), abs=0.004)


def test_by_hand() -> None:
    table = Expected.of(np.array([0.9, 0.2, 1.0, 0.0]), np.array([True, False, True, False])).table
    assert METRICS["accuracy"].measure(table, Parameters()) == pytest.approx((0.9 + 0.8 + 1.0 + 1.0) / 4)
    assert METRICS["precision"].measure(table, Parameters()) == pytest.approx(1.9 / 2)
    assert METRICS["recall"].measure(table, Parameters()) == pytest.approx(1.9 / 2.1)


def test_a_shift_that_scores_do_not_see_is_found_when_labels_come() -> None:
    rng = np.random.default_rng(2)
    score = rng.beta(1.0, 2.0, 5000)
    found = np.array([surprise(score, rng.random(5000) < score) for _ in range(200)])
    assert abs(found.mean()) < 0.25
    assert found.std() == pytest.approx(1.0, abs=0.15)
    assert surprise(score, rng.random(5000) < np.minimum(1.3 * score, 1.0)) > 5.0


def test_what_says_nothing() -> None:
    with pytest.raises(Undefined, match="no predictions"):
        Expected.of(np.zeros(0), np.zeros(0, bool))
    with pytest.raises(Undefined, match="no labels"):
        surprise(np.zeros(0), np.zeros(0, bool))
    with pytest.raises(Undefined, match="certain"):
        surprise(np.ones(3), np.ones(3, bool))
    for bad in (1.1, -0.1, math.nan):
        with pytest.raises(ValueError, match="between 0 and 1"):
            Expected.of(np.array([bad]), np.array([True]))
