"""Parquet, by pyarrow (the extra ``parquet``). Columns keep their types, whatever these are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

from scorer.errors import SchemaError, SettingsError
from scorer.model import frame
from scorer.model.inputs import Input
from scorer.rows.piece import INTEGER, NUMBER, TEXT, Made
from scorer.rows.values import Typed, from_objects

try:
    import pyarrow as pa
    from pyarrow import parquet as pq
except ImportError:
    raise SettingsError("Parquet needs pyarrow: pip install 'scorer-monitor[parquet]'") from None

_BUFFER = 1 << 20
_TYPES = {NUMBER: pa.float64(), INTEGER: pa.int32(), TEXT: pa.string()}


class ParquetPiece:
    """Some rows as columns of pyarrow."""

    unreadable: Mapping[int, str] = {}  # never written to

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.batch = batch

    def __len__(self) -> int:
        return int(self.batch.num_rows)

    def values(self, entry: Input) -> Typed:
        """The values of an input: as a data frame's, or else one by one, as where a boolean column has gaps."""
        column = self.batch.column(entry.name)
        try:
            [found] = frame.values((entry,), pa.table({entry.name: column}).to_pandas())
        except SchemaError:
            return from_objects(entry, self.column(entry.name))
        return Typed(found, {})

    def column(self, name: str) -> Sequence[object]:
        """A column as Python's objects. Raises ``SchemaError`` where these cannot hold it."""
        try:
            found: list[object] = self.batch.column(name).to_pylist()
        except (OverflowError, ValueError) as error:
            raise SchemaError(f"column {name!r} holds a value that cannot be read: {error}") from None
        return found


class ParquetReader:
    """Reads a Parquet file. How far it is, is counted in rows."""

    def __init__(self, file: BinaryIO) -> None:
        """Read the footer. Raises ``SchemaError`` where there is none."""
        try:
            self._file = pq.ParquetFile(file, buffer_size=_BUFFER, pre_buffer=False)  # else whole row groups are read
        except (pa.ArrowException, OSError) as error:
            raise SchemaError(f"this is no Parquet file: {error}") from None
        self.schema = self._file.schema_arrow.remove_metadata()
        self.names: tuple[str, ...] = tuple(self.schema.names)
        self.total, self.done = int(self._file.metadata.num_rows), 0
        self._groups: Sequence[int] | None = None
        if len(set(self.names)) != len(self.names):
            raise SchemaError("the file has two columns of the same name")

    @property
    def groups(self) -> list[int]:
        """How many rows each row group has."""
        metadata = self._file.metadata
        return [int(metadata.row_group(group).num_rows) for group in range(metadata.num_row_groups)]

    def only(self, groups: Sequence[int]) -> None:
        """Read no other row groups than these."""
        self._groups, self.total = groups, sum(self.groups[group] for group in groups)

    def pieces(self, rows: int) -> Iterator[ParquetPiece]:
        """The rows in their order, so many at a time."""
        batches = self._file.iter_batches(rows, row_groups=self._groups, use_threads=False)
        while True:
            try:
                batch = next(batches, None)
                if batch is not None:
                    batch.validate(full=True)  # text that is not UTF-8, say
            except (pa.ArrowException, OSError) as error:
                raise SchemaError(f"the file is broken behind row {self.done}: {error}") from None
            if batch is None:
                return
            self.done += batch.num_rows
            yield ParquetPiece(batch)


class ParquetWriter:
    """Writes a Parquet file, one row group a piece."""

    def __init__(
        self, file: BinaryIO, source: ParquetReader | None, names: Sequence[str], made: Mapping[str, str]
    ) -> None:
        self._names = names
        fields = [] if source is None else [source.schema.field(name) for name in names]
        self._schema = pa.schema([*fields, *(pa.field(name, _TYPES[kind]) for name, kind in made.items())])
        self._file = pq.ParquetWriter(file, self._schema)

    def write(self, piece: ParquetPiece, made: Made) -> None:
        """Append rows."""
        new = [pa.array(run, self._schema.field(name).type, from_pandas=True) for name, run in made.items()]
        taken = [piece.batch.column(name) for name in self._names]
        self._file.write_batch(pa.record_batch([*taken, *new], schema=self._schema))

    def close(self) -> None:
        """Write the footer."""
        self._file.close()

    def __del__(self) -> None:
        """A file that was given up gets no footer: it is closed by now, and the library would complain."""
        self._file.is_open = False
