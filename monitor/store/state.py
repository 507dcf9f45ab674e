"""The state of one model's monitor: a DuckDB file with one owner, changed in steps.

A step is one transaction: rows that were read, the offsets behind them, a tick, and whatever follows from it. Rows wait
in two tables until a tick looks at them, so the state after a tick is a function of the rows before it and of the ticks
up to it, however the rows came.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import duckdb
from duckdb import DuckDBPyConnection

from monitor.rows import LABELS, PREDICTIONS, Layout
from monitor.store import outbox, schema
from monitor.store.cohorts import Source, Timing
from monitor.store.errors import StateLost, StateRefused
from monitor.store.memory import Clock, Followed, Memory
from monitor.store.snapshot import publish
from monitor.store.step import Step
from monitor.store.transaction import transaction

Partition = tuple[str, int]

_FAILURES = (
    duckdb.IOException, duckdb.TransactionException, duckdb.OutOfMemoryException, duckdb.FatalException,
    duckdb.InternalException, duckdb.Error,
)  # fmt: skip
"""What DuckDB raises where a disk is full or gone, at a write, at the commit, or where rows are spilled to it; a block
that is damaged is an ``Error`` of no other kind."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What DuckDB may use: ``memory`` such as ``"320MB"``, ``threads``; ``rows`` are about how many outcomes of closed
    cohorts are fetched at a time."""

    memory: str = "320MB"
    threads: int = 1
    rows: int = 500_000


class Recorded(NamedTuple):
    """A tick, and the partitions of which it saw something new: their offsets, and whether they had ended."""

    number: int
    time: int
    moved: Mapping[Partition, tuple[int, bool]]


class State:
    """For one thread. ``implicit`` is the label of predictions that got none by the time their cohort closed; ``None``
    where a missing label means nothing. Raises StateHeld and StateRefused."""

    def __init__(
        self, path: Path, layout: Layout, timing: Timing, *, implicit: float | None = None, limits: Limits | None = None
    ) -> None:
        self.path, self.layout, self.timing = path, layout, timing
        self._implicit, self._limits = implicit, limits or Limits()
        self._connection = schema.connect(path, self._limits.memory, self._limits.threads)
        try:
            schema.prepare(self._connection, layout, timing)
            self._memory = _remembered(self._connection)
        except duckdb.Error as error:
            self._connection.close()
            raise schema.damaged(path, error) from error
        except BaseException:
            self._connection.close()
            raise

    @property
    def clock(self) -> Clock:
        """The last tick."""
        return self._memory.clock

    @property
    def implicit(self) -> float | None:
        """The label of predictions that got none by the time their cohort closed."""
        return self._implicit

    def offsets(self) -> dict[Partition, int]:
        """The offset at which each partition goes on."""
        return {
            (topic, partition): source.next_offset
            for topic, sources in self._memory.sources.items()
            for partition, source in sources.items()
        }

    @contextmanager
    def step(self) -> Iterator[Step]:
        """One transaction: it is committed when the block ends, and never happened when the block raises.

        Raises StateLost where the file cannot be read or written.
        """
        memory = self._memory.copy()
        try:
            with transaction(self._connection):
                step = Step(self._connection, memory, self.layout, self.timing, self._implicit, self._limits.rows)
                yield step
                step.wait()
                memory.store(self._connection, self._memory)
        except duckdb.Error as error:
            if type(error) not in _FAILURES:
                raise
            raise StateLost(
                f"{self.path} cannot be read or written any more, and nothing of this step was done: {error}. Where "
                "the disk is full make room, and start again: what was not stored is read again"
            ) from error
        self._memory = memory

    @property
    def size(self) -> int:
        """Bytes of the file. Raises StateLost where it is gone."""
        try:
            return self.path.stat().st_size
        except OSError as error:
            raise StateLost(
                f"{self.path} is not there any more ({error.strerror}): it was moved or removed while the monitor ran. "
                "Put it back and start again, or a new state begins with the oldest records that the topics hold"
            ) from error

    def kept(self, name: str) -> bytes | None:
        """What was kept under a name."""
        found = self._connection.execute("SELECT value FROM kept WHERE name = ?", [name]).fetchall()
        return bytes(found[0][0]) if found else None

    def unsent(self, kind: str) -> list[outbox.Letter]:
        """What waits to be sent, in the order of its ticks: the oldest ``outbox.MOST``."""
        return outbox.unsent(self._connection, kind)

    def addressed(self, kind: str) -> list[outbox.Letter]:
        """The same, of each address the oldest."""
        return outbox.addressed(self._connection, kind)

    def names(self, kind: str) -> dict[int, str]:
        """The texts behind codes."""
        return {code: name for name, code in self._memory.names.get(kind, {}).items()}

    def ticks(self) -> list[Recorded]:
        """The recorded ticks, in their order: with them and the topics a replay comes to the same state."""
        moved: dict[int, dict[Partition, tuple[int, bool]]] = {}
        for number, topic, partition, *facts in self._connection.execute("FROM tick_offsets").fetchall():
            moved.setdefault(number, {})[topic, partition] = (facts[0], facts[1])
        found = self._connection.execute("SELECT number, time FROM ticks ORDER BY number").fetchall()
        return [Recorded(number, time, moved.get(number, {})) for number, time in found]

    def followed(self) -> list[Followed]:
        """What the pointers said, from which tick on, as long as ticks are recorded."""
        return _followed(self._connection)

    def days(self) -> dict[str, frozenset[int]]:
        """By kind, the days of which there are predictions and labels, counted from 1970."""
        return {kind: frozenset(days) for kind, days in self._memory.days.items()}

    def reader(self) -> DuckDBPyConnection:
        """A connection that sees what is committed, for a thread of its own; it must be closed before the state is."""
        return self._connection.cursor()

    def publish(self, path: Path) -> None:
        """Put a snapshot for readers there, all of it at once; see ``snapshot.publish``."""
        publish(self._connection, path)

    def close(self) -> None:
        """Give the file free."""
        self._connection.close()


def kept_in(path: Path, name: str) -> bytes | None:
    """What a state that is not open keeps under a name; ``None`` where there is no such state, or nothing under it.

    Raises StateHeld and StateRefused.
    """
    if not path.exists():
        return None
    with closing(schema.connect(path, "64MB", 1)) as connection:
        try:
            found = connection.execute("SELECT value FROM kept WHERE name = ?", [name]).fetchall()
        except duckdb.CatalogException as error:
            raise StateRefused(f"{path} is a DuckDB file, but no state of a monitor: {error}") from error
        except duckdb.Error as error:
            raise schema.damaged(path, error) from error
    return bytes(found[0][0]) if found else None


def _remembered(connection: DuckDBPyConnection) -> Memory:
    number, time, reached = connection.execute("SELECT number, time, reached FROM clock").fetchall()[0]
    sources: dict[str, dict[int, Source]] = {PREDICTIONS: {}, LABELS: {}}
    for topic, partition, *facts in connection.execute("SELECT * FROM sources").fetchall():
        sources.setdefault(topic, {})[partition] = Source(*facts)
    names: dict[str, dict[str, int]] = {}
    for kind, code, name in connection.execute("SELECT kind, code, name FROM names ORDER BY kind, code").fetchall():
        names.setdefault(kind, {})[name] = code
    found: Mapping[str, Sequence[int]] = {kind: sorted(schema.days(connection, kind)) for kind in (PREDICTIONS, LABELS)}
    followed = [Followed(0, "", ()), *_followed(connection)][-1]
    days = {kind: set(days) for kind, days in found.items()}
    return Memory(Clock(number, time, reached), sources, names, days, followed)


def _followed(connection: DuckDBPyConnection) -> list[Followed]:
    rows = connection.execute("SELECT number, champion, challengers FROM followed ORDER BY number").fetchall()
    return [Followed(number, champion, tuple(filter(None, text.split(",")))) for number, champion, text in rows]
