"""A report as numbers: every section of it, from its material. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from monitor.reports import cases, confusion, drifting, estimates, labels, scores, segments, trends, versions
from monitor.reports import requirements as required
from monitor.reports.calibration import Reliability, reliability
from monitor.reports.cases import Candidate
from monitor.reports.confusion import Confusion
from monitor.reports.drifting import Drift
from monitor.reports.estimates import Estimates
from monitor.reports.labels import Labels
from monitor.reports.material import Hours, Material
from monitor.reports.periods import Span, at
from monitor.reports.requirements import Row
from monitor.reports.scores import Distribution
from monitor.reports.segments import Worse
from monitor.reports.trends import Trend
from monitor.reports.versions import Version
from monitor.stats.buckets import Bucket, together
from monitor.stats.histogram import Histogram
from monitor.stats.layout import OUTCOMES, PREDICTIONS, Layout

LIVE = ("champion", "trial")
"""The roles whose predictions count."""

LATER = 72
"""So many parts after the period are looked at."""


@dataclass(frozen=True, slots=True)
class Letters:
    """Dead letters of a period by reason, most frequent first; ``share`` of all events, ``None`` without any."""

    total: int
    share: float | None
    reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All sections. Times are microseconds since 1970, UTC; figures are of the champion where nothing else is said.

    ``provisional`` says that a cohort of the period is still open. ``versions_live`` are those that were champion in
    the period; ``beyond`` has, by segment field, the predictions since the state began whose value is none that is told
    apart. ``tally`` counts guarded requirements by verdict.
    """

    model: str
    period: str
    name: str
    key: str
    begin: int
    end: int
    tick: int
    closed_before: int
    provisional: bool
    alpha: float
    champion: str | None
    challengers: tuple[str, ...]
    versions_live: tuple[str, ...]
    predictions: int
    labels: int
    invalid: int
    tally: Mapping[str, int]
    requirements: tuple[Row, ...]
    trends: tuple[Trend, ...]
    reliability: Reliability
    scores: tuple[Distribution, ...]
    confusion: Confusion
    drift: tuple[Drift, ...]
    coverage: Labels
    worst_segments: tuple[Worse, ...]
    segments: int
    beyond: tuple[tuple[str, int], ...]
    versions: tuple[Version, ...]
    letters: Letters
    estimates: Estimates
    cases: tuple[Candidate, ...]


def report(given: Material) -> Report:
    """The report of ``given.span``."""
    span, layout, wanted, alpha = given.span, given.layout, given.requirements, given.alpha
    parts = given.parts
    champion = _by_part(given.hours, parts, layout, ("champion",))
    whole = together(champion.values(), layout)
    table = tuple(required.rows(given.verdicts, wanted, span))
    later = _later(given, parts)
    since = _by_part(given.since, later, layout, ("champion",))
    live = sum(bucket.predictions for (_, _, role), bucket in given.hours.items() if role in LIVE)
    dead = sum(given.letters.values())
    return Report(
        model=given.model,
        period=span.window,
        name=span.name,
        key=span.key,
        begin=span.begin,
        end=span.end,
        tick=given.tick,
        closed_before=given.closed_before,
        provisional=span.end > given.closed_before,
        alpha=alpha,
        champion=given.champion,
        challengers=given.challengers,
        versions_live=tuple(sorted({version for _, version, role in given.hours if role == "champion"})),
        predictions=whole.predictions,
        labels=whole.n,
        invalid=whole.invalid,
        tally=required.tally(table),
        requirements=table,
        trends=tuple(trends.trends(span, parts, champion, given.counted, layout, wanted, alpha, given.closed_before)),
        reliability=reliability(whole, layout, alpha),
        scores=tuple(scores.distributions(whole.all_scores, whole.scores, layout)),
        confusion=confusion.confusion(whole, layout),
        drift=_drift(given, whole),
        coverage=labels.labels(parts, given.covered, given.delays, given.closed_before),
        worst_segments=tuple(segments.worst(whole, given.segments, layout, wanted, alpha)),
        segments=len(given.segments),
        beyond=tuple(sorted((name, n) for name, n in given.beyond.items() if n)),
        versions=tuple(versions.compared(_by_version(given.hours, layout), layout, wanted, alpha)),
        letters=Letters(dead, labels.share(dead, dead + live), _ranked(given.letters)),
        estimates=estimates.estimates([*parts, *later], {**champion, **since}, layout, wanted, given.closed_before),
        cases=tuple(cases.candidates(given.errors, given.model, layout)),
    )


def _later(given: Material, parts: Sequence[Span]) -> list[Span]:
    """The parts after the period that have predictions, up to the last tick."""
    found = {at(begin, parts[0].window) for begin, _, _ in given.since}
    return sorted(found)[:LATER]


def _by_part(hours: Hours, parts: Sequence[Span], layout: Layout, roles: Sequence[str]) -> dict[int, Bucket]:
    """Buckets of these roles, merged by part; the keys are the times at which parts begin."""
    found: dict[int, list[Bucket]] = {}
    for (begin, _, role), bucket in hours.items():
        if role in roles and parts:
            found.setdefault(at(begin, parts[0].window).begin, []).append(bucket)
    return {begin: together(several, layout) for begin, several in sorted(found.items())}


def _by_version(hours: Hours, layout: Layout) -> dict[tuple[str, str], Bucket]:
    found: dict[tuple[str, str], list[Bucket]] = {}
    for (_, version, role), bucket in hours.items():
        found.setdefault((version, role), []).append(bucket)
    return {key: together(several, layout) for key, several in found.items()}


def covered(hours: Hours) -> dict[int, tuple[int, int]]:
    """Predictions and labelled ones that count, by the beginning of a bucket."""
    found: dict[int, tuple[int, int]] = {}
    for (begin, _, role), bucket in hours.items():
        if role in LIVE:
            predictions, labelled = found.get(begin, (0, 0))
            found[begin] = predictions + bucket.counts[PREDICTIONS], labelled + bucket.counts[OUTCOMES]
    return found


def _drift(given: Material, whole: Bucket) -> tuple[Drift, ...]:
    """Of inputs and of scores."""
    layout = given.layout
    before = together((bucket for (_, _, role), bucket in given.before.items() if role == "champion"), layout)
    found = [drifting.of_input(one) for one in given.inputs]
    several = layout.kind == "multiclass"
    for output in range(len(layout.classes) if several else 1):
        now, then = (one.all_scores.part(output) if several else one.all_scores for one in (whole, before))
        name = "score" if not layout.classes else f"score of {layout.classes[output if several else 1]}"
        n = int((now.true + now.false).sum())
        training = _from_training(given, output, now)
        found.append(drifting.told("score", name, n, training, partial(scores.moved, then, now)))
    return drifting.ranked(found)


def _from_training(given: Material, output: int, now: Histogram) -> Callable[[], float] | None:
    trained = given.trained
    if trained is None or trained.version != given.champion or output >= len(trained.scores):
        return None
    scale = scores.scale_of(given.layout)
    return partial(scores.moved_from, trained.scores[output], trained.shares, trained.n, now, scale)


def _ranked(counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda one: (-one[1], one[0])))
