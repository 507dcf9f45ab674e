"""A closed window judged once: every metric has its interval, and INSUFFICIENT where nothing can be said."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import ndcg_score

from monitor.stats.buckets import Bucket, Buckets, Key
from monitor.stats.closed import judge
from monitor.stats.figures import gains
from monitor.stats.layout import Layout
from monitor.stats.listing import fold
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


def listed(given: Sequence[tuple[float, float, int]], sign: int = 1) -> Bucket:
    """The bucket of rows of relevance, score and list; or one that takes them back."""
    n = len(given)
    relevance, score, places = np.array(given).T
    of, list_of = np.unique(places, return_inverse=True)
    table = Table("regression", (), score[None].copy(), relevance.copy(), np.full(n, -1))
    rows = Buckets(LISTED)
    rows.add([Key(0, "v", "champion")], np.zeros((1, n), np.int64), table, np.full(n, sign))
    lists = len(of)
    [found] = fold(
        LISTED, "query", table.labels, table.scores[0], list_of, np.zeros(lists, np.int64),
        np.full(lists, sign), 1,
    )  # fmt: skip
    return rows.kept[Key(0, "v", "champion")].merge(found)


LISTED = Layout.of(
    [requirement("ndcg", Parameters(group="query", at=at)) for at in (None, 2)], "regression", (), "probability"
)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(1, 9), st.sampled_from([None, 2]), st.randoms(use_true_random=False))
def test_ndcg_is_the_mean_over_lists_in_any_order(n: int, lists: int, at: int | None, chance: random.Random) -> None:
    rows = [(float(chance.randrange(4)), chance.randrange(5) / 4, chance.randrange(lists)) for _ in range(n)]
    asked = requirement("ndcg", Parameters(group="query", at=at), minimum=0.5)
    of_list = {place: [row for row in rows if row[2] == place] for place in {row[2] for row in rows}}
    expected = [
        1.0 if len(some) == 1 else ndcg_score([[row[0] for row in some]], [[row[1] for row in some]], k=at)
        for some in of_list.values()
        if any(row[0] for row in some)
    ]
    bucket = listed(rows)
    found = judge(bucket, LISTED, asked, 0.05)
    if not expected:
        assert (found.verdict, found.reason) == ("INSUFFICIENT", "no list has anything relevant")
        return
    assert bucket.counts[LISTED.list_counts(0)] == len(expected)
    if len(expected) < 2:
        assert found.verdict == "INSUFFICIENT"
        return
    assert found.figure is not None
    assert found.figure.value == pytest.approx(np.mean(expected), abs=1e-12)
    variance = gains(bucket, LISTED, asked.parameters).variance
    assert variance == pytest.approx(np.var(expected, ddof=1), abs=1e-12)
    radius = np.sqrt(2.0 * np.var(expected, ddof=1) * np.log(80.0) / len(expected)) + 7.0 * np.log(80.0) / (
        3.0 * (len(expected) - 1)
    )
    assert found.low == pytest.approx(max(0.0, np.mean(expected) - radius), abs=1e-12)
    assert found.high == pytest.approx(min(1.0, np.mean(expected) + radius), abs=1e-12)
    chance.shuffle(rows)
    assert listed([(one, two, -place) for one, two, place in rows]) == bucket
    assert bucket.merge(listed(rows, sign=-1)).is_empty


def test_lists_that_cannot_be_judged() -> None:
    asked = requirement("ndcg", Parameters(group="query"), minimum=0.5)
    negative = listed([(1.0, 0.1, 0), (-1.0, 0.2, 0), (2.0, 0.3, 1), (1.0, 0.4, 2)])
    assert judge(negative, LISTED, asked, 0.05).reason == "1 lists have a negative relevance"
    assert negative.counts[LISTED.list_counts(0)] == 2
