"""From events to columns that DuckDB takes, one a field."""

from __future__ import annotations

import ctypes
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from scorer.batch import Batch, Bools, Columns, Field, Kind
from scorer.wire.decode import Decoder
from scorer.wire.reasons import OK
from scorer.wire.schema import Scalar, Union, Unit

Arrays = dict[str, npt.NDArray[Any]]

_TIMES = {
    Unit.TIMESTAMP: "make_timestamptz({})",
    Unit.DATE: "(DATE '1970-01-01' + {}::INTEGER)",
    Unit.TIME_MILLIS: "make_time({} // 3600000, {} // 60000 % 60, {} % 60000 / 1000.0)",
    Unit.TIME_MICROS: "make_time({} // 3600000000, {} // 60000000 % 60, {} % 60000000 / 1000000.0)",
}


class Fields:
    """The fields of events, but those named in ``without``.

    ``sql`` says of each how DuckDB makes its column of the arrays ``FIELD`` and ``FIELD?`` (whether it has a value):
    numbers as DOUBLE, integers as BIGINT, booleans, dates, times of day and moments (UTC) as such, text as VARCHAR,
    bytes as BLOB.
    """

    def __init__(self, decoder: Decoder, without: Collection[str]) -> None:
        self._decoder = decoder
        self._fields = [field for field in decoder.layout if field.name not in without]
        types = _types(decoder)
        self.sql = {field.name: _sql(field, types[field.name]) for field in self._fields}

    def none(self) -> Arrays:
        """The arrays of no event."""
        types = {Kind.NUMBER: np.float64, Kind.INTEGER: np.int64}
        values = {field.name: np.empty(0, types.get(field.kind, object)) for field in self._fields}
        return {**values, **{f"{field.name}?": np.empty(0, bool) for field in self._fields}}

    def read(self, batch: Batch) -> tuple[Arrays, Bools]:
        """The arrays of a batch's events, ``(n,)`` each, and which events could be decoded."""
        decoded = self._decoder.decode(batch)
        n = len(batch)
        arrays: Arrays = {}
        for field in self._fields:
            valid = decoded.columns.valid[field.index, :n].astype(bool)
            arrays[field.name] = _values(decoded.columns, field, n, valid)
            arrays[f"{field.name}?"] = valid
        return arrays, np.asarray(decoded.status == OK)


def _values(columns: Columns, field: Field, n: int, valid: Bools) -> npt.NDArray[Any]:
    if field.kind == Kind.NUMBER:
        return columns.numbers[field.slot, :n].copy()
    if field.kind == Kind.INTEGER:
        return columns.integers[field.slot, :n].copy()
    spans = zip(columns.address[field.slot, :n].tolist(), columns.length[field.slot, :n].tolist(), strict=True)
    found = (ctypes.string_at(*span) if here else b"" for span, here in zip(spans, valid.tolist(), strict=True))
    texts = (one.decode() for one in found) if field.kind == Kind.TEXT else (one.hex() for one in found)
    return np.array([*texts], object)  # of text alone, so that DuckDB has no type to guess


def _sql(field: Field, types: Collection[Scalar]) -> str:
    name = f'e."{field.name}"'
    value = name
    if field.kind == Kind.BYTES:
        value = f"unhex({name}::VARCHAR)"
    elif field.kind == Kind.TEXT:
        value = f"{name}::VARCHAR"
    elif all(one.type == "boolean" for one in types):
        value = f"{name}::BOOLEAN"
    else:
        for unit in {one.unit for one in types} & set(_TIMES):  # one, the same in all schemas
            value = _TIMES[unit].replace("{}", name)
    return f'CASE WHEN e."{field.name}?" THEN {value} END'


def _types(decoder: Decoder) -> Mapping[str, set[Scalar]]:
    """The types that each field has in the schemas, without null."""
    found: dict[str, set[Scalar]] = defaultdict(set)
    for schema in decoder.schemas:
        for field in schema.fields:
            kinds = field.type.branches if isinstance(field.type, Union) else (field.type,)
            found[field.name] |= {one for one in kinds if isinstance(one, Scalar) and one.type != "null"}
    return found
