"""One transaction of a DuckDB connection, and what became of it in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb
from duckdb import DuckDBPyConnection


@contextmanager
def transaction(connection: DuckDBPyConnection) -> Iterator[None]:
    """Committed when the block ends; it never happened when the block, or the commit itself, raises."""
    connection.begin()
    try:
        yield
        connection.commit()
    except BaseException:
        # A commit that failed was rolled back by DuckDB, and a database that gave up takes no word any more: what they
        # answer to a rollback must not hide why.
        with suppress(duckdb.TransactionException, duckdb.FatalException):
            connection.rollback()
        raise
