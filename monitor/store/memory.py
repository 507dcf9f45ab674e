"""What of the state is held beside the file, so that a step need not ask for it."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import NamedTuple

from duckdb import DuckDBPyConnection

from monitor.store.cohorts import Source


class Clock(NamedTuple):
    """``number`` and ``time`` of the last tick; ``reached`` is the greatest watermark of a tick so far."""

    number: int
    time: int
    reached: int


class Followed(NamedTuple):
    """What the pointers say from the tick ``number`` on: the champion's version, ``""`` where there is none yet, and
    the versions that are scored in the shadow."""

    number: int
    champion: str
    challengers: tuple[str, ...]


@dataclass(slots=True)
class Memory:
    """Small tables. ``sources`` by topic and partition, ``names`` are codes by kind and text, ``days`` by kind."""

    clock: Clock
    sources: dict[str, dict[int, Source]]
    names: dict[str, dict[str, int]]
    days: dict[str, set[int]]
    followed: Followed

    def copy(self) -> Memory:
        """One that can be changed, and thrown away with its step."""
        return Memory(
            self.clock,
            {topic: dict(sources) for topic, sources in self.sources.items()},
            {kind: dict(names) for kind, names in self.names.items()},
            {kind: set(days) for kind, days in self.days.items()},
            self.followed,
        )

    def store(self, connection: DuckDBPyConnection, before: Memory) -> None:
        """Write what differs from ``before``."""
        if self.clock != before.clock:
            connection.execute("UPDATE clock SET number = ?, time = ?, reached = ?", self.clock)
        for topic, sources in self.sources.items():
            for number, source in sources.items():
                old = before.sources.get(topic, {}).get(number)
                if old is None:
                    connection.execute(
                        "INSERT INTO sources VALUES (?, ?, ?, ?, ?, ?, ?)", [topic, number, *astuple(source)]
                    )
                elif source != old:
                    connection.execute(
                        "UPDATE sources SET next_offset = ?, time = ?, alive = ?, ticked = ?, ended = ? "
                        "WHERE topic = ? AND partition = ?",
                        [*astuple(source), topic, number],
                    )
        for kind, names in self.names.items():
            known = before.names.get(kind, {})
            for name in names.keys() - known.keys():
                connection.execute("INSERT INTO names VALUES (?, ?, ?)", [kind, names[name], name])
