"""Reading an array or a map of a block of rows: compiled helpers like those in ``fields``.

Both are encoded as blocks: a count, the items, and so on up to a count of 0. A negative count is followed by the size
of its block in bytes, which must be the true one. Nothing is read at or behind a payload's end, and no count is
believed before there are bytes for it.
"""

from __future__ import annotations

import numpy as np

from scorer.batch import Columns, Int64s
from scorer.compiled import borrowing
from scorer.wire.block import Block, Report, fail
from scorer.wire.plan import FACTOR, FIELD, ROW, SLOT, A, B, Op
from scorer.wire.raw import load_f64, load_u8, same_bytes
from scorer.wire.reasons import BLOCK, BOOLEAN, ENUM, LENGTH, OK, TIME, TRUNCATED, UNION, UTF8, VARINT
from scorer.wire.utf8 import utf8_error
from scorer.wire.varint import read_varint

_NULL, _DOUBLE, _FLOAT, _INTEGER = int(Op.ABSENT), int(Op.DOUBLE), int(Op.FLOAT), int(Op.INTEGER)
_BOOLEAN, _STRING, _BYTES, _FIXED = int(Op.BOOLEAN), int(Op.STRING), int(Op.BYTES), int(Op.FIXED)
_NO_SIZE = -1


@borrowing
def _head(cursor: int, end: int) -> tuple[int, int, int, int]:
    """The count of a block, where it must end (-1: it does not say), where its items begin, and a status."""
    count, behind, status = read_varint(cursor, end)
    if status != OK or count >= 0:
        return int(count), _NO_SIZE, behind, int(status)
    size, items, status = read_varint(behind, end)
    if status != OK:
        return 0, _NO_SIZE, behind, status
    if -count < 0 or size < 0 or size > end - items:
        return 0, _NO_SIZE, cursor, BLOCK
    return int(-count), int(items + size), items, OK


@borrowing
def _fail(block: Block, report: Report, j: int, field: int, status: int, at: int) -> int:
    """Report what is wrong at ``at``."""
    end, found = block.end[j], 0
    if status in (UTF8, BOOLEAN):
        found = load_u8(at)
    elif status != TRUNCATED:
        number, _, _ = read_varint(at, end)
        found = int(number)
    return fail(block, report, j, field, status, end if status == TRUNCATED else at, found)


@borrowing
def read_elements(block: Block, count: int, step: Int64s, report: Report, columns: Columns) -> int:
    """An array of doubles: how many there are into ``integers``, and the first ``B`` of them into ``numbers``."""
    field, first, wanted = step[FIELD], step[A], step[B]
    total, valid = columns.integers[step[SLOT]], columns.valid
    failures = 0
    for j in range(count):
        row, end, cursor, found, status = block.row[j], block.end[j], block.cursor[j], 0, OK
        at = cursor
        while True:
            at = cursor
            items, stop, cursor, status = _head(cursor, end)
            if status != OK or items == 0:
                break
            if items > (end - cursor) >> 3:
                status = TRUNCATED
                break
            for k in range(min(items, wanted - found)):
                columns.numbers[first + found + k, row] = load_f64(cursor + 8 * k)
                valid[step[ROW] + 1 + found + k, row] = 1
            found += items
            cursor += 8 * items
            if stop not in (_NO_SIZE, cursor):
                status = BLOCK
                break
        if status != OK:
            failures += _fail(block, report, j, field, status, at)
            continue
        for k in range(found, wanted):
            columns.numbers[first + k, row] = np.nan
            valid[step[ROW] + 1 + k, row] = 0
        total[row] = found
        valid[step[ROW], row] = 1
        block.cursor[j] = cursor
    return failures


@borrowing
def _text(cursor: int, end: int, check: bool) -> tuple[int, int, int, int]:
    """Start and length of the bytes at ``cursor``, a status, and where what is wrong stands."""
    length, start, status = read_varint(cursor, end)
    if status != OK:
        return start, 0, status, cursor
    if length < 0 or length > end - start:
        return start, 0, LENGTH, cursor
    wrong = utf8_error(start, int(length)) if check else -1
    if wrong >= 0:
        return start, 0, UTF8, start + wrong
    return start, int(length), OK, cursor


@borrowing
def _scalar(cursor: int, end: int, op: int, low: int, high: int) -> tuple[int, int, int]:
    """Where a value without its branch ends, a status, and where what is wrong stands."""
    if op == _NULL:
        return cursor, OK, cursor
    if op in (_STRING, _BYTES):
        start, length, status, at = _text(cursor, end, op == _STRING)
        return start + length, status, at
    if op in (_DOUBLE, _FLOAT, _FIXED):
        size = 8 if op == _DOUBLE else 4 if op == _FLOAT else low
        return cursor + size, OK if size <= end - cursor else TRUNCATED, cursor
    if op == _BOOLEAN:
        if cursor >= end:
            return cursor, TRUNCATED, cursor
        return cursor + 1, OK if load_u8(cursor) <= 1 else BOOLEAN, cursor
    value, behind, status = read_varint(cursor, end)
    if status == OK and (value < low or value > high):
        status = ENUM if op != _INTEGER else VARINT if low < -(1 << 62) or high < 1 << 31 else TIME
    return behind, status, cursor


@borrowing
def _value(cursor: int, end: int, types: Int64s, at: int) -> tuple[int, int, int, int]:
    """Where a value ends, a status, where what is wrong stands, and whether it is null. Row ``at`` of ``types`` says
    how many branches follow in the next rows, or -1 where there is one type and no union."""
    branches, branch, start = types[at, 0], np.int64(0), cursor
    if branches >= 0:
        branch, start, status = read_varint(cursor, end)
        if status != OK:
            return cursor, status, cursor, 0
        if branch < 0 or branch >= branches:
            return cursor, UNION, cursor, 0
    row = at + 1 + branch
    behind, status, wrong = _scalar(start, end, types[row, 0], types[row, 1], types[row, 2])
    return behind, status, wrong, int(types[row, 0] == _NULL)


@borrowing
def _entry(
    cursor: int, end: int, row: int, step: Int64s, columns: Columns, types: Int64s, names: Int64s, sizes: Int64s
) -> tuple[int, int, int]:
    """Read one entry of a map, and keep its value where its key is wanted: where it ends, a status, what is wrong."""
    key, length, status, wrong = _text(cursor, end, True)
    if status != OK:
        return cursor, status, wrong
    start = key + length
    behind, status, wrong, null = _value(start, end, types, step[FACTOR])
    if status != OK:
        return cursor, status, wrong
    for k in range(step[B]):
        if sizes[step[A] + k] == length and same_bytes(names[step[A] + k], key, length):
            columns.valid[step[ROW] + k, row] = 1 - null
            columns.address[step[SLOT] + k, row] = 0 if null else start
            columns.length[step[SLOT] + k, row] = 0 if null else behind - start
    return behind, OK, cursor


@borrowing
def read_entries(
    block: Block,
    count: int,
    step: Int64s,
    report: Report,
    columns: Columns,
    types: Int64s,
    names: Int64s,
    sizes: Int64s,
) -> int:
    """A map: the values of ``B`` keys, as they are encoded, into the spans. Of one key's values the last counts."""
    failures = 0
    for j in range(count):
        row, end, cursor, status = block.row[j], block.end[j], block.cursor[j], OK
        for k in range(step[B]):
            columns.valid[step[ROW] + k, row] = 0
            columns.address[step[SLOT] + k, row] = 0
            columns.length[step[SLOT] + k, row] = 0
        at = cursor
        while True:
            at = cursor
            items, stop, cursor, status = _head(cursor, end)
            if status != OK or items == 0:
                break
            head = at
            for _ in range(items):
                cursor, status, at = _entry(cursor, end, row, step, columns, types, names, sizes)
                if status != OK:
                    break
            if status == OK and stop not in (_NO_SIZE, cursor):
                status, at = BLOCK, head
            if status != OK:
                break
        if status != OK:
            failures += _fail(block, report, j, step[FIELD], status, at)
        else:
            block.cursor[j] = cursor
    return failures
