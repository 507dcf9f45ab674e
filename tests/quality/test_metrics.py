"""Every metric of classes against scikit-learn, scipy or pandas: with ties, gaps, one class only, nothing at all."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special
from sklearn import metrics as oracle
from sklearn.linear_model import LogisticRegression

from scorer.batch import Bools, Floats
from scorer.quality import decisions, probabilities, ranking
from tests.quality.support import Sample, agree, few, mass, outcome, samples, weighty

CLIP = 1e-6


@few
@given(samples())
def test_accuracy_and_cost(sample: Sample) -> None:
    labels, predicted, w = sample.labels, sample.predicted, sample.weights
    agree(
        outcome(lambda: decisions.accuracy(labels, predicted, w)),
        weighty(sample),
        lambda: oracle.accuracy_score(labels, predicted, sample_weight=w),
    )
    costs = np.arange(16.0).reshape(4, 4) ** 1.5
    agree(
        outcome(lambda: decisions.cost(labels, predicted, costs, w)),
        weighty(sample),
        lambda: float(
            (oracle.confusion_matrix(labels, predicted, labels=range(4), sample_weight=w) * costs).sum()
            / mass(labels >= 0, w)
        ),
    )


@few
@given(samples())
def test_balanced_accuracy(sample: Sample) -> None:
    labels, predicted, w = sample.labels, sample.predicted, sample.weights
    there = [k for k in range(4) if mass(labels == k, w) > 0]

    def expected() -> float:
        keep = np.isin(labels, there)
        used = None if w is None else w[keep]
        recalls = oracle.recall_score(labels[keep], predicted[keep], labels=there, average=None, sample_weight=used)
        return float(np.mean(recalls))

    agree(outcome(lambda: decisions.balanced_accuracy(labels, predicted, w)), len(there) > 1, expected)


@few
@given(samples(), st.sampled_from([0.2, 0.5]))
def test_decisions_about_one_class(sample: Sample, threshold: float) -> None:
    truth, positive, w = sample.truth, sample.score > threshold, sample.weights
    agree(
        outcome(lambda: decisions.precision(truth, positive, w)),
        mass(positive, w) > 0,
        lambda: oracle.precision_score(truth, positive, sample_weight=w),
    )
    agree(
        outcome(lambda: decisions.recall(truth, positive, w)),
        mass(truth, w) > 0,
        lambda: oracle.recall_score(truth, positive, sample_weight=w),
    )
    agree(
        outcome(lambda: decisions.f1(truth, positive, w)),
        mass(truth, w) > 0,
        lambda: oracle.f1_score(truth, positive, sample_weight=w),
    )
    agree(
        outcome(lambda: decisions.false_positive_rate(truth, positive, w)),
        mass(~truth, w) > 0,
        lambda: 1.0 - oracle.recall_score(~truth, ~positive, sample_weight=w),
    )


@few
@given(samples())
def test_order(sample: Sample) -> None:
    truth, score, w = sample.truth, sample.score, sample.weights
    both = mass(truth, w) > 0 and mass(~truth, w) > 0
    agree(
        outcome(lambda: ranking.auc(truth, score, w)), both, lambda: oracle.roc_auc_score(truth, score, sample_weight=w)
    )
    agree(
        outcome(lambda: ranking.average_precision(truth, score, w)),
        both,
        lambda: oracle.average_precision_score(truth, score, sample_weight=w),
    )


@few
@given(samples(2), st.sampled_from([None, 1, 3]), st.integers(1, 4))
def test_ndcg(sample: Sample, at: int | None, groups: int) -> None:
    relevance, score = sample.labels.astype(float), sample.score
    group = np.array([f"g{number % groups}" for number in range(len(score))], object)
    single = [
        oracle.ndcg_score(relevance[None, group == one], score[None, group == one], k=at)
        for one in np.unique(group)
        if relevance[group == one].any() and (group == one).sum() > 1
    ]
    alone = [1.0 for one in np.unique(group) if relevance[group == one].any() and (group == one).sum() == 1]
    found = outcome(lambda: ranking.ndcg(relevance, score, np.arange(len(score)) % groups, at))
    agree(found, bool(single or alone), lambda: float(np.mean(single + alone)))


@few
@given(samples())
def test_probabilities_of_two_classes(sample: Sample) -> None:
    truth, score, w = sample.truth, sample.score, sample.weights
    agree(
        outcome(lambda: probabilities.brier(truth, score, w)),
        weighty(sample),
        lambda: oracle.brier_score_loss(truth, score, sample_weight=w, labels=[False, True]),
    )
    clipped = np.clip(score, CLIP, 1 - CLIP)
    agree(
        outcome(lambda: probabilities.log_loss(np.where(truth, score, 1 - score), CLIP, w)),
        weighty(sample),
        lambda: oracle.log_loss(truth, clipped, sample_weight=w, labels=[False, True]),
    )


@few
@given(samples(1))
def test_probabilities_of_several_classes(sample: Sample) -> None:
    labels, scores, w = sample.labels, sample.scores, sample.weights
    if len(scores) < 3:
        return
    names = range(len(scores))
    agree(
        outcome(lambda: probabilities.brier_of_several(labels, scores, w)),
        weighty(sample),
        lambda: oracle.brier_score_loss(labels, scores.T, sample_weight=w, labels=names, scale_by_half=False),
    )
    likelihood = scores[labels, np.arange(len(labels))]
    agree(
        outcome(lambda: probabilities.log_loss(likelihood, 1e-15, w)),
        weighty(sample),
        lambda: oracle.log_loss(labels, scores.T, sample_weight=w, labels=names),
    )


@few
@given(samples(1), st.integers(2, 12))
def test_calibration_error(sample: Sample, bins: int) -> None:
    truth, score = sample.truth, sample.score
    frame = pd.DataFrame({"truth": truth, "score": score})
    below = frame["score"].rank(method="min") - 1
    parts = frame.groupby((bins * below / len(frame)).astype(int))
    expected = float(((parts["score"].mean() - parts["truth"].mean()).abs() * parts.size()).sum()) / len(frame)
    found = probabilities.calibration_error(truth, score, bins)
    assert found == pytest.approx(expected, abs=1e-12)
    assert 0.0 <= found <= 1.0
    order = np.random.default_rng(1).permutation(len(truth))
    assert probabilities.calibration_error(truth[order], score[order], bins) == pytest.approx(found, abs=1e-12)
    counts = np.random.default_rng(2).integers(1, 4, len(truth))
    repeated = probabilities.calibration_error(truth.repeat(counts), score.repeat(counts), bins)
    assert probabilities.calibration_error(truth, score, bins, counts.astype(float)) == pytest.approx(repeated)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.2, 3.0), st.floats(-2.0, 2.0), st.booleans())
def test_calibration_slope_and_intercept(seed: int, slope: float, shift: float, weighed: bool) -> None:
    rng = np.random.default_rng(seed)
    score = rng.beta(0.5, 0.5, 300).round(3)
    truth = rng.random(300) < special.expit(slope * special.logit(np.clip(score, 1e-3, 1 - 1e-3)) + shift)
    weights = rng.integers(0, 3, 300).astype(float) if weighed else None
    z = special.logit(np.clip(score, CLIP, 1 - CLIP))
    separated = z[truth].min(initial=np.inf) >= z[~truth].max(initial=-np.inf)
    if separated or truth.all() or not truth.any():
        return
    free = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000).fit(z[:, None], truth, weights)
    found = probabilities.calibration_slope(truth, score, CLIP, weights)
    assert found == pytest.approx(float(free.coef_[0, 0]), rel=1e-3, abs=1e-4)
    assert found == pytest.approx(best_slope(z, truth, weights), rel=1e-5, abs=1e-7)
    w = np.ones(300) if weights is None else weights
    level = optimize.brentq(lambda a: float((w * (special.expit(a + z) - truth)).sum()), -50.0, 50.0, xtol=1e-13)
    assert probabilities.calibration_intercept(truth, score, CLIP, weights) == pytest.approx(level, abs=1e-10)


def best_slope(z: Floats, truth: Bools, weights: Floats | None) -> float:
    """By another method: for each slope the best level, and of these the slope with no gradient."""
    w = np.ones(len(z)) if weights is None else weights

    def gradient(slope: float) -> float:
        level = optimize.brentq(lambda a: float((w * (special.expit(a + slope * z) - truth)).sum()), -900.0, 900.0)
        return float((w * z * (special.expit(level + slope * z) - truth)).sum())

    return float(optimize.brentq(gradient, -40.0, 40.0, xtol=1e-12))


def test_calibration_that_is_undefined() -> None:
    score = np.array([0.1, 0.2, 0.8, 0.9])
    for truth in (score > 0.5, score > 0.15, score < 0.5):
        assert "separates" in str(outcome(lambda truth=truth: probabilities.calibration_slope(truth, score, CLIP)))  # type: ignore[misc]
    touching = outcome(lambda: probabilities.calibration_slope(score > 0.5, np.array([0.1, 0.5, 0.5, 0.9]), CLIP))
    assert "separates" in str(touching)
    mixed = np.array([True, False, True, False])
    assert "equal" in str(outcome(lambda: probabilities.calibration_slope(mixed, np.full(4, 0.3), CLIP)))
    for measure in (probabilities.calibration_slope, probabilities.calibration_intercept):
        assert "one class" in str(outcome(lambda measure=measure: measure(score > 0, score, CLIP)))  # type: ignore[misc]
        nothing = outcome(lambda measure=measure: measure(mixed[:0], score[:0], CLIP))  # type: ignore[misc]
        assert "no labels" in str(nothing)
