"""How each metric went, part by part of a period. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from monitor.reports.measured import Measured, measure
from monitor.reports.periods import Span
from monitor.stats.buckets import Bucket
from monitor.stats.layout import Layout
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
    """One metric with its parameters."""

    metric: str
    what: str
    better: str
    points: tuple[Point, ...]
    bounds: tuple[Bound, ...]


def metrics(requirements: Iterable[Requirement]) -> dict[str, Requirement]:
    """One requirement for each metric with its parameters, by name: all of them give the same value."""
    found: dict[str, Requirement] = {}
    for one in requirements:
        found.setdefault(one.name, one)
    return found


def trends(
    parts: Sequence[Span],
    buckets: Mapping[int, Bucket],
    layout: Layout,
    requirements: Sequence[Requirement],
    alpha: float,
    closed_before: int,
) -> list[Trend]:
    """A trend for each metric; ``buckets`` are of parts, by the time at which they begin."""
    nothing = Bucket.empty(layout)
    found = []
    for name, requirement in metrics(requirements).items():
        points = tuple(
            Point(
                part.name.partition("T")[2] + ":00" if part.window == "hour" else part.name,
                part.begin,
                part.end,
                measure(buckets.get(part.begin, nothing), layout, requirement, alpha),
                part.end > closed_before,
            )
            for part in parts
        )
        bounds = [_bound(one, parts) for one in requirements if one.name == name and not one.segments]
        metric = requirement.metric
        found.append(Trend(name, metric.what, metric.better, points, tuple(dict.fromkeys(bounds))))
    return found


def _bound(requirement: Requirement, parts: Sequence[Span]) -> Bound:
    season = requirement.season
    holds = tuple(not season or month(part.begin) in season for part in parts)
    return Bound(requirement.window, requirement.minimum, requirement.maximum, holds)


def month(time: int) -> int:
    """The month of the year that a time lies in, 1 to 12."""
    return int(name_of(time // 3_600_000_000, "hour")[5:7])
