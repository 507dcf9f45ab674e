"""Avro schemas of flat records: what the fields of one record are, checked before anything is decoded by them.

``parse`` understands records whose fields are primitives, fixed, enums, unions of these, and arrays or maps of these.
The decoder and the encoder each take a part of that and refuse the rest by name. Nested records have no place here
yet: they would become a further type beside ``Array`` and ``Map``.

Names, types and logical types as in the Avro specification 1.12, "Schema Declaration". As it demands, a logical type
that is unknown, or not defined for its underlying type, is ignored; the few that would be misread are refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from scorer.batch import Kind
from scorer.errors import SchemaError

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


class Unit(Enum):
    """What an integer counts. Fields of one name must count the same in all schemas of a decoder."""

    PLAIN = "a plain number"
    TIMESTAMP = "microseconds since 1970"
    DATE = "days since 1970"
    TIME_MILLIS = "milliseconds of the day"
    TIME_MICROS = "microseconds of the day"


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value that is not made of others.

    ``type`` is the Avro type: null, boolean, int, long, float, double, bytes, string, fixed or enum. One unit of the
    encoded number is ``factor`` units of the column: 1000 for timestamps in milliseconds, else 1. ``size`` is the
    number of bytes of a fixed, ``symbols`` are those of an enum.
    """

    type: str
    unit: Unit = Unit.PLAIN
    factor: int = 1
    size: int = 0
    symbols: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind | None:
        """How columns store it; ``None`` for null."""
        return _KINDS[self.type]


@dataclass(frozen=True, slots=True)
class Union:
    """One of several scalars; the encoded value starts with the index of its branch."""

    branches: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Array:
    """Any number of values of one type."""

    items: Scalar | Union


@dataclass(frozen=True, slots=True)
class Map:
    """Any number of values of one type, each under a string."""

    values: Scalar | Union


Type: TypeAlias = Scalar | Union | Array | Map


@dataclass(frozen=True, slots=True)
class FieldSchema:
    """One field of a record, by its place in the encoding."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class RecordSchema:
    """A flat record. ``name`` says in messages where the schema comes from (its file), ``record`` is its Avro name."""

    name: str
    record: str
    fields: tuple[FieldSchema, ...]


_KINDS: dict[str, Kind | None] = {
    "null": None,
    "boolean": Kind.INTEGER,
    "int": Kind.INTEGER,
    "long": Kind.INTEGER,
    "float": Kind.NUMBER,
    "double": Kind.NUMBER,
    "bytes": Kind.BYTES,
    "string": Kind.TEXT,
    "fixed": Kind.BYTES,
    "enum": Kind.TEXT,
}
_PRIMITIVES = {"null", "boolean", "int", "long", "float", "double", "bytes", "string"}
_LOGICAL = {
    ("long", "timestamp-millis"): (Unit.TIMESTAMP, 1000),
    ("long", "timestamp-micros"): (Unit.TIMESTAMP, 1),
    ("long", "local-timestamp-millis"): (Unit.TIMESTAMP, 1000),
    ("long", "local-timestamp-micros"): (Unit.TIMESTAMP, 1),
    ("int", "date"): (Unit.DATE, 1),
    ("int", "time-millis"): (Unit.TIME_MILLIS, 1),
    ("long", "time-micros"): (Unit.TIME_MICROS, 1),
}
_REFUSED = {
    ("long", "timestamp-nanos"): "columns hold microseconds; use timestamp-micros, or drop the logical type",
    (
        "long",
        "local-timestamp-nanos",
    ): "columns hold microseconds; use local-timestamp-micros, or drop the logical type",
    ("bytes", "decimal"): "use double, or drop the logical type to have the bytes as they are",
    ("fixed", "decimal"): "use double, or drop the logical type to have the bytes as they are",
    ("fixed", "duration"): "use a long, or drop the logical type to have the bytes as they are",
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_MAX_FIXED = 1 << 20


def parse(schema: str | Mapping[str, Json], name: str) -> RecordSchema:
    """Read a record's schema from its text or its parsed JSON.

    ``name`` is what messages call it: the file it was read from. Raises ``SchemaError`` that names it, the field,
    and what to do.
    """
    if isinstance(schema, str):
        try:
            tree = json.loads(schema)
        except ValueError as error:
            raise SchemaError(f"{name} is not JSON: {error}") from error
    else:
        tree = schema
    if not isinstance(tree, Mapping) or tree.get("type") != "record":
        raise SchemaError(f'{name}: the schema of an event must be a record: {{"type": "record", "name": …}}')
    return _Parser(name).record(tree)


class _Parser:
    """Reads one schema; remembers its named types, which later fields may use by name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._place = "the record"
        self._named: dict[str, Scalar] = {}

    def record(self, tree: Mapping[str, Json]) -> RecordSchema:
        full = self._full_name(tree, "")
        fields = tree.get("fields")
        if not isinstance(fields, list):
            raise self._error('has no list of "fields"')
        found: dict[str, FieldSchema] = {}
        for field in fields:
            if not isinstance(field, dict) or not isinstance(field.get("name"), str):
                raise self._error(f"has a field without a name: {_short(field)}")
            name = str(field["name"])
            self._place = f"field `{name}`"
            if not _NAME.match(name):
                raise self._error("has a name that Avro does not allow: letters, digits and _ only, no digit first")
            if name in found:
                raise self._error("occurs twice")
            if "type" not in field:
                raise self._error('has no "type"')
            found[name] = FieldSchema(name, self._type(field["type"], full.rpartition(".")[0]))
        return RecordSchema(self._name, full, tuple(found.values()))

    def _type(self, tree: Json, space: str) -> Type:
        if isinstance(tree, dict) and tree.get("type") in ("array", "map"):
            part = "items" if tree["type"] == "array" else "values"
            if part not in tree:
                raise self._error(f'is of type {tree["type"]} without "{part}"')
            inner = self._value(tree[part], space)
            return Array(inner) if part == "items" else Map(inner)
        return self._value(tree, space)

    def _value(self, tree: Json, space: str) -> Scalar | Union:
        if not isinstance(tree, list):
            return self._scalar(tree, space)
        branches = tuple(self._scalar(branch, space) for branch in tree)
        types = [branch.type for branch in branches]
        if not branches or any(types.count(one) > 1 for one in types if one in _PRIMITIVES):
            raise self._error(f"has a union that is empty or names a type twice: {_short(tree)}")
        return Union(branches)

    def _scalar(self, tree: Json, space: str) -> Scalar:
        if isinstance(tree, str):
            return self._by_name(tree, space)
        if not isinstance(tree, dict) or not isinstance(tree.get("type"), str):
            raise self._error(f"has a type that is not supported here: {_short(tree)}; use a primitive type")
        kind = str(tree["type"])
        if kind == "enum":
            plain = Scalar("enum", symbols=self._symbols(tree))
        elif kind == "fixed":
            plain = Scalar("fixed", size=self._size(tree))
        else:
            plain = self._by_name(kind, space)
        if kind in ("enum", "fixed"):
            full = self._full_name(tree, space)
            if full in self._named:
                raise self._error(f"defines the name {full} a second time")
            self._named[full] = plain
        return self._logical(plain, tree.get("logicalType"))

    def _by_name(self, name: str, space: str) -> Scalar:
        if name in _PRIMITIVES:
            return Scalar(name)
        full = f"{space}.{name}" if space and "." not in name else name
        known = self._named.get(full)
        if known is None:
            raise self._error(
                f"is of type {name!r}, which is not supported here; use primitives, fixed, enum, a union with null, "
                "or spread the parts of a nested record over fields of their own"
            )
        return known

    def _logical(self, plain: Scalar, logical: Json) -> Scalar:
        if not isinstance(logical, str):
            return plain
        refused = _REFUSED.get((plain.type, logical))
        if refused:
            raise self._error(f"has the logical type {logical}, which is not supported: {refused}")
        unit, factor = _LOGICAL.get((plain.type, logical), (plain.unit, plain.factor))
        return Scalar(plain.type, unit, factor, plain.size, plain.symbols)

    def _symbols(self, tree: Mapping[str, Json]) -> tuple[str, ...]:
        symbols = tree.get("symbols")
        if not isinstance(symbols, list) or not symbols:
            raise self._error('is an enum without a list of "symbols"')
        names = tuple(symbol for symbol in symbols if isinstance(symbol, str) and _NAME.match(symbol))
        if len(names) != len(symbols) or len(set(names)) != len(names):
            raise self._error(f"is an enum with symbols that Avro does not allow, or twice the same: {_short(symbols)}")
        return names

    def _size(self, tree: Mapping[str, Json]) -> int:
        size = tree.get("size")
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _MAX_FIXED:
            raise self._error(f'is a fixed whose "size" is not between 0 and {_MAX_FIXED}: {_short(size)}')
        return size

    def _full_name(self, tree: Mapping[str, Json], space: str) -> str:
        name, own = tree.get("name"), tree.get("namespace", space)
        if not isinstance(name, str) or not isinstance(own, str) or not all(map(_NAME.match, name.split("."))):
            raise self._error(f"has no name that Avro allows: {_short(name)}")
        return name if "." in name or not own else f"{own}.{name}"

    def _error(self, what: str) -> SchemaError:
        return SchemaError(f"{self._name}: {self._place} {what}")


def _short(tree: Json) -> str:
    text = json.dumps(tree)
    return text if len(text) <= 80 else f"{text[:79]}…"
