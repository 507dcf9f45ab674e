"""``monitor run``."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Annotated

import typer

from monitor.cli.session import Session
from monitor.service import loop
from scorer.observe import logs


def command(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Log JSON lines, as scorer.log = 'json' does.")] = False,
) -> None:
    """Watch a model until told to stop.

    A second process for the same model stands by and takes over. SIGTERM or Ctrl-C stops it, after what was begun is
    committed; the next start goes on there.
    """
    session = Session.of(context)
    settings = session.settings
    logs.configure("json" if as_json else settings.scorer.log, settings.scorer.log_level, settings.monitor.group)
    wanted = session.requirements
    stopped = False  # a plain flag: a signal handler must not raise inside the Kafka client

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    loop.run(settings, wanted, lambda: stopped)
