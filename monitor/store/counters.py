"""Counts beside the outcomes: what explains them, and is judged by nobody. Whole numbers by keys, to be added up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from duckdb import DuckDBPyConnection

from monitor.rows import DAY, Rows
from monitor.store import tables

KEYS: Final = {
    "latency": ("hour", "version", "bin"),
    "letters": ("hour", "reason"),
    "failures": ("hour", "version", "reason"),
    "drift": ("day", "version", "input", "bin"),
}
"""Tables of a count ``n`` by these columns. Hours are microseconds since the epoch, days are counted from 1970."""

FLIPS: Final = 1_000
"""So many flips are kept, the latest."""


class Flip(NamedTuple):
    """What a scorer did about a pointer at ``time``: ``ok`` is false where it refused, and ``reason`` says why."""

    time: int
    pointer: str
    version: str
    ok: bool
    reason: str
    instance: str


def add(connection: DuckDBPyConnection, table: str, rows: Rows) -> None:
    """Add ``rows``, the columns of ``KEYS`` and ``n``, to a table. Raises KeyError for one that is none of these."""
    tables.add(connection, table, {name: rows[name] for name in (*KEYS[table], "n")}, KEYS[table])


def forget(connection: DuckDBPyConnection, day: int) -> None:
    """Forget what was counted before a day."""
    for table, (by, *_) in KEYS.items():
        connection.execute(f"DELETE FROM {table} WHERE {by} < ?", [day if by == "day" else day * DAY])


def flipped(connection: DuckDBPyConnection, flips: Iterable[Flip]) -> None:
    """Take in flips, and forget the oldest beyond ``FLIPS``."""
    new = [list(flip) for flip in flips]
    if not new:
        return
    connection.executemany("INSERT INTO flips VALUES (?, ?, ?, ?, ?, ?)", new)
    connection.execute(
        "DELETE FROM flips WHERE rowid NOT IN "
        f"(SELECT rowid FROM flips ORDER BY time DESC, instance, pointer, version LIMIT {FLIPS})"
    )
