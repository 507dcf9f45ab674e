"""Rewrites the files of days that changed, in a thread of its own, so that consumption does not wait for it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import NamedTuple

import duckdb

from monitor.outcomes.columns import file_of
from monitor.store.cohorts import kept_from
from monitor.store.outbox import Letter
from monitor.store.outcomes import KIND, Columns, Days, wanted, write_day
from monitor.store.state import State

LOGGER = logging.getLogger(__name__)

REST = 9.0
"""After a file is written nothing is, for so many times as long: a tenth of a processor at most."""

RETRY_SECONDS = 30.0
"""How long nothing is written after a failure."""


class _Written(NamedTuple):
    letter: str
    seconds: float


class Writing:
    """Writes one day at a time, the one that has waited longest. Serves the thread that owns the state.

    A failure (a full disk) is logged and tried again; the letter stays, and nothing else waits. Only a day that the
    next tick forgets is written before ``work`` returns, as when a backlog of weeks passes in seconds. Files that were
    not rewritten for ``keep_days`` are removed.
    """

    def __init__(self, state: State, directory: Path, columns: Columns, keep_days: float) -> None:
        """Make ``directory`` where it is not there. Raises OSError."""
        directory.mkdir(parents=True, exist_ok=True)
        self._state, self._directory, self._columns, self._keep_days = state, directory, columns, keep_days
        self._connection = state.reader()
        self._thread = ThreadPoolExecutor(1, "outcomes")
        self._running: Future[_Written] | None = None
        self._rest_until = 0.0

    def work(self, letters: Iterable[Letter], now: float) -> list[str]:
        """Go on: to be called before every tick, with the letters that wait and the time (monotonic seconds).

        Returns the ids of letters that are done, to be struck out in the next step. Raises OSError and duckdb.Error
        where a day that would be lost cannot be written.
        """
        done = self._done(now)
        waiting = {day: letter for day, letter in wanted(letters).items() if letter not in done}
        first = kept_from(self._state.clock.reached, self._state.timing)
        urgent = [day for day in waiting if day < first]
        if urgent:
            self._await()
            done += [self._write(day, waiting.pop(day), self._state.days()).letter for day in urgent]
        if waiting and self._running is None and now >= self._rest_until:
            self._running = self._thread.submit(self._write, *next(iter(waiting.items())), self._state.days())
        return done

    def finish(self) -> None:
        """Write all that waits, here and now, and strike it out. Raises OSError and duckdb.Error."""
        self._await()
        while letters := self._state.unsent(KIND):
            done = [self._write(day, letter, self._state.days()).letter for day, letter in wanted(letters).items()]
            with self._state.step() as step:
                step.sent(done)

    def close(self) -> None:
        """Wait for the file that is being written; to be called before the state is closed."""
        self._await()
        self._thread.shutdown()
        self._connection.close()

    def _await(self) -> None:
        if self._running is not None:
            wait([self._running])
            self._running = None

    def _done(self, now: float) -> list[str]:
        if self._running is None or not self._running.done():
            return []
        running, self._running = self._running, None
        try:
            written = running.result()
        except (OSError, duckdb.Error) as error:
            LOGGER.error("outcomes are not written to %s: %s; trying again", self._directory, error)  # noqa: TRY400
            self._rest_until = now + RETRY_SECONDS
            return []
        self._rest_until = now + REST * written.seconds
        return [written.letter]

    def _write(self, day: int, letter: str, held: Days) -> _Written:
        begin = time.monotonic()
        file, state = file_of(self._directory, day), self._state
        rows = write_day(self._connection, day, held, file, self._columns, state.timing, state.implicit)
        if rows is None:
            LOGGER.warning("the state has forgotten the day of %s before its last outcomes were written", file.name)
        removed = forget(self._directory, time.time() - 86_400.0 * self._keep_days)
        if removed:
            LOGGER.info("removed %d files of outcomes from before monitor.outcomes_days", removed)
        return _Written(letter, time.monotonic() - begin)


def forget(directory: Path, before: float) -> int:
    """Remove the files that were last written before this time (seconds since the epoch); how many.

    The time of writing counts, not the day of the events: a backlog of old events is new here.
    """
    old = [file for file in directory.glob("????-??-??.parquet") if file.stat().st_mtime < before]
    for file in old:
        file.unlink()
    return len(old)
