"""The largest confident errors of the champion, by day: cases worth looking at, and adding to the regression test."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from monitor.judge.outputs import CHAMPION, VERSION, Outputs, table
from monitor.judge.windows import Names
from monitor.rows import DAY, Rows, take
from monitor.stats.layout import Layout
from scorer.batch import Floats
from scorer.quality.table import Table

MOST: Final = 20
"""So many of each day and version are kept."""

DAYS: Final = 60
"""For so many days."""

TOPIC: Final = "topic"
"""The kind of the codes in the column ``source_topic``."""


class Case(NamedTuple):
    """One outcome. Larger ``loss`` is worse; see :func:`losses`. ``label`` is the index of the true class, or the true
    value; ``time`` the event's, microseconds since 1970; the rest its source coordinates."""

    loss: float
    score: float
    label: float
    time: int
    topic: str
    partition: int
    offset: int


@dataclass(slots=True)
class Worst:
    """``cases`` by day, counted from 1970, and version, worst first; ``touched`` are the days and versions that changed
    since they were last stored."""

    outputs: Outputs
    layout: Layout
    cases: dict[tuple[int, str], list[Case]] = field(default_factory=dict)
    touched: set[tuple[int, str]] = field(default_factory=set)

    def take(self, outcomes: Rows, names: Names) -> None:
        """Look at outcomes of closed cohorts, in any order. Later corrections do not change what is kept."""
        rows = take(outcomes, outcomes["labelled"] & (outcomes["role"] == CHAMPION))
        whole = table(rows, self.outputs)
        valid = self.layout.valid(whole.scores)
        rows, judged = take(rows, valid), whole.take(valid)
        loss, score = losses(judged)
        wrong = loss > 0.0
        rows, loss, score, labels = take(rows, wrong), loss[wrong], score[wrong], judged.labels[wrong]
        day, version = rows["time"] // DAY, rows["version"].astype(np.int64)
        order = np.lexsort(
            [rows["source_offset"], rows["source_partition"], rows["time"], -loss, version, day]
        )  # fmt: skip
        first = np.flatnonzero(
            np.r_[True, (np.diff(day[order]) != 0) | (np.diff(version[order]) != 0)][: len(order)]
        )  # fmt: skip
        versions, topics = names(VERSION), names(TOPIC)
        for begin, end in zip(first.tolist(), [*first[1:].tolist(), len(order)], strict=False):
            ours = order[begin:end]
            found = [
                Case(
                    float(loss[row]), float(score[row]), float(labels[row]), int(rows["time"][row]),
                    topics.get(int(rows["source_topic"][row]), ""), int(rows["source_partition"][row]),
                    int(rows["source_offset"][row]),
                )
                for row in ours[:MOST].tolist()
            ]  # fmt: skip
            self._put((int(day[ours[0]]), versions[int(version[ours[0]])]), found)

    def age(self, closed_before: int) -> None:
        """Forget days that are past."""
        for key in [key for key in self.cases if key[0] < closed_before // DAY - DAYS]:
            del self.cases[key]
            self.touched.add(key)

    def _put(self, key: tuple[int, str], found: Iterable[Case]) -> None:
        ranked = sorted(
            {*self.cases.get(key, ()), *found},
            key=lambda one: (-one.loss, one.time, one.partition, one.offset, one.topic),
        )
        if ranked[:MOST] != self.cases.get(key):
            self.cases[key] = ranked[:MOST]
            self.touched.add(key)


def losses(judged: Table) -> tuple[Floats, Floats]:
    """How far each outcome is from right, above 0 where the decision was wrong; and the score that says so.

    Of classes, 0 where the class was predicted right, else: of probabilities 1 less that of the true class; of two
    classes' margins the magnitude; of more, by how much the predicted class's is above the true one's. Of estimates the
    distance of score and label.
    """
    if judged.kind == "regression":
        return np.abs(judged.scores[0] - judged.labels), judged.scores[0]
    wrong = judged.predicted != judged.labels
    places = np.arange(len(judged))
    if judged.kind == "binary":
        score = judged.scores[0]
        of_label = np.where(judged.labels == 1.0, score, 1.0 - score)
        far = np.abs(score) if judged.scale == "margin" else 1.0 - of_label
        return np.where(wrong, far, 0.0), score
    score = judged.scores[judged.predicted, places]
    true = judged.scores[judged.labels.astype(np.int64), places]
    return np.where(wrong, score - true if judged.scale == "margin" else 1.0 - true, 0.0), score
