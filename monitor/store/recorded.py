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
    """A recorded tick, and what lies before it: the offsets up to which ``moved`` partitions had been read, all that had
    ``ended``, and what the pointers said from here on, ``None`` where that is as it was: champion and challengers."""

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

    def partitions(self) -> dict[Partition, int]:
        """All partitions, and where the state would go on."""
        found = self._connection.execute("SELECT topic, partition, next_offset FROM sources ORDER BY ALL").fetchall()
        return {(topic, number): offset for topic, number, offset in found}

    def turns(self) -> Iterator[Turn]:
        """The ticks in their order."""
        ended = self._ended_before()
        followed = self._followed()
        begin = self.first
        while rows := self._between(begin, begin + TICKS):
            begin += TICKS
            moved: dict[int, dict[Partition, tuple[int, bool]]] = {}
            for number, topic, partition, offset, done in self._connection.execute(
                "SELECT number, topic, partition, next_offset, ended FROM tick_offsets WHERE number >= ? AND number < ?",
                [rows[0][0], begin],
            ).fetchall():
                moved.setdefault(number, {})[topic, partition] = offset, done
            for number, time in rows:
                facts = moved.get(number, {})
                if facts:
                    ended = ended - facts.keys() | {partition for partition, (_, done) in facts.items() if done}
                offsets = {partition: offset for partition, (offset, _) in facts.items()}
                said = followed.pop(number, None)
                yield Turn(number, time, offsets, ended, said)

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
