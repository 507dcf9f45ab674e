"""The rows that are being decoded together, and the report on each of them. Compiled helpers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scorer.batch import Bytes, Columns, Int32s, Int64s, Kind
from scorer.compiled import borrowing
from scorer.wire.arrays import BYTES, INT32S, INT64S, tuple_of

BLOCK = 256
"""Rows that go through a step together: few enough for their payloads to stay in the nearest caches."""

DEAD = -1


class Report(NamedTuple):
    """What became of each record; all of shape ``(capacity,)``.

    ``status`` uint8; ``at`` int64, a byte position in the payload, -1 where there is none; ``field`` int32, an index
    into the fields of the record's schema, -1 where there is none; ``schema`` int32, an index into the plan's schemas,
    -1 where it is unknown; ``found`` int64, the number that was met at ``at``.
    """

    status: Bytes
    at: Int64s
    field: Int32s
    schema: Int32s
    found: Int64s


class Block(NamedTuple):
    """The rows that are being decoded; all int64 ``(BLOCK,)``, only the first ``count`` in use.

    ``row`` is the row in the batch, ``start`` and ``end`` bound its payload, ``cursor`` is the address of what comes
    next, or ``DEAD`` after a failure. ``waiting`` holds rows whose schema is another one.
    """

    row: Int64s
    start: Int64s
    end: Int64s
    cursor: Int64s
    waiting: Int64s


REPORT = tuple_of(Report, BYTES, INT64S, INT32S, INT32S, INT64S)
BLOCK_TYPE = tuple_of(Block, *(INT64S for _ in Block._fields))

_NUMBER, _INTEGER = int(Kind.NUMBER), int(Kind.INTEGER)


def new_report(capacity: int) -> Report:
    """Room for the report on so many rows."""
    return Report(
        np.zeros(capacity, np.uint8),
        np.zeros(capacity, np.int64),
        np.zeros(capacity, np.int32),
        np.zeros(capacity, np.int32),
        np.zeros(capacity, np.int64),
    )


def new_block() -> Block:
    """Scratch space for one decoder."""
    return Block(*(np.zeros(BLOCK, np.int64) for _ in Block._fields))


@borrowing
def fail(block: Block, report: Report, j: int, field: int, status: int, address: int, found: int) -> int:
    """Report a failure and end the row's part in the block. Returns 1, for counting."""
    row = block.row[j]
    report.status[row] = status
    report.at[row] = address - block.start[j]
    report.field[row] = field
    report.found[row] = found
    block.cursor[j] = DEAD
    return 1


@borrowing
def drop_failed(block: Block, count: int) -> int:
    """Close the gaps that failed rows left in the block; how many rows remain."""
    kept = 0
    for j in range(count):
        if block.cursor[j] != DEAD:
            block.row[kept] = block.row[j]
            block.start[kept] = block.start[j]
            block.end[kept] = block.end[j]
            block.cursor[kept] = block.cursor[j]
            kept += 1
    return kept


@borrowing
def clear(columns: Columns, kind: int, index: int, slot: int, row: int) -> None:
    """Leave no value of one field in one row."""
    columns.valid[index, row] = 0
    if kind == _NUMBER:
        columns.numbers[slot, row] = np.nan
    elif kind == _INTEGER:
        columns.integers[slot, row] = 0
    else:
        columns.address[slot, row] = 0
        columns.length[slot, row] = 0
