"""``monitor requirements``."""

from __future__ import annotations

import difflib
import secrets
from dataclasses import asdict
from typing import Annotated

import typer

from monitor.cli.session import Session
from monitor.commands import Command, send
from monitor.files import Files
from monitor.judge.floors import KEPT, Floors, words
from monitor.judge.proposal import proposed
from monitor.judge.verdicts import identity
from monitor.store.reading import Snapshot
from scorer.cli import output
from scorer.cli.options import Actor
from scorer.cli.output import Json
from scorer.cli.session import actor
from scorer.errors import RegistryConflict, SettingsError
from scorer.quality.written import to_toml

app = typer.Typer()

_THOUSAND = 1_000

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name, or the number, that 'show' tells.")]


@app.callback()
def _group() -> None:
    """What is required of the model: it only tightens, unless a person loosens it."""


@app.command()
def show(
    context: typer.Context,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show what would have to change in the file for it to say what is in force.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what is in force, and what the file asks for.

    In force is the strictest that ever was: what the file asks for less than, or no more, stays until a person says
    'monitor requirements loosen'. Read from the snapshot that the monitor publishes.
    """
    session = Session.of(context)
    floors, written = _floors(session), {identity(one): one for one in session.requirements}
    if diff:
        _show_diff(session, floors)
        return
    facts = [
        {
            "number": number,
            "requirement": name,
            "in_force": one.said,
            "written": words(written[name]) if name in written else None,
            "revision": one.revision,
            "since": output.when(one.time / _THOUSAND),
            "actor": one.actor,
            "why": one.why,
        }
        for number, (name, one) in enumerate(floors.of.items(), 1)
    ]
    columns = ["number", "requirement", "in_force", "written", "since", "actor", "why"]
    heads = ["no", "requirement", "in force", "in the file", "since", "by", "why"]
    rows = [tuple(one[column] for column in columns) for one in facts]
    output.emit(as_json, facts, lambda: output.table(heads, rows))


@app.command()
def history(context: typer.Context, as_json: Json = False) -> None:
    """Show how what is in force came to be, the last change first."""
    changes = list(reversed(_floors(Session.of(context)).history))
    heads = ["when", "requirement", "before", "after", "by", "why"]
    rows = [
        (output.when(one.time / _THOUSAND), one.requirement, one.before or None, one.after, one.actor, one.why)
        for one in changes
    ]
    output.emit(as_json, [asdict(one) for one in changes], lambda: output.table(heads, rows))


@app.command()
def loosen(
    context: typer.Context,
    name: Name,
    why: Annotated[str, typer.Option(help="Why, for the audit.")],
    by: Actor = None,
    as_json: Json = False,
) -> None:
    """Let a requirement be no stricter than the file says; one that the file does not have is dropped.

    Change the file first. The running monitor does it at once, and writes who has done it, and why, into the audit. The
    exit code is 6 where it is not possible; the answer says why.
    """
    session = Session.of(context)
    floors = _floors(session)
    wanted = _named(floors, name)
    to = next((one for one in session.requirements if identity(one) == wanted), None)
    why_not = floors.objection(wanted, to)
    if why_not:
        raise RegistryConflict(why_not)
    payload = {"requirement": wanted, "toml": None if to is None else to_toml([to], "").strip()}
    expected = str(floors.of[wanted].revision)
    command = Command(secrets.token_hex(8), "loosen", by or actor(), why, expected, payload)
    with session.redis as client:
        answer = send(client, session.keys, command)
    if not answer.done:
        raise RegistryConflict(answer.text)
    output.emit(as_json, asdict(answer), lambda: output.line(answer.text))


def _floors(session: Session) -> Floors:
    file = Files.of(session.settings).snapshot
    with Snapshot(file) as snapshot:
        kept = snapshot.kept(KEPT)
    if kept is None:
        raise SettingsError(f"{file} was written by a monitor that did not know what is in force: start monitor run")
    return Floors.of_json(kept)


def _named(floors: Floors, name: str) -> str:
    names = list(floors.of)
    if name.isascii() and name.isdigit():
        if not 1 <= int(name) <= len(names):
            raise SettingsError(f"there is no requirement number {name}: monitor requirements show lists {len(names)}")
        return names[int(name) - 1]
    return name


def _show_diff(session: Session, floors: Floors) -> None:
    file = session.settings.monitor.requirements
    text = file.read_text("utf-8")
    wanted = proposed(text, str(file), floors.whole().in_force)
    lines = difflib.unified_diff(
        text.splitlines(), wanted.splitlines(), f"a/{file.name}", f"b/{file.name}", lineterm=""
    )
    for line in lines:
        output.line(line)
