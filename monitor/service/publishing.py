"""The snapshot for everybody else, put beside the state once a second, in a thread of its own."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import Self

from monitor.rounds import Rounds
from monitor.store.snapshot import publish
from monitor.store.state import State

SECONDS = 1.0
REST = 4.0
"""After a snapshot none is made for so many times as long: a large state takes a fifth of a processor at most."""


class Publishing:
    """Publishes what was committed, while it changes. A context manager."""

    def __init__(self, state: State, path: Path) -> None:
        self._connection, self._path = state.reader(), path
        self._published: tuple[object, ...] | None = None
        self._rounds = Rounds("publishing", self._round)

    def __enter__(self) -> Self:
        self._rounds.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._rounds.stop()
        self._connection.close()

    def check(self) -> None:
        """Raise whatever ended the thread."""
        if self._rounds.failure is not None:
            raise self._rounds.failure

    def now(self) -> None:
        """Publish what is committed by now. Called by the thread; and at the end, when the thread has stopped."""
        clock = self._connection.execute("SELECT number FROM clock").fetchall()[0]
        if clock != self._published:
            publish(self._connection, self._path)
            self._published = clock

    def _round(self) -> float:
        begin = time.monotonic()
        self.now()
        return max(SECONDS, REST * (time.monotonic() - begin))
