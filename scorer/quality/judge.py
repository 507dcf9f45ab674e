"""What requirements say of a table: strictly, each value against its bounds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from scorer.batch import Bools
from scorer.quality.measuring import NOT_IN_ROWS
from scorer.quality.metrics import OPERATIONAL, UNLABELLED
from scorer.quality.requirement import Requirement
from scorer.quality.table import Table
from scorer.quality.undefined import Undefined

Judgement: TypeAlias = Literal["PASS", "FAIL", "INSUFFICIENT"]

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one requirement says of one segment.

    ``segment`` is the field and its value, ``None`` where all rows were judged. ``value`` was calculated from ``n``
    rows; it is ``None`` where it is undefined. ``invalid`` labelled rows more had no valid score and are not in it.
    """

    requirement: Requirement
    segment: tuple[str, str] | None
    value: float | None
    n: int
    invalid: int
    verdict: Judgement
    text: str

    @property
    def metric(self) -> str:
        """The metric's name."""
        return self.requirement.metric.name

    @property
    def applies(self) -> bool:
        """Whether rows can show it at all: those of the service are the monitor's to judge."""
        return self.requirement.metric.name not in OPERATIONAL

    @property
    def bound(self) -> str:
        """The bounds in words."""
        return self.requirement.bounds


def judge(requirements: Iterable[Requirement], table: Table, *, least_labels: int | None = None) -> list[Verdict]:
    """The verdicts of all requirements on ``table``, which is judged as one window.

    The value itself is held against the bounds: this is for a sample that does not change, as a regression test has,
    where no chance is left to allow for. ``least_labels`` replaces the requirements' own, which are meant for their
    windows. The requirements fit the table (``requirement.check``). A requirement for a season is judged on its
    months, one with segments once for each of them, and one of the service is INSUFFICIENT and does not apply.
    """
    return [verdict for one in requirements for verdict in _verdicts(one, table, least_labels)]


def compare(
    requirement: Requirement, value: float | None, n: int, *, least_labels: int | None = None
) -> tuple[Judgement, str]:
    """What ``requirement`` says of ``value``, which came from ``n`` labels; ``None``: from none. With a reason."""
    what = "rows" if requirement.metric.name in UNLABELLED else "labels"
    least = requirement.least_labels if least_labels is None else least_labels
    if value is None or n < least:
        return "INSUFFICIENT", f"{n:,} {what} decide nothing; it needs {least:,}"
    for bound, crossed, words in (
        (requirement.minimum, requirement.minimum is not None and value < requirement.minimum, "below the minimum"),
        (requirement.maximum, requirement.maximum is not None and value > requirement.maximum, "above the maximum"),
    ):
        if crossed:
            return "FAIL", f"{value:.6g} is {words}, {bound:g}, on {n:,} {what}"
    return "PASS", f"{value:.6g} is {requirement.bounds}, on {n:,} {what}"


def _verdicts(requirement: Requirement, table: Table, least: int | None) -> Iterable[Verdict]:
    if requirement.metric.name in OPERATIONAL:
        yield _nothing(requirement, None, NOT_IN_ROWS)
        return
    rows = np.ones(len(table), np.bool_)
    if requirement.season:
        if table.months is None:
            yield _nothing(requirement, None, "it holds for some months only, and the rows have no event times")
            return
        rows = np.isin(table.months, requirement.season)
    if not requirement.segments:
        yield _verdict(requirement, table, rows, None, least)
    for segments in requirement.segments:
        column = table.fields.get(segments.field)
        if column is None:
            yield _nothing(requirement, (segments.field, ""), f"the rows have no field {segments.field!r}")
            continue
        values = segments.values or sorted({value for value in column[rows] if value is not None})
        if not values:
            yield _nothing(requirement, (segments.field, ""), f"no row has a value of {segments.field!r}")
        for value in values:
            yield _verdict(requirement, table, rows & (column == value), (segments.field, value), least)


def _verdict(
    requirement: Requirement, table: Table, rows: Bools, segment: tuple[str, str] | None, least: int | None
) -> Verdict:
    invalid = 0
    if requirement.metric.name not in UNLABELLED:
        rows = rows & table.labelled
        invalid = int((rows & ~table.valid).sum())
        rows = rows & table.valid
    n = int(rows.sum())
    value, judgement, reason = None, *compare(requirement, None, n, least_labels=least)
    try:
        value = measured(requirement, table.take(rows))
    except Undefined as why:
        if n >= (requirement.least_labels if least is None else least):
            reason = f"undefined: {why}"
    else:
        judgement, reason = compare(requirement, value, n, least_labels=least)
    if invalid:
        reason += f"; {invalid:,} more had no valid score"
    return Verdict(requirement, segment, value, n, invalid, judgement, f"{_subject(requirement, segment)}: {reason}")


def measured(requirement: Requirement, table: Table) -> float:
    """The metric's value on rows that are labelled and valid. Raises ``Undefined``."""
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is infinite, and crosses its bound
        value = requirement.metric.measure(table, requirement.parameters)
    if np.isnan(value):
        raise Undefined("it overflows")
    return value


def _nothing(requirement: Requirement, segment: tuple[str, str] | None, why: str) -> Verdict:
    return Verdict(requirement, segment, None, 0, 0, "INSUFFICIENT", f"{_subject(requirement, segment)}: {why}")


def _subject(requirement: Requirement, segment: tuple[str, str] | None) -> str:
    """What the sentence is about."""
    where = "" if segment is None else f" where {segment[0]} is {segment[1]!r}"
    months = ", ".join(_MONTHS[month - 1] for month in requirement.season)
    return f"{requirement.name}{where}{f' in {months}' if months else ''}"
