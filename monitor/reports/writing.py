"""Reports as files: put there whole, and those that are due without anybody asking."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from monitor.reports import gather
from monitor.reports.document import Report, report
from monitor.reports.gather import Asked
from monitor.reports.page import html
from monitor.reports.periods import Period, Span, due, parse
from monitor.reports.plain import plain
from monitor.reports.status import Status, problems
from monitor.rounds import Rounds
from monitor.rows import DAY
from monitor.settings import Monitor
from monitor.store.reading import Snapshot

SECONDS = 60.0
"""How often it is looked whether a report is due."""


def as_json(facts: Report | Status) -> str:
    """A report or a status as one JSON document, without NaN. Of a status, ``problems`` says what is wrong with the
    monitor itself."""
    found = plain(facts)
    if isinstance(facts, Status) and isinstance(found, dict):
        found["problems"] = list(problems(facts))
    return json.dumps(found, ensure_ascii=False, indent=2, allow_nan=False)


def put(file: Path, text: str) -> None:
    """Write a file that is there whole or not at all. Raises OSError."""
    new = file.with_name(f".{file.name}.new")
    new.write_text(text, "utf-8")
    new.replace(file)


def made(snapshot: Snapshot, asked: Asked, span: Span) -> Report:
    """The report of a period. Raises SnapshotMissing and StateRefused."""
    return report(gather.material(snapshot, asked, span))


def write_due(
    snapshot: Snapshot, asked: Asked, periods: Iterable[Period], directory: Path, keep_days: float
) -> list[Path]:
    """Write the reports that are due and not in ``directory`` yet, as HTML and JSON; returns the HTML files. Those of
    periods that ended ``keep_days`` before the last cohort that has closed are removed.

    Named MODEL-day-2013-06-03.html and so on; HTML comes last, so what has one is whole. Periods without predictions
    have no report. Raises OSError.
    """
    until = gather.closed(snapshot)
    if until is None or snapshot.outputs is None:
        return []
    written = []
    for period in periods:
        for span in due(period, _last(directory, asked.model, period), until):
            if not snapshot.coverage(span.begin, span.end):
                continue
            directory.mkdir(parents=True, exist_ok=True)
            found = made(snapshot, asked, span)
            file = directory / f"{asked.model}-{period}-{span.key}.html"
            put(file.with_suffix(".json"), as_json(found))
            put(file, html(found))
            written.append(file)
        for span in _spans(directory, asked.model, period):
            if span.end < until - keep_days * DAY:
                for kind in (".html", ".json"):
                    (directory / f"{asked.model}-{period}-{span.key}{kind}").unlink(missing_ok=True)
    return written


class Nightly:
    """Writes reports when they are due, from the published snapshot, in a thread of its own. A context manager.

    ``told`` gets each file that was written.
    """

    def __init__(
        self, snapshot: Path, asked: Asked, scheduled: Monitor, directory: Path, told: Callable[[Path], None]
    ) -> None:
        self._path, self._asked, self._directory = snapshot, asked, directory
        self._periods, self._keep_days = scheduled.scheduled_reports, scheduled.reports_days
        self._told = told
        self._rounds = Rounds("reports", self._round)

    def __enter__(self) -> Self:
        self._rounds.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._rounds.stop()

    def check(self) -> None:
        """Raise whatever ended the thread."""
        if self._rounds.failure is not None:
            raise self._rounds.failure

    def _round(self) -> float:
        if self._periods and self._path.is_file():
            with Snapshot(self._path) as snapshot:
                for file in write_due(snapshot, self._asked, self._periods, self._directory, self._keep_days):
                    self._told(file)
        return SECONDS


def _last(directory: Path, model: str, period: Period) -> Span | None:
    """The latest period that has a report."""
    return max(_spans(directory, model, period), default=None)


def _spans(directory: Path, model: str, period: Period) -> list[Span]:
    """The periods that have a report."""
    begin = f"{model}-{period}-"
    keys = [file.stem.removeprefix(begin) for file in directory.glob("*.html") if file.stem.startswith(begin)]
    return [parse(period, key) for key in keys if key[:1].isdigit()]
