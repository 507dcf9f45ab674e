"""The compiled encoder: runs an encode plan over rows of columns, field by field in blocks of rows.

Every record gets its place in the buffer beforehand, as large as it can possibly become, so nothing is ever written
out of bounds, and between records a few bytes stay unused. A row that cannot be encoded is marked, but goes on
through the plan, inside its place; only its bytes are void.
"""

from __future__ import annotations

from typing import NamedTuple

from numba import types

from scorer.batch import Bytes, Columns, Int32s, Int64s
from scorer.compiled import borrowing, entry
from scorer.wire.arrays import BYTES, COLUMNS, INT32S, INT64S, tuple_of
from scorer.wire.block import BLOCK
from scorer.wire.encode_plan import BRANCH, FACTOR, FIELD, NULL, OP, ROW, SLOT, WRITE_PLAN, A, B, WriteOp, WritePlan
from scorer.wire.raw import copy_bytes, same_bytes, store_f32, store_f64, store_u8
from scorer.wire.reasons import MISSING, OK, RANGE
from scorer.wire.varint import write_varint


class Output(NamedTuple):
    """Where each of ``m`` records is, and what became of it; all of shape ``(m,)``.

    ``row`` int64 is its row in the columns, ``start`` int64 its first byte in the buffer, ``length`` int64 its size,
    -1 where it could not be encoded. ``cursor`` int64 is the address to write to next. ``status`` uint8, ``field``
    int32 and ``found`` int64 say what was wrong.
    """

    row: Int64s
    start: Int64s
    length: Int64s
    cursor: Int64s
    status: Bytes
    field: Int32s
    found: Int64s


OUTPUT = tuple_of(Output, INT64S, INT64S, INT64S, INT64S, BYTES, INT32S, INT64S)

_CONSTANT, _DOUBLE, _FLOAT, _INTEGER = map(int, (WriteOp.CONSTANT, WriteOp.DOUBLE, WriteOp.FLOAT, WriteOp.INTEGER))
_BOOLEAN, _SPAN, _FIXED, _ENUM = map(int, (WriteOp.BOOLEAN, WriteOp.SPAN, WriteOp.FIXED, WriteOp.ENUM))


@borrowing
def _mark(output: Output, j: int, field: int, status: int, found: int) -> None:
    """Note the first thing that is wrong with a record."""
    if output.status[j] == OK:
        output.status[j] = status
        output.field[j] = field
        output.found[j] = found


@borrowing
def _begin(output: Output, j: int, step: Int64s, valid: Bytes) -> tuple[bool, int]:
    """Write the union's branch. Whether a value is to be written, and where."""
    cursor = output.cursor[j]
    here = valid[output.row[j]] != 0
    branch = step[BRANCH] if here else step[NULL]
    if not here and branch < 0:
        _mark(output, j, step[FIELD], MISSING, 0)
    if branch >= 0:
        store_u8(cursor, branch << 1)
        cursor += 1
    return here, cursor


@borrowing
def _write_constants(output: Output, first: int, last: int, step: Int64s, constants: int) -> None:
    source, size = constants + step[A], step[B]
    for j in range(first, last):
        copy_bytes(output.cursor[j], source, size)
        output.cursor[j] += size


@borrowing
def _write_numbers(output: Output, first: int, last: int, step: Int64s, columns: Columns) -> None:
    column, valid, wide = columns.numbers[step[SLOT]], columns.valid[step[ROW]], step[OP] == _DOUBLE
    for j in range(first, last):
        here, cursor = _begin(output, j, step, valid)
        if here and wide:
            store_f64(cursor, column[output.row[j]])
            cursor += 8
        elif here:
            store_f32(cursor, column[output.row[j]])
            cursor += 4
        output.cursor[j] = cursor


@borrowing
def _write_integers(output: Output, first: int, last: int, step: Int64s, columns: Columns) -> None:
    column, valid = columns.integers[step[SLOT]], columns.valid[step[ROW]]
    low, high, factor = step[A], step[B], step[FACTOR]
    for j in range(first, last):
        here, cursor = _begin(output, j, step, valid)
        if here:
            value = column[output.row[j]]
            if factor != 1:
                value //= factor
            if value < low or value > high:
                _mark(output, j, step[FIELD], RANGE, value)
            cursor = write_varint(cursor, value)
        output.cursor[j] = cursor


@borrowing
def _write_booleans(output: Output, first: int, last: int, step: Int64s, columns: Columns) -> None:
    column, valid = columns.integers[step[SLOT]], columns.valid[step[ROW]]
    for j in range(first, last):
        here, cursor = _begin(output, j, step, valid)
        if here:
            value = column[output.row[j]]
            if value < 0 or value > 1:
                _mark(output, j, step[FIELD], RANGE, value)
            store_u8(cursor, value)
            cursor += 1
        output.cursor[j] = cursor


@borrowing
def _write_spans(output: Output, first: int, last: int, step: Int64s, columns: Columns) -> None:
    address, length = columns.address[step[SLOT]], columns.length[step[SLOT]]
    valid, fixed, size = columns.valid[step[ROW]], step[OP] == _FIXED, step[A]
    for j in range(first, last):
        row = output.row[j]
        here, cursor = _begin(output, j, step, valid)
        n = length[row]
        if here and (n < 0 or (fixed and n != size)):
            _mark(output, j, step[FIELD], RANGE, n)
        elif here:
            if not fixed:
                cursor = write_varint(cursor, n)
            copy_bytes(cursor, address[row], n)
            cursor += n
        output.cursor[j] = cursor


@borrowing
def _symbol(address: int, length: int, plan: WritePlan, first: int, count: int) -> int:
    """Which of ``count`` symbols these bytes are, -1 if none."""
    for k in range(count):
        if plan.symbol_length[first + k] == length and same_bytes(plan.symbol_address[first + k], address, length):
            return k
    return -1


@borrowing
def _write_enums(output: Output, first: int, last: int, step: Int64s, columns: Columns, plan: WritePlan) -> None:
    address, length = columns.address[step[SLOT]], columns.length[step[SLOT]]
    valid = columns.valid[step[ROW]]
    for j in range(first, last):
        row = output.row[j]
        here, cursor = _begin(output, j, step, valid)
        if here:
            symbol = _symbol(address[row], length[row], plan, step[A], step[B])
            if symbol < 0:
                _mark(output, j, step[FIELD], RANGE, symbol)
            cursor = write_varint(cursor, symbol)
        output.cursor[j] = cursor


@borrowing
def _write_runs(output: Output, first: int, last: int, step: Int64s, columns: Columns) -> None:
    counts, valid = columns.integers[step[A]], columns.valid[step[ROW]]
    slot, most = step[SLOT], step[B]
    for j in range(first, last):
        row = output.row[j]
        here, cursor = _begin(output, j, step, valid)
        count = counts[row] if here else 0
        if count < 0 or count > most:
            _mark(output, j, step[FIELD], RANGE, count)
            count = 0
        if count > 0:
            cursor = write_varint(cursor, count)
            for k in range(count):
                store_f64(cursor, columns.numbers[slot + k, row])
                cursor += 8
        output.cursor[j] = cursor


@borrowing
def _run_step(
    output: Output, first: int, last: int, plan: WritePlan, step: Int64s, constants: int, columns: Columns
) -> None:
    op = step[OP]
    if op == _CONSTANT:
        _write_constants(output, first, last, step, constants)
    elif op in (_DOUBLE, _FLOAT):
        _write_numbers(output, first, last, step, columns)
    elif op == _INTEGER:
        _write_integers(output, first, last, step, columns)
    elif op == _BOOLEAN:
        _write_booleans(output, first, last, step, columns)
    elif op in (_SPAN, _FIXED):
        _write_spans(output, first, last, step, columns)
    elif op == _ENUM:
        _write_enums(output, first, last, step, columns, plan)
    else:
        _write_runs(output, first, last, step, columns)


@borrowing
def _place(output: Output, plan: WritePlan, columns: Columns, bound: int) -> int:
    """Give each record its place, as large as it can become; how many bytes the buffer must have."""
    m = output.row.shape[0]
    for j in range(m):
        output.length[j] = bound
    for k in range(plan.steps.shape[0]):
        if plan.steps[k, OP] == _SPAN:
            length = columns.length[plan.steps[k, SLOT]]
            for j in range(m):
                output.length[j] += max(length[output.row[j]], 0)
    total = 0
    for j in range(m):
        output.start[j] = total
        total += output.length[j]
    return total


@entry(types.int64(OUTPUT, WRITE_PLAN, types.int64, types.int64, COLUMNS, types.int64, types.int64))
def encode_rows(
    output: Output, plan: WritePlan, constants: int, bound: int, columns: Columns, buffer: int, size: int
) -> int:
    """Encode the rows ``output.row`` into the ``size`` bytes at ``buffer``.

    Returns how many bytes the buffer must have. If that is more than ``size``, nothing was written: come again with
    a larger one.
    """
    m = output.row.shape[0]
    needed = _place(output, plan, columns, bound)
    if needed > size:
        return needed
    for first in range(0, m, BLOCK):
        last = min(first + BLOCK, m)
        for j in range(first, last):
            output.cursor[j] = buffer + output.start[j]
            output.status[j] = OK
            output.field[j] = -1
            output.found[j] = 0
        for k in range(plan.steps.shape[0]):
            _run_step(output, first, last, plan, plan.steps[k], constants, columns)
        for j in range(first, last):
            good = output.status[j] == OK
            output.length[j] = output.cursor[j] - buffer - output.start[j] if good else -1
    return needed
