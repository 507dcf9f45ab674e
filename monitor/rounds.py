"""Something that is done again and again in a thread of its own, so that the loop never waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Rounds:
    """Calls ``round`` in a daemon thread from ``start`` to ``stop``; what it returns is the pause until the next, in
    seconds.

    The thread never ends silently: ``failure`` is the exception that ended it, for the loop to raise. A context
    manager.
    """

    def __init__(self, name: str, round_: Callable[[], float]) -> None:
        self._round = round_
        self._awake, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.failure: BaseException | None = None

    def start(self) -> None:
        """Begin with the first round, at once."""
        self._thread.start()

    def wake(self) -> None:
        """Let the next round begin now."""
        self._awake.set()

    def stop(self, seconds: float = 5.0) -> None:
        """End after the round under way; returns at the latest after ``seconds``."""
        self._stopping.set()
        self._awake.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._awake.wait(self._round())
                self._awake.clear()
        except BaseException as error:  # noqa: BLE001  # kept for the loop, which raises it in the main thread
            self.failure = error
