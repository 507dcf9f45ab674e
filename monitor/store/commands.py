"""The commands that were answered, so that one which is read again is not done again, and a replay can do it, too."""

from __future__ import annotations

from duckdb import DuckDBPyConnection

KEPT = 10_000
"""So many are kept, the latest and those of its tick. One waits to be answered for seconds only."""


def answer(connection: DuckDBPyConnection, name: str) -> bytes | None:
    """What was answered to the command of this id; ``None`` where it is new."""
    found = connection.execute("SELECT answer FROM commands WHERE id = ?", [name]).fetchall()
    return bytes(found[0][0]) if found else None


def keep(connection: DuckDBPyConnection, tick: int, name: str, command: bytes, said: bytes) -> None:
    """Keep a command and its answer. Raises duckdb.ConstraintException where there is one with that id."""
    connection.execute("INSERT INTO commands VALUES (?, ?, ?, ?)", [name, tick, command, said])
    connection.execute(
        "DELETE FROM commands WHERE tick < (SELECT tick FROM commands ORDER BY tick DESC LIMIT 1 OFFSET ?)", [KEPT - 1]
    )
