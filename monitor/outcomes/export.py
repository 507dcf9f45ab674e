"""Matured outcomes of some days as one parquet file, with the fields of their events: a table to train on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
from duckdb import DuckDBPyConnection

from monitor.outcomes.columns import file_of
from monitor.outcomes.decoding import Arrays, Fields
from monitor.outcomes.events import Events
from monitor.store.outcomes import put_in_place
from scorer import schema_files
from scorer.batch import Bools, Int64s
from scorer.errors import SettingsError
from scorer.settings import Settings
from scorer.wire.decode import Decoder

PIECE = 8_192
"""Rows whose events are fetched at a time."""

READ = "event_read"
"""The column that says whether the fields are those of the event; where not, they are null."""

ORDER = "event_time, source_topic, source_partition, source_offset, version"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to export: days from 1970, both included; outcomes of these roles, and of one version where it is named.

    ``sensitive`` says whether fields that ``scorer.sensitive`` names are written.
    """

    first: int
    last: int
    roles: Collection[str]
    version: str | None = None
    events: bool = True
    sensitive: bool = False


@dataclass(slots=True)
class Exported:
    """What was written. ``rows`` have a label each. ``gone`` events are deleted, ``unreadable`` ones bear a schema that
    the settings do not name; the rows of both are there without fields. ``without`` are the days that have no file,
    ``left_out`` the fields that are sensitive, ``renamed`` fields that bear the name of another column."""

    rows: int = 0
    gone: int = 0
    unreadable: int = 0
    days: list[int] = field(default_factory=list)
    without: list[int] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)


def export(settings: Settings, directory: Path, memory: str, wanted: Wanted, out: Path) -> Exported:
    """Write ``out`` from the files in ``directory``, and with the events' fields from Kafka where that is wanted.

    Rows are in the order of event time and source coordinates. Columns are those of the files (``write_day``), then
    ``event_read`` and one for each field; a field with the name of another column becomes ``event.FIELD``. ``memory``
    is what DuckDB may use; what it does not hold lies beside ``out`` meanwhile. Raises SettingsError where there are no
    outcomes or ``out`` cannot be written, SchemaError, StreamBroken.
    """
    days = range(wanted.first, wanted.last + 1)
    found = Exported(days=[day for day in days if file_of(directory, day).is_file()])
    found.without = [day for day in days if day not in set(found.days)]
    if not found.days:
        raise SettingsError(f"{directory} has no outcomes of these days: none of them matured, or they were removed")
    if out.is_dir() or not out.parent.is_dir():
        raise SettingsError(f"{out} cannot be written: name a file in a directory that is there")
    draft, files = _beside(out, "partial"), [str(file_of(directory, day)) for day in found.days]
    try:
        with _work(out, memory) as work:
            _open(work, files, wanted)
            if wanted.events:
                with Events(settings) as events:
                    _Joined(work, settings, wanted, found, events).run(files)
            query = f"SELECT * FROM {'joined' if wanted.events else 'outcomes'} ORDER BY {ORDER}"
            copied = work.execute(f"COPY ({query}) TO {_text(str(draft))} (FORMAT parquet, COMPRESSION zstd)")
            found.rows = int(copied.fetchall()[0][0])
        put_in_place(draft, out)
    finally:
        draft.unlink(missing_ok=True)
    return found


@contextmanager
def _work(out: Path, memory: str) -> Iterator[DuckDBPyConnection]:
    """A database beside ``out`` that is gone afterwards."""
    path = _beside(out, "work")
    options: dict[str, Any] = {
        "memory_limit": memory,
        "threads": 1,
        "temp_directory": f"{path}.spill",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    _remove(path)
    try:
        with duckdb.connect(str(path), config=options) as connection:
            yield connection
    except duckdb.IOException as error:
        raise SettingsError(f"{out} cannot be written, or an outcome file not read: {error}") from error
    finally:
        _remove(path)


def _beside(out: Path, ending: str) -> Path:
    return out.with_name(f".{out.name}.{ending}")


def _remove(path: Path) -> None:
    for one in (path, path.with_name(f"{path.name}.wal")):
        one.unlink(missing_ok=True)


def _open(work: DuckDBPyConnection, files: Sequence[str], wanted: Wanted) -> None:
    """Let ``outcomes`` be the rows that are wanted, of all these files."""
    rows = f"read_parquet([{', '.join(map(_text, files))}], union_by_name = true, filename = 'read from')"
    columns = {name for name, *_ in work.execute(f"DESCRIBE FROM {rows}").fetchall()}
    conditions = []
    if "role" in columns:
        conditions.append(f"role IN ({', '.join(map(_text, sorted(wanted.roles)))})")
    if wanted.version is not None:
        conditions.append(f"version = {_text(wanted.version)}")
    where = " AND ".join(conditions) or "true"
    work.execute(f"CREATE TEMP VIEW filed AS SELECT * FROM {rows} WHERE {where}")
    work.execute('CREATE TEMP VIEW outcomes AS SELECT * EXCLUDE ("read from") FROM filed')


class _Place(NamedTuple):
    topic: str
    partition: int
    offsets: Int64s
    rows: Int64s


class _Joined:
    """Fills the table ``joined``, a day after the other, each in the order of its events in Kafka."""

    def __init__(
        self, work: DuckDBPyConnection, settings: Settings, wanted: Wanted, found: Exported, events: Events
    ) -> None:
        decoder = Decoder(schema_files.events(settings.schemas), schema_files.framing(settings.schemas))
        hidden = () if wanted.sensitive else settings.scorer.sensitive
        self._work, self._found, self._events = work, found, events
        self._fields = Fields(decoder, hidden)
        self._none: Arrays = {**self._fields.none(), READ: np.empty(0, bool), "place": np.empty(0, np.int64)}
        found.left_out += [one.name for one in decoder.layout if one.name in hidden]
        taken = {name for name, *_ in work.execute("DESCRIBE outcomes").fetchall()} | {READ}
        found.renamed |= {name: f"event.{name}" for name in self._fields.sql if name in taken}
        made = [f'{sql} AS "{found.renamed.get(name, name)}"' for name, sql in self._fields.sql.items()]
        self._columns = ", ".join([f'coalesce(e."{READ}", false) AS {READ}', *made])

    def run(self, files: Sequence[str]) -> None:
        """Read the files with their events."""
        by = "source_topic, source_partition, source_offset, version"
        numbered = f'SELECT * EXCLUDE ("read from"), row_number() OVER (ORDER BY {by}) - 1 AS place FROM filed'
        for number, file in enumerate(files):
            self._work.execute(f'CREATE OR REPLACE TABLE day AS {numbered} WHERE "read from" = {_text(file)}')
            if number == 0:
                self._add("CREATE TABLE joined AS", "false", self._none)
            size = int(self._work.execute("SELECT count(*) FROM day").fetchall()[0][0])
            for begin in range(0, size, PIECE):
                within = f"place >= {begin} AND place < {begin + PIECE}"
                query = f"SELECT source_topic, source_partition, source_offset, place FROM day WHERE {within}"
                rows = self._work.execute(f"{query} ORDER BY place").fetchnumpy()
                self._add("INSERT INTO joined", within, self._fetched({k: np.asarray(v) for k, v in rows.items()}))

    def _add(self, what: str, within: str, events: Arrays) -> None:
        self._work.register("event", events)
        rows = f"SELECT day.* EXCLUDE place, {self._columns} FROM day LEFT JOIN event e USING (place) WHERE {within}"
        self._work.execute(f"{what} {rows}")
        self._work.unregister("event")

    def _fetched(self, rows: Arrays) -> Arrays:
        """The fields of the events of these rows, with the ``place`` of each row whose event was found."""
        parts = [self._read(place) for place in _places(rows)]
        return {name: np.concatenate([part[name] for part in [self._none, *parts]]) for name in self._none}

    def _read(self, place: _Place) -> Arrays:
        asked, which = np.unique(place.offsets, return_inverse=True)
        batch = self._events.at(place.topic, place.partition, asked)
        arrays, good = self._fields.read(batch)
        at = np.full(len(asked), -1)
        at[np.searchsorted(asked, batch.offset)] = np.arange(len(batch))
        batch.owner.release()
        row = at[which]
        there = row >= 0
        here = there & _of(good, row)
        self._found.gone += int((~there).sum())
        self._found.unreadable += int((there & ~here).sum())
        taken = {name: array[row[here]] for name, array in arrays.items()}
        return {**taken, READ: np.ones(int(here.sum()), bool), "place": place.rows[here]}


def _of(good: Bools, row: Int64s) -> Bools:
    return np.append(good, False)[row]


def _places(rows: Arrays) -> Iterator[_Place]:
    """Rows, sorted by source coordinates, apart by partition."""
    topics, partitions = rows["source_topic"], rows["source_partition"]
    changed = (topics[1:] != topics[:-1]) | (partitions[1:] != partitions[:-1])
    for part in np.split(np.arange(len(topics)), np.flatnonzero(changed) + 1):
        if len(part):
            yield _Place(
                str(topics[part[0]]), int(partitions[part[0]]), rows["source_offset"][part], rows["place"][part]
            )


def _text(text: str) -> str:
    return f"'{_quoted(text)}'"


def _quoted(text: str) -> str:
    return text.replace("'", "''")
