"""The commands of the scorer."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import typer

from scorer.cli.program import Program
from scorer.cli.session import Session

COMMANDS = {
    "run": "Score events until told to stop.",
    "check": "Check settings, Kafka, topics, Redis, schemas and champion.",
    "status": "Show pointers and scorers, and where they disagree.",
    "predict": "Score the rows of a file: CSV, JSON lines, Avro, Parquet.",
    "settings": "List all settings: key, variable, default, description.",
    "topics": "The topics in Kafka: create, show.",
    "models": "Versions: import, diff, test, sign, push, show and more.",
    "champion": "The version whose predictions count: show, set, rollback.",
    "trial": "A share of the traffic for a version: start, stop, show.",
    "predictions": "What became of an event, and which version scored it: show.",
    "dead-letters": "Events that could not be scored: list, show, replay.",
    "keys": "The keys that sign versions: new.",
}
"""Every command, in the order of the help, with what it does."""

_PROGRAM = Program(
    "scorer", "Scores a Kafka stream exactly once, with versioned coefficients.", "scorer.cli", COMMANDS, Session
)


def build(wanted: Collection[str] = tuple(COMMANDS)) -> typer.Typer:
    """The command line. Commands that are not ``wanted`` are only there to be listed."""
    return _PROGRAM.build(wanted)


def run(arguments: Sequence[str]) -> int:
    """Run one command; the exit code."""
    return _PROGRAM.run(arguments)
