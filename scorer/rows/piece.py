"""The shapes that all formats share: a piece of a file, its reader, its writer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy.typing as npt

from scorer.model.inputs import Input
from scorer.rows.values import Typed

NUMBER, INTEGER, TEXT = "number", "integer", "text"
"""The types of new columns."""

Made: TypeAlias = "Mapping[str, npt.NDArray[Any]]"
"""New columns by name: float64, of which NaN is written as no value; integers; or objects, text or ``None``."""

PIECE = 8_192
"""Rows of a piece, unless somebody says otherwise: enough to keep the kernels busy, a few megabytes of a usual file."""


class Piece(Protocol):
    """Some rows of a file. ``unreadable`` says of some rows why nothing of them can be read."""

    @property
    def unreadable(self) -> Mapping[int, str]: ...

    def __len__(self) -> int:
        """How many rows."""

    def values(self, entry: Input) -> Typed:
        """The values of an input; none where the rows have no such column."""

    def column(self, name: str) -> Sequence[object]:
        """The column as numbers, text, moments … and ``None``."""


class Reader(Protocol):
    """A file that is being read. ``names`` are its columns; ``None`` where every row may have others.

    ``total`` and ``done`` say how far it is read, both in bytes or both in rows; ``total`` is ``None`` where nobody
    knows.
    """

    @property
    def names(self) -> tuple[str, ...] | None: ...
    @property
    def total(self) -> int | None: ...
    @property
    def done(self) -> int: ...

    def pieces(self, rows: int) -> Iterator[Piece]:
        """The rows in their order, so many at a time."""


class Writer(Protocol):
    """A file that is being written: of each row the columns that were chosen when it was opened, and new ones."""

    def write(self, piece: Piece, made: Made) -> None:
        """Append the rows of a piece."""

    def close(self) -> None:
        """Write what must come last. The file itself is closed by who opened it."""
