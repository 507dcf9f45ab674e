"""What people see while the demo runs, and the table at its end: rich on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

_PLAIN_SECONDS = 5.0


class Show:
    """Progress of the replay. ``days`` is how many there will be."""

    def __init__(self, console: Console, days: int) -> None:
        self._console, self._days = console, days
        columns = (
            TextColumn("{task.fields[date]}"),
            BarColumn(),
            TextColumn("{task.fields[text]}"),
            TimeElapsedColumn(),
        )
        self._bar = Progress(*columns, console=console) if console.is_terminal else None
        self._task = self._bar.add_task("", total=days, date="", text="") if self._bar else None
        self._begun = time.monotonic()
        self._said = self._begun

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def say(self, text: str) -> None:
        """One line that stays."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def day(self, done: int, date: str, events: int, champion: str) -> None:
        """So many days are done; the last one was ``date``."""
        now = time.monotonic()
        rate = events / max(now - self._begun, 1e-9)
        text = f"{events:>9,} events  {rate:>7,.0f}/s  champion {champion}"
        if self._bar and self._task is not None:
            self._bar.update(self._task, completed=done, date=date, text=text)
        elif now - self._said > _PLAIN_SECONDS or done == self._days:
            self._said = now
            self.say(f"{date}  day {done:>3} of {self._days}  {text}")


def month(name: str, verdicts: Sequence[Mapping[str, Any]]) -> str:
    """The monitor's verdicts on a month: one line for each version and requirement."""
    lines = [name]
    for one in verdicts:
        value = "no value" if one["value"] is None else f"{one['value']:.4f}"
        sure = (
            "                  "
            if one["low"] is None or one["high"] is None
            else f"({one['low']:.4f} to {one['high']:.4f})"
        )
        lines.append(
            f"    {one['verdict']:<12}  {one['metric']:<8}  {value}  {sure}  {_required(one):<15}  {one['version']}, "
            f"{one['n']:,} of {one['predictions']:,} flights labelled"
        )
    return "\n".join(lines)


def _required(verdict: Mapping[str, Any]) -> str:
    """The bound that a verdict is about; several of one metric differ in it."""
    bounds = [("at least", verdict["minimum"]), ("at most", verdict["maximum"])]
    return " and ".join(f"{words} {bound:g}" for words, bound in bounds if bound is not None)


def table(summary: Mapping[str, Any]) -> str:
    """The account as a table."""
    gap, waited = summary["flip_gap_ms"], summary["latency_ms"]
    rows = [
        ("events in", f"{summary['events']:,}"),
        ("predictions", f"{summary['predictions']:,}"),
        ("dead letters", f"{summary['dead_letters']:,}  of {sum(summary['malformed'].values())} malformed records"),
        ("lost", f"{summary['lost']:,}"),
        ("doubled", f"{summary['doubled']:,}"),
        *((f"predictions of {version}", f"{number:,}") for version, number in summary["versions"].items()),
        ("rate", f"{summary['events_per_second']:,.0f} events/s over the whole replay, which waits for each day"),
        ("", f"{summary['busiest_events_per_second']:,} in the busiest second"),
        ("latency", f"p50 {waited['p50']:,.1f} ms, p99 {waited['p99']:,.1f} ms, from publishing to a committed reader"),
        ("wrong stamps", f"{summary['wrong_version']:,}"),
        ("wrong scores", f"{summary['wrong_score']:,}  {_library(summary['library'])}"),
        ("flip gap", "no worker scored then" if gap["longest"] is None else
            f"{gap['longest']:.1f} ms between two batches at most, median {gap['median']:.1f} ms; "
            f"away from the flip at most {gap['longest_elsewhere']:.1f} ms"),
    ]  # fmt: skip
    if summary["killed"]:
        rows.append(("killed", f"worker {summary['killed']}; all scored {summary['recovery_seconds']:.1f} s later"))
    rows += _monitored(summary)
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in rows)


def _monitored(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    coverage, apart = summary["coverage"], summary["metric_difference"]
    failed = sorted({month for month, found in summary["verdicts"].items() if any(_fails(one) for one in found)})
    differ = f"{apart['counts']} in counts, {apart['exact']:.1e} where exact, {apart['binned']:.1e} where binned"
    return [
        ("outcomes", f"{summary['outcomes']:,}; {coverage['never_labelled']:,} flights never get a label"),
        ("months that fail", ", ".join(failed) or "none"),
        ("mails", f"{len(summary['alarms'])}, in {summary['mails']}"),
        ("monitor's figures", f"{apart['compared']} differ from scikit-learn's by {differ}"),
        ("report", summary["report"]),
    ]


def _fails(verdict: Mapping[str, Any]) -> bool:
    return bool(verdict["verdict"] == "FAIL")


def _library(library: Mapping[str, Any]) -> str:
    other = "" if all(library["same_digest"].values()) else " (whose numbers differ on this machine)"
    difference = f"{library['largest_difference']:.1e}"
    return f"{library['rescored']:,} scored again; scikit-learn{other} differs by at most {difference}"
