"""From the snapshot to what a report and the status are made of: reading, and no figures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from monitor.judge import floors
from monitor.judge.floors import Floors
from monitor.judge.incidents import Incidents
from monitor.judge.verdicts import Segment
from monitor.reports import labels, requirements, status
from monitor.reports.cases import Error
from monitor.reports.document import LIVE, covered
from monitor.reports.drifting import Input
from monitor.reports.material import Hours, Material
from monitor.reports.periods import PARTS, Period, Span, at
from monitor.reports.promotion import Promotion, in_question, promotion
from monitor.reports.status import Status
from monitor.rows import DAY, Int64s
from monitor.stats.buckets import HOUR, Bucket
from monitor.stats.layout import Layout
from monitor.stats.shares import Counted
from monitor.stats.trained import KEPT, Trained
from monitor.store.cohorts import BEGINNING, closed_before
from monitor.store.errors import SnapshotMissing
from monitor.store.reading import ALWAYS, Snapshot
from monitor.store.shown import Covered, Seen
from scorer.quality.metrics import OPERATIONAL
from scorer.quality.requirement import Requirement

LATER = 62 * DAY
"""So far behind a period predictions are looked at that have no verdict yet."""

DAYS = 14
"""Of so many of the latest days with predictions it is shown which versions made them."""

RECENT = 30
"""Over so many of the latest days with predictions the status says how labels come."""


K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Asked:
    """Of which model a report is, by which requirements, at which ``alpha``: what the settings say. Which requirements
    are in force the snapshot says, once a monitor has written that down."""

    model: str
    requirements: Sequence[Requirement]
    alpha: float


def in_force(snapshot: Snapshot, asked: Asked) -> Sequence[Requirement]:
    """What is required."""
    kept = snapshot.kept(floors.KEPT)
    return asked.requirements if kept is None else Floors.of_json(kept).in_force


def closed(snapshot: Snapshot) -> int | None:
    """All cohorts before this time are closed; ``None`` before the first."""
    clock = snapshot.clock
    return None if clock.reached <= BEGINNING // 2 else closed_before(clock.reached, snapshot.timing)


def chosen(snapshot: Snapshot, period: Period) -> Span:
    """The latest period of which all cohorts are closed and that has predictions; where there is none, the latest that
    has any, and without any that of the last tick."""
    hours = [one.hour for one in snapshot.coverage()]
    until = closed(snapshot)
    spans = {at(hour, period) for hour in hours}
    over = [span for span in spans if until is not None and span.end <= until]
    return max(over or spans, default=at(max(0, snapshot.clock.time), period))


def material(snapshot: Snapshot, asked: Asked, span: Span) -> Material:
    """What the report of a period is made of. Raises SnapshotMissing where the monitor has not followed a champion yet,
    StateRefused where it judges by other requirements."""
    outputs = snapshot.outputs
    if outputs is None:
        raise SnapshotMissing("the monitor does not know yet what the model's scores mean: no champion was followed")
    wanted = in_force(snapshot, asked)
    layout = outputs.layout(one for one in wanted if one.metric.name not in OPERATIONAL)
    hours, coarse = _hours(snapshot, layout, span.begin, span.end)
    before, _ = _hours(snapshot, layout, span.before.begin, span.begin)
    since, _ = _hours(snapshot, layout, span.end, span.end + LATER)
    followed, kept = snapshot.followed, snapshot.kept(KEPT)
    trained = None if kept is None else Trained.of_json(kept)
    versions = {version for _, version, role in hours if role in LIVE}
    letters = snapshot.letters(span.begin, span.end)
    until = closed(snapshot)
    return Material(
        model=asked.model,
        span=span,
        parts=list(span.parts("day" if coarse else PARTS[span.window])),
        tick=snapshot.clock.time,
        closed_before=BEGINNING if until is None else until,
        champion=followed.champion or None if followed else None,
        challengers=followed.challengers if followed else (),
        layout=layout,
        requirements=wanted,
        alpha=asked.alpha,
        hours=hours,
        before=before,
        since=since,
        segments=_segments(snapshot, layout, span),
        beyond=_beyond(snapshot),
        verdicts=snapshot.verdicts(span.begin, span.end),
        covered=_known(snapshot, span, hours),
        delays=_sums((one.bin, one.labels) for one in snapshot.delays(span.begin, span.end) if one.version in versions),
        inputs=_inputs(snapshot, span, trained),
        letters=_sums((one.reason, one.n) for one in letters),
        counted=Counted(
            {hour: predictions for hour, (predictions, _) in covered(hours).items()},
            _sums((one.hour, one.n) for one in letters),
            _sums(((one.hour, one.bin), one.n) for one in snapshot.latency(span.begin, span.end)),
        ),
        errors=[Error(*one[1:]) for one in snapshot.worst(span.begin // DAY, (span.end - 1) // DAY)],
        trained=trained,
    )


def now(snapshot: Snapshot, asked: Asked, time: int) -> Status:
    """How everything is at ``time``, microseconds since 1970."""
    clock, until, followed = snapshot.clock, closed(snapshot), snapshot.followed
    age, running = status.age(time, clock.time)
    coverage = snapshot.coverage()
    open_ = [one for one in coverage if until is None or one.hour >= until]
    days = sorted({at(one.hour, "day") for one in coverage})[-RECENT:]
    begin = days[0].begin if days else 0
    table = requirements.latest(snapshot.verdicts(), in_force(snapshot, asked))
    kept = snapshot.kept("incidents")
    unsent = {kind: snapshot.waiting(kind) for kind in ("verdict", "mail", "outcomes")}
    return Status(
        model=asked.model,
        running=running,
        age=age,
        tick=clock.time,
        champion=followed.champion or None if followed else None,
        challengers=followed.challengers if followed else (),
        watermark=status.known(clock.reached),
        closed_before=until,
        pending=sum(one.predictions - one.labelled for one in open_),
        topics=tuple(status.topics(snapshot.sources(), clock.time)),
        coverage=labels.labels(
            days,
            _covered(coverage),
            _sums((one.bin, one.labels) for one in snapshot.delays(begin)),
            BEGINNING if until is None else until,
        ),
        requirements=tuple(table),
        tally=requirements.tally(table),
        incidents=() if kept is None else status.open_incidents(Incidents.of_json(kept).open.values()),
        refused=tuple((one.topic, one.reason, one.n) for one in snapshot.counts()),
        unsent=unsent,
    )


def promotions(snapshot: Snapshot, asked: Asked, version: str | None = None) -> list[Promotion]:
    """What would be if they were promoted: of ``version``, or of all that are in question now."""
    followed, verdicts = snapshot.followed, snapshot.verdicts()
    challengers = followed.challengers if followed else ()
    since = ALWAYS[0] if version is not None else snapshot.clock.time - RECENT * DAY
    failures = snapshot.failures(since)
    return [
        promotion(
            one,
            role,
            followed.champion or None if followed else None,
            verdicts,
            in_force(snapshot, asked),
            _sums((unscored.reason, unscored.n) for unscored in failures if unscored.version == one),
        )
        for one, role in in_question(challengers, verdicts, since)
        if version in (None, one)
    ]


def scored(snapshot: Snapshot) -> Sequence[tuple[Span, Mapping[str, int]]]:
    """Of the latest days with predictions, the newest first, how many predictions that count each version made."""
    found: dict[Span, dict[str, int]] = {}
    for one in snapshot.coverage():
        counted = found.setdefault(at(one.hour, "day"), {})
        counted[one.version] = counted.get(one.version, 0) + one.predictions
    return sorted(found.items(), key=lambda day: day[0], reverse=True)[:DAYS]


def _known(snapshot: Snapshot, span: Span, hours: Hours) -> dict[int, tuple[int, int]]:
    """Coverage of a period: as counted by hour, or by the buckets where it is older than what is kept by hour. Buckets
    count implicit labels as labels."""
    counted = snapshot.coverage(end=span.end)
    whole = bool(counted) and counted[0].hour < span.begin + DAY
    return _covered(one for one in counted if one.hour >= span.begin) if whole else covered(hours)


def _covered(coverage: Iterable[Covered]) -> dict[int, tuple[int, int]]:
    """Predictions and labelled ones by hour."""
    found: dict[int, tuple[int, int]] = {}
    for one in coverage:
        predictions, labelled = found.get(one.hour, (0, 0))
        found[one.hour] = predictions + one.predictions, labelled + one.labelled
    return found


def _beyond(snapshot: Snapshot) -> dict[str, int]:
    """By segment field, the predictions with a value that is not told apart."""
    kept = snapshot.kept("judge")
    found: dict[str, int] = {} if kept is None else json.loads(kept)["beyond"]
    return found


def _hours(snapshot: Snapshot, layout: Layout, begin: int, end: int) -> tuple[Hours, bool]:
    """Buckets of all outcomes, and whether those of some hours are known by the day only."""
    found: dict[tuple[int, str, str], Bucket] = {}
    coarse = False
    for key, bucket in snapshot.buckets(layout, begin, end):
        place = key.hour * HOUR, key.version, key.role
        found[place] = found[place].merge(bucket) if place in found else bucket
        coarse |= key.hours > 1
    return found, coarse


def _segments(snapshot: Snapshot, layout: Layout, span: Span) -> Mapping[Segment, Bucket]:
    """The champion's, over the period."""
    found: dict[Segment, Bucket] = {}
    for key, bucket in snapshot.buckets(layout, span.begin, span.end, segments=True):
        if key.role == "champion" and key.segment is not None:
            found[key.segment] = found[key.segment].merge(bucket) if key.segment in found else bucket
    return found


def _inputs(snapshot: Snapshot, span: Span, trained: Trained | None) -> list[Input]:
    """Counts of all inputs, of the version that is followed: others are counted in other bins."""
    followed = snapshot.followed
    version = followed.champion if followed else ""
    first, last = span.begin // DAY, (span.end - 1) // DAY
    now_, then = (
        [one for one in snapshot.drift(*days) if one.version == version]
        for days in ((first, last), (span.before.begin // DAY, first - 1))
    )
    known = trained.inputs if trained is not None and trained.version == version else {}
    found = []
    for name in sorted({one.input for one in now_}):
        size = len(known[name]) if name in known else 2 + max(one.bin for one in [*now_, *then] if one.input == name)
        counts = np.array(known[name]) if name in known else None
        found.append(Input(name, counts, _bins(now_, name, size), _bins(then, name, size)))
    return found


def _bins(seen: Iterable[Seen], name: str, size: int) -> Int64s:
    """Counts by bin, what is missing last."""
    counts = np.zeros(size, np.int64)
    for one in seen:
        if one.input == name:
            counts[one.bin if 0 <= one.bin < size - 1 else -1] += one.n
    return counts


def _sums(pairs: Iterable[tuple[K, int]]) -> dict[K, int]:
    found: dict[K, int] = {}
    for key, n in pairs:
        found[key] = found.get(key, 0) + n
    return found
