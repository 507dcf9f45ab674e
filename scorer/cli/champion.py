"""``scorer champion``: show, set, roll back."""

from __future__ import annotations

from typing import Annotated

import typer

from scorer.cli import applied, applying, output
from scorer.cli.applied import Applied
from scorer.cli.options import WAIT_SECONDS, Actor, Reason, Wait
from scorer.cli.output import Json
from scorer.cli.session import Session, actor
from scorer.errors import RegistryConflict, VersionRefused
from scorer.registry import audit, pointers, versions
from scorer.registry.audit import Entry
from scorer.registry.pointers import Refused

app = typer.Typer()


@app.command()
def show(context: typer.Context, as_json: Json = False) -> None:
    """Show the champion, who set it, which scorers have applied it."""
    session = Session.of(context)
    said = pointers.read(session.redis, session.keys)
    name, problem = said.texts["champion"], None
    digest = None
    if isinstance(said.champion, Refused):
        problem = said.champion.reason
    elif said.champion is not None:
        digest, problem = _digest(session, said.champion)
    setting = _setting(session, name)
    found = applying.wait(session, "champion", name, digest, 0.0)
    facts = {
        "model": session.keys.model,
        "champion": name,
        "digest": digest,
        "problem": problem,
        "set_by": None if setting is None else setting.actor,
        "set_at": None if setting is None else output.when(setting.at * 1e3),
        "reason": None if setting is None else setting.reason,
        **found.facts,
    }

    def text() -> None:
        if name is None:
            output.line(f"no champion is set: scorer models push coefficients/{session.keys.model}/V; "
                        "scorer champion set V", "yellow")  # fmt: skip
            return
        by = (
            "by a bare SET, as far as the audit in Redis reaches"
            if setting is None
            else f"by {setting.actor} at {facts['set_at']}"
        )
        output.pairs({
            "champion": name, "digest": digest, "set": by, "reason": facts["reason"], "problem": problem,
        })  # fmt: skip
        applying.tell(found, name)

    output.emit(as_json, facts, text)


@app.command("set")
def set_(
    context: typer.Context,
    version: Annotated[str, typer.Argument(help="The version whose predictions are to count.")],
    expect: Annotated[
        str | None, typer.Option(help="Only if this version is the champion now; '' means: only if none is.")
    ] = None,
    reason: Reason = "",
    by: Actor = None,
    wait: Wait = WAIT_SECONDS,
    as_json: Json = False,
) -> None:
    """Let the predictions of a version in Redis count from now on.

    Exit code 6 where the champion is not the expected one or the version is not there, 4 where a running scorer refuses
    the version: then that one goes on with the version before.
    """
    session = Session.of(context)
    entry = pointers.set_champion(
        session.redis, session.keys, version, actor=by or actor(), reason=reason, expect=expect
    )
    _follow(session, entry, wait, as_json, None)


@app.command()
def rollback(
    context: typer.Context,
    reason: Reason = "",
    by: Actor = None,
    wait: Wait = WAIT_SECONDS,
    as_json: Json = False,
) -> None:
    """Go back to the champion that was applied before the present one.

    Which one that was is read from the audit topic in Kafka, where the scorers write what they apply: so it is right
    after a bare SET in Redis, and after Redis has lost everything. A second rollback goes forward again.
    """
    session = Session.of(context)
    now = pointers.read(session.redis, session.keys).texts["champion"]
    before = applied.before(session.settings, now)
    _require(session, before)
    entry = pointers.set_champion(
        session.redis,
        session.keys,
        before.version,
        actor=by or actor(),
        reason=reason or f"rollback from {now or 'an absent champion'}",
        expect=now or "",
    )
    _follow(session, entry, wait, as_json, before)


def _follow(session: Session, entry: Entry, seconds: float, as_json: bool, before: Applied | None) -> None:
    """Say what was changed, wait for the running scorers, and say how far they are."""
    version = str(entry.new)
    digest = versions.head(session.redis, session.keys, version).digest.hex()
    if not as_json:
        output.line(f"the champion of {session.keys.model} is {version} ({digest[:8]}), it was {entry.old or 'absent'}")
        if before is not None:
            output.line(f"it was applied before by {before.instance} at {output.when(before.at * 1e3)}")
    found = applying.wait(session, "champion", version, digest, seconds)
    facts = {
        "model": session.keys.model,
        "champion": version,
        "digest": digest,
        "before": entry.old,
        "command": entry.id,
        "actor": entry.actor,
        "reason": entry.reason,
        **found.facts,
    }
    output.emit(as_json, facts, lambda: applying.tell(found, version))
    applying.end(found, version)


def _require(session: Session, before: Applied) -> None:
    """The bytes of the version must be in Redis, and must be those that were applied then."""
    model, version = session.keys.model, before.version
    try:
        head = versions.head(session.redis, session.keys, version)
    except VersionRefused as error:
        raise RegistryConflict(
            f"before, {before.instance} had applied version {version} ({before.digest[:8]}), which is no longer in "
            f"Redis. Push it, then roll back: scorer models push coefficients/{model}/{version}"
        ) from error
    if head.digest.hex() != before.digest:
        raise RegistryConflict(
            f"version {version} in Redis is not the one that was applied before: its digest is "
            f"{head.digest.hex()[:8]}, that one's was {before.digest[:8]}. Delete it, push the right one, then roll "
            "back; or choose one yourself: scorer champion set V"
        )


def _digest(session: Session, version: str) -> tuple[str | None, str | None]:
    """The digest of a version in Redis, or why it has none."""
    try:
        return versions.head(session.redis, session.keys, version).digest.hex(), None
    except VersionRefused as error:
        return None, str(error)


def _setting(session: Session, text: str | None) -> Entry | None:
    """The command that set the champion; ``None`` where none did, or longer ago than the audit in Redis reaches."""
    entries = audit.newest_first(session.redis, session.keys)
    last = next((entry for entry in entries if entry.pointer == "champion"), None)
    return last if last is not None and last.new == text else None
