"""The two shapes that all rooms share: a batch of encoded records, and the typed columns they decode into.

Both are plain arrays, so that the compiled decoder, the kernels and the encoder see nothing else, and neither the
Kafka client nor a data frame leaks into them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]


class Owner(Protocol):
    """Whoever owns the bytes that a batch points to."""

    def release(self) -> None:
        """Free the bytes. Called once, after the output is handed over; the addresses are invalid from then on."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """``n`` encoded records as addresses and lengths, in the order in which they were read.

    All arrays have shape ``(n,)``. A length of -1 says that there is none: a tombstone has no payload, many
    records have no key. ``topic`` indexes ``topics``; ``time`` is the broker's timestamp in milliseconds since the
    epoch, -1 where unknown. The bytes stay valid until ``owner.release()``.
    """

    payload_address: Int64s
    payload_length: Int64s
    key_address: Int64s
    key_length: Int64s
    topic: Int32s
    partition: Int32s
    offset: Int64s
    time: Int64s
    has_headers: Bools
    topics: tuple[str, ...]
    owner: Owner

    def __len__(self) -> int:
        return len(self.payload_address)


class Kind(IntEnum):
    """How the values of a field are stored in columns."""

    NUMBER = 0
    """float64: Avro float and double."""
    INTEGER = 1
    """int64: boolean, int, long, dates and times; timestamps in microseconds since the epoch."""
    TEXT = 2
    """The address and length of bytes: string (UTF-8, checked) and the symbols of enums."""
    BYTES = 3
    """The address and length of unchecked bytes: bytes and fixed."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a layout: ``slot`` is its row in the arrays of its kind, ``index`` its row in ``valid``."""

    name: str
    kind: Kind
    index: int
    slot: int


class Layout:
    """The names, kinds and places of a set of columns. Built from (name, kind) pairs; a mapping by name."""

    def __init__(self, fields: Iterable[tuple[str, Kind]]) -> None:
        used = {"number": 0, "integer": 0, "span": 0}
        self._fields: dict[str, Field] = {}
        for index, (name, kind) in enumerate(fields):
            if name in self._fields:
                raise ValueError(f"field {name!r} occurs twice in a layout")
            store = {Kind.NUMBER: "number", Kind.INTEGER: "integer"}.get(kind, "span")
            self._fields[name] = Field(name, kind, index, used[store])
            used[store] += 1
        self.numbers, self.integers, self.spans = used["number"], used["integer"], used["span"]

    def __getitem__(self, name: str) -> Field:
        return self._fields[name]

    def get(self, name: str) -> Field | None:
        """The field of that name, or ``None``."""
        return self._fields.get(name)

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def __iter__(self) -> Iterator[Field]:
        return iter(self._fields.values())

    def __len__(self) -> int:
        return len(self._fields)

    def columns(self, capacity: int) -> Columns:
        """New columns for up to ``capacity`` rows, nothing valid yet."""
        return Columns(
            np.zeros((self.numbers, capacity)),
            np.zeros((self.integers, capacity), np.int64),
            np.zeros((self.spans, capacity), np.int64),
            np.zeros((self.spans, capacity), np.int64),
            np.zeros((len(self), capacity), np.uint8),
        )


class Columns(NamedTuple):
    """The values of a layout's fields, one row of each array per field, one column per record (C order).

    ``numbers`` float64 ``(layout.numbers, capacity)``, ``integers`` int64 ``(layout.integers, capacity)``,
    ``address`` and ``length`` int64 ``(layout.spans, capacity)``, ``valid`` uint8 ``(len(layout), capacity)``:
    0 where the record has no value (null, or not a field of its schema); the slot then holds NaN, 0 or length 0.
    """

    numbers: Floats
    integers: Int64s
    address: Int64s
    length: Int64s
    valid: Bytes

    @property
    def capacity(self) -> int:
        """How many rows fit."""
        return int(self.valid.shape[1])
