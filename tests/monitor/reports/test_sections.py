"""The numbers of a report against pandas, scikit-learn and scipy on the same rows."""

from __future__ import annotations

import json
import math
import shlex
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics as sk

from monitor.reports import cases
from monitor.reports.document import Report, report
from monitor.reports.periods import at
from monitor.reports.plain import plain
from monitor.stats.buckets import Buckets, Key
from monitor.stats.layout import Layout
from scorer.quality.table import Table
from tests.monitor.reports import rows as made
from tests.monitor.reports.rows import CLASSES, DAY, JUNE, frame, material, required

EVERY = pd.concat([frame(0, 15_000, JUNE, 45), frame(1, 5_000, JUNE - 30 * DAY, 30)])
INSIDE = EVERY[(EVERY["time"] >= JUNE) & (EVERY["time"] < JUNE + 30 * DAY)]
LIVE = INSIDE[INSIDE["role"] == "champion"]
TOLD = LIVE.dropna(subset=["label"])


@pytest.fixture(scope="module")
def month() -> Report:
    """The report of June, in which all cohorts but the last five days' are closed."""
    return report(material(EVERY, closed_before=JUNE + 25 * DAY))


def test_counts_are_those_of_the_rows(month: Report) -> None:
    assert (month.predictions, month.labels, month.invalid) == (len(LIVE), len(TOLD), 0)
    assert month.versions_live == ("2013-q1-boosted",)
    assert (month.name, month.period, month.provisional) == ("2013-06", "month", True)
    both = INSIDE["label"].notna()
    assert month.coverage.predictions == len(INSIDE)
    assert month.coverage.labelled == both.sum()
    assert month.coverage.share == both.mean()
    by_day = INSIDE.groupby((INSIDE["time"] - JUNE) // DAY)["label"].agg(["size", "count"])
    assert [(one.predictions, one.labelled) for one in month.coverage.parts] == [
        (int(size), int(told)) for size, told in by_day.itertuples(index=False)
    ]


def test_trends_are_the_metrics_of_their_days(month: Report) -> None:
    oracle = {
        "accuracy": lambda part: sk.accuracy_score(part["label"], part["predicted"]),
        "brier": lambda part: sk.brier_score_loss(part["label"], part["score"]),
        "auc": lambda part: sk.roc_auc_score(part["label"], part["score"]),
        "precision (class late)": lambda part: sk.precision_score(part["label"], part["predicted"]),
    }
    for trend in month.trends[:4]:
        whole = trend.whole
        assert whole.value == pytest.approx(oracle[trend.metric](TOLD), abs=(whole.error or 0.0) + 1e-12)
        assert whole.n == len(TOLD)
        for place, point in enumerate(trend.points):
            part = TOLD[(TOLD["time"] >= JUNE + place * DAY) & (TOLD["time"] < JUNE + (place + 1) * DAY)]
            expected = oracle[trend.metric](part)
            assert point.measured.value == pytest.approx(expected, abs=(point.measured.error or 0.0) + 1e-12)
            assert point.measured.n == len(part)
            assert point.measured.low is not None
            assert point.measured.high is not None
            assert point.measured.low <= expected <= point.measured.high
            assert point.provisional == (place >= 25)
            assert point.name == f"2013-06-{place + 1:02}"


def test_the_interval_of_accuracy_is_clopper_and_pearsons(month: Report) -> None:
    hits = int((TOLD["label"] == TOLD["predicted"]).sum())
    expected = stats.binomtest(hits, len(TOLD)).proportion_ci(0.95, "exact")
    whole = month.trends[0].whole
    assert (whole.low, whole.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_the_confusion_matrix_is_scikit_learns(month: Report) -> None:
    assert month.confusion.classes == CLASSES
    assert np.array_equal(month.confusion.counts, sk.confusion_matrix(TOLD["label"], TOLD["predicted"]))


def test_the_distribution_counts_every_score_in_its_bin(month: Report) -> None:
    def counted(scores: pd.Series[float]) -> list[int]:
        """32 bins, closed below up to 0.5 and closed above beyond it, as the narrow ones are."""
        place = np.where(scores > 0.5, 31 - np.floor(32 * (1 - scores)), np.floor(32 * scores)).astype(int)
        return [int(n) for n in np.bincount(place, minlength=32)]

    (one,) = month.scores
    assert one.edges == tuple(np.linspace(0, 1, 33))
    assert list(one.predictions) == counted(LIVE["score"])
    assert list(one.labelled) == counted(TOLD["score"])
    assert list(one.of_class) == counted(TOLD.loc[TOLD["label"] == 1, "score"])
    assert one.psi is not None
    assert 0.0 <= one.psi < 0.1


def test_reliability_groups_hold_every_label(month: Report) -> None:
    (curve,) = month.reliability.curves
    assert curve.klass == "late"
    ranked = TOLD.sort_values("score")
    begin = 0
    for group in curve.groups:
        part = ranked.iloc[begin : begin + group.n]
        begin += group.n
        assert group.hits == part["label"].sum()
        assert group.share == pytest.approx(part["label"].mean())
        assert group.score == pytest.approx(part["score"].mean(), abs=1e-9)
        expected = stats.binomtest(group.hits, group.n).proportion_ci(0.95, "exact")
        assert (group.low, group.high) == pytest.approx((expected.low, expected.high))
        assert 0.08 * len(TOLD) < group.n < 0.12 * len(TOLD)
    assert begin == len(TOLD)


def test_estimates_are_what_calibrated_scores_let_expect(month: Report) -> None:
    def weighted(part: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        score, predicted = part["score"].to_numpy(), part["predicted"].to_numpy()
        return np.repeat([1, 0], len(part)), np.tile(predicted, 2), np.concatenate([score, 1 - score])

    first = month.estimates.parts[0]
    part = LIVE[LIVE["time"] < JUNE + DAY]
    labels, predicted, weights = weighted(part)
    found = {one.metric: one for one in first.metrics}
    assert first.predictions == len(part)
    assert found["accuracy"].estimate == pytest.approx(
        sk.accuracy_score(labels, predicted, sample_weight=weights), abs=1e-9
    )
    assert found["brier"].estimate == pytest.approx((part["score"] * (1 - part["score"])).mean(), abs=1e-4)
    assert found["auc"].estimate == pytest.approx(
        sk.roc_auc_score(labels, np.tile(part["score"], 2), sample_weight=weights), abs=5e-3
    )
    assert found["precision (class late)"].estimate == pytest.approx(
        sk.precision_score(labels, predicted, sample_weight=weights), abs=1e-9
    )
    told = part.dropna(subset=["label"])
    spread = math.sqrt((told["score"] * (1 - told["score"])).sum())
    assert first.surprise == pytest.approx((told["label"] - told["score"]).sum() / spread, abs=1e-3)
    assert found["accuracy"].realised == pytest.approx((told["label"] == told["predicted"]).mean())


def test_estimates_go_on_after_the_period(month: Report) -> None:
    assert len(month.estimates.parts) == 45
    after = EVERY[(EVERY["time"] >= JUNE + 44 * DAY) & (EVERY["role"] == "champion")]
    assert month.estimates.parts[-1].predictions == len(after)
    assert month.estimates.parts[-1].provisional


def test_the_worst_segment_is_the_one_made_worse(month: Report) -> None:
    first = month.worst_segments[0]
    assert (first.metric, first.segment) == ("accuracy", ("origin", "<b>EWR</b>"))
    part = TOLD[TOLD["origin"] == "<b>EWR</b>"]
    right = part["label"] == part["predicted"]
    assert first.measured.value == pytest.approx(right.mean())
    expected = stats.binomtest(int(right.sum()), len(part)).proportion_ci(1 - 0.05 / 3, "exact")
    assert first.measured.high == pytest.approx(expected.high)
    assert first.surely == pytest.approx(first.overall - expected.high)
    assert first.surely > 0.0
    assert month.segments == 3
    for one in month.worst_segments:
        assert one.behind > 0.0
        assert 0.0 <= one.surely <= one.behind


def test_versions_are_told_apart(month: Report) -> None:
    assert [(one.version, one.role) for one in month.versions] == [
        ("2013-q1-boosted", "champion"),
        ("2013-q2", "trial"),
    ]
    trial = INSIDE[INSIDE["role"] == "trial"].dropna(subset=["label"])
    found = month.versions[1].metrics["accuracy"]
    assert found.value == pytest.approx((trial["label"] == trial["predicted"]).mean())
    assert month.versions[1].labels == found.n == len(trial)


def test_drift_of_scores_is_that_of_the_bins(month: Report) -> None:
    one = next(one for one in month.drift if one.what == "score")
    before = EVERY[(EVERY["time"] < JUNE) & (EVERY["role"] == "champion")]["score"]
    now = LIVE["score"]
    edges = np.quantile(before, np.arange(1, 10) / 10)
    p, q = (np.histogram(part, [-1, *edges, 2])[0] + 0.5 for part in (before, now))
    p, q = p / p.sum(), q / q.sum()
    assert one.from_before == pytest.approx(((q - p) * np.log(q / p)).sum(), abs=2e-3)
    assert one.n == len(now)


def test_drift_is_ranked_and_says_why_nothing_is_said(month: Report) -> None:
    sizes = [max(one.from_training or -1.0, one.from_before or -1.0) for one in month.drift]
    assert sizes == sorted(sizes, reverse=True)
    silent = {one.name: one.reason for one in month.drift if one.from_training is None and one.from_before is None}
    assert "no profile" in silent["<i>wind</i>"]
    assert "it needs 500" in silent["temp"]


def test_dead_letters_are_a_share_of_all_events(month: Report) -> None:
    assert month.letters.reasons == (("refused_value", 12), ("decode_failed", 3))
    assert month.letters.share == pytest.approx(15 / (15 + len(INSIDE)))


def test_the_delay_of_labels_is_told_by_the_ends_of_bins(month: Report) -> None:
    assert month.coverage.within == {"0.5": 8 * 3_600_000_000, "0.9": 2 * DAY, "0.99": 2 * DAY}


def test_commands_are_such_as_a_shell_takes(month: Report) -> None:
    first = month.cases[0]
    assert shlex.split(first.command) == [
        "scorer", "models", "add-case", "coefficients/flights/it's <script>", "--event", "flights.events/1/19", "--why",
        cases.WHY,
    ]  # fmt: skip
    assert first.truth == "late"
    assert [one.error.loss for one in month.cases] == [4.6, 3.2]


def test_one_event_is_one_case_with_its_largest_loss() -> None:
    given = material(EVERY.head(10))
    again = [replace(one, loss=one.loss - 1.0, version="another") for one in given.errors]
    for errors in ([*given.errors, *again], [*again, *given.errors]):
        found = cases.candidates(errors, "flights", given.layout)
        assert [one.error for one in found] == sorted(given.errors, key=lambda one: -one.loss)


def test_a_season_hides_its_bound_outside() -> None:
    text = made.REQUIREMENTS.replace('window = "month"', 'window = "month"\nseason = [7]', 1)
    found = report(material(EVERY.head(500), wanted=required(text)))
    assert not any(found.trends[0].bounds[0].holds)
    assert all(found.trends[1].bounds[0].holds)


def test_a_day_is_told_by_the_hour() -> None:
    day = at(JUNE + 3 * DAY, "day")
    found = report(material(EVERY, day))
    assert [point.name for point in found.trends[0].points] == [f"{hour:02}:00" for hour in range(24)]
    part = LIVE[(LIVE["time"] >= day.begin) & (LIVE["time"] < day.end)]
    assert found.predictions == len(part)
    assert sum(point.measured.n for point in found.trends[0].points) == part["label"].notna().sum()


def test_the_same_as_json_without_nan(month: Report) -> None:
    text = json.dumps(plain(month), allow_nan=False)
    found = json.loads(text)
    assert found["begin"] == "2013-06-01T00:00:00Z"
    assert found["trends"][0]["whole"]["value"] == month.trends[0].whole.value
    assert found["confusion"]["counts"] == [list(row) for row in month.confusion.counts]
    assert found["cases"][0]["error"]["time"] == "2013-06-01T00:00:00.000006Z"


@pytest.mark.parametrize("scale", ["probability", "margin"])
def test_several_classes(scale: str) -> None:
    rng = np.random.default_rng(5)
    classes = ("a", "b", "<c>")
    layout = Layout("multiclass", classes, scale)  # type: ignore[arg-type]  # one of the two
    scores = rng.dirichlet([1.0, 1.0, 1.0], 900).T
    labels = rng.integers(0, 3, 900).astype(float)
    labels[::7] = np.nan
    predicted = scores.argmax(axis=0)
    buckets = Buckets(layout)
    table = Table("multiclass", classes, scores, labels, predicted, scale=scale)  # type: ignore[arg-type]  # as above
    buckets.add([Key(0, "", "champion")], np.zeros((1, 900), np.int64), table)
    empty = material(EVERY.head(0), wanted=(), layout=layout)
    found = report(replace(empty, hours={(JUNE, "one", "champion"): buckets.kept[Key(0, "", "champion")]}, segments={}))
    told = ~np.isnan(labels)
    assert np.array_equal(found.confusion.counts, sk.confusion_matrix(labels[told], predicted[told]))
    assert [one.klass for one in found.scores] == list(classes)
    assert all(sum(one.predictions) == 900 and sum(one.labelled) == told.sum() for one in found.scores)
    assert len(found.reliability.curves) == (3 if scale == "probability" else 0)
    if scale == "probability":
        curve = found.reliability.curves[2]
        assert sum(group.hits for group in curve.groups) == (labels == 2).sum()
    json.dumps(plain(found), allow_nan=False)
