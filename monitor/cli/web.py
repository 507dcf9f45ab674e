"""``monitor web``."""

from __future__ import annotations

import signal
import threading
from types import FrameType

import typer

from monitor.cli.session import Session
from monitor.files import Files
from monitor.web import pages
from scorer.cli import output
from scorer.observe.http import Server


def command(context: typer.Context) -> None:
    """Show a page for people: verdicts, versions, flips, promotions, reports; until Ctrl-C.

    At monitor.page, by default http://127.0.0.1:8090. Read from the snapshot that the monitor publishes, so it runs
    beside it, needs neither Kafka nor Redis, and changes nothing. It asks nobody who they are: give it no address that
    others reach, or put a proxy before it that does.
    """
    session = Session.of(context)
    settings = session.settings
    files = Files.of(settings)
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    shown = pages.Pages(files.snapshot, files.reports, session.asked())
    server = Server(settings.monitor.page, shown.routes, setting="monitor.page")
    server.start()
    output.note(f"http://{server.address}/ shows {settings.scorer.model}; Ctrl-C ends it")
    stopped.wait()
    server.stop()
