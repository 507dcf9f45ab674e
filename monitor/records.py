"""From predictions and labels as bytes to what is joined; a record that makes no sense is named, and left out."""

from __future__ import annotations

import ctypes
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import fastavro
import numpy as np

from monitor.joining import Cell, Label, Prediction
from monitor.places import Places
from scorer.batch import Batch, Int64s
from scorer.wire.decode import Decoder
from scorer.wire.framing import Framing
from scorer.wire.reasons import OK

R = TypeVar("R")

FRAMING, AVRO, VALUE = "framing", "avro", "value"

# From year 1 to 9999, in microseconds since 1970: what a calendar can name.
_FIRST, _LAST = -62_135_596_800_000_000, 253_402_300_799_999_999

# What fastavro raises on bytes that are no such record: too few, not UTF-8, a branch or length out of range.
_UNREADABLE = (EOFError, ValueError, LookupError, OverflowError)


@dataclass(frozen=True, slots=True)
class Bad:
    """A record that is left out: ``code`` is short and stable, ``where`` topic-partition-offset, ``text`` says why."""

    code: str
    where: str
    text: str


@dataclass(frozen=True, slots=True)
class Read(Generic[R]):
    """The records of a batch under their events' ids, and those that could not be used."""

    rows: list[tuple[bytes, R]] = field(default_factory=list)
    bad: list[Bad] = field(default_factory=list)


class Labels:
    """Reads labels. ``decoder`` has one schema, with event_id, label and label_time."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        layout = decoder.layout
        self._id, self._label, self._time = layout["event_id"].slot, layout["label"].slot, layout["label_time"].slot

    def read(self, batch: Batch) -> Read[Label]:
        """The labels of a batch. One that is neither 0 nor 1 is bad."""
        decoded, n = self._decoder.decode(batch), len(batch)
        columns, labels = decoded.columns, decoded.columns.numbers[self._label, :n]
        readable = decoded.status == OK
        usable = readable & ((labels == 0.0) | (labels == 1.0))
        rows = np.flatnonzero(usable)
        ids = _texts(columns.address[self._id, rows], columns.length[self._id, rows])
        times, truths = columns.integers[self._time, rows].tolist(), labels[rows].astype(np.int64).tolist()
        read = Read(list(zip(ids, map(Label, times, truths), strict=True)))
        for row in np.flatnonzero(~usable).tolist():
            code, text = VALUE, f"label {labels[row]:g} is neither 0 nor 1"
            if not readable[row]:
                reason = self._decoder.reason(decoded, row)
                code, text = reason.code, reason.text
            read.bad.append(Bad(code, _where(batch, row), text))
        return read


class Predictions:
    """Reads predictions of models with two classes, written by ``schema`` behind what ``framing`` says."""

    def __init__(self, schema: Mapping[str, object], framing: Framing, schema_id: int, places: Places) -> None:
        # Plain numbers: a datetime for each record would only be turned back into one.
        self._schema: dict[str, Any] = fastavro.parse_schema(_without_logical_types(schema))  # type: ignore[arg-type, assignment]
        self._header = framing.header(schema_id)
        self._places = places
        self._cells: dict[tuple[int, str, str], Cell] = {}

    def read(self, batch: Batch) -> Read[Prediction]:
        """The predictions of a batch."""
        read: Read[Prediction] = Read()
        usable: list[dict[str, Any]] = []
        values = _texts(batch.payload_address, np.maximum(batch.payload_length, 0))
        for row, value in enumerate(values):
            try:
                usable.append(self._usable(value))
            except _Unusable as error:
                read.bad.append(Bad(error.code, _where(batch, row), str(error)))
        times = np.array([fields["event_time"] for fields in usable], "datetime64[us]")
        months = times.astype("datetime64[M]").astype(np.int64).tolist()
        read.rows.extend(map(self._row, usable, months))
        return read

    def _usable(self, value: bytes) -> dict[str, Any]:
        """The fields of a prediction that can be judged. Raises _Unusable."""
        size = len(self._header)
        if value[:size] != self._header:
            raise _Unusable(FRAMING, f"begins with {value[:size].hex() or 'nothing'}, not with {self._header.hex()}")
        data = io.BytesIO(value)
        data.seek(size)
        try:
            fields: Any = fastavro.schemaless_reader(data, self._schema, None)
        except _UNREADABLE as error:
            raise _Unusable(AVRO, f"cannot be decoded: {type(error).__name__}: {error}") from None
        if data.tell() != len(value):
            raise _Unusable(AVRO, f"{len(value) - data.tell()} bytes are left over behind the record")
        if fields["class"] is None or fields["scores"]:
            raise _Unusable(VALUE, f"version {fields['version']} has not two classes, so it cannot be judged")
        if not 0.0 <= fields["score"] <= 1.0:
            raise _Unusable(VALUE, f"score {fields['score']} is no probability")
        if fields["event_time"] is None or not _FIRST <= fields["event_time"] <= _LAST:
            raise _Unusable(VALUE, f"event time {fields['event_time']} lies in no month")
        checked: dict[str, Any] = fields
        return checked

    def _row(self, fields: Mapping[str, Any], month: int) -> tuple[bytes, Prediction]:
        key = month, fields["role"], fields["version"]
        cell = self._cells.setdefault(key, Cell(*key))  # one object for all predictions in it
        place = self._places.of(fields["source_topic"], fields["source_partition"], fields["source_offset"])
        return fields["event_id"].encode(), Prediction(fields["scored_time"], place, fields["score"], cell)


class _Unusable(Exception):
    """Raised for one record, which is left out. Never leaves this module."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def _texts(address: Int64s, length: Int64s) -> Sequence[bytes]:
    return list(map(ctypes.string_at, address.tolist(), length.tolist()))


def _where(batch: Batch, row: int) -> str:
    return f"{batch.topics[batch.topic[row]]}-{batch.partition[row]}-{batch.offset[row]}"


def _without_logical_types(schema: object) -> object:
    if isinstance(schema, Mapping):
        return {key: _without_logical_types(value) for key, value in schema.items() if key != "logicalType"}
    return [_without_logical_types(part) for part in schema] if isinstance(schema, list) else schema
