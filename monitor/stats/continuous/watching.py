"""A requirement that is judged continuously: which sequence it takes, what is fed to it, and what it says.

Shares of decisions rest on counts. Means of bounded losses and the AUC rest on the running mean, because the world
drifts inside a window, and what is required of the window is required of its mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitor.stats.closed import Judged
from monitor.stats.continuous.counts import Counts
from monitor.stats.continuous.pairs import Pairs
from monitor.stats.continuous.running import Running
from monitor.stats.continuous.scaling import Scale
from monitor.stats.figures import Figure
from monitor.stats.layout import Layout
from monitor.stats.verdict import verdict
from scorer.batch import Bools, Floats, Int64s
from scorer.quality.metrics import CONTINUOUSLY
from scorer.quality.requirement import Requirement
from scorer.quality.table import Table

SHARES = ("accuracy", "precision", "recall", "false_positive_rate")


@dataclass(frozen=True, slots=True)
class Fed:
    """What rows say to a sequence. ``values`` float64 ``(n,)``: 1 or 0 for a share, and NaN where the row is none of
    those that the share is of; a bounded loss; or, with ``scores`` ``(n,)``, whether the row is of the class."""

    values: Floats
    scores: Floats | None = None

    @staticmethod
    def of(requirement: Requirement, layout: Layout, table: Table) -> Fed:
        """Rows in the order of the cohort: by event time, partition and offset. All are labelled and valid.

        Raises ``ValueError`` where one is not.
        """
        if not (table.labelled & layout.valid(table.scores)).all():
            raise ValueError("a row has no label, or no valid score")
        if requirement.metric.name == "auc":
            truth, score = _ordered(table, _wanted(table, requirement))
            return Fed(truth.astype(np.float64), score)
        if requirement.metric.name in SHARES:
            return Fed(_hits(table, requirement))
        # A loss at the end of its range may be beyond it by a rounding.
        return Fed(np.clip(_losses(table, requirement, layout), *scale_of(requirement, layout)))

    def take(self, rows: Int64s) -> Fed:
        """The rows of these numbers."""
        return Fed(self.values[rows], None if self.scores is None else self.scores[rows])


def scale_of(requirement: Requirement, layout: Layout) -> tuple[float, float]:
    """Between what the values of a requirement lie."""
    return requirement.metric.range(requirement.parameters, layout.kind)


class Watch:
    """One requirement over one window, role and segment. ``state`` is what :meth:`plain` gave.

    Raises ``ValueError`` where the requirement is judged once.
    """

    def __init__(self, requirement: Requirement, layout: Layout, state: list[float] | None = None) -> None:
        if requirement.judged != CONTINUOUSLY:
            raise ValueError(f"{requirement.name} is judged {requirement.judged}")
        self.requirement, self.layout = requirement, layout
        self.labels = 0 if state is None else int(state[0])
        numbers = None if state is None else np.array(state[1:], np.float64)
        self._sequence: Counts | Running | Pairs
        if requirement.metric.name == "auc":
            self._sequence = Pairs(numbers)
        elif requirement.metric.name in SHARES:
            self._sequence = Counts() if state is None else Counts(int(state[1]), int(state[2]))
        else:
            self._sequence = Running(Scale(*scale_of(requirement, layout)), numbers)

    def update(self, table: Table) -> Floats:
        """Feed rows, as ``Fed.of`` takes them; returns what :meth:`feed` does."""
        return self.feed(Fed.of(self.requirement, self.layout, table))

    def feed(self, fed: Fed) -> Floats:
        """Feed rows of this requirement; returns the values whose mean is watched, one for each row or pair."""
        self.labels += len(fed.values)
        if isinstance(self._sequence, Pairs):
            assert fed.scores is not None  # noqa: S101  # those of the AUC have scores
            return self._sequence.update(fed.values > 0.0, fed.scores)
        if isinstance(self._sequence, Counts):
            values = fed.values[~np.isnan(fed.values)]
            hits = int(values.sum())
            self._sequence = self._sequence.merge(Counts(hits, len(values) - hits))
            return values
        self._sequence.update(fed.values)
        return fed.values

    def interval(self, alpha: float) -> tuple[float, float]:
        """Bounds of the metric that hold at all times at once with probability ``1 - alpha``."""
        return self._sequence.interval(alpha)

    def judge(self, alpha: float) -> Judged:
        """The verdict now; one may look as often as one likes. The figure of an AUC is that of its pairs; others have
        none of their own."""
        low, high = self.interval(alpha)
        enough = self.labels if self._sequence.n else 0
        own = Figure(self._sequence.value, 0.0, self.labels) if isinstance(self._sequence, Pairs) and enough else None
        return Judged(verdict(self.requirement, low, high, enough), own, low, high)

    def plain(self) -> list[float]:
        """The state, as numbers that come back with the same bits."""
        if isinstance(self._sequence, Counts):
            return [self.labels, self._sequence.successes, self._sequence.failures]
        return [self.labels, *self._sequence.plain()]


def _wanted(table: Table, asked: Requirement) -> int:
    return 1 if asked.parameters.klass is None else table.classes.index(asked.parameters.klass)


def _predicted(table: Table, asked: Requirement) -> Int64s:
    threshold = asked.parameters.threshold
    return table.predicted if threshold is None else (table.scores[0] > threshold).astype(np.int64)


def _hits(table: Table, asked: Requirement) -> Floats:
    """1 where a row counts for the share, 0 where it does not, NaN where the share is not of it."""
    predicted, wanted, name = _predicted(table, asked), _wanted(table, asked), asked.metric.name
    if name == "accuracy":
        return np.where(predicted == table.labels, 1.0, 0.0)
    truth, positive = table.labels == wanted, predicted == wanted
    among = {"precision": positive, "recall": truth, "false_positive_rate": ~truth}[name]
    return np.where(among, truth if name == "precision" else positive, np.nan)


def _ordered(table: Table, wanted: int) -> tuple[Bools, Floats]:
    """Whether a row is of the class, and a score that is the higher, the more speaks for that."""
    score = table.scores[wanted] if table.kind == "multiclass" else table.scores[0]
    turned = table.kind != "multiclass" and wanted == 0
    return table.labels == wanted, -score if turned else score


def _losses(table: Table, asked: Requirement, layout: Layout) -> Floats:
    """The bounded loss of each row."""
    name, given = asked.metric.name, asked.parameters
    if name == "cost":
        costs = np.array(given.costs, np.float64)
        return np.asarray(costs[table.labels.astype(np.int64), _predicted(table, asked)])
    parameter = {"log_loss": given.clip, "mae": given.bound}.get(name)
    own = Layout.of([asked], layout.kind, layout.classes, layout.scale)
    return np.asarray(own.values(table)[own.sums.index(name if parameter is None else f"{name} {parameter!r}")])
