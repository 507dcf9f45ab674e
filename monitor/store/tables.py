"""What a step says to DuckDB, statement by statement. Columns go in and come out as arrays, without an object a row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from duckdb import DuckDBPyConnection

from monitor.rows import DAY, HOUR, IDS, PREDICTIONS, Layout, Rows, take
from monitor.store.schema import create_day, day_table, names

_KEYS = "id_high"
"""Half of an id is looked for: it costs half as much, and is as good as the whole but for two ids in 2**64."""


@contextmanager
def shown(connection: DuckDBPyConnection, name: str, rows: Rows) -> Iterator[None]:
    """Let DuckDB read these arrays as a table of that name."""
    connection.register(name, rows)
    yield
    # Not where that failed: DuckDB would tell that the transaction is void, instead of why.
    connection.unregister(name)


def fetch(connection: DuckDBPyConnection, source: str, types: Mapping[str, str]) -> Rows:
    """These columns of a table."""
    found = connection.execute(f"SELECT {names(types)} FROM {source}").fetchnumpy()
    return {name: np.ascontiguousarray(found[name], dtype) for name, dtype in types.items()}


def insert(connection: DuckDBPyConnection, table: str, rows: Rows, types: Mapping[str, str]) -> None:
    """Add rows to a table."""
    if len(next(iter(rows.values()))):
        with shown(connection, "batch", rows):
            connection.execute(f"INSERT INTO {table} ({names(types)}) SELECT {names(types)} FROM batch")


def put(
    connection: DuckDBPyConnection,
    table: str,
    columns: Sequence[str],
    rows: Sequence[tuple[int | float | str | bytes, ...]],
) -> None:
    """Add rows of numbers, texts and bytes, given one by one."""
    if rows:
        with shown(connection, "given_rows", _by_column(columns, rows)):
            connection.execute(f"INSERT INTO {table} ({names(columns)}) SELECT {names(columns)} FROM given_rows")


def remove(
    connection: DuckDBPyConnection, table: str, columns: Sequence[str], keys: Sequence[tuple[int | str, ...]]
) -> None:
    """Remove the rows in which these columns are one of ``keys``."""
    if keys:
        with shown(connection, "given_keys", _by_column(columns, keys)):
            by = names(columns)
            connection.execute(f"DELETE FROM {table} WHERE ({by}) IN (SELECT ({by}) FROM given_keys)")


def _by_column(columns: Sequence[str], rows: Sequence[tuple[int | float | str | bytes, ...]]) -> Rows:
    found: Rows = {}
    for name, values in zip(columns, zip(*rows, strict=True), strict=True):
        kind = type(values[0])
        found[name] = np.empty(len(rows), kind if kind in (int, float) else object)
        found[name][:] = values
    return found


@contextmanager
def ids(connection: DuckDBPyConnection, *parts: Rows) -> Iterator[None]:
    """Let ``asked`` be the upper halves of the ids of these rows."""
    asked = {_KEYS: np.concatenate([part[_KEYS] for part in parts])}
    with shown(connection, "given", asked):
        connection.execute(f"CREATE OR REPLACE TEMP TABLE asked AS SELECT {_KEYS} FROM given")
    try:
        yield
    finally:
        connection.execute("DROP TABLE asked")


def held(connection: DuckDBPyConnection, kind: str, days: Iterable[int], types: Mapping[str, str]) -> Rows:
    """What is stored under ids whose upper half is among those ``asked``, of all days: all that is stored under the
    ids themselves, and of an id with an equal half all, too."""
    tables = " UNION ALL ".join(f"SELECT {names(types)} FROM {day_table(kind, day)}" for day in sorted(days))
    if not tables:
        return {name: np.empty(0, dtype) for name, dtype in types.items()}
    return fetch(connection, f"({tables}) AS stored SEMI JOIN asked USING ({_KEYS})", types)


def between(
    connection: DuckDBPyConnection, days: Iterable[int], begin: int, end: int, types: Mapping[str, str]
) -> Rows:
    """The predictions of events from ``begin`` up to ``end``."""
    found = [day for day in sorted(days) if begin < (day + 1) * DAY and day * DAY < end]
    tables = " UNION ALL ".join(f"SELECT {names(types)} FROM {day_table(PREDICTIONS, day)}" for day in found)
    return fetch(connection, f"({tables}) WHERE time >= {begin} AND time < {end}", types)


def alike(
    connection: DuckDBPyConnection, days: Iterable[int], rows: Rows, column: str, types: Mapping[str, str]
) -> Rows:
    """The predictions in the same hour as one of ``rows``, with its value in ``column``."""
    hour, value = rows["time"] // HOUR, rows[column]
    wanted = np.unique(np.stack([hour, value]), axis=1)
    found = sorted(set(days) & set(np.unique(hour * HOUR // DAY).tolist()))
    if not found:
        return {name: np.empty(0, dtype) for name, dtype in types.items()}
    tables = " UNION ALL ".join(f"SELECT {names(types)} FROM {day_table(PREDICTIONS, day)}" for day in found)
    with shown(connection, "wanted", {"hour": wanted[0], "value": wanted[1]}):
        of = f"(time // {HOUR}, {column}) IN (SELECT (hour, value) FROM wanted)"
        return fetch(connection, f"({tables}) WHERE {of}", types)


def insert_by_day(
    connection: DuckDBPyConnection, kind: str, rows: Rows, by: str, days: set[int], layout: Layout
) -> None:
    """Add rows to the tables of their days, by the column ``by``; new days are made, and added to ``days``."""
    types = {name: column.dtype.str for name, column in rows.items()}
    day_of = rows[by] // DAY
    found = np.unique(day_of).tolist()
    for day in found:
        if day not in days:
            create_day(connection, kind, day, layout)
            days.add(day)
        insert(connection, day_table(kind, day), rows if len(found) == 1 else take(rows, day_of == day), types)


def delete(connection: DuckDBPyConnection, kind: str, rows: Rows, by: str) -> None:
    """Remove rows, known by id, version and role, from the tables of their days."""
    keys = [name for name in (*IDS, "version", "role") if name in rows]
    same = " AND ".join(f"stored.{name} = gone.{name}" for name in keys)
    day_of = rows[by] // DAY
    for day in np.unique(day_of).tolist():
        ours = day_of == day
        with shown(connection, "gone", {name: rows[name][ours] for name in keys}):
            connection.execute(f"DELETE FROM {day_table(kind, day)} AS stored USING gone WHERE {same}")


def clear(connection: DuckDBPyConnection, table: str, which: str) -> None:
    """Remove these rows of a table."""
    connection.execute(f"DELETE FROM {table} WHERE {which}")


def drop(connection: DuckDBPyConnection, kind: str, day: int) -> None:
    """Drop a day."""
    connection.execute(f"DROP TABLE {day_table(kind, day)}")


def forget_cohorts(connection: DuckDBPyConnection, hour: int) -> None:
    """Forget what is said of cohorts before ``hour``."""
    for table in ("coverage", "delays", "revisions"):
        connection.execute(f"DELETE FROM {table} WHERE hour < ?", [hour])


def follow(connection: DuckDBPyConnection, number: int, champion: str, challengers: Sequence[str]) -> None:
    """Note what the pointers say from tick ``number`` on, in place of what was noted for that one."""
    connection.execute("DELETE FROM followed WHERE number = ?", [number])
    connection.execute("INSERT INTO followed VALUES (?, ?, ?)", [number, champion, ",".join(challengers)])


def forget_ticks(connection: DuckDBPyConnection, time: int) -> None:
    """Forget the ticks before ``time``, and what the pointers said before the first one that is left."""
    for table in ("tick_offsets", "ticks"):
        connection.execute(f"DELETE FROM {table} WHERE number IN (SELECT number FROM ticks WHERE time < ?)", [time])
    connection.execute(
        "DELETE FROM followed WHERE number < "
        "(SELECT max(number) FROM followed WHERE number <= (SELECT min(number) FROM ticks))"
    )


def orphans(connection: DuckDBPyConnection, day: int) -> int:
    """How many labels of a day never met a prediction."""
    return _number(connection, f"SELECT count(*) FROM {day_table('labels', day)} WHERE NOT matched")


def revisions(connection: DuckDBPyConnection, hour: int) -> int:
    """How many revisions a cohort has had."""
    return _number(connection, "SELECT count(*) FROM revisions WHERE hour = ?", hour)


def hours(connection: DuckDBPyConnection, begin: int, end: int) -> list[tuple[int, int]]:
    """The hours from ``begin`` up to ``end`` that have predictions, and how many."""
    return connection.execute(
        "SELECT hour, sum(predictions)::BIGINT FROM coverage WHERE hour >= ? AND hour < ? GROUP BY hour ORDER BY hour",
        [begin, end],
    ).fetchall()


def add(connection: DuckDBPyConnection, table: str, delta: Rows, keys: Sequence[str]) -> None:
    """Add whole numbers to those of a table, by ``keys``; what becomes 0 throughout is removed."""
    by, values = ", ".join(keys), [name for name in delta if name not in keys]
    both = f"{by}, {', '.join(values)}"
    sums = ", ".join(f"sum({name})::BIGINT AS {name}" for name in values)
    some = " OR ".join(f"{name} <> 0" for name in values)
    if not len(delta[values[0]]):
        return
    with shown(connection, "delta", delta):
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE summed AS SELECT {by}, {sums} FROM "
            f"(SELECT {both} FROM {table} SEMI JOIN delta USING ({by}) UNION ALL SELECT {both} FROM delta) "
            f"GROUP BY {by}"
        )
    connection.execute(f"DELETE FROM {table} WHERE ({by}) IN (SELECT ({by}) FROM summed)")
    connection.execute(f"INSERT INTO {table} ({both}) SELECT {both} FROM summed WHERE {some}")
    connection.execute("DROP TABLE summed")


def _number(connection: DuckDBPyConnection, query: str, *facts: int) -> int:
    return int(connection.execute(query, list(facts)).fetchall()[0][0])
