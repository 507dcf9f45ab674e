"""``scorer predictions``."""

from __future__ import annotations

import re
import time
from dataclasses import asdict
from itertools import islice
from typing import Annotated

import typer

from scorer.cli import output
from scorer.cli.options import moment
from scorer.cli.output import Json
from scorer.cli.session import Session
from scorer.errors import SettingsError

app = typer.Typer()

FLAGS = ("imputed", "clipped", "unseen category", "missing", "outside")
"""What the bits of ``flags`` say, from the lowest."""

_THOUSAND = 1_000
_PLACE = re.compile(r".+([-/])[0-9]{1,10}\1[0-9]{1,18}")


@app.callback()
def _group() -> None:
    """What became of an event, and which version scored it."""


@app.command()
def show(
    context: typer.Context,
    event: Annotated[str, typer.Argument(help="The event's id, or where it is: TOPIC-PARTITION-OFFSET.")],
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many: an id may come again.")] = 1,
    since: Annotated[
        str, typer.Option(help="Look at those written since then: how long ago, as in 2h, or an ISO 8601 time.")
    ] = "24h",
    as_json: Json = False,
) -> None:
    """Show which version scored an event, as what, and the score.

    The newest prediction comes first: the topic is read backwards, so a short --since is soon done. The exit code is 2
    where there is no such prediction."""
    from scorer.cases import predictions  # noqa: PLC0415  # compiled code
    from scorer.stream.letters import Coordinates  # noqa: PLC0415

    settings = Session.of(context).settings
    start = max(0, int(moment(since, "--since", time.time()) * 1e3))
    wanted: str | Coordinates = event
    if _PLACE.fullmatch(event):
        place = Coordinates.parse(event)
        wanted = place if place.topic in (settings.topics.events, settings.topics.retry) else event
    found = list(islice(predictions.newest(settings, wanted, start), limit))
    if not found:
        raise SettingsError(
            f"there is no prediction of {event} that was written since {since}: look further back with --since; or the "
            "event is still to be scored (scorer status), or became a dead letter (scorer dead-letters list)"
        )
    facts = [
        asdict(one)
        | {"at": str(one.at), "source": str(one.source), "event_time": _when(one.event_time)}
        | {
            "scored_time": _when(one.scored_time),
            "flags": [name for bit, name in enumerate(FLAGS) if one.flags >> bit & 1],
        }
        for one in found
    ]

    def text() -> None:
        for number, fact in enumerate(facts):
            if number:
                output.line("")
            output.pairs(
                {
                    "version": fact["version"],
                    "digest": fact["digest"],
                    "role": fact["role"],
                    "score": fact["score"],
                    "class": fact["klass"],
                    "event": fact["event_id"],
                    "which was at": fact["source"],
                    "event time": fact["event_time"],
                    "scored": fact["scored_time"],
                    "flags": ", ".join(fact["flags"]),
                    "prediction": fact["at"],
                }
            )

    output.emit(as_json, [fact | {"class": fact.pop("klass")} for fact in facts] if as_json else facts, text)


def _when(micros: int | None) -> str | None:
    return None if micros is None else output.when(micros / _THOUSAND)
