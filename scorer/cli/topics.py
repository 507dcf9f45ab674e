"""``scorer topics``: create, show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from scorer.cli import output
from scorer.cli.output import Json
from scorer.cli.session import Session
from scorer.errors import StreamBroken
from scorer.settings import Settings
from scorer.stream import topics
from scorer.stream.asking import asking
from scorer.stream.topics import TopicFacts

app = typer.Typer()


@app.command()
def create(
    context: typer.Context,
    partitions: Annotated[
        int, typer.Option(min=-1, max=100_000, help="Partitions of each topic; -1: what the broker makes by default.")
    ] = -1,
    replication: Annotated[
        int, typer.Option(min=-1, max=100, help="Copies of each partition; -1: what the broker makes by default.")
    ] = -1,
    as_json: Json = False,
) -> None:
    """Make the topics that are missing, so that they keep everything.

    Of verdicts, the last on each subject is kept.
    Those that exist stay as they are. Exit code 7 where one could not be made.
    """
    settings = Session.of(context).settings
    with asking("make the topics"):
        made = topics.create(settings, partitions or -1, replication or -1)
        found = _facts(settings) if any(state == "exists" for state in made.values()) else {}
    roles = _roles(settings)
    lost = {name: topics.loses(settings, one) for name, one in found.items() if made.get(name) == "exists"}
    differs = {name: f"it deletes {what}" for name, what in lost.items() if what}
    facts = {name: {"role": roles[name], "state": state, "differs": differs.get(name)} for name, state in made.items()}
    rows = [(roles[name], name, state, differs.get(name)) for name, state in made.items()]
    styles = ["red" if state.startswith("failed") else "" for state in made.values()]
    output.emit(as_json, facts, lambda: output.table(("for", "topic", "state", "but"), rows, styles))
    failed = [f"{name}: {state.removeprefix('failed: ')}" for name, state in made.items() if state.startswith("failed")]
    if failed:
        raise StreamBroken(f"not all topics could be made: {'; '.join(failed)}")


@app.command()
def show(context: typer.Context, as_json: Json = False) -> None:
    """Show all topics: partitions, copies, what they keep and take."""
    settings = Session.of(context).settings
    with asking("ask about the topics"):
        found = _facts(settings)
    roles = _roles(settings)
    facts = {name: {"role": role, **_plain(found.get(name))} for name, role in roles.items()}
    rows = [(role, name, *_cells(settings, found.get(name))) for name, role in roles.items()]
    columns = ("for", "topic", "partitions", "copies", "keeps", "largest record")
    output.emit(as_json, facts, lambda: output.table(columns, rows))
    if len(found) < len(roles) and not as_json:
        output.note("make what is missing: scorer topics create")


def _facts(settings: Settings) -> Mapping[str, TopicFacts]:
    return topics.describe(topics.admin(settings), topics.wanted(settings))


def _roles(settings: Settings) -> dict[str, str]:
    """What each topic is for."""
    return {name: role for role, name in settings.topics.model_dump().items()}


def _cells(settings: Settings, facts: TopicFacts | None) -> tuple[object, ...]:
    if facts is None:
        return "missing", None, None, None
    lost = topics.loses(settings, facts)
    kept = "the last of each key" if facts.deletes else "all" if facts.retention_ms is not None else "unknown"
    keeps = f"not: {lost}" if lost else kept
    return facts.partitions, facts.replicas, keeps, f"{facts.max_bytes:,} bytes"


def _plain(facts: TopicFacts | None) -> dict[str, object]:
    if facts is None:
        return {"exists": False}
    return {
        "exists": True,
        "partitions": facts.partitions,
        "replicas": facts.replicas,
        "retention_ms": facts.retention_ms,
        "retention_bytes": facts.retention_bytes,
        "cleanup_policy": facts.cleanup,
        "max_message_bytes": facts.max_bytes,
    }
