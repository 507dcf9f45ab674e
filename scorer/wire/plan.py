"""Decode plans: one row of numbers per field, run by code that was compiled before any schema was known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from scorer.batch import Bytes, Field, Int64s, Kind, Layout
from scorer.errors import SchemaError
from scorer.wire.schema import Array, FieldSchema, Map, RecordSchema, Scalar, Union, Unit
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
    ELEMENTS = 9
    """An array of doubles. ``row`` and ``slot`` are of its count; its first ``b`` elements have the rows of ``valid``
    behind that, and the numbers from ``a`` on."""
    ENTRIES = 10
    """A map. Its keys are ``b`` symbols from row ``a`` of the table on, in that order; ``row`` and ``slot`` are of the
    first one, and row ``factor`` of ``types`` says what its values are."""


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
    types: Int64s


class Parts(NamedTuple):
    """What columns an array and a map become, by the field's name.

    An array of doubles ``scores`` with ``elements`` k becomes an integer ``scores.count`` and the numbers ``scores.0``
    to ``scores.{k-1}``, which are not valid where it has fewer elements; what it has more is passed over. A map
    ``carried`` with ``keys`` becomes for each key a column of bytes ``carried.KEY``: the value as it is encoded (see
    ``wire.value``), not valid where it is null or there is none. An array or map that is not named here is refused.
    """

    elements: Mapping[str, int] = MappingProxyType({})
    keys: Mapping[str, Sequence[str]] = MappingProxyType({})


NO_PARTS = Parts()


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


def build(schemas: Mapping[int, RecordSchema], parts: Parts = NO_PARTS) -> Program:
    """The plan for records of any of ``schemas`` (by id), and the layout that has the fields of all of them.

    Fields of one name share a column. Raises ``SchemaError`` where their kinds or units differ, or where a field is
    of a type that has no column.
    """
    layout = Layout(_kinds(list(schemas.values()), parts).items())
    tables = _Tables(parts, Symbols(), [])
    rows: list[Step] = []
    first = [0]
    for schema in schemas.values():
        rows += _steps(schema, layout, tables)
        first.append(len(rows))
    address, length, data = tables.symbols.table()
    plan = Plan(
        np.array(list(schemas), np.int64),
        np.array(first, np.int64),
        np.array(rows, np.int64).reshape(len(rows), len(Step._fields)),
        address,
        length,
        np.array([(field.kind, field.index, field.slot) for field in layout], np.int64).reshape(len(layout), 3),
        np.array(tables.types, np.int64).reshape(len(tables.types), 3),
    )
    return Program(plan, layout, data)


class _Tables(NamedTuple):
    """What steps refer to, while a plan is made."""

    parts: Parts
    symbols: Symbols
    types: list[tuple[int, int, int]]


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
        "records with such fields cannot be decoded into columns: give each value that is needed a field of its own"
    )


def _columns(schema: RecordSchema, field: FieldSchema, parts: Parts) -> list[tuple[str, Kind, Unit]]:
    """The columns of a field: none of one that is always null, several of an array or a map."""
    if isinstance(field.type, Array) and field.name in parts.elements:
        if field.type.items != Scalar("double"):
            raise SchemaError(f"{schema.name}: field `{field.name}` is an array of something other than double")
        numbers = [(f"{field.name}.{k}", Kind.NUMBER, Unit.PLAIN) for k in range(parts.elements[field.name])]
        return [(f"{field.name}.count", Kind.INTEGER, Unit.PLAIN), *numbers]
    if isinstance(field.type, Map) and field.name in parts.keys:
        return [(f"{field.name}.{key}", Kind.BYTES, Unit.PLAIN) for key in parts.keys[field.name]]
    scalar, _ = value_type(schema, field)
    return [] if scalar.kind is None else [(field.name, scalar.kind, scalar.unit)]


def _kinds(schemas: Sequence[RecordSchema], parts: Parts) -> dict[str, Kind]:
    """The kind of each name over all schemas. A field that is always null has none and gets no column."""
    kinds: dict[str, Kind] = {}
    origins: dict[str, tuple[RecordSchema, Unit]] = {}
    for schema in schemas:
        for field in schema.fields:
            for name, kind, unit in _columns(schema, field, parts):
                known = kinds.setdefault(name, kind)
                origin, other = origins.setdefault(name, (schema, unit))
                if known is not kind or other is not unit:
                    raise SchemaError(
                        f"field `{name}` is {_described(known, other)} in {origin.name}, but "
                        f"{_described(kind, unit)} in {schema.name}; one column cannot hold both: "
                        "rename one of the fields, or leave out the schema that is no longer written"
                    )
    return kinds


def _described(kind: Kind, unit: Unit) -> str:
    return kind.name.lower() if unit is Unit.PLAIN else f"{kind.name.lower()} ({unit.value})"


def _steps(schema: RecordSchema, layout: Layout, tables: _Tables) -> list[Step]:
    steps = []
    missing = {field.name: field for field in layout}
    for place, field in enumerate(schema.fields):
        columns = [missing.pop(name) for name, _, _ in _columns(schema, field, tables.parts)]
        if isinstance(field.type, Array):
            steps.append(_elements(columns, place))
        elif isinstance(field.type, Map):
            steps.append(_entries(field.type, columns, tables.parts.keys[field.name], place, tables))
        elif columns:
            scalar, null = value_type(schema, field)
            steps.append(_step(scalar, null, columns[0], place, tables.symbols))
    return steps + [Step(Op.ABSENT, -1, field.index, field.slot, -1, field.kind) for field in missing.values()]


def _elements(columns: Sequence[Field], place: int) -> Step:
    count, *numbers = columns
    return Step(Op.ELEMENTS, -1, count.index, count.slot, place, numbers[0].slot if numbers else 0, len(numbers))


def _entries(kind: Map, columns: Sequence[Field], keys: Sequence[str], place: int, tables: _Tables) -> Step:
    row = len(tables.types)
    union = isinstance(kind.values, Union)
    branches = kind.values.branches if isinstance(kind.values, Union) else (kind.values,)
    tables.types.append((len(branches) if union else -1, 0, 0))
    for branch in branches:
        # Where a value ends does not depend on how it would be stored, so its column does not matter.
        step = None if branch.kind is None else _step(branch, -1, _NOWHERE, place, Symbols())
        tables.types.append((int(Op.ABSENT), 0, 0) if step is None else (step.op, step.a, step.b))
    first = columns[0] if columns else _NOWHERE
    names = tables.symbols.add(tuple(keys))
    return Step(Op.ENTRIES, -1, first.index, first.slot, place, names, len(columns), row)


_NOWHERE = Field("", Kind.BYTES, 0, 0)


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
