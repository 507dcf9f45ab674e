"""Intervals for samples of fixed size, against scipy and by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from monitor.stats import fixed
from monitor.stats.histogram import Histogram
from scorer.batch import Bools, Floats
from scorer.quality.undefined import Undefined
from tests.monitor.stats.coverage import moments, scores_of

few = settings(max_examples=60, deadline=None)
alphas = st.sampled_from([0.2, 0.05, 0.001])


@few
@given(st.integers(1, 500), st.data(), alphas)
def test_shares_against_scipy(n: int, data: st.DataObject, alpha: float) -> None:
    k = data.draw(st.integers(0, n))
    test = stats.binomtest(k, n)
    exact, wilson = (test.proportion_ci(1.0 - alpha, method) for method in ("exact", "wilson"))
    assert fixed.clopper_pearson(k, n, alpha) == pytest.approx((exact.low, exact.high), rel=1e-9, abs=1e-12)
    assert fixed.wilson(k, n, alpha) == pytest.approx((wilson.low, wilson.high), rel=1e-9, abs=1e-12)


@few
@given(st.integers(2, 300), st.integers(0, 2**32), alphas)
def test_means(n: int, seed: int, alpha: float) -> None:
    x = np.random.default_rng(seed).gamma(2.0, 1.0, n)
    mean, variance = float(x.mean()), float(x.var(ddof=1))
    expected = stats.ttest_1samp(x, 0.0).confidence_interval(1.0 - alpha)
    assert fixed.student(n, mean, variance, alpha) == pytest.approx((expected.low, expected.high), rel=1e-9)
    radius = math.sqrt(2 * variance * math.log(4 / alpha) / n) + 7 * 20 * math.log(4 / alpha) / (3 * (n - 1))
    expected_bounds = max(0.0, mean - radius), min(20.0, mean + radius)
    assert fixed.maurer_pontil(n, mean, variance, 0.0, 20.0, alpha) == pytest.approx(expected_bounds)
    low, high = fixed.rmse(n, mean, variance, alpha)
    assert (low**2, high**2) == pytest.approx((max(expected.low, 0.0), max(expected.high, 0.0)), rel=1e-9, abs=1e-9)


def delong_variance(truth: Bools, score: Floats) -> tuple[float, float]:
    """The AUC and its variance from all pairs, as in the paper."""
    pairs = (np.sign(score[truth][:, None] - score[~truth][None, :]) + 1.0) / 2.0
    by_true, by_false = pairs.mean(axis=1), pairs.mean(axis=0)
    return float(pairs.mean()), float(by_true.var(ddof=1) / len(by_true) + by_false.var(ddof=1) / len(by_false))


@few
@given(st.integers(8, 60), st.integers(0, 2**32), st.integers(0, 3))
def test_delong_is_the_variance_over_all_pairs(n: int, seed: int, digits: int) -> None:
    rng = np.random.default_rng(seed)
    truth = np.arange(n) < n // 3
    score = (rng.normal(size=n) + truth).round(digits)
    auc, variance = delong_variance(truth, score)
    at, place = np.unique(score, return_inverse=True)
    true, false = (np.bincount(place, one, len(at)).astype(np.int64) for one in (truth, ~truth))
    whole = Histogram(np.arange(len(at)), true, false, np.zeros(len(at), np.int64))
    low, high = fixed.delong(whole, 0.05)
    assert low <= auc <= high
    if variance > 0.0 and 0.0 < auc < 1.0:
        centre, spread = special.logit(auc), math.sqrt(variance) / (auc * (1.0 - auc))
        expected = special.expit([centre - 1.959963984540054 * spread, centre + 1.959963984540054 * spread])
        assert (low, high) == pytest.approx(tuple(expected), rel=1e-9)
    else:
        assert 0.0 <= low < high <= 1.0


def test_f1_and_balanced_accuracy() -> None:
    share = stats.binomtest(40, 60).proportion_ci(0.95, "exact")
    expected = (2 * share.low / (1 + share.low), 2 * share.high / (1 + share.high))
    assert fixed.f1(40, 20, 0.05) == pytest.approx(expected)
    low, high = fixed.balanced_accuracy([90, 0, 30], [100, 0, 60], 0.05)
    assert 0.6 < low < 0.7 < high < 0.8
    with pytest.raises(Undefined, match="one class"):
        fixed.balanced_accuracy([5, 0], [9, 0], 0.05)


def test_errors_of_calibration_are_those_of_the_fit() -> None:
    rng = np.random.default_rng(1)
    score = rng.beta(2.0, 4.0, 4000)
    truth = rng.random(4000) < special.expit(0.5 + 0.7 * special.logit(score))
    z = special.logit(score)
    # By hand, over rows: the inverse of Fisher's information of both coefficients.
    p = special.expit(0.5 + 0.7 * z)
    x = np.stack([np.ones(4000), z])
    covariance = np.linalg.inv((x * (p * (1 - p))) @ x.T)
    found, fixed_slope = fixed.calibration_errors(scores_of(truth, score, True), 0.7, 0.8, 1e-6)
    assert found == pytest.approx(math.sqrt(covariance[1, 1]), rel=0.02)
    q = special.expit(0.8 + z)
    assert fixed_slope == pytest.approx(1.0 / math.sqrt((q * (1 - q)).sum()), rel=0.001)
    with pytest.raises(Undefined, match="equal"):
        fixed.calibration_errors(scores_of(truth, np.full(4000, 0.3), True), 1.0, 0.0, 1e-6)


def test_r2_spreads_as_much_as_leaving_rows_out_says() -> None:
    rng = np.random.default_rng(2)
    score, error = rng.normal(50.0, 2.0, 1500), rng.standard_t(12, 1500)
    label = score - error
    n = len(label)
    whole = 1.0 - (error**2).mean() / label.var()
    left = np.array([
        1.0 - (np.delete(error, row) ** 2).mean() / np.delete(label, row).var() for row in range(n)
    ])  # fmt: skip
    spread = math.sqrt((n - 1) * float(((left - left.mean()) ** 2).mean()))
    low, high = fixed.r2(moments(error, label), n, 0.05)
    assert (low + high) / 2.0 == pytest.approx(whole, abs=1e-9)
    assert (high - low) / 2.0 == pytest.approx(1.96 * spread, rel=0.02)


def test_average_precision_and_the_calibration_error() -> None:
    low, high = fixed.average_precision(0.6, 200, 0.05)
    assert special.logit(high) - special.logit(low) == pytest.approx(2 * 1.96 / math.sqrt(200 * 0.24), rel=1e-4)
    assert fixed.average_precision(1.0, 200, 0.05) == fixed.clopper_pearson(200, 200, 0.05)
    low, high = fixed.calibration_error(0.2, 10, 10_000, 0.05)
    radius = math.sqrt(2 * math.log(40) / 10_000)
    assert (low, high) == pytest.approx((0.2 - radius - math.sqrt(0.001) / 2, 0.2 + radius))


@few
@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8), alphas)
def test_holm_is_its_adjusted_values(p: list[float], alpha: float) -> None:
    order = np.argsort(p, kind="stable")
    adjusted = np.maximum.accumulate(np.array(p)[order] * (len(p) - np.arange(len(p))))
    found = fixed.holm(dict(enumerate(p)), alpha)
    for place, one in enumerate(order):
        near = abs(adjusted[place] - alpha) < 1e-12
        assert found[int(one)] == (adjusted[place] <= alpha) or near


def test_too_little_says_nothing() -> None:
    empty = Histogram.empty()
    measures: tuple[Callable[[], fixed.Interval], ...] = (
        lambda: fixed.clopper_pearson(0, 0, 0.05), lambda: fixed.wilson(0, 0, 0.05),
        lambda: fixed.student(1, 0.5, math.nan, 0.05), lambda: fixed.maurer_pontil(1, 0.5, math.nan, 0.0, 1.0, 0.05),
        lambda: fixed.f1(0, 0, 0.05), lambda: fixed.delong(empty, 0.05), lambda: fixed.average_precision(0.5, 0, 0.05),
        lambda: fixed.calibration_error(0.0, 10, 0, 0.05), lambda: fixed.r2({}, 1, 0.05),
    )  # fmt: skip
    for measure in measures:
        with pytest.raises(Undefined):
            measure()
