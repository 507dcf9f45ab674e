"""CSV: UTF-8, the first line names the columns, an empty cell is no value. Every cell is kept as it is spelt."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import chain, islice
from typing import BinaryIO

from scorer.errors import SchemaError
from scorer.model.inputs import Input
from scorer.rows.piece import Made, Piece
from scorer.rows.values import Typed, from_text, shown

MISSING = frozenset({""})
"""The cells that are no value, unless others are named besides."""


class DelimitedPiece:
    """Some lines of a CSV file: ``rows`` of cells as they are spelt."""

    def __init__(self, names: Sequence[str], rows: list[list[str]], missing: Collection[str]) -> None:
        self.unreadable: Mapping[int, str] = {}
        self._missing = missing
        width = len(names)
        if any(len(row) != width for row in rows):
            rows, self.unreadable = _straightened(rows, width)
        self._columns = dict(zip(names, zip(*rows, strict=True), strict=True))
        self._size = len(rows)

    def __len__(self) -> int:
        return self._size

    def values(self, entry: Input) -> Typed:
        """The values of an input."""
        return from_text(entry, self._columns[entry.name], self._missing)

    def column(self, name: str) -> Sequence[object]:
        """The cells of a column."""
        return self._columns[name]


def _straightened(rows: list[list[str]], width: int) -> tuple[list[list[str]], dict[int, str]]:
    """Rows of the same width, and of those that had another why they cannot be read; no cell is lost."""
    wrong = {}
    for number, row in enumerate(rows):
        if len(row) != width:
            surplus = f"; the surplus: {row[width:]}" if len(row) > width else ""
            wrong[number] = f"the line has {len(row)} cells, the header {width}{surplus}"
    return [(row + [""] * width)[:width] for row in rows], wrong


class DelimitedReader:
    """Reads CSV from a binary file."""

    def __init__(self, file: BinaryIO, total: int | None, delimiter: str, missing: Collection[str]) -> None:
        """Read the header. Raises ``SchemaError`` where it is missing, or names a column twice."""
        self.total = total
        self._file, self._missing = file, MISSING.union(missing)
        self._text = io.TextIOWrapper(file, "utf-8-sig", newline="")
        self._lines = csv.reader(self._text, delimiter=delimiter, strict=True)
        try:
            self.names = tuple(next(self._lines, ()))
        except (csv.Error, UnicodeDecodeError) as error:
            raise self._broken(error) from None
        if not self.names or len(set(self.names)) != len(self.names):
            raise SchemaError(f"the first line must name the columns, each once; it is {shown(list(self.names))}")

    @property
    def done(self) -> int:
        """Bytes that were read."""
        return self._file.tell() if self.total is not None else 0

    def pieces(self, rows: int) -> Iterator[DelimitedPiece]:
        """The rows in their order, so many at a time; empty lines are none."""
        lines = filter(None, self._lines)
        try:
            while cells := list(islice(lines, rows)):
                yield DelimitedPiece(self.names, cells, self._missing)
        except (csv.Error, UnicodeDecodeError) as error:
            raise self._broken(error) from None

    def _broken(self, error: ValueError | csv.Error) -> SchemaError:
        return SchemaError(f"line {self._lines.line_num + 1} is not CSV in UTF-8: {error}")


class DelimitedWriter:
    """Writes CSV to a binary file."""

    def __init__(self, file: BinaryIO, names: Sequence[str], made: Mapping[str, str], delimiter: str) -> None:
        """Write the header."""
        self._text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
        self._lines = csv.writer(self._text, delimiter=delimiter, lineterminator="\n")
        self._names = names
        self._lines.writerow([*names, *made])

    def write(self, piece: Piece, made: Made) -> None:
        """Append rows."""
        taken = (map(_cell, piece.column(name)) for name in self._names)
        new = (_cells(run.tolist()) for run in made.values())
        try:
            self._lines.writerows(zip(*chain(taken, new), strict=True))
        except UnicodeEncodeError as error:
            half = f"CSV cannot hold half of a surrogate pair, {shown(error.object[error.start : error.end])}"
            raise SchemaError(f"{half}: choose other columns (--columns), or another format") from None

    def close(self) -> None:
        """Leave the file to who opened it."""
        self._text.detach()


def _cells(run: Sequence[object]) -> Iterator[object]:
    """Numbers as Python spells them, which reads back to the same bits; nothing for NaN and ``None``."""
    return ("" if value is None or value != value else value for value in run)  # noqa: PLR0124  # NaN


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, str | int | float):
        return value
    raise SchemaError(f"CSV cannot hold {shown(value)}: choose other columns (--columns), or another format")
