"""The matured outcomes of an event day as a parquet file, which stays when the state forgets the day.

A tick that closes cohorts of a day, or revises closed ones, puts one letter of the kind ``KIND`` into the outbox, in
place of an older one for the same day; whoever finds it after the commit writes the day and strikes the letter out. So
a kill at any point only has the file written again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

import duckdb
from duckdb import DuckDBPyConnection

from monitor.rows import DAY, LABELS, PREDICTIONS
from monitor.store.cohorts import Timing, closed_before, together
from monitor.store.outbox import Letter
from monitor.store.schema import day_table
from monitor.store.step import Step, Ticked

KIND: Final = "outcomes"
"""The kind of the letters; the payload is the day, counted from 1970, as decimal digits."""

Days: TypeAlias = Mapping[str, Set[int]]
"""By kind, the days that the state has. It says so itself: DuckDB, asked in another thread, would hold on to every file
that is attached meanwhile, such as a snapshot."""

ROWS = 250_000
"""About so many predictions are joined and sorted at a time."""

MEMORY = "128MB"
"""What putting parts together may take."""

_MINUTE = 60_000_000
_ROLE, _CLASS = "outcomes:role", "outcomes:class"


@dataclass(frozen=True, slots=True)
class Columns:
    """How the carried columns of a state are written.

    ``roles`` are the texts of the column ``role``, ``classes`` those of the column ``predicted`` and of labels (none
    for a regression). ``scores`` gives columns the names under which they are written as they are, ``codes`` gives
    columns the kind of their codes (``Step.codes``) and the name under which their texts are written.
    """

    roles: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    scores: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def days_touched(ticked: Ticked) -> list[int]:
    """The days, counted from 1970 and ascending, of whose matured outcomes a tick changed something."""
    hours = [*ticked.closed, *(revision.hour for revision in ticked.revisions)]
    return sorted({hour // DAY for hour in hours})


def ask(step: Step, ticked: Ticked) -> None:
    """Have the files of these days written after the commit."""
    for day in days_touched(ticked):
        step.send_anew(KIND, str(day), str(day).encode())


def wanted(letters: Iterable[Letter]) -> dict[int, str]:
    """The day that each of these letters asks for, with the letter's id."""
    return {int(letter.payload): letter.id for letter in letters}


def write_day(
    connection: DuckDBPyConnection,
    day: int,
    held: Days,
    file: Path,
    columns: Columns,
    timing: Timing,
    implicit: float | None,
) -> int | None:
    """Write the labelled outcomes of closed cohorts of ``day`` to ``file``; how many, ``None`` where the day is gone.

    ``held`` are the days of which the state has predictions and labels.

    ``connection`` is one of its own (``State.reader``), so that this may run in another thread than the state's steps:
    it sees what was committed when it begins, and puts the file there all at once. The rows are those of the state, in
    the order of event time, source coordinates and version; the same rows make the same bytes.

    Columns: ``source_topic``, ``source_partition``, ``source_offset``, ``event_time`` (UTC), ``version``, ``role``,
    ``class`` (as predicted), scores, ``label``, ``label_class``, ``label_time`` (null where implicit), ``implicit``,
    then texts of ``columns.codes``; ``role`` and the classes only where there are any. The file of a day that is gone
    stays as it is. Raises OSError and duckdb.Error; ``file`` is then as it was.
    """
    if day not in held[PREDICTIONS]:
        return None
    parts = file.with_name(f".{file.name}.parts")
    shutil.rmtree(parts, ignore_errors=True)  # of one that was killed
    parts.mkdir()
    try:
        made = _parts(connection, day, held, parts, columns, timing, implicit)
        draft = parts / "whole"
        rows = _joined(made, draft)
        put_in_place(draft, file)
    finally:
        shutil.rmtree(parts)
    return rows


def _parts(
    connection: DuckDBPyConnection,
    day: int,
    held: Days,
    directory: Path,
    columns: Columns,
    timing: Timing,
    implicit: float | None,
) -> list[Path]:
    """Write the day as files of about ``ROWS`` rows: to sort and join all of it would take the memory of the steps."""
    table = day_table(PREDICTIONS, day)
    made: list[Path] = []
    connection.begin()
    try:
        reached = connection.execute("SELECT reached FROM clock").fetchall()[0][0]
        _words(connection, columns)
        for begin, end in _spans(connection, table, min(closed_before(reached, timing), (day + 1) * DAY)):
            within = f"time >= {begin} AND time < {end}"
            connection.execute(f"CREATE OR REPLACE TEMP TABLE told AS SELECT * FROM {table} WHERE {within}")
            connection.execute(f"CREATE OR REPLACE TEMP TABLE truths AS {_truths(day, held)}")
            made.append(directory / f"{len(made)}.parquet")
            _copy(connection, _query(columns, implicit), made[-1])
    finally:
        connection.rollback()  # there is nothing to commit; the temporary tables go with it
    return made


def _spans(connection: DuckDBPyConnection, table: str, closed: int) -> list[tuple[int, int]]:
    """Spans of event time, one behind the other up to ``closed``, with about ``ROWS`` predictions each."""
    query = f"SELECT time // {_MINUTE} * {_MINUTE}, count(*) FROM {table} WHERE time < {closed} GROUP BY 1 ORDER BY 1"
    begins = [group[0] for group in together(connection.execute(query).fetchall(), ROWS)] or [closed]
    return list(zip(begins, [*begins[1:], closed], strict=True))


def _joined(parts: list[Path], draft: Path) -> int:
    """Put parts behind one another, row by row, in a DuckDB of its own with little memory; how many rows there are."""
    options: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY,
        "threads": 1,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with duckdb.connect(config=options) as connection:
        listed = ", ".join(f"'{_quoted(str(part))}'" for part in parts)
        return _copy(connection, f"SELECT * FROM read_parquet([{listed}])", draft)


def _copy(connection: DuckDBPyConnection, query: str, file: Path) -> int:
    copied = f"COPY ({query}) TO '{_quoted(str(file))}' (FORMAT parquet, COMPRESSION zstd)"
    return int(connection.execute(copied).fetchall()[0][0])


def _words(connection: DuckDBPyConnection, columns: Columns) -> None:
    """All codes that occur and their texts, as a temporary table."""
    connection.execute("CREATE TEMP TABLE words AS SELECT kind, code, name FROM names")
    own = [(_ROLE, columns.roles), (_CLASS, columns.classes)]
    rows = [[kind, code, name] for kind, names in own for code, name in enumerate(names)]
    if rows:
        connection.executemany("INSERT INTO words VALUES (?, ?, ?)", rows)


def _query(columns: Columns, implicit: float | None) -> str:
    texts = {"source_topic": ("source_topic", "topic"), "version": ("version", "version")}
    if columns.roles:
        texts["role"] = ("role", _ROLE)
    if columns.classes:
        texts |= {"class": ("predicted", _CLASS), "label_class": ("label", _CLASS)}
    texts |= {name: (column, kind) for column, (kind, name) in columns.codes.items()}
    scores = ", ".join(f"{_name(column)} AS {_name(name)}" for column, name in columns.scores.items())
    order = ["source_topic", "source_partition", "source_offset", "event_time", "version"]
    order += [name for name in ("role", "class") if name in texts]
    order += [*columns.scores.values(), "label"]
    order += [name for name in ("label_class",) if name in texts]
    order += ["label_time", "implicit", *(name for _, name in columns.codes.values())]
    names = ", ".join(f"w{n}.name AS {_name(name)}" for n, name in enumerate(texts))
    joins = " ".join(
        f"LEFT JOIN words w{n} ON w{n}.kind = '{_quoted(kind)}' AND w{n}.code = o.{_name(column)}"
        for n, (column, kind) in enumerate(texts.values())
    )
    taken = ["source_partition", "source_offset", "label", "implicit", "partition", "position"]
    times = "make_timestamptz(time) AS event_time, make_timestamptz(label_time) AS label_time"
    named = f"SELECT {names}, {', '.join(f'o.{name}' for name in taken)}, {times}, {scores or 'NULL'} FROM o {joins}"
    value = "l.value" if implicit is None else f"coalesce(l.value, {float(implicit)!r})"
    outcomes = (
        f"SELECT p.*, {value} AS label, l.value IS NULL AS implicit, l.time AS label_time "
        f"FROM told p {'JOIN' if implicit is None else 'LEFT JOIN'} truths l USING (id_high, id_low)"
    )
    return (
        f"WITH o AS ({outcomes}), named AS ({named}) SELECT {', '.join(map(_name, order))} FROM named "
        "ORDER BY event_time, source_topic, source_partition, source_offset, version, partition, position"
    )


def _truths(day: int, held: Days) -> str:
    """The labels of the predictions in ``told``, without retractions."""
    # A label is kept at least until the event's own day, so earlier days hold none of this one.
    kept = [day_table(LABELS, kept) for kept in sorted(held[LABELS]) if kept >= day]
    names = "id_high, id_low, value, time"
    tables = " UNION ALL ".join(f"SELECT {names} FROM {table} WHERE NOT retracted" for table in kept)
    nothing = "SELECT 0::UBIGINT AS id_high, 0::UBIGINT AS id_low, 0::DOUBLE AS value, 0::BIGINT AS time WHERE false"
    return f"SELECT {names} FROM ({tables or nothing}) SEMI JOIN told USING (id_high, id_low)"


def put_in_place(draft: Path, file: Path) -> None:
    """Let a draft beside it take the file's place, in a way that outlives a loss of power."""
    _write_through(draft)
    draft.replace(file)
    _write_through(file.parent)


def _write_through(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _name(name: str) -> str:
    quoted = name.replace('"', '""')
    return f'"{quoted}"'


def _quoted(text: str) -> str:
    return text.replace("'", "''")
