"""Performance estimated before labels come, and how the estimates of before turned out. Pure.

Confidence-based performance estimation on histograms: every bin stands for its rows, with their mean probability. An
estimate supports no verdict.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from monitor.reports.measured import finite, measure
from monitor.reports.periods import Span
from monitor.reports.trends import metrics
from monitor.stats.buckets import Bucket
from monitor.stats.figures import DECISIONS
from monitor.stats.histogram import Histogram
from monitor.stats.layout import Layout
from scorer.quality.requirement import Requirement
from scorer.quality.table import Table
from scorer.quality.undefined import Undefined

SURPRISING = 3.0
"""Standard deviations."""

ESTIMABLE = (*DECISIONS, "auc", "average_precision", "brier", "log_loss")


@dataclass(frozen=True, slots=True)
class Estimate:
    """One metric in one part: what the probabilities let expect, and what the labels that are there say, if any."""

    metric: str
    estimate: float | None
    realised: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Estimated:
    """A part of the period, or after it. ``surprise`` is how many standard deviations more labels are of the class than
    the probabilities let expect; beyond 3 either way the estimates of that time were wrong.
    """

    name: str
    begin: int
    predictions: int
    labelled: int
    provisional: bool
    surprise: float | None
    metrics: tuple[Estimate, ...]

    @property
    def surprising(self) -> bool:
        """Whether the estimates of that time were wrong."""
        return self.surprise_size > SURPRISING

    @property
    def surprise_size(self) -> float:
        """Its size, whatever its direction; 0 where it is not known."""
        return abs(self.surprise or 0.0)


@dataclass(frozen=True, slots=True)
class Estimates:
    """Parts in their order, or why nothing can be estimated."""

    parts: tuple[Estimated, ...]
    reason: str = ""


def estimates(
    parts: Sequence[Span],
    buckets: Mapping[int, Bucket],
    layout: Layout,
    requirements: Sequence[Requirement],
    closed_before: int,
) -> Estimates:
    """Of all metrics that can be estimated; ``buckets`` are of parts, by the time at which they begin."""
    wanted = [one for one in metrics(requirements).values() if one.metric.name in ESTIMABLE]
    if layout.kind != "binary" or layout.scale != "probability":
        return Estimates((), "only probabilities of two classes let expect what labels will say")
    if not wanted:
        return Estimates((), "no metric that is required can be estimated")
    found = []
    for part in parts:
        bucket = buckets.get(part.begin)
        if bucket is None or not bucket.predictions:
            continue
        told = tuple(_both(bucket, layout, one) for one in wanted)
        found.append(
            Estimated(
                part.name, part.begin, bucket.predictions, bucket.n, part.end > closed_before, surprise(bucket), told
            )
        )
    return Estimates(tuple(found), "" if found else "there are no predictions")


def estimate(everything: Histogram, layout: Layout, requirement: Requirement) -> float:
    """The metric that rows of such probabilities are expected to have, if these are calibrated. Raises ``Undefined``.

    ``everything`` counts as true what was predicted to be of the second class.
    """
    if not len(everything.bins):
        raise Undefined("there are no predictions")
    given, p = requirement.parameters, everything.mean_scores
    if given.threshold is None:
        decided = [(1, everything.true), (0, everything.false)]
    else:
        above = p > given.threshold
        mass = everything.true + everything.false
        decided = [(1, np.where(above, mass, 0)), (0, np.where(above, 0, mass))]
    blocks = [(label, said, mass * chance) for said, mass in decided for label, chance in ((1, p), (0, 1.0 - p))]
    labels, predicted = (np.repeat([block[one] for block in blocks], len(p)) for one in (0, 1))
    weights = np.concatenate([block[2] for block in blocks])
    table = Table(
        "binary", layout.classes, np.tile(p, len(blocks))[None], labels.astype(np.float64), predicted.astype(np.int64),
        weights=weights,
    )  # fmt: skip
    value = requirement.metric.measure(table.take(weights > 0.0), replace(given, threshold=None))
    if not math.isfinite(value):
        raise Undefined("it has no value")
    return value


def surprise(bucket: Bucket) -> float | None:
    """``Σ(truth - p) / sqrt(Σ p (1 - p))`` of the labelled rows, by the mean probabilities of bins."""
    scores = bucket.scores
    mass, p = scores.true + scores.false, scores.mean_scores
    spread = math.sqrt(max(0.0, float((mass * p * (1.0 - p)).sum())))
    return finite(float((scores.true - mass * p).sum()) / spread) if spread > 0.0 else None


def _both(bucket: Bucket, layout: Layout, requirement: Requirement) -> Estimate:
    realised = measure(bucket, layout, requirement, 0.05).value
    try:
        return Estimate(requirement.name, estimate(bucket.all_scores, layout, requirement), realised)
    except Undefined as why:
        return Estimate(requirement.name, None, realised, str(why))
