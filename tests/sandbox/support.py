"""What several tests of the sandbox need."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # ships none

ROOT = Path(__file__).parents[2]


def await_true(condition: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    """Ask again and again; fail when ``what`` is still not so after ``seconds``."""
    pause, deadline = threading.Event(), time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"after {seconds:g} s it is still not so: {what}"
        pause.wait(0.01)


def is_gone(pid: int) -> bool:
    """Whether there is no such process any more; one that nobody has reaped yet is gone too."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def is_stopped(pid: int) -> bool:
    """Whether the process is frozen by SIGSTOP."""
    return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)


def descendants(pid: int) -> list[int]:
    """The process ids of all that this process started, directly or not."""
    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def command_line(pid: int) -> list[str]:
    """The words that the process was started with."""
    return list(psutil.Process(pid).cmdline())


def listening(pid: int) -> set[tuple[str, int]]:
    """The addresses and ports on which the process waits for connections."""
    connections = psutil.Process(pid).net_connections("tcp")
    found = {connection.laddr for connection in connections if connection.status == psutil.CONN_LISTEN}
    return {(address.ip.removeprefix("::ffff:"), address.port) for address in found}


def environment(**changes: str) -> dict[str, str]:
    """This process's environment without what would lead elsewhere, with ``changes``."""
    elsewhere = {"KAFKA_BOOTSTRAP_SERVERS", "REDIS_URL", "CI", "PYTEST_XDIST_WORKER"}
    return {name: value for name, value in os.environ.items() if name not in elsewhere} | changes
