"""Encode plans: the mirror of decode plans, checked against schema and layout when they are built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, TypeAlias

import numpy as np

from scorer.batch import Bytes, Field, Int64s, Kind, Layout
from scorer.errors import SchemaError
from scorer.wire.arrays import BYTES, INT64S, TABLE, tuple_of
from scorer.wire.schema import Array, Map, RecordSchema, Scalar, Type, Union
from scorer.wire.symbols import Symbols
from scorer.wire.varint import LONGEST


@dataclass(frozen=True, slots=True)
class Run:
    """Where an array of doubles comes from: NUMBER columns in consecutive slots, of which each row takes the first few.

    ``count`` is the INTEGER column that says how many. Without columns the array is always empty.
    """

    columns: tuple[str, ...] = ()
    count: str = ""


@dataclass(frozen=True, slots=True)
class Entries:
    """Where a map comes from: each of its keys, the same in every record, and the column of its values."""

    columns: Mapping[str, str]


Source: TypeAlias = "str | Run | Entries"


class WriteOp(IntEnum):
    """What a step of a plan writes, and what its ``a``, ``b`` and ``factor`` say."""

    CONSTANT = 0
    """``b`` bytes from byte ``a`` of the constants."""
    DOUBLE = 1
    FLOAT = 2
    INTEGER = 3
    """The column divided by ``factor`` (rounded down), between ``a`` and ``b``, as a varint."""
    BOOLEAN = 4
    SPAN = 5
    """The length as a varint, then the bytes: string and bytes."""
    FIXED = 6
    """``a`` bytes."""
    ENUM = 7
    """The symbol's place among the ``b`` symbols from row ``a`` of the symbol table on."""
    RUN = 8
    """As many doubles, from this slot on, as the integers in slot ``a`` say: at most ``b``. ``row`` is the count's."""


class WriteStep(NamedTuple):
    """One row of a plan, int64."""

    op: int
    null: int = -1
    """The union's branch to write where there is no value; -1: there must be one."""
    branch: int = -1
    """The union's branch to write before a value; -1: it is no union."""
    row: int = 0
    """Row of ``valid``."""
    slot: int = 0
    """Row of the arrays of its kind."""
    field: int = -1
    """The field's place in the schema."""
    a: int = 0
    b: int = 0
    factor: int = 1


OP, NULL, BRANCH, ROW, SLOT, FIELD, A, B, FACTOR = range(len(WriteStep._fields))


class WritePlan(NamedTuple):
    """``steps`` int64 ``(steps, 9)``, the ``constants`` they copy, and the symbols of all enums by address, length."""

    steps: Int64s
    constants: Bytes
    symbol_address: Int64s
    symbol_length: Int64s


WRITE_PLAN = tuple_of(WritePlan, TABLE, BYTES, INT64S, INT64S)


@dataclass(frozen=True, slots=True)
class WriteProgram:
    """A plan, the most bytes that a record needs apart from its spans, and what the plan's addresses point to."""

    plan: WritePlan
    bound: int
    symbols: Bytes


_INT32, _INT64 = np.iinfo(np.int32), np.iinfo(np.int64)
_OPS = {
    "double": (WriteOp.DOUBLE, 8),
    "float": (WriteOp.FLOAT, 4),
    "boolean": (WriteOp.BOOLEAN, 1),
    "string": (WriteOp.SPAN, LONGEST),
    "bytes": (WriteOp.SPAN, LONGEST),
}
_MOST_BRANCHES = 64


def build(schema: RecordSchema, layout: Layout, header: bytes, sources: Mapping[str, Source]) -> WriteProgram:
    """The plan that writes ``header`` and then a record of ``schema`` from columns of ``layout``.

    A field that ``sources`` does not name comes from the column of its own name. Raises ``SchemaError`` where a
    column is missing or of the wrong kind.
    """
    unknown = sorted(set(sources) - {field.name for field in schema.fields})
    if unknown:
        raise SchemaError(f"{schema.name}: there is no field `{unknown[0]}` that a column could be written to")
    builder = _Builder(schema, layout)
    builder.constant(header)
    for place, field in enumerate(schema.fields):
        builder.field(place, field.type, sources.get(field.name, field.name))
    return builder.program()


class _Builder:
    def __init__(self, schema: RecordSchema, layout: Layout) -> None:
        self._schema = schema
        self._layout = layout
        self._place = 0
        self._steps: list[WriteStep] = []
        self._constants = bytearray()
        self._symbols = Symbols()
        self._bound = 0

    def program(self) -> WriteProgram:
        address, length, data = self._symbols.table()
        steps = np.array(self._steps, np.int64).reshape(len(self._steps), len(WriteStep._fields))
        # One byte more, so that there is an address even where there is no constant.
        constants = np.frombuffer(self._constants + b"\0", np.uint8)
        return WriteProgram(WritePlan(steps, constants, address, length), self._bound, data)

    def constant(self, data: bytes) -> None:
        """Write these bytes; one step with the constant before, where there is one."""
        if not data:
            return
        step = WriteStep(WriteOp.CONSTANT, a=len(self._constants), b=len(data))
        if self._steps and self._steps[-1].op == WriteOp.CONSTANT:
            last = self._steps.pop()
            step = last._replace(b=last.b + len(data))
        self._steps.append(step)
        self._constants += data
        self._bound += len(data)

    def field(self, place: int, kind: Type, source: Source) -> None:
        """Write one field of the schema."""
        self._place = place
        if isinstance(kind, Array):
            self._array(kind, source)
        elif isinstance(kind, Map):
            self._map(kind, source)
        elif isinstance(kind, Union) or kind.kind is not None:
            self._value(kind, source)

    def _array(self, kind: Array, source: Source) -> None:
        if not isinstance(source, Run) or kind.items != Scalar("double"):
            raise self._error("is an array; only an array of doubles can be written, from a Run of columns")
        if source.columns:
            columns = [self._column(name, Kind.NUMBER) for name in source.columns]
            slots = [column.slot for column in columns]
            if slots != list(range(slots[0], slots[0] + len(slots))):
                raise self._error(
                    f"needs columns in consecutive slots; those of {', '.join(source.columns)} are {slots}"
                )
            count = self._column(source.count, Kind.INTEGER)
            self._steps.append(
                WriteStep(WriteOp.RUN, -1, -1, count.index, slots[0], self._place, count.slot, len(slots))
            )
            self._bound += LONGEST + 8 * len(slots)
        self.constant(b"\0")

    def _map(self, kind: Map, source: Source) -> None:
        if not isinstance(source, Entries):
            raise self._error("is a map; it can be written from Entries of columns only")
        if source.columns:
            self.constant(_varint(len(source.columns)))
        for key, column in source.columns.items():
            data = key.encode()
            self.constant(_varint(len(data)) + data)
            self._value(kind.values, column)
        self.constant(b"\0")

    def _value(self, kind: Scalar | Union, source: Source) -> None:
        if not isinstance(source, str):
            raise self._error(f"is no array or map; it must be written from one column, not from {source!r}")
        column = self._column(source, None)
        branches = kind.branches if isinstance(kind, Union) else (kind,)
        null = next((at for at, branch in enumerate(branches) if branch.kind is None), -1)
        chosen = next((at for at, branch in enumerate(branches) if branch.kind is column.kind), -1)
        if chosen < 0 or len(branches) > _MOST_BRANCHES:
            types = ", ".join(branch.type for branch in branches)
            raise self._error(f"is {types}, but column `{source}` holds {column.kind.name.lower()} values")
        if not isinstance(kind, Union):
            chosen = -1
        self._scalar(branches[max(chosen, 0)], null, chosen, column)

    def _scalar(self, scalar: Scalar, null: int, chosen: int, column: Field) -> None:
        a, b = 0, 0
        if scalar.type in ("int", "long"):
            limits = _INT32 if scalar.type == "int" else _INT64
            op, size, a, b = WriteOp.INTEGER, LONGEST, int(limits.min), int(limits.max)
        elif scalar.type == "fixed":
            op, size, a = WriteOp.FIXED, scalar.size, scalar.size
        elif scalar.type == "enum":
            op, size, a, b = WriteOp.ENUM, LONGEST, self._symbols.add(scalar.symbols), len(scalar.symbols)
        else:
            op, size = _OPS[scalar.type]
        self._steps.append(WriteStep(op, null, chosen, column.index, column.slot, self._place, a, b, scalar.factor))
        self._bound += size + (chosen >= 0)

    def _column(self, name: str, kind: Kind | None) -> Field:
        column = self._layout.get(name)
        if column is None:
            raise self._error(f"cannot be written: there is no column `{name}`")
        if kind is not None and column.kind is not kind:
            raise self._error(
                f"needs {kind.name.lower()} values, but column `{name}` holds {column.kind.name.lower()} values"
            )
        return column

    def _error(self, what: str) -> SchemaError:
        return SchemaError(f"{self._schema.name}: field `{self._schema.fields[self._place].name}` {what}")


def _varint(value: int) -> bytes:
    """A number that is not negative, as Avro writes it."""
    value <<= 1
    data = bytearray()
    while value > 127:
        data.append(value & 127 | 128)
        value >>= 7
    data.append(value)
    return bytes(data)
