"""``monitor outcomes``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.session import Session
from monitor.judge.outputs import ROLES
from monitor.outcomes.columns import day_of, directory, file_of
from monitor.outcomes.export import Exported, Wanted
from monitor.outcomes.export import export as exported
from scorer.cli import output
from scorer.cli.output import Json
from scorer.errors import SettingsError

COUNTED = ROLES[:2]
"""The roles that export takes where none is named: each event has one prediction of these."""

app = typer.Typer()


@app.callback()
def _group() -> None:
    """Predictions with their labels."""


@app.command()
def export(
    context: typer.Context,
    first: Annotated[str, typer.Option("--from", help="The first day of events, as in 2026-03-01 (UTC).")],
    last: Annotated[str, typer.Option("--to", help="The last day of events, included.")],
    out: Annotated[Path, typer.Option(help="The parquet file to write.")],
    role: Annotated[
        list[str] | None, typer.Option(help="Only predictions of this role: champion, trial, challenger; repeatable.")
    ] = None,
    version: Annotated[str | None, typer.Option(help="Only predictions of this version.")] = None,
    no_events: Annotated[
        bool, typer.Option("--no-events", help="Without the fields of the events: Kafka is not asked.")
    ] = False,
    with_sensitive: Annotated[
        bool, typer.Option("--with-sensitive", help="With the fields that scorer.sensitive names.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write events with their labels, predictions and versions as one parquet file, to train on.

    Each row is a prediction whose cohort has closed and which has a label. The monitor writes such outcomes day by day
    (monitor.outcomes_days); the fields come from Kafka, as long as it holds the events. Where no role is named, rows
    are of champion and trial: one for each event.
    """
    settings = Session.of(context).settings
    wanted = Wanted(
        _day(first, "--from"), _day(last, "--to"), _roles(role), version, not no_events, with_sensitive
    )  # fmt: skip
    if wanted.last < wanted.first:
        raise SettingsError(f"--from {first} lies behind --to {last}")
    monitor = settings.monitor
    found = exported(settings, directory(monitor.state_directory), monitor.memory, wanted, out)
    days = {"days": _names(found.days), "without": _names(found.without)}
    output.emit(as_json, {"out": str(out), **asdict(found), **days}, lambda: _tell(found, out))


def _tell(found: Exported, out: Path) -> None:
    output.line(f"{output.count(found.rows, 'outcome')} of {output.count(len(found.days), 'day')} written to {out}")
    if found.gone:
        output.line(f"{output.count(found.gone, 'row')} without fields: Kafka has deleted the events", "yellow")
    if found.unreadable:
        text = "the events bear a schema that schemas.events does not name"
        output.line(f"{output.count(found.unreadable, 'row')} without fields: {text}", "yellow")
    if found.without:
        output.line(f"without outcomes: {_spans(found.without)}", "yellow")
    for name, written in found.renamed.items():
        output.line(f"the field {name} is the column {written}, because {name} is another", "yellow")
    if found.left_out:
        output.line(f"left out, because sensitive (--with-sensitive): {', '.join(found.left_out)}", "yellow")


def _roles(roles: Sequence[str] | None) -> tuple[str, ...]:
    unknown = set(roles or ()) - set(ROLES)
    if unknown:
        raise SettingsError(f"--role {', '.join(sorted(unknown))}: there are {', '.join(ROLES)}")
    return tuple(roles or COUNTED)


def _day(text: str, option: str) -> int:
    try:
        return day_of(date.fromisoformat(text))
    except ValueError:
        raise SettingsError(f"{option} {text!r} is no day: write it as in 2026-03-01") from None


def _names(days: Sequence[int]) -> list[str]:
    return [file_of(Path(), day).stem for day in days]


def _spans(days: Sequence[int]) -> str:
    """Days in words, neighbours as one span."""
    spans: list[list[int]] = []
    for day in days:
        if spans and spans[-1][-1] == day - 1:
            spans[-1].append(day)
        else:
            spans.append([day])
    return ", ".join(" to ".join(_names(sorted({span[0], span[-1]}))) for span in spans)
