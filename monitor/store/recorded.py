"""The ticks that a state has recorded, read from its file by whoever builds the same state anew.

The file may be of another layout or timing than the new state: only that it was a monitor's, and closed, matters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import duckdb

from monitor.store.errors import StateHeld, StateRefused

Partition = tuple[str, int]

TICKS = 10_000
"""So many are read at a time."""


class Turn(NamedTuple):
    """A recorded tick, and what lies before it: the offsets up to which ``moved`` partitions had been read, and all
    that had ``ended``. ``followed`` are champion and challengers from here on, ``None`` where they are as before."""

    number: int
    time: int
    moved: Mapping[Partition, int]
    ended: frozenset[Partition]
    followed: tuple[str, tuple[str, ...]] | None


class Recorded:
    """A state file that is read only. A context manager."""

    def __init__(self, path: Path) -> None:
        """Raises StateHeld while a monitor runs with it, StateRefused where it is none or holds no tick."""
        if not path.is_file():
            raise StateRefused(f"there is no state {path}, and so there are no recorded ticks: monitor run begins anew")
        try:
            self._connection = duckdb.connect(str(path), read_only=True, config={"threads": 1})
        except duckdb.IOException as error:
            if "lock" in str(error).lower():
                raise StateHeld(f"{path} is in use: stop the monitor first, the ticks are in there") from error
            raise StateRefused(f"{path} is no state file, or is damaged: {error}") from error
        try:
            found = self._connection.execute("SELECT min(number), count(*) FROM ticks").fetchall()[0]
        except duckdb.CatalogException as error:
            self._connection.close()
            raise StateRefused(f"{path} is a DuckDB file, but no state of a monitor: {error}") from error
        if not found[1]:
            self._connection.close()
            raise StateRefused(f"{path} has recorded no tick: there is nothing to do again")
        self.first, self.count = int(found[0]), int(found[1])
        """The number of the first tick that is still recorded, and how many there are."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._connection.close()

    def names(self) -> dict[str, list[str]]:
        """The texts of each kind, in the order of their codes."""
        found: dict[str, list[str]] = {}
        for kind, name in self._connection.execute("SELECT kind, name FROM names ORDER BY kind, code").fetchall():
            found.setdefault(kind, []).append(name)
        return found

    def kept(self, name: str) -> bytes | None:
        """What was kept under a name."""
        found = self._connection.execute("SELECT value FROM kept WHERE name = ?", [name]).fetchall()
        return bytes(found[0][0]) if found else None

    def resting(self) -> dict[Partition, int]:
        """The partitions that have not changed since the first tick, and where each of them stands."""
        found = self._connection.execute(
            "SELECT topic, partition, next_offset FROM sources ANTI JOIN tick_offsets USING (topic, partition) "
            "WHERE ticked >= 0 ORDER BY ALL"
        ).fetchall()
        return {(topic, number): offset for topic, number, offset in found}

    def commands(self) -> dict[int, list[bytes]]:
        """The commands that were answered with each tick."""
        found: dict[int, list[bytes]] = {}
        for tick, command in self._connection.execute("SELECT tick, command FROM commands ORDER BY rowid").fetchall():
            found.setdefault(tick, []).append(bytes(command))
        return found

    def turns(self) -> Iterator[Turn]:
        """The ticks in their order."""
        ended = self._ended_before()
        followed = self._followed()
        begin = self.first
        while rows := self._between(begin, begin + TICKS):
            begin += TICKS
            moved: dict[int, dict[Partition, tuple[int, bool]]] = {}
            query = "FROM tick_offsets WHERE number >= ? AND number < ?"
            for number, topic, partition, *facts in self._connection.execute(query, [rows[0][0], begin]).fetchall():
                moved.setdefault(number, {})[topic, partition] = (facts[0], facts[1])
            for number, time in rows:
                found = moved.get(number, {})
                if found:
                    ended = ended - found.keys() | {partition for partition, (_, done) in found.items() if done}
                offsets = {partition: offset for partition, (offset, _) in found.items()}
                yield Turn(number, time, offsets, ended, followed.get(number))

    def _between(self, begin: int, end: int) -> list[tuple[int, int]]:
        query = "SELECT number, time FROM ticks WHERE number >= ? AND number < ? ORDER BY number"
        return self._connection.execute(query, [begin, end]).fetchall()

    def _followed(self) -> dict[int, tuple[str, tuple[str, ...]]]:
        """By tick; what was said before the first one counts as said with it."""
        rows = self._connection.execute("SELECT number, champion, challengers FROM followed ORDER BY number").fetchall()
        return {
            max(number, self.first): (champion, tuple(filter(None, text.split(",")))) for number, champion, text in rows
        }

    def _ended_before(self) -> frozenset[Partition]:
        """Which partitions had ended before the first tick, where earlier ones are forgotten.

        Of one that has not changed since, the state still knows it. Else it stood still before it changed.
        """
        if self.first == 1:
            return frozenset()
        changed = "SELECT DISTINCT topic, partition FROM tick_offsets"
        rows = self._connection.execute(
            f"SELECT topic, partition FROM sources WHERE ended OR (topic, partition) IN ({changed})"  # noqa: S608
        ).fetchall()
        return frozenset((topic, partition) for topic, partition in rows)
