"""What a pair says: the champion's loss less the challenger's, on one event with one label.

A pair is an event that the champion scored and that has a label. A challenger that did not score it, or gave a score
that is not valid, has lost it by as much as one can. So nobody gets better by leaving out what is hard.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from monitor.stats.continuous.watching import Fed, scale_of
from monitor.stats.layout import Layout
from scorer.batch import Bools, Floats
from scorer.quality.metrics import CONTINUOUSLY
from scorer.quality.requirement import Requirement
from scorer.quality.table import Table

PAIRED: Final = ("accuracy", "brier", "log_loss", "cost", "mae")
"""Metrics that are means of one bounded number of each row: what of two versions can be compared row by row."""


class Loss:
    """The loss of each row whose mean is the metric of ``asked``; of an accuracy, 1 where it is wrong.

    ``bound`` is the largest difference of two losses. Raises ``ValueError`` where the metric is none of ``PAIRED``, or
    has no bound.
    """

    def __init__(self, asked: Requirement, layout: Layout) -> None:
        if asked.metric.name not in PAIRED:
            raise ValueError(f"{asked.name} is no mean over rows; a gate takes one of {', '.join(PAIRED)}")
        if missing := [key for key in asked.metric.continuous_needs if key not in asked.parameters.given()]:
            raise ValueError(f"{asked.name} has no bound; say its {', '.join(missing)}")
        if asked.judged != CONTINUOUSLY:
            raise ValueError(f"{asked.name} is judged {asked.judged}; a gate is looked at continuously")
        self.asked, self.layout = asked, layout
        low, high = scale_of(asked, layout)
        self.worst, self.bound = high, high - low
        if not 0.0 < self.bound < np.inf:
            raise ValueError(f"{asked.name} lies between {low:g} and {high:g}: no two losses differ by a known most")

    def of(self, table: Table) -> Floats:
        """Losses float64 ``(n,)``; the worst one where a score is not valid. Raises ``ValueError`` where a row has no
        label."""
        if not table.labelled.all():
            raise ValueError("a row has no label; pairs are of labelled events")
        valid = self.layout.valid(table.scores)
        values = Fed.of(self.asked, self.layout, table.take(valid)).values
        found = np.full(len(table), self.worst)
        found[valid] = 1.0 - values if self.asked.metric.name == "accuracy" else values
        return found

    def differences(self, champion: Table, challenger: Table, scored: Bools) -> Floats:
        """``loss(champion) - loss(challenger)`` of events ``(n,)``, from ``-bound`` to ``bound``.

        ``scored`` ``(n,)``: whether the challenger has a score of the event; what stands in its row otherwise is not
        looked at. Where it has none, or one that is not valid, the difference is ``-bound``. Raises ``ValueError``
        where the tables are not of the same events with the same labels.
        """
        if not np.array_equal(champion.labels, challenger.labels):
            raise ValueError("two tables with other labels are not of the same events")
        usable = scored & self.layout.valid(challenger.scores)
        found = np.full(len(champion), -self.bound)
        found[usable] = self.of(champion)[usable] - self.of(challenger)[usable]
        # Two losses at the ends of their range may differ by a rounding more than it.
        return np.asarray(np.clip(found, -self.bound, self.bound), np.float64)
