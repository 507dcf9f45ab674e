"""Accuracy and Brier score by month of the events, as exact sums.

An outcome counts in the month of its event (UTC) if its label was known by ``close_after_days`` days after that
month's end; what was known later is counted as late and judged by nobody. So the figures of a month do not depend on
when somebody looks. Brier scores are summed in whole units of 2**-60, so that adding and taking back in any order
gives equal sums.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from monitor.joining import Cell, Outcome
from scorer.quality.judge import Judgement, compare
from scorer.quality.requirement import Requirement
from scorer.scoring.prediction import CHAMPION

CHALLENGER = "challenger"

DAY = 86_400_000_000
"""Microseconds."""

_UNIT = 1 << 60


@dataclass(slots=True)
class Sums:
    """What is known of the predictions of one cell."""

    predictions: int = 0
    outcomes: int = 0
    late: int = 0
    correct: int = 0
    squares: int = 0
    """Sum of (score - truth)², in units of 2**-60."""

    def count(self, score: float, truth: int, sign: int) -> None:
        """Add an outcome, or take it back. The second class is predicted where its probability is above 0.5."""
        self.outcomes += sign
        self.correct += sign * ((score > 0.5) == (truth == 1))
        self.squares += sign * round((score - truth) ** 2 * _UNIT)

    def add(self, other: Sums) -> None:
        """Add what another cell holds."""
        self.predictions += other.predictions
        self.outcomes += other.outcomes
        self.late += other.late
        self.correct += other.correct
        self.squares += other.squares


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a requirement, given by its bounds in words, says of a metric."""

    metric: str
    requirement: str
    verdict: Judgement


@dataclass(frozen=True, slots=True)
class Figures:
    """How well one role did in a month: ``versions`` are the outcomes of each version in it."""

    role: str
    versions: Mapping[str, int]
    outcomes: int
    accuracy: float | None
    brier: float | None
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Month:
    """The champion's month, and how others did on the same events.

    ``late`` outcomes are those whose label came after the month had closed. ``others`` are trials, on the events that
    they scored in the champion's place, and challengers.
    """

    month: str
    predictions: int
    outcomes: int
    late: int
    champion: Figures
    others: tuple[Figures, ...]

    @property
    def labelled(self) -> float:
        """The share of predictions that have their label."""
        return self.outcomes / self.predictions if self.predictions else 0.0


@dataclass(slots=True)
class Monthly:
    """Sums by month, role and version."""

    close_after_days: float
    _cells: dict[Cell, Sums] = field(default_factory=lambda: defaultdict(Sums))
    _closes: dict[int, int] = field(default_factory=dict)

    def fold(self, outcome: Outcome, sign: int) -> None:
        """Add (+1) what is known of one event, or take it back (-1)."""
        prediction, label, shadow = outcome
        if prediction is None:
            return
        cell = prediction.cell
        sums = self._cells[cell]
        sums.predictions += sign
        if label is None:
            return
        if label.time > self.closes(cell.month):
            sums.late += sign
            return
        sums.count(prediction.score, label.truth, sign)
        if shadow is not None and cell.role == CHAMPION:
            self._cells[Cell(cell.month, CHALLENGER, shadow.version)].count(shadow.score, label.truth, sign)

    def closes(self, month: int) -> int:
        """Until when, in microseconds since the epoch, labels count for a month."""
        if month not in self._closes:
            end = np.datetime64(month + 1, "M").astype("datetime64[us]").astype(np.int64)
            self._closes[month] = int(end) + round(self.close_after_days * DAY)
        return self._closes[month]

    def months(self) -> list[int]:
        """All months that have predictions, in order."""
        return sorted({cell.month for cell, sums in self._cells.items() if sums.predictions})

    def figures(self, month: int, requirements: Iterable[Requirement]) -> Month:
        """What there is to say of a month. The ``requirements`` are such that can be ``judged`` here."""
        requirements = tuple(one for one in requirements if not one.season or month % 12 + 1 in one.season)
        found = {cell: sums for cell, sums in sorted(self._cells.items()) if cell.month == month}
        champions = {cell.version: sums for cell, sums in found.items() if cell.role == CHAMPION}
        whole = Sums()
        for sums in champions.values():
            whole.add(sums)
        return Month(
            str(np.datetime64(month, "M")),
            whole.predictions,
            whole.outcomes,
            whole.late,
            _figures(CHAMPION, champions, whole, requirements),
            tuple(self._others(found, requirements)),
        )

    def _others(self, found: Mapping[Cell, Sums], requirements: tuple[Requirement, ...]) -> Iterator[Figures]:
        for cell, sums in found.items():
            if cell.role != CHAMPION and (sums.outcomes or sums.predictions):
                yield _figures(cell.role, {cell.version: sums}, sums, requirements)


def judged(requirement: Requirement) -> bool:
    """Whether these sums say enough to judge it."""
    return requirement.window == "month" and not requirement.segments and requirement.name in ("accuracy", "brier")


def _figures(role: str, versions: Mapping[str, Sums], whole: Sums, requirements: tuple[Requirement, ...]) -> Figures:
    n = whole.outcomes
    accuracy, brier = (whole.correct / n, whole.squares / (n * _UNIT)) if n else (None, None)
    values = {"accuracy": accuracy, "brier": brier}
    verdicts = tuple(
        Verdict(one.metric.name, one.bounds, compare(one, values[one.metric.name], n)[0]) for one in requirements
    )
    return Figures(role, {version: sums.outcomes for version, sums in versions.items()}, n, accuracy, brier, verdicts)
