"""The command ``monitor``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from monitor import report, service
from monitor.report import Line
from monitor.settings import MonitorSettings
from scorer.cli.output import Json
from scorer.cli.settings import show
from scorer.errors import ScorerError, SettingsError
from scorer.observe import logs
from scorer.quality import requirements
from scorer.settings import describe

DEFAULT = Path("scorer.toml")

app = typer.Typer(
    help="Watches a model: joins its predictions with the labels that come late, and judges them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,  # as the scorer's
)


@app.callback()
def _root() -> None:
    """Watches a model: joins its predictions with the labels that come late, and judges them."""


SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        envvar="SCORER_SETTINGS",
        help="The scorer's settings file (TOML). Default: scorer.toml here if there is one, else the environment.",
    ),
]


@app.command()
def run(
    file: SettingsFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line instead of text.")] = False,
) -> None:
    """Watch until SIGTERM; print each month's figures and verdicts when it closes, and the open months at the end."""
    found = _load(file)
    logs.configure(found.scorer.log, found.scorer.log_level, found.monitor.group)
    wanted = requirements.parse(_read(found.monitor.requirements), str(found.monitor.requirements))
    stopped = False  # a plain flag: a signal handler must not raise inside the Kafka client

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    service.run(found, wanted, lambda line: _show(line, as_json=as_json), lambda: stopped)


@app.command()
def settings(
    file: SettingsFile = None,
    values: Annotated[
        bool, typer.Option("--values", help="Show also the values in force, from file and environment.")
    ] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False,
    as_json: Json = False,
) -> None:
    """List the settings that the monitor adds to the scorer's; 'scorer settings' lists those."""
    own = [row for row in describe(MonitorSettings) if row[0].startswith("monitor.")]
    show(own, _load(file) if values else None, markdown=markdown, as_json=as_json)


def _load(file: Path | None) -> MonitorSettings:
    return MonitorSettings.load(file or (DEFAULT if DEFAULT.is_file() else None), os.environ)


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read: {error}; see monitor.requirements in the settings") from None


def _show(line: Line, *, as_json: bool) -> None:
    typer.echo(report.to_json(line) if as_json else report.to_text(line))
    sys.stdout.flush()


def main() -> None:
    """Run the command; an error that has an explanation is one message and its exit code."""
    code: str | int | None = 0
    try:
        app()
    except SystemExit as ending:
        code = ending.code
    except ScorerError as error:
        typer.echo(f"monitor: {logs.mask(str(error))}", err=True)
        code = error.exit_code
    if not isinstance(code, int | None):
        raise SystemExit(code)
    # Nothing is left to do, but a Kafka client that waits for its broker would hold up the interpreter's end.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)
