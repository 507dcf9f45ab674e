"""Windows that close together, judged once and for all with one chance of error.

Hour, day, week and month, requirements and segments overlap, so no independence is assumed: Holm (1979), twice. FAIL
rejects that a bound is kept, PASS that it is missed. Each side of an interval of level ``a`` errs with probability
``a / 2`` at most. Of the ``m`` bounds of one evaluation, those are FAIL whose interval of level ``alpha / m`` lies
beyond them; of what is left, those whose interval of level ``alpha / (m - those)`` does; and so on until none is added:
a step down of nested intervals, which is Holm's with ``alpha / 2``. PASS likewise. So the chance of any wrong verdict
in an evaluation is ``alpha`` at most, as far as the intervals hold what they promise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from monitor.judge.verdicts import Subject
from monitor.stats.buckets import Bucket
from monitor.stats.closed import Judged, judge
from monitor.stats.layout import Layout
from scorer.quality.judge import Judgement
from scorer.quality.metrics import UNLABELLED
from scorer.quality.requirement import Requirement


class Asked(NamedTuple):
    """A requirement, and the outcomes of its window."""

    requirement: Requirement
    bucket: Bucket

    @property
    def labels(self) -> int:
        """How many rows decide: labels, or predictions where none are needed."""
        return self.bucket.predictions if self.requirement.metric.name in UNLABELLED else self.bucket.n

    @property
    def bounds(self) -> int:
        """How many bounds it has."""
        return (self.requirement.minimum is not None) + (self.requirement.maximum is not None)


def evaluate(asked: Mapping[Subject, Asked], layout: Layout, alpha: float) -> dict[Subject, Judged]:
    """The verdicts of one evaluation. Each bears the interval of the level at which it was decided.

    Where there are fewer labels than a requirement needs, nothing is tested; how many there are says nothing about how
    the test would end, so these do not count among the ``m``.
    """
    tested = {key: one for key, one in asked.items() if one.labels >= max(1, one.requirement.least_labels)}
    failed, level = _step_down(tested, layout, alpha, "FAIL", sum(one.bounds for one in tested.values()))
    passed, other = _step_down(tested, layout, alpha, "PASS", len(tested))
    found = {
        key: judge(one.bucket, layout, one.requirement, min(level, other) if key in tested else alpha)
        for key, one in asked.items()
        if key not in failed and key not in passed
    }
    return found | failed | passed


def _step_down(
    tested: Mapping[Subject, Asked], layout: Layout, alpha: float, wanted: Judgement, left: int
) -> tuple[dict[Subject, Judged], float]:
    """Those that come out as ``wanted``, and the level at which the others do not."""
    found: dict[Subject, Judged] = {}
    while True:
        level = alpha / max(1, left)
        new = {
            key: judged
            for key, one in tested.items()
            if key not in found and (judged := judge(one.bucket, layout, one.requirement, level)).verdict == wanted
        }
        if not new:
            return found, level
        found |= new
        left -= len(new)
