"""A closed, matured window judged once: the metric, an interval for a sample of fixed size, and which one it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from monitor.stats import exact, fixed
from monitor.stats.buckets import Bucket
from monitor.stats.figures import Figure, class_scores, confusion_matrix, figure, gains, moments
from monitor.stats.fixed import Interval
from monitor.stats.histogram import Histogram
from monitor.stats.layout import INVALID_PREDICTIONS, Layout
from monitor.stats.verdict import verdict
from scorer.batch import Int64s
from scorer.quality.judge import Judgement
from scorer.quality.parameters import Parameters
from scorer.quality.requirement import Requirement
from scorer.quality.undefined import Undefined


@dataclass(frozen=True, slots=True)
class Judged:
    """What a requirement says of a window: INSUFFICIENT with the reason, and without figures, where it has no value.

    ``low`` and ``high`` hold with probability ``1 - alpha``, the error of the figure included.
    """

    verdict: Judgement
    figure: Figure | None
    low: float
    high: float
    reason: str = ""


def judge(bucket: Bucket, layout: Layout, requirement: Requirement, alpha: float) -> Judged:
    """The verdict of ``requirement`` on the outcomes of a window, by the interval that its metric names."""
    try:
        found = figure(bucket, layout, requirement)
        low, high = _INTERVALS[requirement.metric.name](_Asked(bucket, layout, requirement, found, alpha))
    except Undefined as why:
        return Judged("INSUFFICIENT", None, -math.inf, math.inf, str(why))
    error = found.error or 0.0
    lowest, highest = requirement.metric.range(requirement.parameters, layout.kind)
    low, high = max(lowest, low - error), min(highest, high + error)
    return Judged(verdict(requirement, low, high, found.n), found, low, high)


@dataclass(frozen=True, slots=True)
class _Asked:
    """All that an interval may need."""

    bucket: Bucket
    layout: Layout
    requirement: Requirement
    found: Figure
    alpha: float

    @property
    def given(self) -> Parameters:
        return self.requirement.parameters

    @property
    def matrix(self) -> Int64s:
        return confusion_matrix(self.bucket, self.layout, self.given)

    @property
    def scores(self) -> Histogram:
        return class_scores(self.bucket, self.layout, self.given)

    @property
    def range(self) -> tuple[float, float]:
        return self.requirement.metric.range(self.given, self.layout.kind)

    @property
    def of_class(self) -> tuple[int, int, int, int]:
        """True positives, false positives, false negatives, true negatives."""
        matrix = self.matrix
        wanted = 1 if self.given.klass is None else self.layout.classes.index(self.given.klass)
        tp, predicted, actual = int(matrix[wanted, wanted]), int(matrix[:, wanted].sum()), int(matrix[wanted].sum())
        return tp, predicted - tp, actual - tp, int(matrix.sum()) - predicted - actual + tp


def _accuracy(asked: _Asked) -> Interval:
    matrix = asked.matrix
    return fixed.clopper_pearson(int(matrix.trace()), int(matrix.sum()), asked.alpha)


def _precision(asked: _Asked) -> Interval:
    tp, fp, _, _ = asked.of_class
    return fixed.clopper_pearson(tp, tp + fp, asked.alpha)


def _recall(asked: _Asked) -> Interval:
    tp, _, fn, _ = asked.of_class
    return fixed.clopper_pearson(tp, tp + fn, asked.alpha)


def _false_positive_rate(asked: _Asked) -> Interval:
    _, fp, _, tn = asked.of_class
    return fixed.clopper_pearson(fp, fp + tn, asked.alpha)


def _f1(asked: _Asked) -> Interval:
    tp, fp, fn, _ = asked.of_class
    return fixed.f1(tp, fp + fn, asked.alpha)


def _balanced(asked: _Asked) -> Interval:
    matrix = asked.matrix
    return fixed.balanced_accuracy(matrix.diagonal().tolist(), matrix.sum(axis=1).tolist(), asked.alpha)


def _cost(asked: _Asked) -> Interval:
    matrix = asked.matrix
    pairs = [
        (count, cost)
        for counts, costs in zip(matrix.tolist(), asked.given.costs or (), strict=True)
        for count, cost in zip(counts, costs, strict=True)
    ]
    if asked.found.n < 2:
        raise Undefined("1 is too few for an interval")
    variance = sum(count * (cost - asked.found.value) ** 2 for count, cost in pairs) / (asked.found.n - 1)
    low, high = asked.range
    return fixed.maurer_pontil(asked.found.n, asked.found.value, variance, low, high, asked.alpha)


def _bounded(asked: _Asked) -> Interval:
    """Means of bounded values have bounds that are sure; of others, Student's."""
    known = moments(asked.bucket, asked.layout, asked.requirement.metric.name, asked.given)
    low, high = asked.range
    if not math.isfinite(high - low):
        return fixed.student(known.n, known.mean, known.variance, asked.alpha)
    return fixed.maurer_pontil(known.n, known.mean, known.variance, low, high, asked.alpha)


def _ndcg(asked: _Asked) -> Interval:
    known = gains(asked.bucket, asked.layout, asked.given)
    return fixed.maurer_pontil(known.n, known.mean, known.variance, 0.0, 1.0, asked.alpha)


def _auc(asked: _Asked) -> Interval:
    return fixed.delong(asked.scores, asked.alpha)


def _average_precision(asked: _Asked) -> Interval:
    positives = int(asked.scores.true.sum())
    return fixed.average_precision(asked.found.value, positives, asked.alpha)


def _calibration_error(asked: _Asked) -> Interval:
    return fixed.calibration_error(asked.found.value, asked.given.bins or 0, asked.found.n, asked.alpha)


def _calibration(asked: _Asked) -> Interval:
    scores = asked.scores
    slope = asked.found.value if asked.requirement.metric.name == "calibration_slope" else 1.0
    errors = fixed.calibration_errors(scores, slope, asked.found.value, asked.given.clip or 0.0)
    return fixed.wald(asked.found.value, errors[asked.requirement.metric.name == "calibration_intercept"], asked.alpha)


def _rmse(asked: _Asked) -> Interval:
    known = moments(asked.bucket, asked.layout, "error 2", asked.given)
    return fixed.rmse(known.n, known.mean, known.variance, asked.alpha)


def _r2(asked: _Asked) -> Interval:
    means = {
        name: exact.mean(total, asked.found.n) for name, total in zip(asked.layout.sums, asked.bucket.sums, strict=True)
    }
    return fixed.r2(means, asked.found.n, asked.alpha)


def _invalid_share(asked: _Asked) -> Interval:
    return fixed.clopper_pearson(asked.bucket.counts[INVALID_PREDICTIONS], asked.bucket.predictions, asked.alpha)


_INTERVALS: Mapping[str, Callable[[_Asked], Interval]] = {
    "accuracy": _accuracy,
    "precision": _precision,
    "recall": _recall,
    "false_positive_rate": _false_positive_rate,
    "f1": _f1,
    "balanced_accuracy": _balanced,
    "cost": _cost,
    "auc": _auc,
    "ndcg": _ndcg,
    "average_precision": _average_precision,
    "calibration_error": _calibration_error,
    "calibration_slope": _calibration,
    "calibration_intercept": _calibration,
    "rmse": _rmse,
    "r2": _r2,
    "invalid_share": _invalid_share,
    **dict.fromkeys(
        ("brier", "log_loss", "mae", "bias", "quantile_loss", "poisson_deviance", "gamma_deviance"), _bounded
    ),
}
