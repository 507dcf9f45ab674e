"""Metrics from a bucket: the same numbers that ``scorer.quality`` gives for the rows, or within a bound that is told.

Metrics of decisions come from confusion matrices and means from exact sums. Metrics of scores come from histograms:
each bin stands for its rows, as if their scores were all equal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from monitor.stats import exact
from monitor.stats.buckets import Bucket
from monitor.stats.histogram import Histogram
from monitor.stats.layout import (
    FIRST,
    INVALID_PREDICTIONS,
    LARGE,
    NOT_GAMMA,
    NOT_POISSON,
    UNCLASSED,
    Layout,
    list_sum,
)
from scorer.batch import Floats, Int64s
from scorer.quality.metrics import OPERATIONAL
from scorer.quality.parameters import Parameters
from scorer.quality.requirement import Requirement
from scorer.quality.table import Table
from scorer.quality.undefined import Undefined

DECISIONS = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "false_positive_rate", "cost")
BINNED = ("auc", "average_precision", "calibration_error", "calibration_slope", "calibration_intercept")
MEANS = ("brier", "log_loss", "mae", "bias", "quantile_loss", "poisson_deviance", "gamma_deviance")


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric's ``value`` from ``n`` labels. It is at most ``error`` away from that of the rows.

    ``error`` is 0 where the value differs by rounding only, and ``None`` where no bound is known: for the slope and
    intercept of calibration, which are fitted to the mean scores of bins.
    """

    value: float
    error: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Moments:
    """``n`` values with their mean and their variance around it, divided by n - 1; NaN where n is 1."""

    n: int
    mean: float
    variance: float


def figure(bucket: Bucket, layout: Layout, requirement: Requirement) -> Figure:
    """The metric of ``requirement`` on the outcomes of a bucket. Raises ``Undefined`` where it has no value there."""
    name, given, n = requirement.metric.name, requirement.parameters, bucket.n
    if name in OPERATIONAL:
        raise Undefined("buckets do not hold it; it is counted beside them")
    if name == "invalid_share":
        if not bucket.predictions:
            raise Undefined("there are no rows")
        return Figure(bucket.counts[INVALID_PREDICTIONS] / bucket.predictions, 0.0, bucket.predictions)
    if not n:
        raise Undefined("there are no labels")
    if name in DECISIONS:
        table = decisions(bucket, layout, given)
        return Figure(requirement.metric.measure(table, replace(given, threshold=None)), 0.0, n)
    if name in BINNED:
        return _binned(bucket, layout, requirement)
    if name in MEANS:
        return Figure(moments(bucket, layout, name, given).mean, 0.0, n)
    if name == "ndcg":
        return Figure(gains(bucket, layout, given).mean, 0.0, n)
    error = math.sqrt(_sum(bucket, layout, "error 2").mean)
    return Figure(error if name == "rmse" else _r2(bucket, layout), 0.0, n)


def gains(bucket: Bucket, layout: Layout, given: Parameters) -> Moments:
    """Mean and variance of the gains of lists; ``n`` is their number. Raises ``Undefined``."""
    assert given.group is not None  # noqa: S101  # a requirement without it is refused
    place = layout.list_counts(layout.lists.index((given.group, given.at)))
    n, negative = bucket.counts[place : place + 2]
    _summable(bucket)
    if negative:
        raise Undefined(f"{negative:,} lists have a negative relevance")
    if not n:
        raise Undefined("no list has anything relevant")
    return _of_sums(bucket, layout, list_sum(given.group, given.at), n)


def moments(bucket: Bucket, layout: Layout, name: str, given: Parameters) -> Moments:
    """Mean and variance of the metric's values, for those that are means. Raises ``Undefined``."""
    if name in ("poisson_deviance", "gamma_deviance"):
        place = NOT_POISSON if name == "poisson_deviance" else NOT_GAMMA
        if bucket.counts[place]:
            raise Undefined(f"{bucket.counts[place]:,} labels or scores have none")
        return _sum(bucket, layout, name)
    if name == "mae" and given.bound is None:
        return _sum(bucket, layout, "distance", "error 2")
    if name == "bias":
        return _sum(bucket, layout, "error")
    of = {"log_loss": given.clip, "mae": given.bound, "quantile_loss": given.quantile}.get(name)
    return _sum(bucket, layout, name if of is None else f"{name} {of!r}")


def decisions(bucket: Bucket, layout: Layout, given: Parameters) -> Table:
    """A confusion matrix as a table: one row for each entry, which weighs as many labels as it counts."""
    return _table(layout, confusion_matrix(bucket, layout, given).ravel().astype(np.float64))


def confusion_matrix(bucket: Bucket, layout: Layout, given: Parameters) -> Int64s:
    """Counts int64 ``(classes, classes)``, a row for each true class. Raises ``Undefined`` where labels are others."""
    if bucket.counts[UNCLASSED]:
        raise Undefined("of a score without classes, the labels must be 0 and 1")
    first = FIRST + layout.matrix(given.threshold) * layout.size**2
    return np.array(bucket.counts[first : first + layout.size**2], np.int64).reshape(layout.size, layout.size)


def _table(layout: Layout, weights: Floats) -> Table:
    size = layout.size
    labels, predicted = np.repeat(np.arange(size), size), np.tile(np.arange(size), size)
    outputs = size if layout.kind == "multiclass" else 1
    kind = "binary" if layout.kind == "regression" else layout.kind
    classes = layout.classes if layout.kind != "regression" else ("0", "1")
    return Table(kind, classes, np.zeros((outputs, size * size)), labels.astype(np.float64), predicted, weights=weights)


def _binned(bucket: Bucket, layout: Layout, requirement: Requirement) -> Figure:
    """Each bin becomes two rows that weigh what it counts: those of the class, and the others."""
    name, given = requirement.metric.name, requirement.parameters
    part = class_scores(bucket, layout, given)
    if name == "calibration_error" and given.bins is not None:
        return Figure(*part.calibration_error(given.bins), bucket.n)
    score = part.mean_scores if name.startswith("calibration") else part.bins.astype(np.float64)
    truth = np.repeat([True, False], len(score))
    weights = np.concatenate([part.true, part.false]).astype(np.float64)
    table = Table(
        "binary", ("others", "class"), np.tile(score, 2)[None], truth.astype(np.float64), truth.astype(np.int64),
        weights=weights,
    )  # fmt: skip
    value = requirement.metric.measure(table.take(weights > 0.0), replace(given, klass=None, threshold=None))
    if name == "auc":
        return Figure(value, part.auc_error(), bucket.n)
    if name == "average_precision":
        low, high = part.average_precision_bounds()
        return Figure(value, max(value - low, high - value), bucket.n)
    return Figure(value, None, bucket.n)


def class_scores(bucket: Bucket, layout: Layout, given: Parameters) -> Histogram:
    """The scores of the class in question, higher ones speaking for it. Raises ``Undefined`` where labels are others.

    Of two classes there is one score, which is that of the second; asked about the first, it is turned round.
    """
    if bucket.counts[UNCLASSED]:
        raise Undefined("of a score without classes, the labels must be 0 and 1")
    wanted = 1 if given.klass is None else layout.classes.index(given.klass)
    if layout.kind == "multiclass":
        return bucket.scores.part(wanted)
    return bucket.scores if wanted == 1 else bucket.scores.turned()


def _sum(bucket: Bucket, layout: Layout, name: str, squares: str | None = None) -> Moments:
    _summable(bucket)
    if not bucket.n:
        raise Undefined("there are no labels")
    return _of_sums(bucket, layout, name, bucket.n, squares)


def _summable(bucket: Bucket) -> None:
    if bucket.counts[LARGE]:
        raise Undefined(f"{bucket.counts[LARGE]:,} labels or scores are beyond what can be summed")


def _of_sums(bucket: Bucket, layout: Layout, name: str, n: int, squares: str | None = None) -> Moments:
    names = layout.sums
    total = bucket.sums[names.index(name)]
    square = bucket.sums[names.index(f"{name} 2" if squares is None else squares)]
    return Moments(n, exact.mean(total, n), exact.variance(total, square, n) if n > 1 else math.nan)


def _r2(bucket: Bucket, layout: Layout) -> float:
    label = _sum(bucket, layout, "label")
    if bucket.n < 2 or label.variance == 0.0:
        raise Undefined("all labels are equal")
    return 1.0 - _sum(bucket, layout, "error 2").mean / (label.variance * (bucket.n - 1) / bucket.n)
