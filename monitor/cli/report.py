"""``monitor report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from monitor.cli.session import Session
from monitor.files import Files
from monitor.reports import gather, text, writing
from monitor.reports.page import html
from monitor.reports.periods import parse
from monitor.store.reading import Snapshot
from scorer.cli import output
from scorer.cli.output import Json
from scorer.errors import SettingsError


def command(
    context: typer.Context,
    period: Annotated[Literal["day", "week", "month"], typer.Option(help="How long a time it is about.")],
    of: Annotated[
        str | None,
        typer.Option(
            metavar="DATE",
            help="A day in it, as in 2026-03-01, or 2026-03 for a month. Default: the latest whose labels are all in.",
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--html", help="Write it as one HTML file that needs nothing else.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a report: verdicts, trends, calibration, drift, worst segments, label delay, versions, cases to add.

    Times are event times in UTC; days, weeks from Monday and months as the requirements have them. Read from the
    snapshot that the monitor publishes. The monitor writes such reports by itself (monitor.scheduled_reports).
    """
    session = Session.of(context)
    asked = session.asked()
    with Snapshot(Files.of(session.settings).snapshot) as snapshot:
        span = gather.chosen(snapshot, period) if of is None else parse(period, of)
        found = writing.made(snapshot, asked, span)
    if file is not None:
        if file.is_dir() or not file.parent.is_dir():
            raise SettingsError(f"--html {file}: name a file in a directory that is there")
        writing.put(file, html(found))
    if as_json:
        typer.echo(writing.as_json(found))
    elif file is None:
        text.show_report(found)
    else:
        output.line(f"the report of {found.name} is written to {file}")
