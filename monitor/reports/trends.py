"""How each metric went, part by part of a period. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.reports.measured import Measured, measure, of_judged
from monitor.reports.periods import Span
from monitor.stats.buckets import Bucket, together
from monitor.stats.layout import Layout
from monitor.stats.shares import Counted, judge_shares
from scorer.quality.metrics import OPERATIONAL
from scorer.quality.requirement import Requirement
from scorer.quality.windows import name_of


@dataclass(frozen=True, slots=True)
class Bound:
    """A minimum or maximum that is required of a metric; ``where`` says of what, as in ``month`` or ``month, in 9-11``.

    ``holds`` says for each point of the trend whether the season is on.
    """

    where: str
    minimum: float | None
    maximum: float | None
    holds: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """A part of the period; provisional as long as one of its cohorts is open."""

    name: str
    begin: int
    end: int
    measured: Measured
    provisional: bool


@dataclass(frozen=True, slots=True)
class Trend:
    """One metric with its parameters: over the ``whole`` period, and part by part."""

    metric: str
    what: str
    better: str
    whole: Measured
    points: tuple[Point, ...]
    bounds: tuple[Bound, ...]


def metrics(requirements: Iterable[Requirement]) -> dict[str, Requirement]:
    """One requirement for each metric with its parameters, by name: all of them give the same value."""
    found: dict[str, Requirement] = {}
    for one in requirements:
        found.setdefault(one.name, one)
    return found


def trends(
    span: Span,
    parts: Sequence[Span],
    buckets: Mapping[int, Bucket],
    counted: Counted,
    layout: Layout,
    requirements: Sequence[Requirement],
    alpha: float,
    closed_before: int,
) -> list[Trend]:
    """A trend for each metric; ``buckets`` are of parts, by the time at which they begin."""
    nothing = Bucket.empty(layout)
    whole = together((buckets[part.begin] for part in parts if part.begin in buckets), layout)
    found = []
    for name, one in metrics(requirements).items():
        if one.metric.name in OPERATIONAL:
            of_whole, of_parts = (_shares(one, counted, spans, alpha) for spans in ([span], parts))
        else:
            of_whole = [measure(whole, layout, one, alpha)]
            of_parts = [measure(buckets.get(part.begin, nothing), layout, one, alpha) for part in parts]
        points = tuple(
            Point(short(part), part.begin, part.end, told, part.end > closed_before)
            for part, told in zip(parts, of_parts, strict=True)
        )
        bounds = [_bound(other, parts) for other in requirements if other.name == name and not other.segments]
        metric = one.metric
        found.append(Trend(name, metric.what, metric.better, of_whole[0], points, tuple(dict.fromkeys(bounds))))
    return found


def _shares(requirement: Requirement, counted: Counted, spans: Sequence[Span], alpha: float) -> list[Measured]:
    """Of what is counted beside the buckets, without regard to whether it is closed."""
    asked = replace(requirement, window=spans[0].window, season=())
    found = {one.number: one.judged for one in judge_shares([asked], counted, spans[-1].end, alpha)}
    return [
        of_judged(found[span.number], 0) if span.number in found else Measured(None, None, None, None, 0, "no events")
        for span in spans
    ]


def short(part: Span) -> str:
    """``11:00`` of an hour, else its name."""
    return part.name.partition("T")[2] + ":00" if part.window == "hour" else part.name


def _bound(requirement: Requirement, parts: Sequence[Span]) -> Bound:
    season = requirement.season
    holds = tuple(not season or month(part.begin) in season for part in parts)
    return Bound(requirement.window, requirement.minimum, requirement.maximum, holds)


def month(time: int) -> int:
    """The month of the year that a time lies in, 1 to 12."""
    return int(name_of(time // 3_600_000_000, "hour")[5:7])
