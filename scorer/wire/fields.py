"""Reading one field of a block of rows: one compiled helper per way of encoding.

Each takes the rows of the block that are still good, moves their cursors behind the field, stores value and validity,
and returns how many rows failed. Nothing is read at or behind a payload's end.
"""

from __future__ import annotations

import numpy as np

from scorer.batch import Columns, Int64s
from scorer.compiled import borrowing
from scorer.wire.block import Block, Report, fail
from scorer.wire.plan import FACTOR, FIELD, NULL, OP, ROW, SLOT, A, B, Op
from scorer.wire.raw import load_f32, load_f64, load_u8
from scorer.wire.reasons import BOOLEAN, ENUM, LENGTH, OK, TIME, TRUNCATED, UNION, UTF8, VARINT
from scorer.wire.utf8 import utf8_error
from scorer.wire.varint import read_varint

_DOUBLE, _STRING, _FIXED = int(Op.DOUBLE), int(Op.STRING), int(Op.FIXED)
_NULL_HERE, _VALUE_HERE = 0, 1


@borrowing
def _branch(cursor: int, end: int, null: int) -> tuple[int, int]:
    """Whether a value or null follows, and from where on; minus a status in place of the first on failure."""
    if null < 0:
        return _VALUE_HERE, cursor
    if cursor < end:
        first = load_u8(cursor)
        if first in (0, 2):
            return int((first >> 1) != null), cursor + 1
    branch, behind, status = read_varint(cursor, end)
    if status != OK:
        return -status, cursor
    if branch not in (0, 1):
        return -UNION, cursor
    return int(branch != null), behind


@borrowing
def _fail_varint(block: Block, report: Report, j: int, field: int, status: int, cursor: int) -> int:
    """Report what is wrong with the varint at ``cursor``: cut off, too long, or a number that cannot be."""
    end = block.end[j]
    found, _, _ = read_varint(cursor, end)
    return fail(block, report, j, field, status, end if status == TRUNCATED else cursor, int(found))


@borrowing
def read_numbers(block: Block, count: int, step: Int64s, report: Report, columns: Columns) -> int:
    """Double and float, into ``numbers``."""
    null, field, wide = step[NULL], step[FIELD], step[OP] == _DOUBLE
    size = 8 if wide else 4
    column, valid = columns.numbers[step[SLOT]], columns.valid[step[ROW]]
    failures = 0
    for j in range(count):
        row, end = block.row[j], block.end[j]
        here, cursor = _branch(block.cursor[j], end, null)
        if here < 0:
            failures += _fail_varint(block, report, j, field, -here, cursor)
        elif here == _VALUE_HERE and cursor + size > end:
            failures += fail(block, report, j, field, TRUNCATED, end, 0)
        else:
            valid[row] = here
            if here == _NULL_HERE:
                column[row] = np.nan
                block.cursor[j] = cursor
            else:
                column[row] = load_f64(cursor) if wide else np.float64(load_f32(cursor))
                block.cursor[j] = cursor + size
    return failures


@borrowing
def read_integers(block: Block, count: int, step: Int64s, report: Report, columns: Columns) -> int:
    """Int, long and what is stored as such, into ``integers``."""
    null, field, low, high, factor = step[NULL], step[FIELD], step[A], step[B], step[FACTOR]
    column, valid = columns.integers[step[SLOT]], columns.valid[step[ROW]]
    failures = 0
    for j in range(count):
        row, end = block.row[j], block.end[j]
        here, cursor = _branch(block.cursor[j], end, null)
        value, behind, status = np.int64(0), cursor, -here
        if here == _VALUE_HERE:
            value, behind, status = read_varint(cursor, end)
            if status == OK and (value < low or value > high):
                status = VARINT if factor == 1 else TIME
        if status > OK:
            failures += _fail_varint(block, report, j, field, status, cursor)
        else:
            valid[row] = here
            column[row] = value * factor
            block.cursor[j] = behind
    return failures


@borrowing
def read_booleans(block: Block, count: int, step: Int64s, report: Report, columns: Columns) -> int:
    """Boolean, as 0 or 1 into ``integers``."""
    null, field = step[NULL], step[FIELD]
    column, valid = columns.integers[step[SLOT]], columns.valid[step[ROW]]
    failures = 0
    for j in range(count):
        row, end = block.row[j], block.end[j]
        here, cursor = _branch(block.cursor[j], end, null)
        if here < 0:
            failures += _fail_varint(block, report, j, field, -here, cursor)
        elif here == _NULL_HERE:
            valid[row] = 0
            column[row] = 0
            block.cursor[j] = cursor
        elif cursor >= end:
            failures += fail(block, report, j, field, TRUNCATED, end, 0)
        elif load_u8(cursor) > 1:
            failures += fail(block, report, j, field, BOOLEAN, cursor, load_u8(cursor))
        else:
            valid[row] = 1
            column[row] = load_u8(cursor)
            block.cursor[j] = cursor + 1
    return failures


@borrowing
def _span(cursor: int, end: int, fixed: int) -> tuple[int, int, int]:
    """Start and length of the bytes at ``cursor``, and a status. ``fixed`` is -1 where a length precedes them."""
    if fixed >= 0:
        return cursor, fixed, OK if fixed <= end - cursor else TRUNCATED
    length, behind, status = read_varint(cursor, end)
    if status == OK and (length < 0 or length > end - behind):
        status = LENGTH
    return behind, int(length), status


@borrowing
def read_spans(block: Block, count: int, step: Int64s, report: Report, columns: Columns) -> int:
    """String, bytes and fixed, as address and length."""
    null, field, text = step[NULL], step[FIELD], step[OP] == _STRING
    fixed = step[A] if step[OP] == _FIXED else -1
    address, length = columns.address[step[SLOT]], columns.length[step[SLOT]]
    valid = columns.valid[step[ROW]]
    failures = 0
    for j in range(count):
        row, end = block.row[j], block.end[j]
        here, cursor = _branch(block.cursor[j], end, null)
        start, size, status, wrong = cursor, 0, -here, -1
        if here == _VALUE_HERE:
            start, size, status = _span(cursor, end, fixed)
            if text and status == OK:
                wrong = utf8_error(start, size)
        if status > OK:
            failures += _fail_varint(block, report, j, field, status, cursor)
        elif wrong >= 0:
            failures += fail(block, report, j, field, UTF8, start + wrong, load_u8(start + wrong))
        else:
            valid[row] = here
            address[row] = start
            length[row] = size
            block.cursor[j] = start + size
    return failures


@borrowing
def read_enums(
    block: Block, count: int, step: Int64s, report: Report, columns: Columns, symbols: Int64s, sizes: Int64s
) -> int:
    """Enum, as address and length of its symbol, taken from the table ``symbols`` with ``sizes``."""
    null, field, first, last = step[NULL], step[FIELD], step[A], step[B]
    address, length = columns.address[step[SLOT]], columns.length[step[SLOT]]
    valid = columns.valid[step[ROW]]
    failures = 0
    for j in range(count):
        row, end = block.row[j], block.end[j]
        here, cursor = _branch(block.cursor[j], end, null)
        value, behind, status = np.int64(0), cursor, -here
        if here == _VALUE_HERE:
            value, behind, status = read_varint(cursor, end)
            if status == OK and (value < 0 or value > last):
                status = ENUM
        if status > OK:
            failures += _fail_varint(block, report, j, field, status, cursor)
        else:
            valid[row] = here
            address[row] = symbols[first + value]
            length[row] = sizes[first + value] if here else 0
            block.cursor[j] = behind
    return failures
