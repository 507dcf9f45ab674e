"""``monitor settings``."""

from __future__ import annotations

import typer

from monitor.cli.session import Session
from monitor.settings import OWN, MonitorSettings
from scorer.cli.output import Json
from scorer.cli.settings import Markdown, Values, show
from scorer.settings import describe


def command(context: typer.Context, values: Values = False, markdown: Markdown = False, as_json: Json = False) -> None:
    """List the settings that the monitor adds to the scorer's; 'scorer settings' lists those."""
    own = [row for row in describe(MonitorSettings) if row[0].partition(".")[0] in OWN]
    show(own, Session.of(context).settings if values else None, markdown=markdown, as_json=as_json)
