"""The table of requirements: what their verdicts say in a period. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from monitor.judge.verdicts import Segment, Verdict, identity
from monitor.reports.measured import finite
from monitor.reports.periods import Span
from scorer.quality.requirement import Requirement

CHAMPION = "champion"


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement of the champion, version and segment; figures are those of its latest window in the period.

    ``passed``, ``failed`` and ``undecided`` count its windows in the period. Without any verdict, ``verdict`` is
    INSUFFICIENT and ``reason`` says so.
    """

    requirement: str
    name: str
    bounds: str
    window: str
    judged: str
    guarded: bool
    version: str | None
    segment: Segment | None
    verdict: str
    provisional: bool
    begin: int | None
    value: float | None
    error: float | None
    low: float | None
    high: float | None
    n: int
    predictions: int
    minimum: float | None
    maximum: float | None
    revision: int
    alarms: int
    reason: str
    passed: int
    failed: int
    undecided: int


def rows(verdicts: Iterable[Verdict], requirements: Sequence[Requirement], span: Span | None) -> list[Row]:
    """Those of a period, FAIL first; ``None``: the latest window of each."""
    found: dict[tuple[str, str, Segment | None], list[Verdict]] = {}
    for one in verdicts:
        if one.role == CHAMPION and (span is None or (one.begin < span.end and one.end > span.begin)):
            found.setdefault((one.requirement, one.version, one.segment), []).append(one)
    judged = {requirement for requirement, _, _ in found}
    table = [_row(several) for several in found.values()]
    table += [_silent(one) for one in requirements if identity(one) not in judged]
    rank = {"FAIL": 0, "INSUFFICIENT": 1, "PASS": 2}
    return sorted(table, key=lambda row: (not row.guarded, rank[row.verdict], row.name, row.window, row.segment or ()))


def tally(table: Iterable[Row]) -> Mapping[str, int]:
    """How many guarded requirements PASS, FAIL and are INSUFFICIENT."""
    counted = {"PASS": 0, "FAIL": 0, "INSUFFICIENT": 0}
    for row in table:
        if row.guarded:
            counted[row.verdict] += 1
    return counted


def _row(several: Sequence[Verdict]) -> Row:
    last = max(several, key=lambda one: one.number)
    counted = [one.verdict for one in several]
    return Row(
        last.requirement,
        last.name,
        bounds(last.minimum, last.maximum),
        last.window,
        last.judged,
        last.guarded,
        last.version,
        last.segment,
        last.verdict,
        last.provisional,
        last.begin,
        last.value,
        last.error,
        finite(last.low),
        finite(last.high),
        last.n,
        last.predictions,
        last.minimum,
        last.maximum,
        last.revision,
        sum(one.alarms for one in several),
        last.reason,
        counted.count("PASS"),
        counted.count("FAIL"),
        counted.count("INSUFFICIENT"),
    )


def _silent(one: Requirement) -> Row:
    return Row(
        identity(one), one.name, bounds(one.minimum, one.maximum), one.window, one.judged, one.guarded, None, None,
        "INSUFFICIENT", False, None, None, None, None, None, 0, 0, one.minimum, one.maximum, 0, 0,
        "no window of it has been judged in this period", 0, 0, 0,
    )  # fmt: skip


def bounds(minimum: float | None, maximum: float | None) -> str:
    """What is required, in words."""
    parts = (("at least", minimum), ("at most", maximum))
    return " and ".join(f"{words} {bound:g}" for words, bound in parts if bound is not None)
