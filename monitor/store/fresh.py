"""Rows that were read since the last tick: of this step in memory, of those before it in the tables ``fresh_*``."""

from __future__ import annotations

from collections.abc import Mapping

from duckdb import DuckDBPyConnection

from monitor.rows import Rows, count, joined, take
from monitor.store import tables

ALWAYS = (-(2**63), 2**63 - 1)
"""All times that are admitted."""


class Fresh:
    """``types`` are the columns of each kind. Most rows are looked at in the step that reads them, and never stored
    here."""

    def __init__(self, connection: DuckDBPyConnection, types: Mapping[str, Mapping[str, str]]) -> None:
        self._connection, self._types = connection, types
        self._rows: dict[str, list[Rows]] = {kind: [] for kind in types}

    def add(self, kind: str, rows: Rows) -> None:
        """Take in rows of the columns of their kind; the arrays are not to change."""
        self._rows[kind].append(rows)

    def taken(self, kind: str, begin: int = ALWAYS[0], end: int = ALWAYS[1]) -> Rows:
        """All that waited and has its time from ``begin`` up to ``end``; it does not wait any more."""
        types = self._types[kind]
        table, these = f"fresh_{kind}", f"time >= {begin} AND time < {end}"
        stored = tables.fetch(self._connection, f"{table} WHERE {these}", types)
        if count(stored):
            tables.clear(self._connection, table, these)
        parts, late = [stored], []
        for rows in self._rows[kind]:
            ours = (rows["time"] >= begin) & (rows["time"] < end)
            parts.append(rows if ours.all() else take(rows, ours))
            late += [] if ours.all() else [take(rows, ~ours)]
        self._rows[kind] = late
        parts = [part for part in parts if count(part)]
        return parts[0] if len(parts) == 1 else joined(parts, types)

    def store(self) -> None:
        """Store what waits, for the next step."""
        for kind, several in self._rows.items():
            for rows in several:
                tables.insert(self._connection, f"fresh_{kind}", rows, self._types[kind])
            several.clear()
