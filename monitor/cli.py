"""The command ``monitor``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from monitor import report, requirements, service
from monitor.report import Line
from monitor.settings import MonitorSettings
from scorer.errors import ScorerError, SettingsError
from scorer.observe import logs

DEFAULT = Path("scorer.toml")

app = typer.Typer(
    help="Watches a model: joins its predictions with the labels that come late, and judges them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def _root() -> None:
    """Watches a model: joins its predictions with the labels that come late, and judges them."""


@app.command()
def run(
    settings: Annotated[
        Path | None,
        typer.Option(
            envvar="SCORER_SETTINGS",
            help="The scorer's settings file (TOML). Default: scorer.toml here if there is one, else the environment.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line instead of text.")] = False,
) -> None:
    """Watch until SIGTERM; print each month's figures and verdicts when it closes, and the open months at the end."""
    found = MonitorSettings.load(settings or (DEFAULT if DEFAULT.is_file() else None), os.environ)
    logs.configure(found.scorer.log, found.scorer.log_level, found.monitor.group)
    wanted = requirements.parse(_read(found.monitor.requirements), str(found.monitor.requirements))
    stopped = False  # a plain flag: a signal handler must not raise inside the Kafka client

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    service.run(found, wanted, lambda line: _show(line, as_json=as_json), lambda: stopped)


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
