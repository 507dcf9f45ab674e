"""The commands, and what their errors look like.

Only the modules whose commands are named on the command line are imported, so that ``scorer run`` and ``scorer --help``
wait for nothing that they do not need.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
from collections.abc import Collection, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from scorer.cli.session import Session
from scorer.errors import ScorerError
from scorer.observe import logs

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
    "dead-letters": "Events that could not be scored: list, show, replay.",
    "keys": "The keys that sign versions: new.",
}
"""Every command, in the order of the help, with what it does."""

INTERRUPTED = 130
"""The exit code after Ctrl-C."""


def build(wanted: Collection[str] = tuple(COMMANDS)) -> typer.Typer:
    """The command line. Commands that are not ``wanted`` are only there to be listed."""
    app = typer.Typer(
        help="Scores a Kafka stream exactly once, with versioned coefficients.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"max_content_width": 110},
        rich_markup_mode=None,  # plain help: its paragraphs flow, pipes can use it, and it takes half the time
    )
    app.callback()(_begin)
    for name, text in COMMANDS.items():
        if name not in wanted:
            app.command(name, help=text)(_listed)
            continue
        module = import_module(f"scorer.cli.{name.replace('-', '_')}")
        group = getattr(module, "app", None)
        if group is None:
            app.command(name)(module.command)
        else:
            app.add_typer(group, name=name, help=text, no_args_is_help=True)
    return app


def run(arguments: Sequence[str]) -> int:
    """Run one command; the exit code. An error is one message on standard error, without a traceback."""
    logging.getLogger("scorer.kafka").addHandler(logging.NullHandler())  # the client's own complaints
    try:
        build(set(arguments) & set(COMMANDS))(list(arguments), prog_name="scorer")
    except SystemExit as end:
        if end.code == INTERRUPTED:
            typer.secho("scorer: interrupted", err=True)
        return end.code if isinstance(end.code, int) else 0
    except ScorerError as error:
        typer.secho(f"scorer: {logs.mask(str(error))}", err=True, fg=typer.colors.RED)
        return error.exit_code
    except KeyboardInterrupt:  # while the command was imported; later ones are handled by the library
        return INTERRUPTED
    except OSError as error:
        if error.errno != errno.EPIPE:
            if error.filename is None:
                raise
            typer.secho(f"scorer: {error.filename}: {error.strerror}", err=True, fg=typer.colors.RED)
            return ScorerError.exit_code
        # Whoever read the output has seen enough; what is still buffered must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _print_release(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415  # slow to import, and hardly ever needed

        typer.echo(version("scorer-monitor"))
        raise typer.Exit


def _begin(
    context: typer.Context,
    settings: Annotated[
        Path | None,
        typer.Option(
            envvar="SCORER_SETTINGS",
            help="The settings file (TOML). Default: scorer.toml here if there is one, else the environment alone.",
        ),
    ] = None,
    _release: Annotated[
        bool, typer.Option("--version", help="Print the release and exit.", callback=_print_release, is_eager=True)
    ] = False,
) -> None:
    context.obj = Session(settings)


def _listed() -> None:
    """Stands for a command that was not named."""
