"""A requirement that is judged continuously: fed what its metric is the mean of, in any batches."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.stats.continuous.watching import Watch
from monitor.stats.layout import Layout
from scorer.quality.judge import measured
from scorer.quality.metrics import CONTINUOUSLY, METRICS
from scorer.quality.parameters import Parameters
from scorer.quality.requirement import Requirement
from scorer.quality.table import Kind, Table
from tests.monitor.stats.support import CLASSES, outcomes, pick, requirement, wanted
from tests.monitor.stats.test_buckets import KINDS, layout_of


def watched(kind: Kind) -> list[Requirement]:
    """All that can be judged continuously of such outputs."""
    found = [one for one in wanted(kind) if one.metric.continuous]
    found = [one for one in found if all(one.parameters.given().get(key) for key in one.metric.continuous_needs)]
    return [replace(one, judged=CONTINUOUSLY) for one in found]


def test_every_continuous_metric_is_watched() -> None:
    assert {one.metric.name for kind in KINDS for one in watched(kind)} == {
        name for name, one in METRICS.items() if one.continuous
    }


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(KINDS), st.integers(0, 60), st.integers(0, 2**32), st.lists(st.integers(0, 60), max_size=3))
def test_any_batches_and_a_restart_between_give_the_same_bits(kind: Kind, n: int, seed: int, cuts: list[int]) -> None:
    table, layout = outcomes(kind, n, seed), layout_of(kind)
    for asked in watched(kind):
        whole, part = Watch(asked, layout), Watch(asked, layout)
        whole.update(table)
        for rows in np.split(np.arange(n), sorted(min(cut, n) for cut in cuts)):
            part.update(pick(table, rows))
            part = Watch(asked, layout, json.loads(json.dumps(part.plain())))
        assert part.plain() == whole.plain()
        assert part.judge(0.05) == whole.judge(0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_the_metric_lies_inside_and_the_bounds_close_in_on_it(kind: Kind) -> None:
    table, layout = outcomes(kind, 20_000, 3), layout_of(kind)
    for asked in watched(kind):
        watch = Watch(asked, layout)
        watch.update(table)
        low, high = watch.interval(0.05)
        lowest, highest = asked.metric.range(asked.parameters, kind)
        assert low <= measured(asked, table) <= high
        assert high - low < 0.1 * (highest - lowest)


def test_a_score_of_anomaly_and_the_first_class() -> None:
    rng = np.random.default_rng(4)
    labels = (rng.random(5000) < 0.3).astype(float)
    table = Table("regression", (), (rng.normal(size=5000) + labels)[None], labels, np.full(5000, -1), scale="margin")
    two = replace(outcomes("binary", 5000, 5))
    for kind, rows, one in (
        ("regression", table, requirement("auc")), ("binary", two, requirement("auc", Parameters(klass="no"))),
        ("binary", two, requirement("precision", Parameters(klass="no", threshold=0.3))),
    ):  # fmt: skip
        asked = replace(one, judged=CONTINUOUSLY)
        watch = Watch(asked, Layout.of([asked], rows.kind, CLASSES[rows.kind], rows.scale))
        watch.update(rows)
        low, high = watch.interval(0.05)
        assert low <= measured(asked, rows) <= high
        assert high - low < 0.2
        assert kind == rows.kind


def test_verdicts() -> None:
    table, layout = outcomes("binary", 4000, 6), layout_of("binary")
    brier = measured(requirement("brier"), table)
    for maximum, least, says in (
        (brier + 0.05, 1, "PASS"), (brier, 1, "INSUFFICIENT"), (brier - 0.05, 1, "FAIL"),
        (brier - 0.05, 4001, "INSUFFICIENT"),
    ):  # fmt: skip
        watch = Watch(replace(requirement("brier", least=least, maximum=maximum), judged=CONTINUOUSLY), layout)
        assert watch.judge(0.05).verdict == "INSUFFICIENT"
        watch.update(table)
        assert watch.judge(0.05).verdict == says
    auc = Watch(replace(requirement("auc", minimum=0.0), judged=CONTINUOUSLY), layout)
    auc.update(outcomes("binary", 4000, 6, "one class"))
    assert auc.judge(0.05).verdict == "INSUFFICIENT"


def test_what_cannot_be_watched_is_refused() -> None:
    table, layout = outcomes("binary", 10, 6), layout_of("binary")
    with pytest.raises(ValueError, match="once per closed window"):
        Watch(requirement("f1"), layout)
    watch = Watch(replace(requirement("brier"), judged=CONTINUOUSLY), layout)
    for bad in (replace(table, labels=np.full(10, np.nan)), replace(table, scores=np.full((1, 10), 1.01))):
        with pytest.raises(ValueError, match="no label"):
            watch.update(bad)
