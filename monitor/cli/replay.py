"""``monitor replay``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from monitor.cli.session import Session
from monitor.files import Files
from monitor.replay import Replayed, replay
from monitor.settings import MonitorSettings
from scorer.cli import output
from scorer.cli.output import Json
from scorer.observe import logs


def command(
    context: typer.Context,
    to: Annotated[Path, typer.Option(help="The directory for the new state; empty, or not there yet.")],
    source: Annotated[
        Path | None,
        typer.Option("--from", help="The state file with the ticks. Default: that of monitor.state_directory."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Build the state anew from the topics, with the ticks that the old one recorded.

    With the same settings and requirements every statistic comes to the same bits; with others it is as if they had
    always been so, but that no requirement is looser than the one in force. Nothing is sent: no verdict, no alarm. The
    monitor must not run meanwhile. Put the new directory in the place of the old one, and the monitor goes on there.
    """
    session = Session.of(context)
    settings = session.settings
    logs.configure(settings.scorer.log, settings.scorer.log_level, settings.monitor.group)
    with _progress() as progress:
        done = replay(settings, session.requirements, source or Files.of(settings).state, to, progress)
    facts = {
        "to": str(to),
        "ticks": done.ticks,
        "records": done.records,
        "time": output.when(done.time / 1e3),
        "missing": _missing(settings, done),
        "whole_from": None if done.whole_from is None else output.when(done.whole_from / 1e3),
    }
    output.emit(as_json, facts, lambda: _tell(settings, done, to))


def _tell(settings: MonitorSettings, done: Replayed, to: Path) -> None:
    until = output.when(done.time / 1e3)
    output.line(f"{to}: {output.count(done.records, 'record')} in {output.count(done.ticks, 'tick')}, up to {until}")
    for partition, offset in _missing(settings, done).items():
        output.line(f"{partition} holds nothing before offset {offset:,}: it is deleted, or was never read", "yellow")
    if done.whole_from is not None:
        begin = output.when(done.whole_from / 1e3)
        output.line(f"nothing is missing of what was read after {begin}; what is older is not whole", "yellow")


def _missing(settings: MonitorSettings, done: Replayed) -> dict[str, int]:
    names = settings.topics.model_dump()
    return {f"{names[topic]}-{number}": offset for (topic, number), offset in sorted(done.missing.items())}


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A moving bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    shown = (TextColumn("ticks"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*shown, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
