"""What a worker process begins with. It imports next to nothing: the parent imports it, too, and needs no kernels."""

from __future__ import annotations

from multiprocessing.connection import Connection

from scorer.settings import Settings


def work(settings: Settings, slot: int, connection: Connection) -> None:
    """Run one worker to its end and exit with its code."""
    from scorer.service.worker import Worker  # noqa: PLC0415  # imported by the fork server, long before

    raise SystemExit(Worker(settings, slot, connection).run())
