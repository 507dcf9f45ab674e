"""A closed window judged once: every metric has its interval, and INSUFFICIENT where nothing can be said."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from monitor.stats.closed import judge
from monitor.stats.layout import Layout
from scorer.quality.metrics import METRICS, OPERATIONAL
from scorer.quality.parameters import Parameters
from scorer.quality.table import Kind, Table
from tests.monitor.stats.support import CLASSES, Sort, outcomes, requirement, wanted
from tests.monitor.stats.test_buckets import KINDS, SORTS, layout_of, one


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(KINDS), st.integers(0, 120), st.integers(0, 2**32), SORTS)
def test_an_interval_holds_its_figure_and_stays_in_range(kind: Kind, n: int, seed: int, sort: Sort) -> None:
    bucket, layout = one(outcomes(kind, n, seed, sort), layout_of(kind)), layout_of(kind)
    for asked in wanted(kind):
        found = judge(bucket, layout, asked, 0.05)
        if found.figure is None:
            assert (found.verdict, found.low, found.high) == ("INSUFFICIENT", -math.inf, math.inf)
            assert found.reason
            continue
        lowest, highest = asked.metric.range(asked.parameters, kind)
        assert lowest <= found.low <= found.high <= highest
        assert found.low - 1e-9 <= found.figure.value <= found.high + 1e-9


def test_every_metric_that_buckets_hold_has_an_interval() -> None:
    asked = {one.metric.name for kind in KINDS for one in wanted(kind)}
    assert asked | {"ndcg", *OPERATIONAL} == set(METRICS)


@pytest.mark.parametrize("kind", KINDS)
def test_one_row_or_none_says_nothing(kind: Kind) -> None:
    layout = layout_of(kind)
    for n in (0, 1):
        bucket = one(outcomes(kind, n, 3), layout)
        for asked in wanted(kind):
            bounded = replace(asked, minimum=0.5 if asked.metric.better == "larger" else -5.0, maximum=10.0)
            found = judge(bucket, layout, bounded, 0.05)
            assert found.verdict == "INSUFFICIENT" or found.figure is not None
            if n == 0:
                assert found.verdict == "INSUFFICIENT"
    assert judge(
        bucket, layout, requirement(asked.metric.name, asked.parameters, least=2, maximum=9.0), 0.05
    ).verdict == ("INSUFFICIENT")


def test_one_class_and_constant_scores_say_nothing_of_order() -> None:
    layout = layout_of("binary")
    single = one(outcomes("binary", 500, 3, "one class"), layout)
    for name in ("auc", "average_precision", "recall", "f1", "balanced_accuracy"):
        asked = requirement(name, Parameters(threshold=0.4) if name in ("recall", "f1") else Parameters(), minimum=0.1)
        assert judge(single, layout, asked, 0.05).verdict == "INSUFFICIENT"
    constant = one(outcomes("binary", 500, 3, "constant"), layout)
    assert judge(constant, layout, requirement("auc", minimum=0.5), 0.05).verdict == "INSUFFICIENT"
    slope = requirement("calibration_slope", Parameters(clip=1e-6), minimum=0.9, maximum=1.1)
    assert judge(constant, layout, slope, 0.05).verdict == "INSUFFICIENT"


def test_the_whole_interval_decides() -> None:
    n = 2000
    right = np.arange(n) < 1800
    table = Table("binary", CLASSES["binary"], np.full((1, n), 0.5), np.where(right, 1.0, 0.0), np.ones(n, np.int64))
    layout = Layout.of([], "binary", CLASSES["binary"], "probability")
    bucket = one(table, layout)
    low, high = stats.binomtest(1800, n).proportion_ci(0.95, "exact")
    for floor, says in ((low - 1e-6, "PASS"), (0.9, "INSUFFICIENT"), (high + 1e-6, "FAIL")):
        found = judge(bucket, layout, requirement("accuracy", minimum=floor), 0.05)
        assert found.verdict == says
        assert (found.low, found.high) == pytest.approx((low, high))
    assert judge(bucket, layout, requirement("accuracy", least=n + 1, minimum=0.1), 0.05).verdict == "INSUFFICIENT"


def test_shares_of_a_class_are_judged_by_their_own_counts() -> None:
    table = outcomes("binary", 800, 5)
    layout = layout_of("binary")
    bucket = one(table, layout)
    truth, positive = table.labels == 1.0, table.scores[0] > 0.4
    for name, what, among in (
        ("precision", truth, positive), ("recall", positive, truth), ("false_positive_rate", positive, ~truth),
    ):  # fmt: skip
        found = judge(bucket, layout, requirement(name, Parameters(threshold=0.4)), 0.05)
        expected = stats.binomtest(int((what & among).sum()), int(among.sum())).proportion_ci(0.95, "exact")
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_the_error_of_a_histogram_widens_the_interval() -> None:
    table = outcomes("binary", 5000, 6)
    layout = layout_of("binary")
    found = judge(one(table, layout), layout, requirement("auc"), 0.05)
    assert found.figure is not None
    assert found.figure.error is not None
    assert 0.0 < found.figure.error < 0.01
    assert found.high - found.low > 2.0 * found.figure.error + 0.02


def test_lists_are_left_to_the_regression_test() -> None:
    layout = layout_of("regression")
    bucket = one(outcomes("regression", 500, 3), layout)
    found = judge(bucket, layout, requirement("ndcg", Parameters(group="query"), minimum=0.1), 0.05)
    assert (found.verdict, found.figure) == ("INSUFFICIENT", None)
    assert "the regression test measures it" in found.reason
