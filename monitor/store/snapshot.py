"""A read-only copy of what others may see, put beside the state file all at once.

It is a DuckDB file without the rows that wait. A reader that has opened one keeps it until it opens the next; it never
sees half of one, and never holds up the owner of the state.
"""

from __future__ import annotations

from pathlib import Path

from duckdb import DuckDBPyConnection

from monitor.store.schema import SHARED
from monitor.store.transaction import transaction


def publish(connection: DuckDBPyConnection, path: Path) -> None:
    """Write the tables ``schema.SHARED`` as of now to ``path``, between two steps."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    new.with_name(f"{new.name}.wal").unlink(missing_ok=True)
    connection.execute(f"ATTACH '{_quoted(new)}' AS snapshot")
    try:
        with transaction(connection):
            for table in SHARED:
                connection.execute(f"CREATE TABLE snapshot.{table} AS FROM {table}")
        connection.execute("CHECKPOINT snapshot")
    finally:
        connection.execute("DETACH snapshot")
    new.replace(path)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
