"""``monitor status``."""

from __future__ import annotations

import time

import typer

from monitor.cli.session import Session
from monitor.files import Files
from monitor.reports import gather, text, writing
from monitor.store.reading import Snapshot
from scorer.cli.output import Json


def command(context: typer.Context, as_json: Json = False) -> None:
    """Show verdicts, incidents, coverage, label delay and lag, as of a second ago.

    Read from the snapshot that the monitor publishes each second, whether it runs or not: how old it is is said.
    Exit code 20 where there is none yet.
    """
    session = Session.of(context)
    asked = session.asked()
    with Snapshot(Files.of(session.settings).snapshot) as snapshot:
        found = gather.now(snapshot, asked, time.time_ns() // 1000)
    if as_json:
        typer.echo(writing.as_json(found))
    else:
        text.show_status(found)
