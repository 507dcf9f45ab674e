"""Raw rows that are not on the wire (golden rows, a frame) as the same columns that events are decoded into."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple, TypeAlias

import numpy as np

from scorer.batch import Bools, Columns, Floats, Int32s, Int64s, Kind, Layout
from scorer.model.inputs import Input, Raw

Values: TypeAlias = "tuple[Floats, Bools] | tuple[Int64s, Bools] | list[bytes | None]"
"""One raw input: values and where there are any; or the UTF-8 of categories."""

_KINDS = {"float64": Kind.NUMBER, "int64": Kind.INTEGER, "category": Kind.TEXT}


class Table(NamedTuple):
    """Columns and their layout. ``text`` owns the bytes that the columns point to: keep it as long as these."""

    layout: Layout
    columns: Columns
    text: bytes

    @property
    def rows(self) -> Int64s:
        """All rows, in order."""
        return np.arange(self.columns.capacity)


class Results(NamedTuple):
    """What a model says about some rows: scores float64 ``(n_outputs, n)``, flags uint8 and missing int32 ``(n,)``."""

    scores: Floats
    flags: np.ndarray[tuple[int], np.dtype[np.uint8]]
    missing: Int32s


def table(inputs: Sequence[Input], values: Sequence[Values], rows: int) -> Table:
    """Columns with one field per input, from ``values`` of length ``rows`` each."""
    layout = Layout((entry.name, _KINDS[entry.dtype]) for entry in inputs)
    columns = layout.columns(rows)
    words = [word or b"" for column in values if isinstance(column, list) for word in column]
    text = b"".join(words)
    ends = np.fromiter(accumulate(map(len, words), initial=0), np.int64, len(words) + 1)
    begins = np.frombuffer(text or b"\0", np.uint8).ctypes.data + ends
    place = 0
    for field, column in zip(layout, values, strict=True):
        if isinstance(column, list):
            columns.address[field.slot] = begins[place : place + rows]
            columns.length[field.slot] = np.diff(ends[place : place + rows + 1])
            columns.valid[field.index] = [word is not None for word in column]
            place += rows
        else:
            store = columns.numbers if field.kind == Kind.NUMBER else columns.integers
            store[field.slot] = np.where(column[1], column[0], np.nan if field.kind == Kind.NUMBER else 0)
            columns.valid[field.index] = column[1]
    return Table(layout, columns, text)


def from_rows(inputs: Sequence[Input], rows: Sequence[Sequence[Raw]]) -> Table:
    """Columns from rows of raw values, as golden rows are."""
    return table(inputs, values_of(inputs, rows), len(rows))


def values_of(inputs: Sequence[Input], rows: Sequence[Sequence[Raw]]) -> list[Values]:
    """The raw values of each input, from rows of them."""
    found: list[Values] = []
    for position, entry in enumerate(inputs):
        column = [row[position] for row in rows]
        valid = np.array([value is not None for value in column], np.bool_)
        if entry.dtype == "category":
            found.append([value.encode() if isinstance(value, str) else None for value in column])
        elif entry.dtype == "float64":
            found.append((np.array([np.nan if value is None else value for value in column], np.float64), valid))
        else:
            found.append((np.array([0 if value is None else value for value in column], np.int64), valid))
    return found
