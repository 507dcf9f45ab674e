"""Decode plans: one row of numbers per field, run by code that was compiled before any schema was known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from scorer.batch import Bytes, Field, Int64s, Kind, Layout
from scorer.errors import SchemaError
from scorer.wire.schema import FieldSchema, RecordSchema, Scalar, Union, Unit
from scorer.wire.symbols import Symbols


class Op(IntEnum):
    """What a step of a plan reads, and what its ``a``, ``b`` and ``factor`` say."""

    ABSENT = 0
    """Nothing: the record's schema lacks a field that another one has. ``a`` is its kind."""
    DOUBLE = 1
    FLOAT = 2
    INTEGER = 3
    """A varint between ``a`` and ``b``, multiplied by ``factor``."""
    BOOLEAN = 4
    STRING = 5
    BYTES = 6
    FIXED = 7
    """``a`` bytes."""
    ENUM = 8
    """A varint from 0 to ``b``; its symbol stands that many rows behind row ``a`` of the symbol table."""


class Step(NamedTuple):
    """One row of a plan, int64. Its constants of the same names, in capitals, index it in compiled code."""

    op: int
    null: int
    """Which branch of the union is null: 0, 1, or -1 where the field is no union."""
    row: int
    """Row of ``valid``."""
    slot: int
    """Row of the arrays of its kind."""
    field: int
    """The field's place in its own schema."""
    a: int = 0
    b: int = 0
    factor: int = 1


OP, NULL, ROW, SLOT, FIELD, A, B, FACTOR = range(len(Step._fields))


class Plan(NamedTuple):
    """The plans of all writer schemas, one behind the other.

    ``steps`` int64 ``(total, 8)``; those of schema ``s`` are rows ``first[s]`` to ``first[s + 1]``. ``ids`` int64
    ``(schemas,)``. ``symbol_address`` and ``symbol_length`` int64: the symbols of all enums. ``columns`` int64
    ``(fields, 3)``: kind, index and slot of every field of the layout.
    """

    ids: Int64s
    first: Int64s
    steps: Int64s
    symbol_address: Int64s
    symbol_length: Int64s
    columns: Int64s


@dataclass(frozen=True, slots=True)
class Program:
    """A plan, the layout it fills, and the bytes that its symbol table points to, which must live as long."""

    plan: Plan
    layout: Layout
    symbols: Bytes


_INT32 = np.iinfo(np.int32)
_INT64 = np.iinfo(np.int64)
_OPS = {
    "double": Op.DOUBLE,
    "float": Op.FLOAT,
    "boolean": Op.BOOLEAN,
    "string": Op.STRING,
    "bytes": Op.BYTES,
}


def build(schemas: Mapping[int, RecordSchema]) -> Program:
    """The plan for records of any of ``schemas`` (by id), and the layout that has the fields of all of them.

    Fields of one name share a column. Raises ``SchemaError`` where their kinds or units differ, or where a field is
    of a type that has no column.
    """
    layout = Layout(_kinds(list(schemas.values())).items())
    symbols = Symbols()
    rows: list[Step] = []
    first = [0]
    for schema in schemas.values():
        rows += _steps(schema, layout, symbols)
        first.append(len(rows))
    address, length, data = symbols.table()
    plan = Plan(
        np.array(list(schemas), np.int64),
        np.array(first, np.int64),
        np.array(rows, np.int64).reshape(len(rows), len(Step._fields)),
        address,
        length,
        np.array([(field.kind, field.index, field.slot) for field in layout], np.int64).reshape(len(layout), 3),
    )
    return Program(plan, layout, data)


def value_type(schema: RecordSchema, field: FieldSchema) -> tuple[Scalar, int]:
    """A field's type apart from null, and which branch of its union is null (-1: it is no union)."""
    if isinstance(field.type, Scalar):
        return field.type, -1
    if isinstance(field.type, Union) and len(field.type.branches) == 2:
        left, right = field.type.branches
        if left.type == "null":
            return right, 0
        if right.type == "null":
            return left, 1
    raise SchemaError(
        f"{schema.name}: field `{field.name}` is an array, a map, or a union other than one of null and one more type; "
        "records with such fields cannot be decoded into columns yet: give each value that is needed a field of its own"
    )


def _kinds(schemas: Sequence[RecordSchema]) -> dict[str, Kind]:
    """The kind of each name over all schemas. A field that is always null has none and gets no column."""
    kinds: dict[str, Kind] = {}
    origins: dict[str, tuple[RecordSchema, Unit]] = {}
    for schema in schemas:
        for field in schema.fields:
            scalar, _ = value_type(schema, field)
            if scalar.kind is None:
                continue
            known = kinds.setdefault(field.name, scalar.kind)
            origin, unit = origins.setdefault(field.name, (schema, scalar.unit))
            if known is not scalar.kind or unit is not scalar.unit:
                raise SchemaError(
                    f"field `{field.name}` is {_described(known, unit)} in {origin.name}, but "
                    f"{_described(scalar.kind, scalar.unit)} in {schema.name}; one column cannot hold both: "
                    "rename one of the fields, or leave out the schema that is no longer written"
                )
    return kinds


def _described(kind: Kind, unit: Unit) -> str:
    return kind.name.lower() if unit is Unit.PLAIN else f"{kind.name.lower()} ({unit.value})"


def _steps(schema: RecordSchema, layout: Layout, symbols: Symbols) -> list[Step]:
    steps = []
    missing = {field.name: field for field in layout}
    for place, field in enumerate(schema.fields):
        scalar, null = value_type(schema, field)
        if scalar.kind is not None:
            steps.append(_step(scalar, null, missing.pop(field.name), place, symbols))
    return steps + [Step(Op.ABSENT, -1, field.index, field.slot, -1, field.kind) for field in missing.values()]


def _step(scalar: Scalar, null: int, column: Field, place: int, symbols: Symbols) -> Step:
    where = (null, column.index, column.slot, place)
    if scalar.type == "int":
        return Step(Op.INTEGER, *where, int(_INT32.min), int(_INT32.max))
    if scalar.type == "long":
        low, high = -(-int(_INT64.min) // scalar.factor), int(_INT64.max) // scalar.factor
        return Step(Op.INTEGER, *where, low, high, scalar.factor)
    if scalar.type == "fixed":
        return Step(Op.FIXED, *where, scalar.size)
    if scalar.type == "enum":
        return Step(Op.ENUM, *where, symbols.add(scalar.symbols), len(scalar.symbols) - 1)
    return Step(_OPS[scalar.type], *where)
