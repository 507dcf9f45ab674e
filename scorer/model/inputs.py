"""The raw inputs of a version: what an event, a row of a frame and a golden row must hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from scorer.model.canonical import Json, Reader, number_to_json

Raw: TypeAlias = "float | int | str | None"
"""One raw value: a float64, an int64 or a category, and ``None`` where there is no value."""

WHOLE = 2**53
"""Integers up to here are exact as float64, which is what the kernels calculate with."""


@dataclass(frozen=True, slots=True)
class Input:
    """One raw input.

    ``dtype`` is ``float64``, ``int64`` or ``category`` (text). A value counts as missing where there is none, where
    it is NaN and where it equals ``missing_sentinel``. A row that misses an input which is not ``nullable`` cannot
    be scored.
    """

    name: str
    dtype: str
    nullable: bool = False
    missing_sentinel: float | int | None = None

    def to_json(self) -> Json:
        """As the manifest holds it."""
        return {
            "name": self.name,
            "dtype": self.dtype,
            "nullable": self.nullable,
            "missing_sentinel": self.missing_sentinel,
        }

    @classmethod
    def read(cls, reader: Reader) -> Input:
        """Read one entry of the manifest's inputs."""
        name, dtype, nullable, sentinel = reader.fields("name", "dtype", "nullable", "missing_sentinel")
        kind = dtype.one_of("float64", "int64", "category")
        marker: float | int | None = None
        if sentinel.value is not None:
            if kind == "category":
                sentinel.refuse("null, for a category has no sentinel")
            marker = sentinel.number() if kind == "float64" else sentinel.integer(-WHOLE, WHOLE)
        return cls(name.text(), kind, nullable.flag(), marker)

    def read_value(self, reader: Reader) -> Raw:
        """Read one raw value as golden rows hold it."""
        if reader.value is None:
            return None
        if self.dtype == "float64":
            return reader.any_number()
        if self.dtype == "int64":
            return reader.integer(-(2**63), 2**63 - 1)
        return reader.raw_text(1 << 16)

    def value_to_json(self, value: Raw) -> Json:
        """The reverse of :meth:`read_value`."""
        return number_to_json(value) if isinstance(value, float) else value
