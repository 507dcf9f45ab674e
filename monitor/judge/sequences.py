"""The sequential tests of open windows, and the fast detectors of the champion, fed cohort by cohort in their order."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from monitor.judge.outputs import CHAMPION, ROLES, VERSION, Outputs, segment_column, segment_kind, table
from monitor.judge.verdicts import Segment, Subject, identity
from monitor.judge.windows import Names
from monitor.rows import HOUR, Rows, distinct, take
from monitor.stats.continuous.scaling import Scale
from monitor.stats.continuous.watching import Fed, Watch, scale_of
from monitor.stats.detector import Detector
from monitor.stats.layout import Layout
from scorer.batch import Bools, Floats, Int64s
from scorer.quality.metrics import CONTINUOUSLY
from scorer.quality.requirement import Requirement
from scorer.quality.table import Table
from scorer.quality.windows import window_of

DETECTORS_FOR: Final = 60 * 24
"""A detector that was fed nothing for so many hours is forgotten: its version is no champion any more."""


class Watched(NamedTuple):
    """Whom a fast detector watches: the outcomes of one version as champion, over all windows."""

    requirement: str
    version: str
    segment: Segment | None


@dataclass(slots=True)
class Ongoing:
    """The test of an open window, and how often the detector has alarmed in it."""

    watch: Watch
    alarms: int = 0

    def plain(self) -> list[float]:
        """The state, as numbers that come back with the same bits."""
        return [float(self.alarms), *self.watch.plain()]


@dataclass(slots=True)
class Fast:
    """A fast detector; ``hour`` is the last one, counted from 1970, that it was fed."""

    detector: Detector
    hour: int

    def plain(self) -> list[float]:
        """The state, as numbers that come back with the same bits."""
        return [float(self.hour), self.detector.floor, *self.detector.plain()]


@dataclass(slots=True)
class Sequences:
    """``ongoing`` by what they judge, ``fast`` by whom they watch; ``touched`` are those that changed since they were
    last stored. ``wanted`` are the requirements that are judged continuously, by their names."""

    layout: Layout
    outputs: Outputs
    fields: tuple[str, ...]
    mean_run: float
    wanted: Mapping[str, Requirement]
    ongoing: dict[Subject, Ongoing] = field(default_factory=dict)
    fast: dict[Watched, Fast] = field(default_factory=dict)
    touched: set[Subject | Watched] = field(default_factory=set)

    @staticmethod
    def empty(
        requirements: Sequence[Requirement], layout: Layout, outputs: Outputs, fields: Sequence[str], mean_run: float
    ) -> Sequences:
        """Fed nothing yet; of the requirements those that are judged continuously."""
        wanted = {identity(one): one for one in requirements if one.judged == CONTINUOUSLY}
        return Sequences(layout, outputs, tuple(fields), mean_run, wanted)

    def require(self, requirements: Mapping[str, Requirement]) -> None:
        """Let these be the bounds, of the same subjects. Sequences rest on no bound and go on; detectors begin anew."""
        self.wanted = {name: requirements[name] for name in self.wanted}
        for subject, one in self.ongoing.items():
            one.watch.requirement = self.wanted[subject.requirement]
        for watched, fast in list(self.fast.items()):
            now = self._detector(self.wanted[watched.requirement])
            if now is None or now.floor != fast.detector.floor:
                del self.fast[watched]
                self.touched.add(watched)

    def restore(self, subject: Subject, state: Sequence[float]) -> None:
        """Take in what ``Ongoing.plain`` gave, unless the requirement is none of ours any more."""
        if subject.requirement not in self.wanted:
            self.touched.add(subject)
            return
        watch = Watch(self.wanted[subject.requirement], self.layout, list(state[1:]))
        self.ongoing[subject] = Ongoing(watch, int(state[0]))

    def restore_fast(self, watched: Watched, state: Sequence[float]) -> None:
        """Take in what ``Fast.plain`` gave. Where the bound is another now, it begins anew."""
        asked = self.wanted.get(watched.requirement)
        found = None if asked is None else self._detector(asked, np.array(state[2:]))
        if found is not None and found.floor == state[1]:
            self.fast[watched] = Fast(found, int(state[0]))
        else:
            self.touched.add(watched)

    def feed(self, outcomes: Rows, names: Names, told: Mapping[str, Container[str]]) -> set[Subject]:
        """Feed outcomes of closed cohorts, in the order of time and of ``settling.in_order``; returns whose test was.

        ``told`` are the values of each segment field that are told apart.
        """
        whole = table(outcomes, self.outputs)
        usable = whole.labelled & self.layout.valid(whole.scores)
        rows = take(outcomes, usable)
        if not len(rows["time"]):
            return set()
        judged, fed = whole.take(usable), set()
        versions, version = distinct(rows["version"].astype(np.int64))
        called = names(VERSION)
        texts = [called[code] for code in versions.tolist()]
        who = version * len(ROLES) + rows["role"]
        for name, asked in self.wanted.items():
            held = _held(asked, judged)
            values = Fed.of(asked, self.layout, judged.take(held))
            at, asked_of = np.flatnonzero(held), who[held]
            number = window_of(rows["time"][at], asked.window)
            for where, segment in self._segments(asked, rows, at, names, told):
                for one, numbered, places in _groups(number[where], asked_of[where]):
                    of_version, role = divmod(numbered, len(ROLES))
                    subject = Subject(name, one, ROLES[role], texts[of_version], segment)
                    self._update(subject, values.take(where[places]), int(rows["time"][at[where[places[-1]]]] // HOUR))
                    fed.add(subject)
        self.touched |= fed
        return fed

    def alarms(self, subject: Subject) -> tuple[int, float | None]:
        """How often the detector has alarmed in this window, and its level now, where there is one."""
        found = self.fast.get(Watched(subject.requirement, subject.version, subject.segment))
        ongoing = self.ongoing.get(subject)
        level = None if found is None or subject.role != ROLES[CHAMPION] else found.detector.level
        return 0 if ongoing is None else ongoing.alarms, level

    def end(self, subject: Subject) -> None:
        """Forget the test of a window that has closed."""
        if self.ongoing.pop(subject, None) is not None:
            self.touched.add(subject)

    def age(self, closed_before: int) -> None:
        """Forget detectors that were fed nothing for long."""
        for watched in [key for key, one in self.fast.items() if one.hour < closed_before // HOUR - DETECTORS_FOR]:
            del self.fast[watched]
            self.touched.add(watched)

    def _segments(
        self, asked: Requirement, rows: Rows, at: Int64s, names: Names, told: Mapping[str, Container[str]]
    ) -> Iterator[tuple[Int64s, Segment | None]]:
        """Places in ``at`` of the rows of each segment that is judged."""
        if not asked.segments:
            yield np.arange(len(at)), None
        for segments in asked.segments:
            column = rows[segment_column(self.fields.index(segments.field))][at].astype(np.int64)
            called = names(segment_kind(segments.field))
            codes, code = distinct(column)
            order = np.argsort(code, kind="stable")
            begins = np.searchsorted(code[order], np.arange(len(codes) + 1))
            for place, one in enumerate(codes.tolist()):
                value = called[one] if one >= 0 else None
                if (
                    value is None
                    or value not in told[segments.field]
                    or (segments.values and value not in segments.values)
                ):
                    continue
                yield order[begins[place] : begins[place + 1]], (segments.field, value)

    def _update(self, subject: Subject, fed: Fed, hour: int) -> None:
        asked = self.wanted[subject.requirement]
        ongoing = self.ongoing.get(subject)
        if ongoing is None:
            ongoing = self.ongoing[subject] = Ongoing(Watch(asked, self.layout))
        values = ongoing.watch.feed(fed)
        if subject.role != ROLES[CHAMPION]:
            return
        watched = Watched(subject.requirement, subject.version, subject.segment)
        if watched not in self.fast:
            detector = self._detector(asked)
            if detector is None:
                return
            self.fast[watched] = Fast(detector, hour)
        fast = self.fast[watched]
        ongoing.alarms += len(fast.detector.update(values if asked.metric.better == "larger" else -values))
        fast.hour = hour
        self.touched.add(watched)

    def _detector(self, asked: Requirement, state: Floats | None = None) -> Detector | None:
        """That of the bound on the worse side; ``None`` where every mean keeps it, or none."""
        low, high = scale_of(asked, self.layout)
        larger = asked.metric.better == "larger"
        bound = asked.minimum if larger else asked.maximum
        if bound is None or not low < bound < high:
            return None
        scale = Scale(low, high) if larger else Scale(-high, -low)
        return Detector(bound if larger else -bound, self.mean_run, scale, state)


def _held(asked: Requirement, judged: Table) -> Bools:
    """The rows that a requirement is about: of its season and, where it asks for classes, with the label of one."""
    held = np.ones(len(judged), np.bool_)
    if asked.season and judged.months is not None:
        held &= np.isin(judged.months, asked.season)
    if judged.kind == "regression" and asked.metric.name != "mae":
        held &= np.isin(judged.labels, (0.0, 1.0))
    return held


def _groups(number: Int64s, who: Int64s) -> Iterator[tuple[int, int, Int64s]]:
    """Each window and whose outcomes are in it, with the places of its rows in their order; windows in theirs."""
    if not len(number):
        return
    wide = int(who.max()) + 1
    codes, code = distinct(number * wide + who)
    order = np.argsort(code, kind="stable")
    begins = np.searchsorted(code[order], np.arange(len(codes) + 1))
    for place, one in enumerate(codes.tolist()):
        yield one // wide, one % wide, order[begins[place] : begins[place + 1]]
