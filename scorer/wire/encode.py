"""From columns to encoded records: all of a batch in one buffer, without a Python object per record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scorer.batch import Bytes, Columns, Int32s, Int64s, Layout
from scorer.wire.encode_plan import Entries, Run, Source, build
from scorer.wire.framing import Framing
from scorer.wire.reasons import Reason, explain
from scorer.wire.schema import RecordSchema
from scorer.wire.writing import Output, encode_rows

__all__ = ["Encoded", "Encoder", "Entries", "Run", "Source"]


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """``m`` encoded records with their framing. Valid until the encoder's next call.

    Record ``j`` is ``buffer[start[j] : start[j] + length[j]]``; between records there are unused bytes. ``buffer`` is
    uint8, ``start`` and ``length`` int64 ``(m,)``. A record that the schema cannot hold has length -1, a ``status``
    (uint8) that is not OK, and its ``field`` (int32) and ``found`` (int64) value.
    """

    buffer: Bytes
    start: Int64s
    length: Int64s
    status: Bytes
    field: Int32s
    found: Int64s

    @property
    def address(self) -> Int64s:
        """The address of each record's first byte, int64 ``(m,)``."""
        return self.start + self.buffer.ctypes.data


class Encoder:
    """Encodes rows of columns as Avro records of one schema. Serves one thread at a time.

    A field is written from the column of its own name, or from what ``sources`` says: another column, a ``Run`` of
    columns for an array of doubles, ``Entries`` for a map. Timestamps in columns are microseconds; a schema in
    milliseconds gets them rounded down. TEXT is written as it is: whoever fills a column vouches that it is UTF-8
    (``utf8.valid_utf8`` checks bytes of unknown origin, such as keys).

    Raises ``SchemaError`` where a column is missing or of a kind that the schema does not allow.
    """

    def __init__(
        self,
        schema: RecordSchema,
        layout: Layout,
        *,
        framing: Framing = Framing.CONFLUENT,
        schema_id: int = 0,
        sources: Mapping[str, Source] | None = None,
    ) -> None:
        self.schema = schema
        self._program = build(schema, layout, framing.header(schema_id), sources or {})
        self._buffer = np.empty(0, np.uint8)
        self._reserve(0)

    def encode(self, columns: Columns, rows: Int64s) -> Encoded:
        """Encode the given ``m`` rows, int64 ``(m,)``, in that order. The result is valid until the next call."""
        m = len(rows)
        if m > len(self._output.start):
            self._reserve(m)
        whole = self._output
        output = Output(
            rows,
            whole.start[:m],
            whole.length[:m],
            whole.cursor[:m],
            whole.status[:m],
            whole.field[:m],
            whole.found[:m],
        )
        plan, constants = self._program.plan, self._program.plan.constants.ctypes.data
        while True:
            buffer = self._buffer
            needed = encode_rows(output, plan, constants, self._program.bound, columns, buffer.ctypes.data, len(buffer))
            if needed <= len(buffer):
                break
            self._buffer = np.empty(1 << (needed - 1).bit_length(), np.uint8)
        return Encoded(buffer, output.start, output.length, output.status, output.field, output.found)

    def reason(self, encoded: Encoded, j: int) -> Reason:
        """Why record ``j`` of a result could not be encoded."""
        field = int(encoded.field[j])
        name = self.schema.fields[field].name if field >= 0 else None
        return explain(int(encoded.status[j]), name, -1, int(encoded.found[j]))

    def _reserve(self, m: int) -> None:
        capacity = 1 << max(m - 1, 0).bit_length()
        self._output = Output(
            np.zeros(0, np.int64),
            np.zeros(capacity, np.int64),
            np.zeros(capacity, np.int64),
            np.zeros(capacity, np.int64),
            np.zeros(capacity, np.uint8),
            np.zeros(capacity, np.int32),
            np.zeros(capacity, np.int64),
        )
