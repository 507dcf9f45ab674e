"""Says how a long step goes: a moving bar on a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

_MB = 1_000_000


def say(text: str) -> None:
    """One line for people, on standard error."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(text, markup=False)


class Downloads:
    """Files that arrive in several threads. Knows ``files`` and ``total`` (bytes) beforehand."""

    def __init__(self, files: int, total: int) -> None:
        self._files, self._total = files, total
        self._arrived = self._bytes = 0
        self._said = -1  # tenths of the total
        self._lock = threading.Lock()
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._bar = Progress(*columns, console=console) if console.is_terminal else None
        self._task = self._bar.add_task("", total=total) if self._bar else None

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        self._show()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def received(self, count: int) -> None:
        """``count`` bytes more have arrived; negative: they arrived for nothing."""
        with self._lock:
            self._bytes += count
            self._show()

    def finished(self) -> None:
        """One file more is complete."""
        with self._lock:
            self._arrived += 1
            self._show()

    def _show(self) -> None:
        if self._bar and self._task is not None:
            text = f"Kafka: {self._arrived} of {self._files} files"
            self._bar.update(self._task, completed=self._bytes, description=text)
            return
        tenths = 11 if self._arrived == self._files else 10 * self._bytes // max(self._total, 1)
        if tenths > self._said:
            self._said = tenths
            arrived, total = self._bytes / _MB, self._total / _MB
            say(f"Kafka: {self._arrived} of {self._files} files, {arrived:.0f} of {total:.0f} MB fetched")
