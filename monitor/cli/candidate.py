"""``monitor candidate``."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.session import Session
from monitor.commands import Command, send
from monitor.files import Files
from monitor.judge.candidates.kept import Kept
from monitor.judge.candidates.register import Refused
from monitor.reports import gather, text
from monitor.reports.plain import plain
from monitor.store.reading import Snapshot
from scorer.cli import output
from scorer.cli.options import Actor, Reason
from scorer.cli.output import Json
from scorer.cli.session import actor
from scorer.errors import RegistryConflict, SettingsError
from scorer.registry import versions

if TYPE_CHECKING:
    from scorer.registry.instances import Json as JsonValue

app = typer.Typer()

Version = Annotated[str, typer.Argument(help="A version that was submitted.")]
Why = Annotated[str, typer.Option("--why", help="Why, for the audit.")]

_THOUSAND = 1_000


@app.callback()
def _group() -> None:
    """Versions that may become the champion."""


@app.command()
def submit(
    context: typer.Context,
    version: Annotated[str, typer.Argument(help="A version that was pushed, and whose files lie beside the others.")],
    why: Why,
    by: Actor = None,
    as_json: Json = False,
) -> None:
    """Submit a version: it is tested, back-tested, scored in the shadow, tried, and promoted if it is better.

    What is asked of it the settings say under [candidates]; docs/candidates.md has every step. The exit code is 6 where
    it is not taken; the answer says why."""
    session = Session.of(context)
    digest = versions.head(session.redis, session.keys, version).digest.hex()
    _send(session, "submit", {"version": version, "digest": digest}, why, None, by, as_json)


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """List candidates and how they stand, the last first."""
    found = list(_kept(Session.of(context)).register.of.values())[::-1]
    facts = [
        {
            "id": one.id,
            "version": one.version,
            "state": one.state,
            "since": output.when(one.since / _THOUSAND),
            "against": one.against,
            "approved": one.approved or None,
            "why": one.history[-1].why,
        }
        for one in found
    ]
    columns = ["id", "version", "state", "since", "against", "approved", "why"]
    rows = [tuple(str(one[name])[:120] if one[name] else None for name in columns) for one in facts]
    output.emit(as_json, facts, lambda: output.table(columns, rows))


@app.command()
def show(
    context: typer.Context,
    version: Annotated[str, typer.Argument(help="A candidate, a challenger, or a version that was on trial.")],
    as_json: Json = False,
) -> None:
    """Show what would be if a version were promoted: how it keeps each requirement, beside the champion.

    Of a candidate also its checks now, and all its moves. Judged on the events that it scored in the shadow or on
    trial, of which the labels are in. Read from the snapshot that the monitor publishes."""
    session = Session.of(context)
    asked = session.asked()
    kept = _kept(session)
    with Snapshot(Files.of(session.settings).snapshot) as snapshot:
        found = gather.promotions(snapshot, asked, version)
    own = [one for one in kept.register.of.values() if one.version == version]
    if not found and not own:
        raise SettingsError(
            f"nothing is known of {version}: it is neither candidate nor challenger, and was judged in no trial. Hand "
            f"it in: monitor candidate submit {version}; or only have it scored in the shadow: redis-cli SET "
            f"{session.keys.challenger} {version}"
        )
    facts = {
        "candidate": plain(own[-1]) if own else None,
        "checks": [asdict(one) for one in kept.checks.get(own[-1].id, ())] if own else [],
        "promotion": [{"conclusion": one.conclusion, "what": plain(one)} for one in found],
    }

    def shown() -> None:
        if own:
            text.show_candidate(own[-1], kept.checks.get(own[-1].id, ()))
            output.line("")
        text.show_promotions(found)

    output.emit(as_json, facts, shown)


@app.command()
def approve(context: typer.Context, version: Version, why: Why, by: Actor = None, as_json: Json = False) -> None:
    """Agree to a candidate's next step, which it takes once all its checks have passed."""
    _move(Session.of(context), "approve", version, why, by, as_json)


@app.command()
def reject(context: typer.Context, version: Version, why: Why, by: Actor = None, as_json: Json = False) -> None:
    """Reject a candidate, whatever it has reached. A champion is not one: see scorer champion rollback."""
    _move(Session.of(context), "reject", version, why, by, as_json)


@app.command()
def withdraw(context: typer.Context, version: Version, why: Why, by: Actor = None, as_json: Json = False) -> None:
    """Take a candidate back."""
    _move(Session.of(context), "withdraw", version, why, by, as_json)


@app.command("new-family")
def new_family(context: typer.Context, reason: Reason, by: Actor = None, as_json: Json = False) -> None:
    """Begin a new family of candidates, which may spend candidates.alpha once more.

    All candidates of a family share one chance of a false promotion; each gets less than the one before. A new family
    is worth it where the world, the model or the question has changed."""
    session = Session.of(context)
    present = f"family {_kept(session).register.family}"
    _send(session, "family", {}, reason, present, by, as_json)


def _move(session: Session, kind: str, version: str, why: str, by: str | None, as_json: bool) -> None:
    register = _kept(session).register
    try:
        register.named(version)
    except Refused as error:
        raise SettingsError(str(error)) from None
    _send(session, kind, {"version": version}, why, register.standing(version), by, as_json)


def _send(
    session: Session, kind: str, payload: dict[str, JsonValue], why: str, expected: str | None, by: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    command = Command(secrets.token_hex(8), f"candidate {kind}", by or actor(), why, expected, payload)
    with session.redis as client:
        answer = send(client, session.keys, command)
    if not answer.done:
        raise RegistryConflict(answer.text)
    output.emit(as_json, asdict(answer), lambda: output.line(answer.text))


def _kept(session: Session) -> Kept:
    with Snapshot(Files.of(session.settings).snapshot) as snapshot:
        return Kept.read(snapshot.kept)
