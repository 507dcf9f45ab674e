"""The commands. Only the modules whose commands are named on the command line are imported."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Collection, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.session import Session
from scorer.errors import ScorerError
from scorer.observe import logs

COMMANDS = {
    "run": "Watch a model until told to stop.",
    "status": "Show verdicts, incidents, coverage and lag, as of a second ago.",
    "report": "Make a report of a day, week or month.",
    "alerts": "The channels that alarms go to: test.",
    "incidents": "What is amiss, and what was: list, acknowledge.",
    "outcomes": "Predictions with their labels: export.",
    "replay": "Build the state anew from the topics.",
    "settings": "List the settings that the monitor adds to the scorer's.",
}
"""Every command, in the order of the help, with what it does."""

INTERRUPTED = 130
"""The exit code after Ctrl-C."""


def build(wanted: Collection[str] = tuple(COMMANDS)) -> typer.Typer:
    """The command line. Commands that are not ``wanted`` are only there to be listed."""
    app = typer.Typer(
        help="Watches a model: joins its predictions with the labels that come late, and judges them.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"max_content_width": 110},
        rich_markup_mode=None,  # as the scorer's
    )
    app.callback()(_begin)
    for name, text in COMMANDS.items():
        if name not in wanted:
            app.command(name, help=text)(_listed)
            continue
        module = import_module(f"monitor.cli.{name}")
        group = getattr(module, "app", None)
        if group is None:
            app.command(name)(module.command)
        else:
            app.add_typer(group, name=name, help=text, no_args_is_help=True)
    return app


def run(arguments: Sequence[str]) -> int:
    """Run one command; the exit code. An error that has an explanation is one message, without a traceback."""
    try:
        build(set(arguments) & set(COMMANDS))(list(arguments), prog_name="monitor")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except ScorerError as error:
        typer.secho(f"monitor: {logs.mask(str(error))}", err=True, fg=typer.colors.RED)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        if error.errno != errno.EPIPE:
            if error.filename is None:
                raise
            typer.secho(f"monitor: {error.filename}: {error.strerror}", err=True, fg=typer.colors.RED)
            return ScorerError.exit_code
        # Whoever read the output has seen enough; what is still buffered must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _begin(
    context: typer.Context,
    settings: Annotated[
        Path | None,
        typer.Option(
            envvar="SCORER_SETTINGS",
            help="The scorer's settings file (TOML). Default: scorer.toml here if there is one, else the environment.",
        ),
    ] = None,
) -> None:
    context.obj = Session(settings)


def _listed() -> None:
    """Stands for a command that was not named."""
