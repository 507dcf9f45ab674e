"""The judge: outcomes in, verdicts out, tick by tick. A function of changes, cohorts and ticks, and of nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from monitor.judge.evaluation import Asked, evaluate
from monitor.judge.lists import Alike, lists_changed
from monitor.judge.outputs import Outputs, list_column
from monitor.judge.reasons import LATE, NOTHING, YOUNG, reason
from monitor.judge.sequences import Sequences
from monitor.judge.ticked import Cohort, Ticked, batches, implied, together
from monitor.judge.verdicts import Subject, Verdict, identity
from monitor.judge.windows import VALUES, Cells, Group, Names, Plan, bounds, concerns, numbers
from monitor.judge.worst import Worst
from monitor.rows import DAY, take
from monitor.stats.buckets import Bucket, Key
from monitor.stats.closed import Judged
from monitor.stats.figures import Figure, figure
from monitor.stats.layout import Layout
from scorer.quality.metrics import CONTINUOUSLY, OPERATIONAL, UNLABELLED
from scorer.quality.requirement import Requirement
from scorer.quality.undefined import Undefined

REFRESH: Final = 10_000_000
"""Microseconds between two looks at figures that have changed while no cohort closed."""

KEPT_DAYS: Final = {"hour": 10, "day": 100, "week": 400, "month": 400}
"""For so many days after their window verdicts are kept. Those of hours go with the buckets of single hours."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What is asked of whom. ``fields`` are the segment fields in the order of their columns; ``alpha`` is the chance
    of a wrong verdict; ``mean_run`` is the mean number of outcomes between two false alarms of a fast detector."""

    requirements: tuple[Requirement, ...]
    outputs: Outputs
    fields: tuple[str, ...]
    alpha: float
    mean_run: float


@dataclass(slots=True)
class Judge:
    """All that is known of requirements, and what of it has changed since it was last stored (``touched``).

    ``stale`` are the subjects whose figures have changed since they were last looked at, and ``looked`` is the tick at
    which all were. After a step that was rolled back this is ahead of the state, and is to be loaded anew.
    ``since``: up to where was closed when a requirement was first asked; before, no sequence was fed.
    """

    setting: Setting
    wanted: dict[str, Requirement]
    cells: Cells
    sequences: Sequences
    worst: Worst
    verdicts: dict[Subject, Verdict] = field(default_factory=dict)
    open: set[Subject] = field(default_factory=set)
    stale: set[Subject] = field(default_factory=set)
    looked: int = -(2**62)
    closed_before: int = -(2**62)
    since: dict[str, int] = field(default_factory=dict)
    touched: set[Subject] = field(default_factory=set)

    @staticmethod
    def new(setting: Setting) -> Judge:
        """Without any outcomes. Requirements of the service (``OPERATIONAL``) are judged elsewhere."""
        wanted = {identity(one): one for one in setting.requirements if one.metric.name not in OPERATIONAL}
        asked, outputs = tuple(wanted.values()), setting.outputs
        plan = Plan.of(asked, outputs, setting.fields)
        sequences = Sequences.empty(asked, plan.layout, outputs, setting.fields, setting.mean_run)
        return Judge(setting, wanted, Cells.empty(plan, outputs), sequences, Worst(outputs, plan.layout))

    @property
    def layout(self) -> Layout:
        """What buckets hold."""
        return self.cells.plan.layout

    def tick(
        self, ticked: Ticked, cohorts: Iterable[Cohort], closed_before: int, time: int, names: Names, alike: Alike
    ) -> list[Verdict]:
        """Take in what a tick brought; returns the verdicts that are new or have changed, in a fixed order.

        All cohorts that begin before ``closed_before`` are closed; ``cohorts`` are those that close now, in their
        order. ``time`` is the tick's, ``names`` says the texts behind codes, ``alike`` what is beside an outcome.
        """
        self._mark(self.cells.add(ticked.changes, names))
        if ticked.revisions:
            changes = together([one.changes for one in ticked.revisions])
            self._mark(self.cells.add(changes, names))
            for number in range(len(self.layout.list_fields)):
                column = list_column(number)
                listed = take(changes, changes[column] != 0)
                rows = lists_changed(listed, alike(listed, column))
                self._mark(self.cells.add_lists(rows, names, number))
        fed: set[Subject] = set()
        for outcomes in batches(cohorts):
            self._mark(self.cells.add(implied(outcomes), names))
            for number in range(len(self.layout.list_fields)):
                rows = {**outcomes, "sign": np.ones(len(outcomes["time"]), np.int8)}
                self._mark(self.cells.add_lists(rows, names, number))
            fed |= self.sequences.feed(outcomes, names, self.cells.values)
            self.worst.take(outcomes, names)
        before, self.closed_before = self.closed_before, max(self.closed_before, closed_before)
        looked = (self.stale - self.verdicts.keys()) | fed
        if self.closed_before > before:
            looked |= {one for one in self.open if self._end(one) <= self.closed_before}
        if time - self.looked >= REFRESH:
            looked |= self.stale
            self.looked = time
        found = self._look(sorted(looked, key=_order), before, time)
        self._age(before)
        return found

    def add(self, verdicts: list[Verdict]) -> list[Verdict]:
        """Keep verdicts that were come to elsewhere, on the service itself; returns them."""
        for one in verdicts:
            self.verdicts[one.subject] = one
            self.touched.add(one.subject)
        return verdicts

    def require(self, requirements: Sequence[Requirement]) -> None:
        """From now on let these be the bounds, of the same subjects as before; windows under way are judged by them.

        Raises ValueError where they are about something else.
        """
        asked = {identity(one): one for one in requirements if one.metric.name not in OPERATIONAL}
        if asked.keys() != self.wanted.keys():
            raise ValueError(f"these are other subjects: {sorted(asked.keys() ^ self.wanted.keys())}")
        changed = [name for name, one in asked.items() if one != self.wanted[name]]
        self.setting, self.wanted = replace(self.setting, requirements=tuple(requirements)), asked
        self.sequences.require(asked)
        for name in changed:
            self.ask(name)

    def ask(self, requirement: str) -> None:
        """Look at windows under way for a requirement that is new, or asks for another bound: nothing may come to them
        any more."""
        asked = self.wanted[requirement]
        for group, of_hour in self.cells.of_group.items():
            if concerns(asked, group.segment):
                for number in numbers(asked, of_hour.values()):
                    if bounds(number, asked.window)[1] > self.closed_before:
                        self.stale.add(Subject(requirement, number, group.role, group.version, group.segment))

    def _mark(self, changed: dict[Group, list[Key]]) -> None:
        for group, keys in changed.items():
            for name, one in self.wanted.items():
                if concerns(one, group.segment):
                    for number in numbers(one, keys):
                        if bounds(number, one.window)[1] > self.closed_before - KEPT_DAYS[one.window] * DAY:
                            self.stale.add(Subject(name, number, group.role, group.version, group.segment))

    def _end(self, subject: Subject) -> int:
        return bounds(subject.number, self.wanted[subject.requirement].window)[1]

    def _look(self, subjects: Sequence[Subject], before: int, time: int) -> list[Verdict]:
        """Judge anew; ``before`` is what was closed before this tick."""
        buckets = _Windows(self)
        judged: dict[Subject, Judged] = {}
        closing: dict[tuple[int, str, str], dict[Subject, Asked]] = {}
        for one in subjects:
            asked, old = self.wanted[one.requirement], self.verdicts.get(one)
            if old is not None and not old.provisional:
                continue
            if asked.judged == CONTINUOUSLY:
                test = self.sequences.ongoing.get(one)
                nothing = LATE if self._end(one) <= before else NOTHING
                if bounds(one.number, asked.window)[0] < self.since.get(one.requirement, -(2**62)):
                    test, nothing = None, YOUNG
                judged[one] = nothing if test is None else test.watch.judge(self.setting.alpha / _shares(asked))
            elif before < self._end(one) <= self.closed_before:
                closing.setdefault((self._end(one), one.role, one.version), {})[one] = Asked(asked, buckets.of(one))
            else:
                judged[one] = LATE if self._end(one) <= before else NOTHING
        for evaluation in closing.values():
            judged |= evaluate(evaluation, self.layout, self.setting.alpha)
        found = []
        for one in subjects:
            old = self.verdicts.get(one)
            new = self._verdict(one, judged.get(one), old, buckets.of(one), time)
            if old is None or replace(new, time=old.time) != old:
                self.verdicts[one] = new
                self.touched.add(one)
                found.append(new)
            (self.open.add if new.provisional else self.open.discard)(one)
            if not new.provisional:
                self.sequences.end(one)
        self.stale.difference_update(subjects)
        return found

    def _verdict(self, one: Subject, judged: Judged | None, old: Verdict | None, bucket: Bucket, time: int) -> Verdict:
        """``judged`` is ``None`` where a verdict stands, and only its figures are new."""
        asked = self.wanted[one.requirement]
        value, why = _figure(bucket, self.layout, asked)
        if asked.metric.name == "auc" and asked.judged == CONTINUOUSLY:
            # Pairs of neighbours say something else than a window's histogram: one figure, of what is judged.
            value = judged.figure if judged is not None else _told(old)
        labels = bucket.predictions if asked.metric.name in UNLABELLED else bucket.n
        figures = (None if value is None else value.value, None if value is None else value.error, labels)
        if judged is None:
            assert old is not None  # noqa: S101  # what has no verdict is judged
            if (*figures, bucket.predictions) == (old.value, old.error, old.n, old.predictions):
                return old
            return replace(
                old, value=figures[0], error=figures[1], n=labels, predictions=bucket.predictions,
                revision=old.revision + 1, time=time,
            )  # fmt: skip
        begin, end = bounds(one.number, asked.window)
        alarms, level = self.sequences.alarms(one)
        provisional = end > self.closed_before
        return Verdict(
            requirement=one.requirement,
            metric=asked.metric.name,
            name=asked.name,
            window=asked.window,
            number=one.number,
            begin=begin,
            end=end,
            role=one.role,
            version=one.version,
            segment=one.segment,
            judged=asked.judged,
            verdict=judged.verdict,
            value=figures[0],
            error=figures[1],
            low=judged.low,
            high=judged.high,
            n=labels,
            predictions=bucket.predictions,
            minimum=asked.minimum,
            maximum=asked.maximum,
            guarded=asked.guarded,
            provisional=provisional,
            revision=0,
            reason=reason(asked, judged, labels, why, provisional),
            time=time,
            alarms=alarms,
            level=level,
        )

    def _age(self, before: int) -> None:
        """Once a day, merge and forget what is old."""
        if before // DAY == self.closed_before // DAY:
            return
        self.cells.age(self.closed_before)
        self.sequences.age(self.closed_before)
        self.worst.age(self.closed_before)
        for one, verdict in list(self.verdicts.items()):
            if verdict.end <= self.closed_before - KEPT_DAYS[verdict.window] * DAY:
                del self.verdicts[one]
                self.stale.discard(one)
                self.touched.add(one)


class _Windows:
    """The buckets of windows, each merged once."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._known: dict[tuple[object, ...], Bucket] = {}

    def of(self, one: Subject) -> Bucket:
        """All outcomes of the subject; where it is judged continuously, of closed cohorts: that rests on them. So do
        lists, which are whole only then."""
        asked, group = self._judge.wanted[one.requirement], Group(one.version, one.role, one.segment)
        begin, end = bounds(one.number, asked.window)
        if asked.judged == CONTINUOUSLY or asked.parameters.group is not None:
            end = max(begin, min(end, self._judge.closed_before))
        key = (begin, end, asked.season, group)
        if key not in self._known:
            self._known[key] = self._judge.cells.window(group, begin, end, asked)
        return self._known[key]


def _told(old: Verdict | None) -> Figure | None:
    """The figure that a verdict bears."""
    return None if old is None or old.value is None else Figure(old.value, old.error, old.n)


def _shares(asked: Requirement) -> int:
    """Among how many segments the chance of a wrong verdict is shared out: Bonferroni."""
    return max(1, sum(len(one.values) or VALUES for one in asked.segments))


def _figure(bucket: Bucket, layout: Layout, asked: Requirement) -> tuple[Figure | None, str]:
    try:
        return figure(bucket, layout, asked), ""
    except Undefined as why:
        return None, str(why)


def _order(one: Subject) -> tuple[str, int, str, str, tuple[str, ...]]:
    return (one.requirement, one.number, one.role, one.version, one.segment or ())
