"""Avro object container files, by fastavro. Moments and other logical types stay what they are."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, BinaryIO

import fastavro
from fastavro.schema import SchemaParseException, UnknownType
from fastavro.write import Writer as Container

from scorer.errors import SchemaError
from scorer.model.inputs import Input
from scorer.rows.piece import INTEGER, NUMBER, TEXT, Made
from scorer.rows.values import Typed, from_objects

_TYPES: Mapping[str, Any] = {NUMBER: ["null", "double"], INTEGER: "int", TEXT: ["null", "string"]}
_BROKEN = (EOFError, ValueError, IndexError, KeyError, TypeError, struct.error, zlib.error, SchemaParseException)


class AvroPiece:
    """Some records."""

    unreadable: Mapping[int, str] = {}  # never written to

    def __init__(self, records: list[dict[str, Any]]) -> None:
        self.records = records

    def __len__(self) -> int:
        return len(self.records)

    def values(self, entry: Input) -> Typed:
        """The values of an input."""
        return from_objects(entry, self.column(entry.name))

    def column(self, name: str) -> Sequence[object]:
        """A field of each record."""
        return [record[name] for record in self.records]


class AvroReader:
    """Reads an object container file."""

    def __init__(self, file: BinaryIO, total: int | None) -> None:
        """Read the header. Raises ``SchemaError`` where it is none, or not of records."""
        self.total = total
        self._file = file
        try:
            self._records = fastavro.reader(file)
        except _BROKEN as error:
            raise SchemaError(f"this is no Avro object container file: {error}") from None
        schema = self._records.writer_schema
        if not isinstance(schema, dict) or schema.get("type") != "record":
            raise SchemaError("the file must hold records")
        self.schema: Mapping[str, Any] = schema
        self.codec = str(self._records.codec)
        self.names = tuple(field["name"] for field in schema["fields"])

    @property
    def done(self) -> int:
        """Bytes that were read."""
        return self._file.tell()

    def pieces(self, rows: int) -> Iterator[AvroPiece]:
        """The rows in their order, so many at a time."""
        before = 0
        while True:
            try:
                records: list[Any] = list(islice(self._records, rows))
            except _BROKEN as error:
                raise SchemaError(f"the file is broken behind row {before}: {error}") from None
            if not records:
                return
            yield AvroPiece(records)
            before += len(records)


class AvroWriter:
    """Writes an object container file, compressed as the one that it is made from."""

    def __init__(
        self, file: BinaryIO, source: AvroReader | None, names: Sequence[str], made: Mapping[str, str]
    ) -> None:
        """Write the header. Raises ``SchemaError`` where no schema can hold these columns."""
        self._names = names
        head = {"type": "record", "name": "Scored"} if source is None else source.schema
        fields = {} if source is None else {field["name"]: field for field in source.schema["fields"]}
        new = [{"name": name, "type": _TYPES[kind]} for name, kind in made.items()]
        schema = {**head, "fields": [*(fields[name] for name in names), *new]}
        try:
            self._container = Container(file, schema, "deflate" if source is None else source.codec)
        except (SchemaParseException, UnknownType) as error:
            text = f"Avro has no schema for these columns: {error}"
            raise SchemaError(f"{text}; choose others (--columns), or name the new ones otherwise (--prefix)") from None

    def write(self, piece: AvroPiece, made: Made) -> None:
        """Append rows."""
        columns = {name: piece.column(name) for name in self._names}
        columns |= {name: [None if value != value else value for value in run.tolist()] for name, run in made.items()}  # noqa: PLR0124  # NaN
        for row in zip(*columns.values(), strict=True):
            self._container.write(dict(zip(columns, row, strict=True)))

    def close(self) -> None:
        """Write the last block."""
        self._container.flush()
