"""The snapshot for everybody else, put beside the state about once a second, between two steps."""

from __future__ import annotations

import logging
import time

import duckdb

from monitor.files import Files
from monitor.store.state import State

LOGGER = logging.getLogger(__name__)

SECONDS = 1.0
REST = 9.0
"""After a snapshot none is made for so many times as long: a large state takes a tenth of the time at most."""

PATIENCE = 30
"""So many attempts in a row may fail before it is said that they do, where the cause is one that passes."""


class Publishing:
    """Publishes what was committed, while it changes. What fails is said and tried again: readers keep the last one."""

    def __init__(self, state: State, files: Files) -> None:
        self._state, self._path = state, files.snapshot
        self._published = -1
        self._due = 0.0
        self._failures = 0
        self.problem = ""
        """Why there is no new snapshot; empty while there is."""

    def work(self) -> None:
        """Publish, where it is time and something has changed."""
        begin, number = time.monotonic(), self._state.clock.number
        if begin < self._due or number == self._published:
            return
        try:
            self._state.publish(self._path)
        except duckdb.TransactionException as error:
            # While a file of outcomes is written DuckDB lets nobody write a whole file of its own; the next tick will.
            self._failures += 1
            if self._failures > PATIENCE or "space left" in str(error).lower():
                self._failed(str(error))
        except (duckdb.Error, OSError) as error:
            self._failed(str(error))
            self._due = begin + SECONDS
        else:
            took = time.monotonic() - begin
            self._published, self._due, self._failures = number, begin + max(SECONDS, REST * took), 0
            if self.problem:
                self.problem = ""
                LOGGER.info("the snapshot %s is up to date again", self._path)

    def finish(self) -> None:
        """Publish the last state, whenever the one before was published."""
        self._due = 0.0
        self.work()

    def _failed(self, why: str) -> None:
        """Say it, once."""
        if not self.problem:
            LOGGER.error("the snapshot %s cannot be written, and is tried again: %s", self._path, why)
        self.problem = f"the snapshot {self._path} cannot be written: {why}"
