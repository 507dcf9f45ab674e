"""What a back-test comes to: figures, verdicts, differences, worst partitions first, and what is new. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from monitor.backtest.asked import Asked
from monitor.backtest.part import Pairs, Part, Place
from monitor.judge import evaluation
from monitor.judge.evaluation import evaluate
from monitor.judge.verdicts import Segment, Subject, identity
from monitor.reports.requirements import season
from monitor.stats import exact, fixed
from monitor.stats.buckets import Bucket, Key, together
from monitor.stats.closed import Judged
from scorer.quality.judge import Judgement
from scorer.quality.metrics import UNLABELLED
from scorer.quality.requirement import Requirement

ALL = "all"
"""Stands for the whole corpus among the partitions."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one requirement says of one version. ``low`` and ``high`` are an interval for a sample of fixed size, at the
    level that Holm's method left for it; ``None`` where it has no end on that side. ``n`` labels were judged."""

    requirement: str
    name: str
    minimum: float | None
    maximum: float | None
    bounds: str
    guarded: bool
    segment: Segment | None
    verdict: Judgement
    value: float | None
    low: float | None
    high: float | None
    error: float | None
    n: int
    reason: str


@dataclass(frozen=True, slots=True)
class Scored:
    """One version on one partition: ``predictions`` rows, ``labels`` of them could be judged, ``invalid`` could not be
    scored. A requirement in whose season or segments no row is has no row here."""

    version: str
    predictions: int
    labels: int
    invalid: int
    rows: tuple[Row, ...]

    @property
    def failed(self) -> int:
        """Guarded requirements that FAIL."""
        return sum(row.guarded and row.verdict == "FAIL" for row in self.rows)


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean of a loss of the first version less that of ``version``, over ``n`` rows that both have scored: above 0,
    ``version`` is better. ``low`` and ``high``: Student's interval; ``None`` without two rows."""

    version: str
    loss: str
    n: int
    unpaired: int
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Partition:
    """All versions on some rows."""

    name: str
    versions: tuple[Scored, ...]
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """``digests`` are those of the versions. ``whole`` is all of the corpus, ``partitions`` the worst first.

    ``changes`` says what is other than in the run before, in words; ``None`` where there was none.
    """

    model: str
    by: str
    rows: int
    alpha: float
    versions: tuple[str, ...]
    digests: tuple[str, ...]
    whole: Partition
    partitions: tuple[Partition, ...]
    passed_over: tuple[str, ...]
    changes: tuple[str, ...] | None = None


def result(asked: Asked, digests: Sequence[str], part: Part) -> Result:
    """Everything that follows from what was counted."""
    names = sorted({key.role for key in part.buckets.kept})
    partitions = [_partition(asked, part, name, [name]) for name in names]
    return Result(
        model=asked.model,
        by=asked.by,
        rows=part.rows,
        alpha=asked.alpha,
        versions=asked.versions,
        digests=tuple(digests),
        whole=_partition(asked, part, ALL, names),
        partitions=tuple(sorted(partitions, key=_badness)),
        passed_over=tuple(one.name for one in asked.passed_over),
    )


def changes(before: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    """What differs between two results as plain values: versions, rows and verdicts, a sentence for each."""
    found = []
    for version, then, digest in _common(before["versions"], before["digests"], now["versions"], now["digests"]):
        if then != digest:
            found.append(f"{version} is another version now: its digest was {then}")
    if before["rows"] != now["rows"]:
        found.append(f"the corpus has {now['rows']:,} rows, and had {before['rows']:,}")
    then_, now_ = _verdicts(before), _verdicts(now)
    for key, verdict in now_.items():
        if key in then_ and then_[key] != verdict:
            partition, version, requirement, segment = key
            where = f" of {segment[0]} {segment[1]}" if segment else ""
            found.append(f"{partition}, {version}: {requirement}{where} was {then_[key]} and is {verdict}")
    return found


def _partition(asked: Asked, part: Part, name: str, names: Sequence[str]) -> Partition:
    wanted = set(names)
    kept: dict[tuple[str, Segment | None], list[tuple[Key, Bucket]]] = {}
    for key, bucket in part.buckets.kept.items():
        if key.role in wanted:
            kept.setdefault((key.version, key.segment), []).append((key, bucket))
    versions = tuple(_scored(asked, version, kept) for version in asked.versions)
    found = [
        difference
        for version in asked.versions[1:]
        for difference in _differences(asked, version, [part.pairs[Place(one, version)] for one in names])
    ]
    return Partition(name, versions, tuple(found))


def _scored(
    asked: Asked, version: str, kept: Mapping[tuple[str, Segment | None], Sequence[tuple[Key, Bucket]]]
) -> Scored:
    layout, subjects = asked.layout, dict[Subject, evaluation.Asked]()
    for one in asked.judged:
        for segment in _segments(one, [segment for of, segment in kept if of == version]):
            buckets = [
                bucket
                for key, bucket in kept.get((version, segment), ())
                if not one.season or key.hour + 1 in one.season
            ]
            if buckets:  # else no row is of its season
                subject = Subject(identity(one), 0, "challenger", version, segment)
                subjects[subject] = evaluation.Asked(one, together(buckets, layout))
    judged = evaluate(subjects, layout, asked.alpha)
    rows = [_row(subject, given, judged[subject]) for subject, given in subjects.items()]
    whole = together([bucket for _, bucket in kept.get((version, None), ())], layout)
    return Scored(version, whole.predictions, whole.n, whole.invalid, tuple(rows))


def _row(subject: Subject, given: evaluation.Asked, found: Judged) -> Row:
    one, figure = given.requirement, found.figure
    n = given.bucket.predictions if one.metric.name in UNLABELLED else given.bucket.n
    return Row(
        requirement=subject.requirement,
        name=one.name,
        minimum=one.minimum,
        maximum=one.maximum,
        bounds=one.bounds + season(one),
        guarded=one.guarded,
        segment=subject.segment,
        verdict=found.verdict,
        value=None if figure is None else figure.value,
        low=_finite(found.low),
        high=_finite(found.high),
        error=None if figure is None else figure.error,
        n=n,
        reason=_why(one, n, found.reason, found.verdict),
    )


def _segments(one: Requirement, there: Iterable[Segment | None]) -> Sequence[Segment | None]:
    if not one.segments:
        return [None]
    asked = {segments.field: segments.values for segments in one.segments}
    found = {segment for segment in there if segment is not None and segment[0] in asked}
    return sorted(segment for segment in found if not asked[segment[0]] or segment[1] in asked[segment[0]])


def _why(one: Requirement, n: int, reason: str, verdict: Judgement) -> str:
    if reason or verdict != "INSUFFICIENT":
        return reason
    if n < one.least_labels:
        return f"{n:,} labels; {one.least_labels:,} are needed"
    return "the interval lies on both sides of the bound"


def _differences(asked: Asked, version: str, several: Sequence[Pairs]) -> list[Difference]:
    pairs = reduce(Pairs.merge, several)
    sums, count = exact.numbers(pairs.limbs), len(asked.losses)
    found = []
    for place, loss in enumerate(asked.losses):
        value = exact.mean(sums[place], pairs.n) if pairs.n else None
        low = high = None
        if value is not None and pairs.n > 1:
            variance = exact.variance(sums[place], sums[count + place], pairs.n)
            low, high = fixed.student(pairs.n, value, variance, asked.alpha)
        found.append(Difference(version, loss, pairs.n, pairs.unpaired, value, low, high))
    return found


def _badness(one: Partition) -> tuple[float | str, ...]:
    """The more requirements fail, and the more surely the later versions are worse than the first, the earlier."""
    surest = min((found.high for found in one.differences if found.high is not None), default=math.inf)
    return (-sum(version.failed for version in one.versions), surest, one.name)


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _common(*lists: object) -> list[tuple[str, str, str]]:
    then_names, then, names, now = (list(one) if isinstance(one, list | tuple) else [] for one in lists)
    before = dict(zip(then_names, then, strict=True))
    return [(name, before[name], digest) for name, digest in zip(names, now, strict=True) if name in before]


def _verdicts(found: Mapping[str, object]) -> dict[tuple[str, str, str, tuple[str, ...] | None], str]:
    verdicts = {}
    partitions: list[Mapping[str, list[Mapping[str, object]]]] = [found["whole"], *found["partitions"]]  # type: ignore[misc, list-item]
    for partition in partitions:
        for version in partition["versions"]:
            for row in version["rows"]:  # type: ignore[attr-defined]
                segment = None if row["segment"] is None else tuple(row["segment"])
                verdicts[str(partition["name"]), str(version["version"]), str(row["requirement"]), segment] = str(
                    row["verdict"]
                )
    return verdicts
