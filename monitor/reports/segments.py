"""Where the champion is worst: segments whose metric lies behind that of all. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.judge.verdicts import Segment
from monitor.reports.measured import Measured, measure
from monitor.reports.trends import metrics
from monitor.stats.buckets import Bucket
from monitor.stats.layout import Layout
from scorer.quality.requirement import Requirement

SHOWN = 10
"""So many of each metric."""


@dataclass(frozen=True, slots=True)
class Worse:
    """A segment's metric. ``behind`` is by how much it is worse than that of all, ``surely`` by how much at least.

    ``surely`` is 0 where the difference may be chance: where the interval holds the value of all.
    """

    metric: str
    segment: Segment
    measured: Measured
    overall: float
    behind: float
    surely: float


def worst(
    whole: Bucket,
    segments: Mapping[Segment, Bucket],
    layout: Layout,
    requirements: Sequence[Requirement],
    alpha: float,
    shown: int = SHOWN,
) -> list[Worse]:
    """Those that are surely worse first, by how much; of each metric at most ``shown``.

    With s segments each interval has coverage ``1 - alpha / s``, so that all of them hold together.
    """
    found: list[Worse] = []
    for name, requirement in metrics(requirements).items():
        overall = measure(whole, layout, requirement, alpha).value
        if overall is None:
            continue
        of_metric = []
        for segment, bucket in segments.items():
            told = measure(bucket, layout, requirement, alpha / max(1, len(segments)))
            if told.value is None:
                continue
            behind, surely = _behind(requirement, told, overall)
            if behind > 0.0:
                of_metric.append(Worse(name, segment, told, overall, behind, surely))
        of_metric.sort(key=lambda one: (-one.surely, -one.behind, one.segment))
        found += of_metric[:shown]
    return found


def _behind(requirement: Requirement, told: Measured, overall: float) -> tuple[float, float]:
    """By how much worse it is, and by how much at least."""
    assert told.value is not None  # noqa: S101  # who asks has looked
    low = told.low if told.low is not None else -float("inf")
    high = told.high if told.high is not None else float("inf")
    if requirement.metric.better == "larger":
        return overall - told.value, max(0.0, overall - high)
    if requirement.metric.better == "smaller":
        return told.value - overall, max(0.0, low - overall)
    best = requirement.metric.best
    nearest = min(max(best, low), high)
    return abs(told.value - best) - abs(overall - best), max(0.0, abs(nearest - best) - abs(overall - best))
