"""A command line of several commands, and what its errors look like: that of the scorer, and that of the monitor.

Only the modules whose commands are named on the command line are imported, so that ``scorer run`` and ``scorer --help``
wait for nothing that they do not need.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from scorer.cli.session import Session
from scorer.errors import ScorerError
from scorer.observe import logs

INTERRUPTED = 130
"""The exit code after Ctrl-C."""


def _print_release(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415  # slow to import, and hardly ever needed

        typer.echo(version("scorer-monitor"))
        raise typer.Exit


@dataclass(frozen=True)
class Program:
    """``commands`` in the order of the help, with what each does; their modules are in ``package``. ``session`` makes
    what a command gets of the settings file that was named, if any."""

    name: str
    text: str
    package: str
    commands: Mapping[str, str]
    session: Callable[[Path | None], Session]

    def build(self, wanted: Collection[str]) -> typer.Typer:
        """The command line. Commands that are not ``wanted`` are only there to be listed."""
        app = typer.Typer(
            help=self.text,
            no_args_is_help=True,
            pretty_exceptions_enable=False,
            add_completion=False,
            context_settings={"max_content_width": 110},
            rich_markup_mode=None,  # plain help: its paragraphs flow, pipes can use it, and it takes half the time
        )
        app.callback()(self._begin)
        for name, text in self.commands.items():
            if name not in wanted:
                app.command(name, help=text)(_listed)
                continue
            module = import_module(f"{self.package}.{name.replace('-', '_')}")
            group = getattr(module, "app", None)
            if group is None:
                app.command(name)(module.command)
            else:
                app.add_typer(group, name=name, help=text, no_args_is_help=True)
        return app

    def run(self, arguments: Sequence[str]) -> int:
        """Run one command; the exit code. An error is one message on standard error, without a traceback."""
        logging.getLogger("scorer.kafka").addHandler(logging.NullHandler())  # the client's own complaints
        try:
            self.build(set(arguments) & set(self.commands))(list(arguments), prog_name=self.name)
        except SystemExit as end:
            if end.code == INTERRUPTED:
                typer.secho(f"{self.name}: interrupted", err=True)
            return end.code if isinstance(end.code, int) else 0
        except ScorerError as error:
            self._say(logs.mask(str(error)))
            return error.exit_code
        except KeyboardInterrupt:  # while the command was imported; later ones are handled by the library
            return INTERRUPTED
        except OSError as error:
            if error.errno != errno.EPIPE:
                if error.filename is None:
                    raise
                self._say(f"{error.filename}: {error.strerror}")
                return ScorerError.exit_code
            # Whoever read the output has seen enough; what is still buffered must not fail again at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0

    def _say(self, text: str) -> None:
        typer.secho(f"{self.name}: {text}", err=True, fg=typer.colors.RED)

    def _begin(
        self,
        context: typer.Context,
        settings: Annotated[
            Path | None,
            typer.Option(
                envvar="SCORER_SETTINGS",
                help="The settings file (TOML). Default: scorer.toml here if there is one, else the environment alone.",
            ),
        ] = None,
        _release: Annotated[
            bool,
            typer.Option(
                "--version",
                help="Print the release and exit.",
                callback=_print_release,
                is_eager=True,
            ),
        ] = False,
    ) -> None:
        context.obj = self.session(settings)


def _listed() -> None:
    """Stands for a command that was not named."""
