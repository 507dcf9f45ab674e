"""Which events a trial scores: a pure function of the event, so that a replayed event takes the same way again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from scorer.batch import Batch, Bools, Columns, Field, Int64s, Kind, Layout
from scorer.errors import VersionRefused
from scorer.wire.murmur2 import murmur2, partitions
from scorer.wire.spans import among

_HASHES = 1 << 31

D = TypeVar("D", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Share:
    """The part of the traffic that goes to a trial.

    By ``percent`` (0 to 100): the hash of the trial's ``id`` and the value of the field ``by`` (``None``: the event's
    key, or its offset where it has none) decides, so that one customer always meets the same version. By ``field``:
    the events whose field is one of ``values``.
    """

    id: str
    percent: float | None = None
    by: str | None = None
    field: str | None = None
    values: tuple[str | int, ...] = ()

    def check(self, layout: Layout) -> None:
        """Raise VersionRefused("trial", …) where the events have no such field."""
        name = self.field if self.percent is None else self.by
        if name is not None and name not in layout:
            fields = ", ".join(field.name for field in layout)
            raise VersionRefused("trial", f"trial {self.id}: the events have no field {name!r}; they have {fields}")

    def takes(self, batch: Batch, columns: Columns, layout: Layout) -> Bools:
        """Which of the ``n`` events of a batch take part, as bool ``(n,)``. ``columns`` are those of ``layout``."""
        n = len(batch)
        if self.percent is None:
            return _is_one_of(columns, layout[str(self.field)], self.values, n)
        hashes = _key_hashes(batch) if self.by is None else _value_hashes(columns, layout[self.by], n)
        # As a share of 2^53, so that every float64 percent is exact.
        mixed = _mix(hashes + (murmur2(self.id.encode()) << 32))
        return np.asarray((mixed >> np.uint64(11)) < np.uint64(self.percent / 100.0 * 2.0**53))


def _is_one_of(columns: Columns, field: Field, values: tuple[str | int, ...], n: int) -> Bools:
    valid = columns.valid[field.index, :n].view(np.bool_)
    if field.kind in (Kind.TEXT, Kind.BYTES):
        texts = [str(value).encode() for value in values]
        return valid & among(columns.address[field.slot, :n], columns.length[field.slot, :n], texts)
    if field.kind == Kind.NUMBER:
        return valid & np.isin(columns.numbers[field.slot, :n], _numbers(values, float, np.dtype(np.float64)))
    # Not as floats, which would take the neighbours of a large integer for itself.
    return valid & np.isin(columns.integers[field.slot, :n], _numbers(values, int, np.dtype(np.int64)))


def _numbers(values: tuple[str | int, ...], kind: type[int | float], dtype: np.dtype[D]) -> npt.NDArray[D]:
    """Those of the values that are such numbers."""
    found = []
    for value in values:
        try:
            found.append(dtype.type(kind(value)))
        except (ValueError, OverflowError):
            continue
    return np.array(found, dtype)


def _key_hashes(batch: Batch) -> Int64s:
    hashes = partitions(batch.key_address, batch.key_length, _HASHES)
    return np.where(batch.key_length >= 0, hashes, batch.offset * 31 + batch.partition)


def _value_hashes(columns: Columns, field: Field, n: int) -> Int64s:
    if field.kind in (Kind.TEXT, Kind.BYTES):
        address, length = columns.address[field.slot, :n], columns.length[field.slot, :n]
        return partitions(np.ascontiguousarray(address), np.ascontiguousarray(length), _HASHES)
    if field.kind == Kind.NUMBER:
        return columns.numbers[field.slot, :n].view(np.int64)
    return columns.integers[field.slot, :n]


def _mix(values: Int64s) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
    """SplitMix64's finaliser (Steele, Lea, Flood 2014): every bit of the input moves every bit of the output."""
    z = values.view(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))
