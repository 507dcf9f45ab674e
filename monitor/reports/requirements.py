"""The table of requirements: what their verdicts say in a period. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from monitor.judge.verdicts import Segment, Verdict, identity
from monitor.judge.wording import MONTHS
from monitor.reports.measured import finite
from monitor.reports.periods import Span, at
from scorer.quality.requirement import Requirement, Window

CHAMPION = "champion"
_RANK = {"FAIL": 0, "INSUFFICIENT": 1, "PASS": 2}


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement of the champion, version and segment; figures are those of its latest window in the period.

    ``passed``, ``failed`` and ``undecided`` count its windows in the period. Without any verdict, ``verdict`` is
    INSUFFICIENT and ``reason`` says so.
    """

    requirement: str
    name: str
    bounds: str
    window: Window
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

    @property
    def note(self) -> str:
        """Why nothing is decided, where interval and bounds do not say so already."""
        plain = self.verdict != "INSUFFICIENT" or self.reason.startswith("between ")
        return "" if plain else self.reason

    @property
    def when(self) -> str:
        """Its latest window, as in ``month 2013-06`` or ``hour 2013-06-03 11:00``."""
        return self.window if self.begin is None else f"{self.window} {at(self.begin, self.window).name}"


def rows(verdicts: Iterable[Verdict], requirements: Sequence[Requirement], span: Span) -> list[Row]:
    """Those of a period: a row for each requirement, segment and version; FAIL first."""
    found: dict[tuple[object, ...], list[Verdict]] = {}
    for one in verdicts:
        if one.role == CHAMPION and one.begin < span.end and one.end > span.begin:
            found.setdefault((one.requirement, one.segment, one.version), []).append(one)
    return _table(found, requirements)


def latest(verdicts: Iterable[Verdict], requirements: Sequence[Requirement]) -> list[Row]:
    """Those of now: a row for each requirement and segment, of its latest window that is closed
    or decided, and of the version judged last there."""
    found: dict[tuple[object, ...], list[Verdict]] = {}
    for one in verdicts:
        if one.role == CHAMPION:
            newest = found.setdefault((one.requirement, one.segment), [one])
            newest[0] = max(newest[0], one, key=_recent)
    return _table(found, requirements)


def of_version(
    verdicts: Iterable[Verdict], requirements: Sequence[Requirement], role: str, version: str
) -> list[tuple[Row, Row | None]]:
    """All windows of one version in one role: a row for each requirement and segment; FAIL first.

    Beside each is the champion's of the same window as the one whose figures are shown, where there is one.
    """
    found: dict[tuple[object, ...], list[Verdict]] = {}
    live: dict[tuple[object, ...], list[Verdict]] = {}
    for one in verdicts:
        if one.role == role and one.version == version:
            found.setdefault((one.requirement, one.segment), []).append(one)
        elif one.role == CHAMPION:
            live.setdefault((one.requirement, one.segment, one.begin), []).append(one)
    table = _table(found, requirements)
    beside = (live.get((row.requirement, row.segment, row.begin), []) for row in table)
    return [
        (row, _row([max(others, key=lambda one: one.n)], "") if others else None)
        for row, others in zip(table, beside, strict=True)
    ]


def tally(table: Iterable[Row]) -> Mapping[str, int]:
    """How many guarded requirements PASS, FAIL and are INSUFFICIENT.

    One FAILs where any of its rows does. Else it is INSUFFICIENT where it is so for a segment, by the latest version
    that it was judged of.
    """
    found: dict[str, dict[Segment | None, Row]] = {}
    failed = set()
    for row in table:
        if row.guarded:
            of_requirement = found.setdefault(row.requirement, {})
            before = of_requirement.get(row.segment)
            if before is None or (row.begin or 0, row.n) > (before.begin or 0, before.n):
                of_requirement[row.segment] = row
            if row.verdict == "FAIL":
                failed.add(row.requirement)
    counted = {"PASS": 0, "FAIL": len(failed), "INSUFFICIENT": 0}
    for requirement, of_segment in found.items():
        if requirement not in failed:
            passed = all(row.verdict == "PASS" for row in of_segment.values())
            counted["PASS" if passed else "INSUFFICIENT"] += 1
    return counted


def _table(found: Mapping[tuple[object, ...], Sequence[Verdict]], requirements: Sequence[Requirement]) -> list[Row]:
    judged = {one.requirement for several in found.values() for one in several}
    seasons = {identity(one): season(one) for one in requirements}
    table = [_row(several, seasons.get(several[0].requirement, "")) for several in found.values()]
    table += [_silent(one) for one in requirements if identity(one) not in judged]
    return sorted(
        table,
        key=lambda row: (
            not row.guarded, _RANK[row.verdict], row.name, row.requirement, row.segment or (), row.version or ""
        ),
    )  # fmt: skip


def _recent(one: Verdict) -> tuple[bool, int, int]:
    """The larger, the more it says of now: a window that has only begun says less than the one before."""
    return not (one.provisional and one.verdict == "INSUFFICIENT"), one.number, one.time


def _row(several: Sequence[Verdict], season: str) -> Row:
    last = max(several, key=_recent)
    counted = [one.verdict for one in several]
    return Row(
        last.requirement,
        last.name,
        bounds(last.minimum, last.maximum) + season,
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
        identity(one), one.name, bounds(one.minimum, one.maximum) + season(one), one.window, one.judged, one.guarded,
        None, None, "INSUFFICIENT", False, None, None, None, None, None, 0, 0, one.minimum, one.maximum, 0, 0,
        "no window of it has been judged yet", 0, 0, 0,
    )  # fmt: skip


def season(one: Requirement) -> str:
    """Of several requirements of one metric this may be all that tells them apart."""
    return f" in {', '.join(MONTHS[month - 1][:3] for month in sorted(one.season))}" if one.season else ""


def bounds(minimum: float | None, maximum: float | None) -> str:
    """What is required, in words."""
    parts = (("at least", minimum), ("at most", maximum))
    return " and ".join(f"{words} {bound:g}" for words, bound in parts if bound is not None)
