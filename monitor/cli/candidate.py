"""``monitor candidate``."""

from __future__ import annotations

from typing import Annotated

import typer

from monitor.cli.session import Session
from monitor.files import Files
from monitor.reports import gather, text
from monitor.reports.plain import plain
from monitor.store.reading import Snapshot
from scorer.cli import output
from scorer.cli.output import Json
from scorer.errors import SettingsError

app = typer.Typer()


@app.callback()
def _group() -> None:
    """Versions that may become the champion."""


@app.command()
def show(
    context: typer.Context,
    version: Annotated[str, typer.Argument(help="A challenger, or a version that was on trial.")],
    as_json: Json = False,
) -> None:
    """Show what would be if a version were promoted: how it keeps each requirement, beside the champion.

    Judged on the events that it scored in the shadow or on trial, of which the labels are in. Read from the snapshot
    that the monitor publishes."""
    session = Session.of(context)
    asked = session.asked()
    with Snapshot(Files.of(session.settings).snapshot) as snapshot:
        found = gather.promotions(snapshot, asked, version)
    if not found:
        raise SettingsError(
            f"nothing is known of {version}: it is no challenger, and was judged in no trial. Have it scored in the "
            f"shadow: redis-cli SET {session.keys.challenger} {version}"
        )
    facts = [{"conclusion": one.conclusion, "what": plain(one)} for one in found]
    output.emit(as_json, facts, lambda: text.show_promotions(found))
