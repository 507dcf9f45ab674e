"""The status and reports as lines and tables, in the manner of the scorer's commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.judge.candidates.candidate import Candidate
from monitor.judge.candidates.check import Check
from monitor.judge.wording import interval, number, span
from monitor.reports.document import Report
from monitor.reports.measured import Measured
from monitor.reports.periods import moment
from monitor.reports.promotion import Promotion
from monitor.reports.requirements import Row
from monitor.reports.status import Status, problems
from scorer.cli import output

SHOWN = 8
_STYLES = {"PASS": output.COLOURS["ok"], "FAIL": output.COLOURS["failed"], "INSUFFICIENT": output.COLOURS["warning"]}
_CHECKS = {"passed": output.COLOURS["ok"], "failed": output.COLOURS["failed"], "open": output.COLOURS["warning"]}
_GRAVE = {"FAIL": output.COLOURS["failed"], "ALARM": output.COLOURS["warning"], "WARNING": output.COLOURS["warning"]}


def show_status(status: Status) -> None:
    """All of it."""
    coverage = status.coverage
    output.pairs(
        {
            "model": status.model,
            "champion": status.champion,
            "challengers": ", ".join(status.challengers),
            "as of": f"{_when(status.tick)}, {_seconds(status.age)} ago",
            "watermark": _when(status.watermark),
            "judged up to": _when(status.closed_before),
            "pending": f"{output.count(status.pending, 'prediction')} in open cohorts without a label",
            "coverage": f"{_percent(coverage.share)} of {output.count(coverage.predictions, 'prediction')} of the "
            f"last {output.count(len(coverage.parts), 'day')} have a label",
            "label delay": _delay(coverage.within),
            "verdicts": _tally(status.tally),
            "waiting to be sent": ", ".join(f"{n} {kind}" for kind, n in status.unsent.items() if n) or "nothing",
        }
    )
    output.line("")
    columns = ("topic", "partitions", "at the end", "read", "newest event", "behind", "last arrival")
    output.table(
        columns,
        [
            (
                one.name,
                one.partitions,
                f"{one.ended} of {one.partitions}",
                f"{one.read:,}",
                _when(one.newest),
                None if one.behind is None else span(one.behind),
                _when(one.arrived),
            )
            for one in status.topics
        ],
    )
    output.line("")
    show_requirements(status.requirements)
    if status.incidents:
        output.line("")
        output.line(f"{output.count(len(status.incidents), 'open incident')}:", "bold")
    for one in status.incidents:
        output.line(f"! {one.severity} since {_when(one.opened)}: {one.headline}", _GRAVE[one.severity])
    if status.refused:
        output.line("")
        output.table(("not counted", "why", "rows"), [(topic, why, f"{n:,}") for topic, why, n in status.refused])
    found = problems(status)
    if found:
        output.line("")
    for problem in found:
        output.line(f"! {problem}", "red")


def show_requirements(table: Sequence[Row]) -> None:
    """Verdicts with their intervals."""
    if not table:
        output.line("nothing is required of this model")
        return
    columns = ("verdict", "requirement", "required", "value", "interval", "labels", "window", "version", "")
    output.table(
        columns, [_cells(row) for row in table], [_STYLES[row.verdict] if row.guarded else "dim" for row in table]
    )


def show_candidate(one: Candidate, checks: Sequence[Check]) -> None:
    """How a candidate stands: its checks, and all its moves."""
    output.pairs(
        {
            "candidate": f"{one.version} ({one.digest[:8]}), submission {one.id}",
            "state": one.state + (f", about to be {one.asked}" if one.asked else ""),
            "compared with": f"{one.against}, as number {one.comparison} of its family",
            "approved by": one.approved,
        }
    )
    if checks:
        output.line("")
        styles = [_CHECKS[check.standing] for check in checks]
        output.table(("check", "", ""), [(check.standing, check.name, check.text) for check in checks], styles)
    output.line("")
    moves = [(_when(move.time), move.after, move.actor, move.why[:200]) for move in one.history]
    output.table(("when", "state", "by", "why"), moves)


def show_promotions(found: Sequence[Promotion]) -> None:
    """What would be if versions were promoted."""
    for place, one in enumerate(found):
        if place:
            output.line("")
        output.line(f"{one.version} as {one.role}: {one.conclusion}", "bold")
        rows = [one.candidate for one in one.requirements]
        named = ("verdict", "requirement", "required", "value", "interval", "labels", "window")
        columns = (*named, "pass/fail/open", f"champion {one.champion or '-'}", "interval", "verdict")
        cells = [
            (*_cells(row)[:7], f"{row.passed}/{row.failed}/{row.undecided}", *_of_champion(beside.champion))
            for row, beside in zip(rows, one.requirements, strict=True)
        ]
        output.table(columns, cells, [_STYLES[row.verdict] if row.guarded else "dim" for row in rows])
        if one.unscored:
            reasons = ", ".join(f"{why} {n:,}" for why, n in one.unscored.items())
            output.line(f"could not score {output.count(sum(one.unscored.values()), 'event')}: {reasons}", "yellow")


def show_report(report: Report) -> None:
    """The most important of it."""
    output.line(f"{report.model}: {report.name}", "bold")
    if report.provisional:
        output.line("provisional: labels are still to come", "yellow")
    if not report.predictions:
        output.line("there are no predictions of the champion in this period", "yellow")
    letters, coverage = report.letters, report.coverage
    output.pairs(
        {
            "champion": ", ".join(report.versions_live),
            "predictions": f"{report.predictions:,}, of which {report.labels:,} have a label to judge by",
            "coverage": f"{_percent(coverage.share)} of {output.count(coverage.predictions, 'prediction')}",
            "label delay": _delay(coverage.within),
            "dead letters": f"{letters.total:,} ({_percent(letters.share, 2)} of events)"
            + "".join(f"; {why} {n:,}" for why, n in letters.reasons[:SHOWN]),
            "verdicts": _tally(report.tally),
        }
    )
    output.line("")
    show_requirements(report.requirements)
    if report.trends:
        output.line("")
        rows = [(one.metric, *_value(one.whole), f"{one.whole.n:,}", one.whole.reason) for one in report.trends]
        output.table(("metric", "in this period", "interval", "labels", ""), rows)
    if report.worst_segments:
        output.line("")
        worst = [
            (one.metric, f"{one.segment[0]}={one.segment[1][:60]}", *_value(one.measured), number(one.overall),
             number(one.surely) if one.surely else "may be chance")
            for one in report.worst_segments[:SHOWN]
        ]  # fmt: skip
        output.table(("metric", "worst segments", "value", "interval", "all", "surely worse by"), worst)
    for name, n in report.beyond:
        told = f"{name[:60]} has more values than are told apart: {output.count(n, 'prediction')} of others"
        output.line(f"{told}, since the state began, are counted with all outcomes alone", "yellow")
    moved = [one for one in report.drift if one.from_training is not None or one.from_before is not None]
    if moved:
        output.line("")
        rows_ = [(one.name[:60], _known(one.from_training), _known(one.from_before), f"{one.n:,}") for one in moved]
        output.table(("moved (PSI)", "from training", f"from the {report.period} before", "values"), rows_[:SHOWN])
    if report.cases:
        output.line("")
        output.line("largest confident errors, and the commands that add them to the regression suite:")
    for case in report.cases[:SHOWN]:
        output.line(f"  score {number(case.error.score)}, came true: {case.truth[:60]}")
        output.line(f"    {case.command}")


def _cells(row: Row) -> tuple[object, ...]:
    name = row.name if row.segment is None else f"{row.name} where {row.segment[0]} is {row.segment[1][:60]}"
    notes = ["provisional"] if row.provisional else []
    notes += [output.count(row.revision, "correction")] if row.revision else []
    notes += [output.count(row.alarms, "fast alarm")] if row.alarms else []
    notes += [] if row.guarded else ["not guarded"]
    notes += [row.note[:120]] if row.note else []
    return (
        row.verdict,
        name,
        row.bounds,
        _known(row.value),
        _interval(row.low, row.high) if row.value is not None else "-",
        f"{row.n:,}",
        row.when,
        row.version,
        ", ".join(notes),
    )


def _of_champion(row: Row | None) -> tuple[object, ...]:
    return ("-", "-", "-") if row is None else (_known(row.value), *_cells(row)[4:5], row.verdict)


def _value(told: Measured) -> tuple[str, str]:
    return _known(told.value), "-" if told.value is None else _interval(told.low, told.high)


def _interval(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return "-"
    return interval(-float("inf") if low is None else low, float("inf") if high is None else high)


def _known(value: float | None) -> str:
    return "-" if value is None else number(value)


def _percent(share: float | None, digits: int = 1) -> str:
    return "-" if share is None else f"{100 * share:.{digits}f} %"


def _when(time: int | None) -> str | None:
    return None if time is None else f"{moment(time)} UTC"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 120 else span(round(seconds * 1e6))


def _delay(within: Mapping[str, int | None]) -> str | None:
    parts = [f"{float(share):.0%} within {span(time)}" for share, time in within.items() if time is not None]
    return ", ".join(parts).replace("%", " %") or None


def _tally(tally: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {verdict}" for verdict, n in tally.items())
