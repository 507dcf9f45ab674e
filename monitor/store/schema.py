"""The tables of the state file, its format version, and how it is opened.

=================  ====================================================================================================
``meta``           format, layout and timing, by name
``clock``          one row: number and time of the last tick, and ``reached``, the watermark that decides
``ticks``          every tick, and in ``tick_offsets`` the partitions that moved before it or whose ``ended`` changed
``sources``        each partition, as ``cohorts.Source`` has it
``fresh_*``        predictions and labels read since the last tick, not looked at yet
``predictions_D``  predictions of event day D that count, one table a day; ``labels_D`` the labels kept until D
``coverage``       predictions and labelled ones by hour, version and ``shadow``; ``delays`` label delays, in bins
``revisions``      closed cohorts that changed: hour, tick and number
``counts``         what does not count or could not be used, by topic and reason
``names``          texts and the codes that stand for them
``followed``       from which tick on the pointers named which champion, and which challengers, comma-separated
``latency``        time from event to score, in the bins of scorer.quality.lateness, by event hour and version
``letters``        dead letters by hour of the event's arrival and reason, a code of kind "reason"
``failures``       events that a challenger could not score, though they can be read; by event hour, version and reason
``drift``          events by day, champion's version, input (kind "input") and bin of its profile; -1 is missing
``flips``          what scorers did about the pointers
``kept``           what others keep in the same transaction, bytes by name
``outbox``         what is to be sent, by its id
``buckets``        counts, sums and histograms (``stats.buckets.Bucket``) of ``hours`` from ``begin`` on; ``field`` is
                   empty where all outcomes are in it
``verdicts``       what requirements say (``judge.verdicts.Verdict``, as JSON in ``body``)
``sequences``      sequential tests and fast detectors that go on, and the segment values that are told apart
``commands``       commands that were answered, after which tick, and the answers; as JSON
``worst``          the largest confident errors of each day
=================  ====================================================================================================
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from monitor.rows import HELD_LABEL, LABEL, SQL_TYPES, Layout
from monitor.store.cohorts import BEGINNING, Timing
from monitor.store.errors import StateHeld, StateRefused
from monitor.store.transaction import transaction

FORMAT = 2
"""Raised whenever a table changes; ``MIGRATIONS`` then says how files of the format before become this one."""

MIGRATIONS: Mapping[int, Sequence[str]] = {}
"""From each older format that can still be read, the statements that lead to the next."""

_TABLES = f"""
CREATE TABLE meta (name VARCHAR NOT NULL, value VARCHAR NOT NULL);
CREATE TABLE clock (number BIGINT NOT NULL, time BIGINT NOT NULL, reached BIGINT NOT NULL);
INSERT INTO clock VALUES (0, {BEGINNING}, {BEGINNING});
CREATE TABLE ticks (number BIGINT NOT NULL, time BIGINT NOT NULL);
CREATE TABLE tick_offsets (number BIGINT NOT NULL, topic VARCHAR NOT NULL, partition INTEGER NOT NULL,
    next_offset BIGINT NOT NULL, ended BOOLEAN NOT NULL);
CREATE TABLE sources (topic VARCHAR NOT NULL, partition INTEGER NOT NULL, next_offset BIGINT NOT NULL,
    time BIGINT NOT NULL, alive BIGINT NOT NULL, ticked BIGINT NOT NULL, ended BOOLEAN NOT NULL);
CREATE TABLE coverage (hour BIGINT NOT NULL, version BIGINT NOT NULL, shadow BIGINT NOT NULL,
    predictions BIGINT NOT NULL, labelled BIGINT NOT NULL);
CREATE TABLE delays (hour BIGINT NOT NULL, version BIGINT NOT NULL, shadow BIGINT NOT NULL, bin BIGINT NOT NULL,
    labels BIGINT NOT NULL);
CREATE TABLE revisions (hour BIGINT NOT NULL, tick BIGINT NOT NULL, number BIGINT NOT NULL);
CREATE TABLE counts (topic VARCHAR NOT NULL, reason VARCHAR NOT NULL, n BIGINT NOT NULL);
CREATE TABLE names (kind VARCHAR NOT NULL, code INTEGER NOT NULL, name VARCHAR NOT NULL);
CREATE TABLE followed (number BIGINT NOT NULL, champion VARCHAR NOT NULL, challengers VARCHAR NOT NULL);
CREATE TABLE latency (hour BIGINT NOT NULL, version BIGINT NOT NULL, bin BIGINT NOT NULL, n BIGINT NOT NULL);
CREATE TABLE letters (hour BIGINT NOT NULL, reason BIGINT NOT NULL, n BIGINT NOT NULL);
CREATE TABLE failures (hour BIGINT NOT NULL, version BIGINT NOT NULL, reason BIGINT NOT NULL, n BIGINT NOT NULL);
CREATE TABLE drift (day BIGINT NOT NULL, version BIGINT NOT NULL, input BIGINT NOT NULL, bin BIGINT NOT NULL,
    n BIGINT NOT NULL);
CREATE TABLE flips (time BIGINT NOT NULL, pointer VARCHAR NOT NULL, version VARCHAR NOT NULL, ok BOOLEAN NOT NULL,
    reason VARCHAR NOT NULL, instance VARCHAR NOT NULL);
CREATE TABLE kept (name VARCHAR NOT NULL, value BLOB NOT NULL);
CREATE TABLE outbox (id VARCHAR PRIMARY KEY, kind VARCHAR NOT NULL, payload BLOB NOT NULL, tick BIGINT NOT NULL);
CREATE TABLE buckets (begin BIGINT NOT NULL, hours SMALLINT NOT NULL, version VARCHAR NOT NULL, role VARCHAR NOT NULL,
    field VARCHAR NOT NULL, value VARCHAR NOT NULL, content BLOB NOT NULL);
CREATE TABLE verdicts (requirement VARCHAR NOT NULL, number BIGINT NOT NULL, role VARCHAR NOT NULL,
    version VARCHAR NOT NULL, field VARCHAR NOT NULL, value VARCHAR NOT NULL, "window" VARCHAR NOT NULL,
    begin BIGINT NOT NULL, "end" BIGINT NOT NULL, verdict VARCHAR NOT NULL, body VARCHAR NOT NULL);
CREATE TABLE sequences (kind VARCHAR NOT NULL, requirement VARCHAR NOT NULL, number BIGINT NOT NULL,
    role VARCHAR NOT NULL, version VARCHAR NOT NULL, field VARCHAR NOT NULL, value VARCHAR NOT NULL,
    state BLOB NOT NULL);
CREATE TABLE commands (id VARCHAR PRIMARY KEY, tick BIGINT NOT NULL, command BLOB NOT NULL, answer BLOB NOT NULL);
CREATE TABLE worst (day BIGINT NOT NULL, version VARCHAR NOT NULL, loss DOUBLE NOT NULL, score DOUBLE NOT NULL,
    label DOUBLE NOT NULL, time BIGINT NOT NULL, topic VARCHAR NOT NULL, partition INTEGER NOT NULL,
    "offset" BIGINT NOT NULL);
"""

SHARED = (
    "meta", "clock", "sources", "coverage", "delays", "revisions", "counts", "names", "followed", "latency", "letters",
    "failures", "drift", "flips", "kept", "outbox", "buckets", "verdicts", "worst",
)  # fmt: skip
"""The tables that a snapshot shows."""


def columns(types: Mapping[str, str]) -> str:
    """The columns of a table, for CREATE TABLE."""
    return ", ".join(f'"{name}" {SQL_TYPES[dtype]} NOT NULL' for name, dtype in types.items())


def names(types: Iterable[str]) -> str:
    """The names of these columns, for SELECT and INSERT."""
    return ", ".join(f'"{name}"' for name in types)


def day_table(kind: str, day: int) -> str:
    """The table of predictions or labels of a day, counted from 1970."""
    return f'"{kind}_{day}"'


def create_day(connection: DuckDBPyConnection, kind: str, day: int, layout: Layout) -> None:
    """Make the table of a day."""
    types = layout.prediction if kind == "predictions" else HELD_LABEL
    connection.execute(f"CREATE TABLE {day_table(kind, day)} ({columns(types)})")


def days(connection: DuckDBPyConnection, kind: str) -> set[int]:
    """The days that have a table."""
    rows = connection.execute(
        "SELECT table_name FROM duckdb_tables() "
        "WHERE database_name = current_database() AND starts_with(table_name, ?)",
        [f"{kind}_"],
    ).fetchall()
    return {int(name.removeprefix(f"{kind}_")) for (name,) in rows}


def connect(path: Path, memory: str, threads: int) -> DuckDBPyConnection:
    """Open the file, or make an empty one. Raises StateHeld and StateRefused."""
    options: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory,
        "threads": threads,
        "preserve_insertion_order": False,
        "temp_directory": f"{path}.spill",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    try:
        return duckdb.connect(str(path), config=options)
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise StateHeld(f"{path} is open in another process: {error}") from error
        raise _refusal(path, error) from error
    except duckdb.Error as error:
        raise _refusal(path, error) from error


def _refusal(path: Path, error: duckdb.Error) -> StateRefused:
    """Why the file cannot be opened."""
    directory = path.parent
    if not directory.is_dir():
        return StateRefused(f"there is no directory {directory} for the state: see monitor.state_directory ({error})")
    for place in (directory, path):
        if place.exists() and not os.access(place, os.R_OK | os.W_OK):
            return StateRefused(
                f"{place} cannot be written, so there can be no state: its disk is mounted read-only, or this user may "
                f"not; see monitor.state_directory ({error})"
            )
    if "space left" in str(error).lower():
        return StateRefused(f"the disk of {path} is full: make room, and start again ({error})")
    return damaged(path, error)


def damaged(path: Path, error: duckdb.Error) -> StateRefused:
    """Of a file that holds what a state does not."""
    return StateRefused(
        f"{path} is no state file, is damaged, or was written by a DuckDB that DuckDB {duckdb.__version__} cannot "
        f"read: {error}. Put a copy in its place; or move it away, and a new state begins with the oldest records that "
        "the topics hold"
    )


def prepare(
    connection: DuckDBPyConnection,
    layout: Layout,
    timing: Timing,
    migrations: Mapping[int, Sequence[str]] = MIGRATIONS,
    newest: int = FORMAT,
) -> None:
    """Make the tables where there are none, else see that they are ours, and bring older ones up to date.

    All of it in one transaction. Raises StateRefused; the file is then as it was.
    """
    with transaction(connection):
        if not connection.execute("SELECT count(*) FROM duckdb_tables() WHERE NOT internal").fetchall()[0][0]:
            _create(connection, layout, timing, newest)
        else:
            _check(connection, layout, timing, migrations, newest)


def _create(connection: DuckDBPyConnection, layout: Layout, timing: Timing, newest: int) -> None:
    connection.execute(_TABLES)
    connection.execute(f"CREATE TABLE fresh_predictions ({columns(layout.prediction)})")
    connection.execute(f"CREATE TABLE fresh_labels ({columns(LABEL)})")
    facts = {"format": str(newest), "layout": json.dumps(dict(layout.carried)), "timing": json.dumps(asdict(timing))}
    connection.executemany("INSERT INTO meta VALUES (?, ?)", list(facts.items()))


def _check(
    connection: DuckDBPyConnection,
    layout: Layout,
    timing: Timing,
    migrations: Mapping[int, Sequence[str]],
    newest: int,
) -> None:
    try:
        facts = dict(connection.execute("SELECT name, value FROM meta").fetchall())
        found, carried, settings = int(facts["format"]), json.loads(facts["layout"]), json.loads(facts["timing"])
    except (duckdb.CatalogException, KeyError, ValueError) as error:
        raise StateRefused(f"this is a DuckDB file, but no state of a monitor: {error}") from error
    if found > newest:
        raise StateRefused(
            f"the state has format {found}, and this monitor knows formats up to {newest}: it was written by a newer "
            "one; run that one, or move the file away and replay the topics"
        )
    while found < newest:
        if found not in migrations:
            raise StateRefused(
                f"the state has format {found}, from which this monitor ({newest}) knows no way on; stop the monitor "
                "and build it anew: monitor replay --to NEW_DIRECTORY; or move the file away"
            )
        for statement in migrations[found]:
            connection.execute(statement)
        found += 1
        connection.execute("UPDATE meta SET value = ? WHERE name = 'format'", [str(found)])
    if list(carried.items()) != list(layout.carried.items()):
        raise StateRefused(
            f"the state was made for other segments (monitor.segments) or outputs: it holds the columns "
            f"{', '.join(carried)}, and the settings ask for {', '.join(layout.carried)}; set them back, or stop the "
            "monitor and build it anew: monitor replay --to NEW_DIRECTORY"
        )
    if settings != asdict(timing):
        raise StateRefused(
            f"the state was made with {settings} microseconds, and the settings say {asdict(timing)}: what closed once "
            "would close otherwise; set them back, or move the file away and replay the topics"
        )
