"""``scorer trial``: start, stop, show."""

from __future__ import annotations

import json
import time
from typing import Annotated

import typer

from scorer import schema_files
from scorer.batch import Kind
from scorer.cli import applying, output
from scorer.cli.options import WAIT_SECONDS, Actor, Reason, Wait, duration
from scorer.cli.output import Json
from scorer.cli.session import Session, actor
from scorer.errors import SettingsError
from scorer.registry import pointers, versions
from scorer.registry.pointers import Refused
from scorer.registry.trial import Trial
from scorer.wire import plan

app = typer.Typer()


@app.command()
def start(
    context: typer.Context,
    version: Annotated[str, typer.Argument(help="The version that is to score a share of the live events.")],
    for_: Annotated[str, typer.Option("--for", help="How long, as in 2h or 1d12h; then the trial is over by itself.")],
    percent: Annotated[float | None, typer.Option(help="The share of the events, above 0 to 100.")] = None,
    by: Annotated[
        str | None,
        typer.Option(
            help="With --percent: events with the same value of this field go the same way. Default: the key."
        ),
    ] = None,
    field: Annotated[str | None, typer.Option(help="With --values: the events whose field has one of them.")] = None,
    values: Annotated[str | None, typer.Option(help="With --field: values, comma-separated.")] = None,
    name: Annotated[
        str | None, typer.Option("--id", help="The trial's name; it decides who takes part. Default: the version.")
    ] = None,
    reason: Reason = "",
    actor_: Actor = None,
    wait: Wait = WAIT_SECONDS,
    as_json: Json = False,
) -> None:
    """Let a version score a share of the live events for a time.

    The share is a percentage, or the events whose field has certain values. Starting a trial again under its id
    renews or changes it. Exit code 6 where another trial is on or the version is
    not in Redis, 4 where a running scorer refuses it.
    """
    session = Session.of(context)
    now = time.time()
    trial = Trial(
        id=name or version,
        version=version,
        until=round(now + duration(for_, "--for"), 3),
        percent=percent,
        field=field,
        values=_values(session, field, values),
        by=by,
    )
    _require_field(session, by)
    entry = pointers.start_trial(session.redis, session.keys, trial, actor=actor_ or actor(), reason=reason, now=now)
    digest = versions.head(session.redis, session.keys, version).digest.hex()
    until = output.when(trial.until * 1e3)
    if not as_json:
        output.line(f"trial {trial.id}: {version} ({digest[:8]}) scores {_share(trial)} until {until}")
    found = applying.wait(session, "trial", trial.to_json(), digest, wait)
    facts = {"model": session.keys.model, "trial": json.loads(trial.to_json()), "digest": digest, "command": entry.id}
    output.emit(as_json, facts | found.facts, lambda: applying.tell(found, f"trial {trial.id}"))
    applying.end(found, f"trial {trial.id}")


@app.command()
def stop(
    context: typer.Context,
    reason: Reason = "",
    actor_: Actor = None,
    wait: Wait = WAIT_SECONDS,
    as_json: Json = False,
) -> None:
    """End the trial: the champion scores everything again.

    Exit code 6 where there is none.
    """
    session = Session.of(context)
    entry = pointers.stop_trial(session.redis, session.keys, actor=actor_ or actor(), reason=reason)
    if not as_json:
        output.line("the trial is stopped")
    found = applying.wait(session, "trial", None, None, wait)
    facts = {"model": session.keys.model, "trial": None, "stopped": entry.old, "command": entry.id}
    output.emit(as_json, facts | found.facts, lambda: applying.tell(found, "the end of the trial"))


@app.command()
def show(context: typer.Context, as_json: Json = False) -> None:
    """Show the trial, and which running scorers have applied it."""
    session = Session.of(context)
    said = pointers.read(session.redis, session.keys)
    text, trial = said.texts["trial"], said.trial
    found = applying.wait(session, "trial", text, None, 0.0)
    live = isinstance(trial, Trial) and trial.live(time.time())
    facts: dict[str, object] = {
        "model": session.keys.model,
        "trial": json.loads(trial.to_json()) if isinstance(trial, Trial) else text,
        "live": live,
        "problem": trial.reason if isinstance(trial, Refused) else None,
        **found.facts,
    }

    def tell() -> None:
        if isinstance(trial, Trial):
            state = "is on" if live else "is over"
            until = output.when(trial.until * 1e3)
            output.line(f"trial {trial.id} {state}: {trial.version} scores {_share(trial)} until {until}")
            if live:
                applying.tell(found, f"trial {trial.id}")
        else:
            output.line("no trial is on" if trial is None else f"the trial makes no sense: {trial.reason}")

    output.emit(as_json, facts, tell)


def _share(trial: Trial) -> str:
    if trial.percent is not None:
        return f"{trial.percent:g} % of the events, chosen by {trial.by or 'their keys'},"
    return f"the events whose {trial.field} is {' or '.join(map(str, trial.values))}"


def _values(session: Session, field: str | None, values: str | None) -> tuple[str | int, ...]:
    """The values, as numbers where the field holds integers."""
    if (field is None) != (values is None):
        raise SettingsError("--field and --values go together")
    if field is None or values is None:
        return ()
    texts = [text.strip() for text in values.split(",") if text.strip()]
    if _require_field(session, field) is not Kind.INTEGER:
        return tuple(texts)
    try:
        return tuple(int(text) for text in texts)
    except ValueError:
        raise SettingsError(f"--values: field {field!r} holds whole numbers, so the values must be such") from None


def _require_field(session: Session, name: str | None) -> Kind | None:
    """What the events' field holds. SettingsError where they have none of that name."""
    if name is None:
        return None
    layout = plan.build(schema_files.events(session.settings.schemas)).layout
    if name not in layout:
        raise SettingsError(f"the events have no field {name!r}; they have {', '.join(one.name for one in layout)}")
    return layout[name].kind
