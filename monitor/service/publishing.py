"""The snapshot for everybody else, put beside the state about once a second, between two steps."""

from __future__ import annotations

import logging
import time

from duckdb import TransactionException

from monitor.files import Files
from monitor.store.state import State

LOGGER = logging.getLogger(__name__)

SECONDS = 1.0
REST = 9.0
"""After a snapshot none is made for so many times as long: a large state takes a tenth of the time at most."""

PATIENCE = 300
"""So many attempts in a row may fail."""


class Publishing:
    """Publishes what was committed, while it changes."""

    def __init__(self, state: State, files: Files) -> None:
        self._state, self._path = state, files.snapshot
        self._published = -1
        self._due = 0.0
        self._failures = 0

    def work(self) -> None:
        """Publish, where it is time and something has changed. Raises duckdb.Error where that fails again and again."""
        begin, number = time.monotonic(), self._state.clock.number
        if begin < self._due or number == self._published:
            return
        try:
            self._state.publish(self._path)
        except TransactionException:
            # While a file of outcomes is written DuckDB lets nobody write a whole file of its own; the next tick will.
            self._failures += 1
            if self._failures > PATIENCE:
                raise
            return
        took = time.monotonic() - begin
        self._published, self._due, self._failures = number, begin + max(SECONDS, REST * took), 0

    def finish(self) -> None:
        """Publish the last state, whenever the one before was published."""
        self._due = 0.0
        self.work()
