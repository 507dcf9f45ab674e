"""What a report is made of: everything that the snapshot says of a period, the one before and the time since. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.judge.verdicts import Segment, Verdict
from monitor.reports.cases import Error
from monitor.reports.drifting import Input
from monitor.reports.periods import Span
from monitor.stats.buckets import Bucket
from monitor.stats.layout import Layout
from monitor.stats.shares import Counted
from monitor.stats.trained import Trained
from scorer.quality.requirement import Requirement

Hours = Mapping[tuple[int, str, str], Bucket]
"""Buckets of all outcomes by the time at which they begin (microseconds), version and role."""


@dataclass(frozen=True, slots=True)
class Material:
    """``parts`` are what a trend divides the period into. ``tick`` is the last one, ``closed_before`` the time before
    which cohorts are closed; ``champion`` is the version that is followed, if any, ``trained`` what is known of its
    training data. ``hours`` hold the period, ``before`` the one before, ``since`` what came after. ``segments`` are the
    champion's buckets over the period, ``beyond`` the predictions of values that are not told apart, by field.
    ``covered`` are the predictions that count and those of them with a label, without implicit ones, by hour, and
    ``delays`` labels by bin of ``store.tally.EDGES``. ``letters`` are dead letters of the period by reason; ``counted``
    has them by hour, and the latency.
    """

    model: str
    span: Span
    parts: Sequence[Span]
    tick: int
    closed_before: int
    champion: str | None
    challengers: tuple[str, ...]
    layout: Layout
    requirements: Sequence[Requirement]
    alpha: float
    hours: Hours
    before: Hours
    since: Hours
    segments: Mapping[Segment, Bucket]
    beyond: Mapping[str, int]
    verdicts: Sequence[Verdict]
    covered: Mapping[int, tuple[int, int]]
    delays: Mapping[int, int]
    inputs: Sequence[Input]
    letters: Mapping[str, int]
    counted: Counted
    errors: Sequence[Error]
    trained: Trained | None = None
