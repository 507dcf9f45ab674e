"""``monitor alerts``."""

from __future__ import annotations

import time
from dataclasses import asdict

import typer

from monitor.alerts.trial import send_test
from monitor.cli.session import Session
from scorer.cli import output
from scorer.cli.output import Json

app = typer.Typer()

UNDELIVERED = 1
"""The exit code where a channel did not take the alarm."""


@app.callback()
def _group() -> None:
    """The channels that alarms go to."""


@app.command("test")
def try_channels(context: typer.Context, as_json: Json = False) -> None:
    """Send a test alarm to every channel, and show what each said.

    The exit code is 1 where one did not take it.
    """
    settings = Session.of(context).settings
    results = send_test(settings.alerts, settings.scorer.model, time.time_ns() // 1000)
    if not results:
        output.note("no channel is set: alarms go nowhere; see alerts.smtp and alerts.urls in 'monitor settings'")
    rows = [(one.label, one.error or "sent") for one in results]
    styles = [output.COLOURS["failed" if one.error else "ok"] for one in results]
    output.emit(as_json, [asdict(one) for one in results], lambda: output.table(["channel", "result"], rows, styles))
    if not results or any(one.error for one in results):
        raise typer.Exit(UNDELIVERED)
