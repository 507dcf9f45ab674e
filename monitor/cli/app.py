"""The commands of the monitor."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import typer

from monitor.cli.session import Session
from scorer.cli.program import Program

COMMANDS = {
    "run": "Watch a model until told to stop.",
    "status": "Show verdicts, incidents, coverage and lag, as of a second ago.",
    "report": "Make a report of a day, week or month.",
    "web": "Show a page for people: verdicts, versions, flips, promotions, reports.",
    "candidate": "Versions that may become the champion: submit, list, show and more.",
    "alerts": "The channels that alarms go to: test.",
    "backtest": "Hold versions against a large corpus, partition by partition.",
    "requirements": "What is in force, and how it came to be: show, history, loosen.",
    "incidents": "What is amiss, and what was: list, acknowledge.",
    "outcomes": "Predictions with their labels: export.",
    "replay": "Build the state anew from the topics.",
    "settings": "List the settings that the monitor adds to the scorer's.",
}
"""Every command, in the order of the help, with what it does."""

_PROGRAM = Program(
    "monitor",
    "Watches a model: joins its predictions with the labels that come late, and judges them.",
    "monitor.cli",
    COMMANDS,
    Session,
)


def build(wanted: Collection[str] = tuple(COMMANDS)) -> typer.Typer:
    """The command line. Commands that are not ``wanted`` are only there to be listed."""
    return _PROGRAM.build(wanted)


def run(arguments: Sequence[str]) -> int:
    """Run one command; the exit code."""
    return _PROGRAM.run(arguments)
