"""``scorer run``."""

from __future__ import annotations

from typing import Annotated

import typer

from scorer.cli.session import Session
from scorer.observe import logs
from scorer.service.supervisor import Supervisor


def command(
    context: typer.Context,
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Worker processes, instead of scorer.workers.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Log JSON lines, as scorer.log = 'json' does.")] = False,
) -> None:
    """Score events until told to stop.

    One parent process starts, watches and restarts the workers. SIGTERM or Ctrl-C stops all, after what was begun is
    committed. The exit code is 0 after a stop in good order, else that of the error that no restart would mend.
    """
    changes = {"SCORER_WORKERS": str(workers)} if workers is not None else {}
    settings = Session.of(context).load(**changes, **({"SCORER_LOG": "json"} if as_json else {}))
    logs.configure(settings.scorer.log, settings.scorer.log_level, settings.scorer.instance)
    raise typer.Exit(Supervisor(settings).run())
