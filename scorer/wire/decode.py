"""From encoded records to columns, without a Python object per record.

Stricter than Avro's reference libraries, because what a producer got wrong must not reach a model as a number:
integers beyond 64 bits (32 for int), bytes other than 0 and 1 for a boolean, negative enum indexes and union branches,
and bytes left over behind a record are refused. Integers that are padded with zero bits are accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scorer.batch import Batch, Bytes, Columns, Int32s, Int64s, Layout
from scorer.errors import SchemaError
from scorer.wire.block import new_block, new_report
from scorer.wire.framing import Framing
from scorer.wire.plan import NO_PARTS, Parts, build
from scorer.wire.reading import decode_rows
from scorer.wire.reasons import Reason, explain
from scorer.wire.schema import RecordSchema


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """What became of the ``n`` records of a batch. Valid until the decoder's next call.

    ``columns`` has the rows 0 to ``n`` - 1 filled; spans point into the batch's payloads and into the decoder's table
    of enum symbols. The other arrays have shape ``(n,)``: ``status`` uint8 (a ``Status``); where that is not OK,
    the row has no valid value in any column, and ``at`` int64 is a byte position in the payload, ``field`` int32 an
    index into the fields of the record's schema and ``found`` int64 the number that was met, ``at`` and ``field``
    being -1 where there is none. ``schema`` int32 is the index of the writer schema, -1 where it is unknown.
    """

    columns: Columns
    status: Bytes
    at: Int64s
    field: Int32s
    schema: Int32s
    found: Int64s


class Decoder:
    """Decodes Avro records of any of a few writer schemas, told apart by their framing. Serves one thread at a time.

    ``schemas`` maps the ids in Confluent's framing to schemas; with bare records it has exactly one, under id 0.
    ``layout`` has the fields of all of them, of arrays and maps the ``parts`` that are named; a field that a record's
    schema lacks is invalid in its row. Raises ``SchemaError`` where the schemas cannot share columns.
    """

    def __init__(
        self, schemas: Mapping[int, RecordSchema], framing: Framing = Framing.CONFLUENT, parts: Parts = NO_PARTS
    ) -> None:
        if not schemas:
            raise SchemaError("a decoder needs at least one schema: name the schema file of the events")
        if framing is Framing.BARE and list(schemas) != [0]:
            raise SchemaError(
                f"bare records do not say which schema they were written by, so there must be exactly one, under id 0; "
                f"there are {len(schemas)}, under {sorted(schemas)}"
            )
        if not all(0 <= number < 1 << 32 for number in schemas):
            raise SchemaError(f"schema ids are numbers of 32 bits; these are {sorted(schemas)}")
        self.schemas = tuple(schemas.values())
        self.framing = framing
        self._program = build(schemas, parts)
        self._block = new_block()
        self._reserve(0)

    @property
    def layout(self) -> Layout:
        """The columns that records are decoded into."""
        return self._program.layout

    def decode(self, batch: Batch) -> Decoded:
        """Decode the payloads of a batch. The result is valid until the next call and while the batch's bytes are."""
        n = len(batch)
        if n > self._columns.capacity:
            self._reserve(n)
        report = self._report
        decode_rows(
            batch.payload_address,
            batch.payload_length,
            int(self.framing),
            self._program.plan,
            self._block,
            report,
            self._columns,
        )
        return Decoded(
            self._columns, report.status[:n], report.at[:n], report.field[:n], report.schema[:n], report.found[:n]
        )

    def reason(self, decoded: Decoded, row: int) -> Reason:
        """Why record ``row`` of a result could not be decoded."""
        schema, field = int(decoded.schema[row]), int(decoded.field[row])
        name = self.schemas[schema].fields[field].name if schema >= 0 and field >= 0 else None
        return explain(int(decoded.status[row]), name, int(decoded.at[row]), int(decoded.found[row]))

    def _reserve(self, n: int) -> None:
        """Make room for ``n`` rows, by doubling, so that a growing load settles after a few batches."""
        capacity = 1 << max(n - 1, 0).bit_length()
        self._columns = self.layout.columns(capacity)
        self._report = new_report(capacity)
