"""Rows that were read since the last tick: of this step in memory, of those before it in the tables ``fresh_*``."""

from __future__ import annotations

from collections.abc import Mapping

from duckdb import DuckDBPyConnection

from monitor.rows import Rows, count, joined
from monitor.store import tables


class Fresh:
    """``types`` are the columns of each kind. Most rows are looked at in the step that reads them, and never stored
    here."""

    def __init__(self, connection: DuckDBPyConnection, types: Mapping[str, Mapping[str, str]]) -> None:
        self._connection, self._types = connection, types
        self._rows: dict[str, list[Rows]] = {kind: [] for kind in types}

    def add(self, kind: str, rows: Rows) -> None:
        """Take in rows of the columns of their kind; the arrays are not to change."""
        self._rows[kind].append(rows)

    def taken(self, kind: str) -> Rows:
        """All that waited, which does not wait any more."""
        types = self._types[kind]
        stored = tables.fetch(self._connection, f"fresh_{kind}", types)
        if count(stored):
            tables.clear(self._connection, f"fresh_{kind}")
        found = joined([stored, *self._rows[kind]], types)
        self._rows[kind].clear()
        return found

    def store(self) -> None:
        """Store what waits, for the next step."""
        for kind, several in self._rows.items():
            for rows in several:
                tables.insert(self._connection, f"fresh_{kind}", rows, self._types[kind])
            several.clear()
