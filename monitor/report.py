"""When a month is reported, and the words.

A month is reported when it has closed. If later reading changes its figures after all, because a prediction or score
arrived behind its label, it is reported again with the next revision, together with the next month that closes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

from monitor.monthly import CHALLENGER, Figures, Month, Monthly
from scorer.quality.requirement import Requirement


@dataclass(frozen=True, slots=True)
class Line:
    """A month as it stood when it was reported; ``revision`` counts from 1 for a closed month, and is 0 so far."""

    state: Literal["closed", "so far"]
    revision: int
    month: Month


class Report:
    """Remembers what was said of each month. Times are label times, in microseconds since the epoch."""

    def __init__(self, monthly: Monthly, requirements: Sequence[Requirement]) -> None:
        self._monthly = monthly
        self._requirements = tuple(requirements)
        self._said: dict[int, Line] = {}

    def due(self, time: int) -> bool:
        """Whether a month has closed by ``time`` and was not reported yet."""
        return any(month not in self._said and time > self._monthly.closes(month) for month in self._monthly.months())

    def close(self, time: int) -> list[Line]:
        """What is new about the months that have closed by ``time``."""
        months = [month for month in self._monthly.months() if time > self._monthly.closes(month)]
        return [line for month in months if (line := self._closed(month)) is not None]

    def end(self) -> list[Line]:
        """What is new about the months reported as closed, and how the others stand so far."""
        lines = []
        for month in self._monthly.months():
            line = self._closed(month) if month in self._said else Line("so far", 0, self._figures(month))
            lines += [line] if line is not None else []
        return lines

    def _closed(self, month: int) -> Line | None:
        before, figures = self._said.get(month), self._figures(month)
        if before is not None and before.month == figures:
            return None
        line = (
            Line("closed", 1, figures)
            if before is None
            else replace(before, month=figures, revision=before.revision + 1)
        )
        self._said[month] = line
        return line

    def _figures(self, month: int) -> Month:
        return self._monthly.figures(month, self._requirements)


def to_json(line: Line) -> str:
    """The line as one JSON object."""
    month = line.month
    return json.dumps(
        {
            "month": month.month,
            "state": line.state,
            "revision": line.revision,
            "predictions": month.predictions,
            "outcomes": month.outcomes,
            "late": month.late,
            "labelled": month.labelled,
            "champion": asdict(month.champion),
            "others": [asdict(figures) for figures in month.others],
        }
    )


def to_text(line: Line) -> str:
    """The line for people: the champion's figures, and one more line for each of the others."""
    month = line.month
    state = line.state if line.revision < 2 else f"{line.state}, revision {line.revision}"
    late = f", {month.late:,} late" if month.late else ""
    head = f"{month.month} {state}: {month.outcomes:,} of {month.predictions:,} predictions labelled"
    lines = [
        f"{head} ({month.labelled:.2%}{late})",
        *(_figures(each, month) for each in (month.champion, *month.others)),
    ]
    return "\n".join(lines)


def _figures(figures: Figures, month: Month) -> str:
    versions = ", ".join(figures.versions)
    if len(figures.versions) > 1:
        versions = ", ".join(f"{version} ({outcomes:,})" for version, outcomes in figures.versions.items())
    on = f"outcomes {figures.outcomes:,}"
    if figures.role == CHALLENGER and figures.outcomes < month.outcomes:
        on += f", no score for {month.outcomes - figures.outcomes:,}"
    values = [_value(figures, "accuracy", figures.accuracy), _value(figures, "brier", figures.brier)]
    return f"  {figures.role:<10} {versions:<20} {'  '.join(values)}  {on}"


def _value(figures: Figures, metric: str, value: float | None) -> str:
    shown = "none" if value is None else f"{value:.6f}"
    verdicts = [f"{each.verdict} ({each.requirement})" for each in figures.verdicts if each.metric == metric]
    return " ".join([metric, shown, *verdicts])
