"""The compiled decoder: runs a plan over a batch, field by field in blocks of rows.

A block of rows goes through one step of the plan before the next step begins, so a step is chosen once for many rows
and its loop is as tight as one written for the schema by hand. Each row has a cursor into its payload. A row that
fails is reported and leaves the block; the rows beside it never notice.
"""

from __future__ import annotations

from numba import types

from scorer.batch import Columns, Int64s
from scorer.compiled import borrowing, entry
from scorer.wire.arrays import COLUMNS, INT64S, TABLE, tuple_of
from scorer.wire.block import BLOCK, BLOCK_TYPE, REPORT, Block, Report, clear, drop_failed, fail
from scorer.wire.containers import read_elements, read_entries
from scorer.wire.fields import read_booleans, read_enums, read_integers, read_numbers, read_spans
from scorer.wire.framing import Framing
from scorer.wire.plan import OP, ROW, SLOT, A, Op, Plan
from scorer.wire.raw import load_u8
from scorer.wire.reasons import EMPTY, FRAMING, OK, TOMBSTONE, TRAILING, UNKNOWN_MAGIC, UNKNOWN_SCHEMA

_ABSENT, _DOUBLE, _FLOAT, _INTEGER = int(Op.ABSENT), int(Op.DOUBLE), int(Op.FLOAT), int(Op.INTEGER)
_BOOLEAN, _ENUM = int(Op.BOOLEAN), int(Op.ENUM)
_ELEMENTS, _ENTRIES = int(Op.ELEMENTS), int(Op.ENTRIES)
_CONFLUENT = int(Framing.CONFLUENT)
_HEAD = Framing.CONFLUENT.size


@borrowing
def _run_other(block: Block, count: int, plan: Plan, step: Int64s, report: Report, columns: Columns) -> int:
    """Take the block's rows through a step that is not one of a single value."""
    if step[OP] == _ELEMENTS:
        return read_elements(block, count, step, report, columns)
    if step[OP] == _ENTRIES:
        names, sizes = plan.symbol_address, plan.symbol_length
        return read_entries(block, count, step, report, columns, plan.types, names, sizes)
    for j in range(count):
        clear(columns, step[A], step[ROW], step[SLOT], block.row[j])
    return 0


@borrowing
def _run_step(block: Block, count: int, plan: Plan, step: Int64s, report: Report, columns: Columns) -> int:
    """Take the block's rows through one step; how many of them failed."""
    op = step[OP]
    if op in (_DOUBLE, _FLOAT):
        return read_numbers(block, count, step, report, columns)
    if op == _INTEGER:
        return read_integers(block, count, step, report, columns)
    if op == _BOOLEAN:
        return read_booleans(block, count, step, report, columns)
    if op == _ENUM:
        return read_enums(block, count, step, report, columns, plan.symbol_address, plan.symbol_length)
    if op in (_ABSENT, _ELEMENTS, _ENTRIES):
        return _run_other(block, count, plan, step, report, columns)
    return read_spans(block, count, step, report, columns)


@borrowing
def _run_schema(block: Block, count: int, plan: Plan, schema: int, report: Report, columns: Columns) -> None:
    """Decode the rows of the block, all written by one schema."""
    for k in range(plan.first[schema], plan.first[schema + 1]):
        if _run_step(block, count, plan, plan.steps[k], report, columns) > 0:
            count = drop_failed(block, count)
    for j in range(count):
        if block.cursor[j] != block.end[j]:
            fail(block, report, j, -1, TRAILING, block.cursor[j], block.end[j] - block.cursor[j])


@borrowing
def _unframe(address: int, length: int, framing: int) -> tuple[int, int, int]:
    """What is known before the record: a status, the schema's id (0 where there is no framing), an odd byte."""
    if length < 0:
        return TOMBSTONE, 0, 0
    if framing != _CONFLUENT:
        return OK, 0, 0
    if length == 0:
        return EMPTY, 0, 0
    magic = load_u8(address)
    if magic != 0:
        return UNKNOWN_MAGIC, 0, magic
    if length < 5:
        return FRAMING, 0, 0
    number = 0
    for k in range(1, 5):
        number = number << 8 | load_u8(address + k)
    return OK, number, 0


@borrowing
def _schema_of(plan: Plan, number: int, guess: int) -> int:
    """The index of the schema with this id, -1 if there is none. ``guess`` is tried first."""
    if guess >= 0 and plan.ids[guess] == number:
        return guess
    for index in range(plan.ids.shape[0]):
        if plan.ids[index] == number:
            return index
    return -1


@borrowing
def _open(row: int, address: int, length: int, framing: int, plan: Plan, guess: int, report: Report) -> int:
    """Fill the report of one row as far as its framing goes. Returns its schema, -1 if it cannot be decoded."""
    status, number, odd = _unframe(address, length, framing)
    schema = -1
    if status == OK:
        schema = _schema_of(plan, number, guess)
        if schema < 0:
            status, odd = UNKNOWN_SCHEMA, number
    report.status[row] = status
    report.schema[row] = schema
    report.field[row] = -1
    report.found[row] = odd
    report.at[row] = -1
    if status == UNKNOWN_SCHEMA:
        report.at[row] = 1
    elif status == FRAMING:
        report.at[row] = length
    elif status in (EMPTY, UNKNOWN_MAGIC):
        report.at[row] = 0
    return schema


@borrowing
def _take(block: Block, waiting: int, address: Int64s, length: Int64s, head: int, report: Report) -> int:
    """Move the waiting rows with the schema of the first one into the block; how many are left waiting."""
    schema = report.schema[block.waiting[0]]
    taken, left = 0, 0
    for k in range(waiting):
        row = block.waiting[k]
        if report.schema[row] != schema:
            block.waiting[left] = row
            left += 1
            continue
        block.row[taken] = row
        block.start[taken] = address[row]
        block.cursor[taken] = address[row] + head
        block.end[taken] = address[row] + length[row]
        taken += 1
    return left


@borrowing
def _decode_block(
    first: int,
    last: int,
    address: Int64s,
    length: Int64s,
    framing: int,
    plan: Plan,
    block: Block,
    report: Report,
    columns: Columns,
) -> None:
    waiting, schema = 0, 0
    for row in range(first, last):
        schema = _open(row, address[row], length[row], framing, plan, schema, report)
        if schema >= 0:
            block.waiting[waiting] = row
            waiting += 1
    head = _HEAD if framing == _CONFLUENT else 0
    while waiting > 0:
        schema = report.schema[block.waiting[0]]
        left = _take(block, waiting, address, length, head, report)
        _run_schema(block, waiting - left, plan, schema, report, columns)
        waiting = left


_PLAN = tuple_of(Plan, INT64S, INT64S, TABLE, INT64S, INT64S, TABLE, TABLE)


@entry(types.void(INT64S, INT64S, types.int64, _PLAN, BLOCK_TYPE, REPORT, COLUMNS))
def decode_rows(
    address: Int64s, length: Int64s, framing: int, plan: Plan, block: Block, report: Report, columns: Columns
) -> None:
    """Decode ``n`` records, at ``address`` with ``length`` bytes each (both ``(n,)``), into columns and report."""
    n = address.shape[0]
    for first in range(0, n, BLOCK):
        _decode_block(first, min(first + BLOCK, n), address, length, framing, plan, block, report, columns)
    for row in range(n):
        if report.status[row] != OK:
            for k in range(plan.columns.shape[0]):
                clear(columns, plan.columns[k, 0], plan.columns[k, 1], plan.columns[k, 2], row)
