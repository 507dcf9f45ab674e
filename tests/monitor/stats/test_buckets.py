"""Buckets: order, parts, corrections and windows change nothing, and metrics are those of the rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from monitor.stats.buckets import Bucket, Buckets, Key, together
from monitor.stats.figures import confusion_matrix, figure
from monitor.stats.histogram import Histogram
from monitor.stats.layout import BEYOND, Layout
from scorer.batch import Bools
from scorer.quality.judge import measured
from scorer.quality.parameters import Parameters
from scorer.quality.requirement import Requirement, Window
from scorer.quality.table import Kind, Table
from scorer.quality.undefined import Undefined
from tests.monitor.stats.support import CLASSES, Sort, outcomes, pick, places, requirement, wanted

V = TypeVar("V")
KINDS: tuple[Kind, ...] = ("binary", "multiclass", "regression")
few = settings(max_examples=40, deadline=None)


def layout_of(kind: Kind, classed: bool = False) -> Layout:
    return Layout.of(wanted(kind, classed), kind, CLASSES[kind], "probability")


def filled(table: Table, seed: int) -> Buckets:
    buckets = Buckets(layout_of(table.kind))
    keys, of_row = places(len(table), seed)
    buckets.add(keys, of_row[None], table)
    return buckets


def unlabelled(table: Table) -> Table:
    return replace(table, labels=np.full(len(table), np.nan))


def one(table: Table, layout: Layout) -> Bucket:
    buckets = Buckets(layout)
    key = Key(0, "v1", "champion")
    buckets.add([key], np.zeros((1, len(table)), np.int64), table)
    return buckets.kept.get(key, Bucket.empty(layout))


@few
@given(st.sampled_from(KINDS), st.integers(0, 60), st.integers(0, 2**32), st.data())
def test_any_order_in_any_parts_gives_equal_buckets(kind: Kind, n: int, seed: int, data: st.DataObject) -> None:
    table = outcomes(kind, n, seed, data.draw(st.sampled_from(["usual", "odd", "one class"])))
    whole = filled(table, seed)
    keys, of_row = places(n, seed)
    order = np.random.default_rng(seed).permutation(n)
    cut = data.draw(st.integers(0, n))
    parts = []
    for rows in (order[:cut], order[cut:]):
        part = Buckets(whole.layout)
        for some in np.array_split(rows, 3):
            part.add(keys, of_row[None, some], pick(table, some))
        parts.append(part)
    left, right = (Buckets(whole.layout) for _ in range(2))
    for part in parts:
        left.merge(part)
    for part in parts[::-1]:
        right.merge(part)
    assert left.kept == right.kept == whole.kept


@few
@given(st.sampled_from(KINDS), st.integers(1, 40), st.integers(0, 2**32))
def test_what_is_taken_back_leaves_nothing(kind: Kind, n: int, seed: int) -> None:
    table = outcomes(kind, 2 * n, seed, "odd")
    keys, of_row = places(2 * n, seed)
    buckets = Buckets(layout_of(kind))
    buckets.add(keys, of_row[None, :n], pick(table, np.arange(n)))
    before = dict(buckets.kept)
    later = np.arange(n, 2 * n)
    # The correction may be read first: what is taken back comes before what is added.
    buckets.add(keys, of_row[None, later], pick(table, later), np.full(n, -1))
    buckets.add(keys, of_row[None, later], pick(table, later))
    assert buckets.kept == before
    buckets.add(keys, of_row[None, :n], unlabelled(pick(table, np.arange(n))), np.full(n, -1))
    buckets.add(keys, of_row[None, :n], unlabelled(pick(table, np.arange(n))))
    assert buckets.kept == before
    buckets.add(keys, of_row[None, :n], pick(table, np.arange(n)), np.full(n, -1))
    assert buckets.kept == {}


@few
@given(st.sampled_from(KINDS), st.integers(0, 2**32))
def test_merging_is_commutative_and_associative(kind: Kind, seed: int) -> None:
    layout = layout_of(kind)
    a, b, c = (one(outcomes(kind, 20, seed + k), layout) for k in range(3))
    assert a.merge(b) == b.merge(a)
    assert a.merge(b).merge(c) == a.merge(b.merge(c)) == together([c, a, b], layout)
    assert Bucket.unpack(a.pack(), layout) == a
    assert a.merge(Bucket.empty(layout)) == a == Bucket.empty(layout).merge(a)


SORTS = st.sampled_from(["usual", "one class", "constant", "odd"])


@few
@given(st.sampled_from(KINDS), st.integers(0, 300), st.integers(0, 2**32), SORTS)
def test_every_metric_is_that_of_the_rows(kind: Kind, n: int, seed: int, sort: Sort) -> None:
    table = outcomes(kind, n, seed, sort)
    bucket, layout = one(table, layout_of(kind)), layout_of(kind)
    for asked in wanted(kind):
        agrees(asked, bucket, layout, table)


def agrees(asked: Requirement, bucket: Bucket, layout: Layout, table: Table) -> None:
    """A value where the rows have one, as far away as is said; where they have none, the same reason."""
    fitted = asked.metric.name in ("calibration_slope", "calibration_intercept")
    rows = table if asked.metric.name == "invalid_share" else table.take(table.valid)
    expected = value_or_reason(lambda: measured(asked, rows))
    got = value_or_reason(lambda: figure(bucket, layout, asked))
    if isinstance(got, str):
        # Bins may not tell apart what scores do: then a slope has no value that had one.
        assert got == expected or fitted or "have none" in got
        return
    if isinstance(expected, str):
        assert fitted, f"{got} where {expected}"
    elif got.error is None:
        assert got.value == pytest.approx(expected, rel=0.1, abs=0.1) or len(rows) < 100
    else:
        assert abs(got.value - expected) <= got.error + 1e-9 * max(1.0, abs(expected))


def value_or_reason(measure: Callable[[], V]) -> V | str:
    try:
        return measure()
    except Undefined as why:
        return str(why)


def test_bounds_are_worth_publishing() -> None:
    table = outcomes("binary", 20_000, 8)
    table = replace(table, scores=np.random.default_rng(1).beta(2.0, 5.0, (1, 20_000)))
    layout = layout_of("binary")
    bucket = one(table, layout)
    for name, given_, most in (
        ("auc", Parameters(), 0.003), ("average_precision", Parameters(), 0.005),
        ("calibration_error", Parameters(bins=10), 0.15),
    ):  # fmt: skip
        got = figure(bucket, layout, requirement(name, given_))
        assert got.error is not None
        assert got.error <= most
        agrees(requirement(name, given_), bucket, layout, table)
    for name in ("calibration_slope", "calibration_intercept"):
        asked = requirement(name, Parameters(clip=1e-6))
        assert figure(bucket, layout, asked).value == pytest.approx(measured(asked, table), abs=1e-4)


def test_a_score_of_anomaly_is_judged_by_labels_of_0_and_1() -> None:
    rng = np.random.default_rng(3)
    labels = (rng.random(500) < 0.1).astype(float)
    scores = (rng.normal(0.0, 3.0, 500) + 4.0 * labels)[None]
    table = Table("regression", (), scores, labels, np.full(500, -1))
    asked = [one for one in wanted("regression", classed=True) if "deviance" not in one.metric.name]
    layout = Layout.of(asked, "regression", (), "margin")
    table = replace(table, scale="margin")
    bucket = one(table, layout)
    for single in asked:
        agrees(single, bucket, layout, table)
    assert (confusion_matrix(bucket, layout, Parameters(threshold=0.4))
            == oracle.confusion_matrix(labels, scores[0] > 0.4)).all()  # fmt: skip
    other = one(replace(table, labels=labels + 0.5), layout)
    for name in ("auc", "accuracy"):
        given_ = Parameters(threshold=0.4) if name == "accuracy" else Parameters()
        with pytest.raises(Undefined, match="0 and 1"):
            figure(other, layout, requirement(name, given_))


def test_what_is_no_probability_is_invalid_and_spoils_no_other_bucket() -> None:
    layout = layout_of("binary")
    table = outcomes("binary", 100, 3)
    keys, of_row = places(100, 3)
    clean, spoilt = Buckets(layout), Buckets(layout)
    clean.add(keys, of_row[None], table)
    spoilt.add(keys, of_row[None], table)
    bad = replace(table, scores=np.tile([-0.1, 1.1, -np.inf, 1e300], 25)[None])
    spoilt.add(keys, of_row[None], bad)
    for key in keys:
        rows = int((of_row == keys.index(key)).sum())
        if rows:
            assert spoilt.kept[key].scores == clean.kept[key].scores
            assert spoilt.kept[key].sums == clean.kept[key].sums
            assert spoilt.kept[key].n == clean.kept[key].n == rows
            assert figure(spoilt.kept[key], layout, requirement("invalid_share")).value == 0.5


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_margins_have_decisions_and_an_order(kind: Kind) -> None:
    table = outcomes(kind, 400, 7)
    table = replace(table, scores=10.0 * table.scores - 4.0, scale="margin")
    asked = [one for one in wanted(kind) if not one.metric.probabilities]
    layout = Layout.of(asked, kind, CLASSES[kind], "margin")
    assert layout.sums == ()
    for single in asked:
        agrees(single, one(table, layout), layout, table)
    assert one(pick(table, np.arange(0)), layout) == Bucket.empty(layout)


def test_windows_are_merged_hours() -> None:
    table = outcomes("binary", 3000, 4)
    buckets = filled(table, 4)
    keys, of_row = places(3000, 4)
    hours = np.array([key.hour for key in keys])[of_row]
    plain = np.array([key.segment is None for key in keys])[of_row]
    second = np.array([key.version == "v2" for key in keys])[of_row]
    brier = requirement("brier")
    spans: list[tuple[Window, int, int, int]] = [("day", 0, 0, 24), ("day", 1, 24, 48), ("month", 0, 0, 744)]
    spans += [("month", 1, 744, 900), ("week", 0, 0, 96), ("hour", 5, 5, 6)]
    for window, number, low, high in spans:
        rows: Bools = (hours >= low) & (hours < high) & plain & second
        got = buckets.windows(window)[Key(number, "v2", "champion", hours=0)]
        assert got.n == rows.sum() == got.predictions
        value = figure(got, buckets.layout, brier)
        assert value.value == pytest.approx(measured(brier, table.take(rows)), rel=1e-12)
        assert (value.error, value.n) == (0.0, got.n)
    assert Key(0, "v1", "champion", ("origin", "JFK"), 0) in buckets.windows("day")


def test_a_large_batch_is_summed_without_loss() -> None:
    n = 200_000
    table = outcomes("binary", n, 5)
    layout = layout_of("binary")
    bucket = one(table, layout)
    assert figure(bucket, layout, requirement("brier")).value == pytest.approx(
        oracle.brier_score_loss(table.labels, table.scores[0]), abs=1e-12
    )
    clipped = np.clip(table.scores[0], 1e-6, 1 - 1e-6)
    assert figure(bucket, layout, requirement("log_loss", Parameters(clip=1e-6))).value == pytest.approx(
        oracle.log_loss(table.labels, clipped), abs=1e-12
    )
    auc = figure(bucket, layout, requirement("auc"))
    assert auc.error is not None
    assert abs(auc.value - oracle.roc_auc_score(table.labels, table.scores[0])) <= auc.error


def test_what_is_too_large_to_be_summed_is_counted_and_makes_means_undefined() -> None:
    labels = np.array([1.0, 2.0, 2.0 * BEYOND])
    table = Table("regression", (), labels[None] + 0.5, labels, np.full(3, -1))
    layout = layout_of("regression")
    with pytest.raises(Undefined, match="beyond"):
        figure(one(table, layout), layout, requirement("rmse"))
    assert figure(one(pick(table, np.arange(2)), layout), layout, requirement("rmse")).value == 0.5


def test_what_does_not_fit_is_refused() -> None:
    table = outcomes("binary", 3, 1)
    key, row = [Key(0, "v1", "champion")], np.zeros((1, 3), np.int64)
    with pytest.raises(ValueError, match="layout is for"):
        Buckets(layout_of("multiclass")).add(key, row, table)
    for bad in (-1, 2):
        with pytest.raises(ValueError, match="no class"):
            Buckets(layout_of("binary")).add(key, row, replace(table, predicted=np.array([0, 1, bad])))
    with pytest.raises(ValueError, match="different layouts"):
        Buckets(layout_of("binary")).merge(Buckets(layout_of("multiclass")))


@few
@given(st.sampled_from(KINDS), st.integers(0, 60), st.integers(0, 2**32))
def test_all_predictions_are_told_apart_by_decision(kind: Kind, n: int, seed: int) -> None:
    table = outcomes(kind, n, seed, "odd")
    table = replace(table, labels=np.where(np.random.default_rng(seed).random(n) < 0.5, table.labels, np.nan))
    bucket = one(table, layout_of(kind))
    valid = table.valid
    for output, klass in enumerate(range(3) if kind == "multiclass" else (1,)):
        part = bucket.all_scores.part(output)
        positive = valid & (table.predicted == klass)
        assert part.true.sum() == positive.sum()
        assert part.false.sum() == (valid & ~positive).sum()
        if kind != "regression":
            assert part.score.sum() / 2**32 == pytest.approx(table.scores[output][valid].sum(), abs=1e-6)
    assert bucket.predictions == n
    assert bucket.n == (valid & table.labelled).sum()


def test_a_group_without_histograms_has_all_else() -> None:
    table = outcomes("binary", 50, 2)
    keys, of_row = places(50, 2)
    segment = [key._replace(segment=("origin", "JFK"), hours=24) for key in keys]
    both = np.stack([of_row, np.where(of_row % 2, of_row + len(keys), -1)])
    buckets = Buckets(layout_of("binary"))
    buckets.add([*keys, *segment], both, table, binned=[True, False])
    for n, (key, other) in enumerate(zip(keys, segment, strict=True)):
        whole = buckets.kept[key]
        assert whole == one(pick(table, np.flatnonzero(of_row == n)), buckets.layout)
        if n % 2:
            assert buckets.kept[other] == replace(whole, scores=Histogram.empty(), all_scores=Histogram.empty())
        else:
            assert other not in buckets.kept
