"""``monitor incidents``."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from typing import Annotated

import typer

from monitor.cli.session import Session
from monitor.commands import Command, send
from monitor.files import Files
from monitor.judge.incident import Incident
from monitor.judge.incidents import KEPT, Incidents
from monitor.store.reading import Snapshot
from scorer.cli import output
from scorer.cli.options import Actor, Reason
from scorer.cli.output import Json
from scorer.cli.session import actor
from scorer.errors import RegistryConflict

app = typer.Typer()

_THOUSAND = 1_000


@app.callback()
def _group() -> None:
    """What is amiss, and what was."""


@app.command("list")
def listing(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Show also those that are over.")] = False,
    as_json: Json = False,
) -> None:
    """List the incidents that are open, the gravest first."""
    settings = Session.of(context).settings
    with Snapshot(Files.of(settings).snapshot) as snapshot:
        kept = snapshot.kept(KEPT)
    incidents = Incidents(settings.scorer.model) if kept is None else Incidents.of_json(kept)
    found = [*incidents.open.values(), *(reversed(incidents.ended) if everything else ())]
    columns = ["id", "severity", "since", "told", "state", "what"]
    rows = [
        (one.id, one.severity, output.when(one.opened / _THOUSAND), one.letters, _state(one), one.headline)
        for one in found
    ]
    output.emit(as_json, [asdict(one) for one in found], lambda: output.table(columns, rows))


@app.command()
def acknowledge(
    context: typer.Context,
    incident: Annotated[str, typer.Argument(help="The id that the mail and 'monitor incidents list' tell.")],
    reason: Reason,
    by: Actor = None,
    as_json: Json = False,
) -> None:
    """Let nobody be reminded of an incident: somebody has seen to it.

    The exit code is 6 where that is not possible now; the answer says why.
    """
    session = Session.of(context)
    command = Command(secrets.token_hex(8), "acknowledge", by or actor(), reason, payload={"incident": incident})
    with session.redis as client:
        answer = send(client, session.keys, command)
    if not answer.done:
        raise RegistryConflict(answer.text)
    output.emit(as_json, asdict(answer), lambda: output.line(answer.text))


def _state(one: Incident) -> str:
    if one.resolved is not None:
        return "resolved"
    return "open" if one.acknowledged is None else f"seen to by {one.acknowledged}"
