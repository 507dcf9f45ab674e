"""The published snapshot, read by everyone but the owner of the state: status, reports, page, metrics.

A snapshot that is open stays as it was; the next one is a file of its own. It is attached to a database in memory,
because DuckDB gives all connections of a process to one path the same database, and so the file of before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import duckdb

from monitor.store.cohorts import Source, Timing
from monitor.store.errors import SnapshotMissing, StateRefused
from monitor.store.outbox import Letter
from monitor.store.schema import FORMAT
from monitor.store.step import Clock

ALWAYS = (-(2**62), 2**62)
"""From before all times to after them."""


class Covered(NamedTuple):
    """How many predictions of an ``hour`` (microseconds) and version there are, and how many of them have a label."""

    hour: int
    version: str
    predictions: int
    labelled: int


class Delayed(NamedTuple):
    """Labels of an hour and version whose delay lies in a ``bin`` of ``tally.EDGES``."""

    hour: int
    version: str
    bin: int
    labels: int


class Counted(NamedTuple):
    """How many rows of a topic do not count, or could not be used, for a reason."""

    topic: str
    reason: str
    n: int


class Revised(NamedTuple):
    """A closed cohort that changed, in which tick, for the how-manieth time."""

    hour: int
    tick: int
    number: int


class Snapshot:
    """For one thread, and for reading. Raises SnapshotMissing where there is no file, StateRefused where it is none."""

    def __init__(self, path: Path, memory: str = "256MB") -> None:
        self.path = path
        if not path.is_file():
            raise SnapshotMissing(f"there is no snapshot at {path}: no monitor has run here yet; start 'monitor run'")
        self._connection = duckdb.connect(
            config={
                "memory_limit": memory,
                "threads": 1,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        try:
            quoted = str(path).replace("'", "''")
            self._connection.execute(f"ATTACH '{quoted}' AS snapshot (READ_ONLY)")
            self._connection.execute("USE snapshot")
            self.meta = dict(self._rows("SELECT name, value FROM meta"))
            found = int(self.meta["format"])
        except (duckdb.Error, KeyError, ValueError) as error:
            self._connection.close()
            raise StateRefused(f"{path} is no snapshot of a monitor, or is damaged: {error}") from error
        if found != FORMAT:
            self._connection.close()
            raise StateRefused(
                f"{path} has format {found}, this program reads {FORMAT}: the monitor that runs is of another release"
            )
        self._versions = self.names("version")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, why: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    # -- when it is ------------------------------------------------------------------------------------------------

    @property
    def clock(self) -> Clock:
        """The last tick before it was published."""
        return Clock(*self._rows("SELECT number, time, reached FROM clock")[0])

    @property
    def timing(self) -> Timing:
        """When cohorts close and days are forgotten."""
        return Timing(**json.loads(self.meta["timing"]))

    @property
    def carried(self) -> Mapping[str, str]:
        """The columns that predictions carry, and their dtypes."""
        found: dict[str, str] = json.loads(self.meta["layout"])
        return found

    def sources(self) -> dict[tuple[str, int], Source]:
        """How far each partition has been read, by topic and number."""
        found = self._rows("FROM sources ORDER BY topic, partition")
        return {(topic, partition): Source(*facts) for topic, partition, *facts in found}

    # -- what was counted ------------------------------------------------------------------------------------------

    def coverage(self, begin: int = ALWAYS[0], end: int = ALWAYS[1]) -> list[Covered]:
        """Predictions and labelled ones of the cohorts from ``begin`` up to ``end``."""
        query = "FROM coverage WHERE hour >= ? AND hour < ? ORDER BY ALL"
        return [
            Covered(hour, self._version(code), predictions, labelled)
            for hour, code, predictions, labelled in self._rows(query, begin, end)
        ]

    def delays(self, begin: int = ALWAYS[0], end: int = ALWAYS[1]) -> list[Delayed]:
        """Label delays of the cohorts from ``begin`` up to ``end``."""
        query = "FROM delays WHERE hour >= ? AND hour < ? ORDER BY ALL"
        return [Delayed(hour, self._version(code), *rest) for hour, code, *rest in self._rows(query, begin, end)]

    def counts(self) -> list[Counted]:
        """What does not count or could not be used, most frequent first."""
        return [
            Counted(*row) for row in self._rows("SELECT topic, reason, n FROM counts ORDER BY n DESC, topic, reason")
        ]

    def revisions(self, begin: int = ALWAYS[0], end: int = ALWAYS[1]) -> list[Revised]:
        """Closed cohorts from ``begin`` up to ``end`` that changed."""
        query = "SELECT hour, tick, number FROM revisions WHERE hour >= ? AND hour < ? ORDER BY ALL"
        return [Revised(*row) for row in self._rows(query, begin, end)]

    def names(self, kind: str) -> dict[int, str]:
        """The texts behind codes."""
        return dict(self._rows("SELECT code, name FROM names WHERE kind = ? ORDER BY code", kind))

    def kept(self, name: str) -> bytes | None:
        """What was kept under a name."""
        found = self._rows("SELECT value FROM kept WHERE name = ?", name)
        return bytes(found[0][0]) if found else None

    def unsent(self, kind: str) -> list[Letter]:
        """What waits to be sent, in the order of its ticks."""
        found = self._rows("SELECT id, payload FROM outbox WHERE kind = ? ORDER BY tick, id", kind)
        return [Letter(one, bytes(payload)) for one, payload in found]

    def _version(self, code: int) -> str:
        return self._versions.get(code, "?")

    def _rows(self, query: str, *facts: object) -> list[Any]:
        return self._connection.execute(query, list(facts)).fetchall()
