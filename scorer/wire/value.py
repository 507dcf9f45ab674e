"""One value of a map as it is encoded, read into a Python object: for the few that differ, not for every record."""

from __future__ import annotations

import struct
from typing import TypeAlias

from scorer.wire.schema import Scalar, Union

Value: TypeAlias = "bool | int | float | str | bytes | None"


def decoded(data: bytes, kind: Scalar | Union) -> Value:
    """The value of ``data``, which ``wire.decode`` has found to be a whole one of this type.

    Numbers are in the units of columns: timestamps in microseconds, dates in days.
    """
    if isinstance(kind, Union):
        branch, data = _varint(data)
        kind = kind.branches[branch]
    if kind.type == "null":
        return None
    if kind.type in ("int", "long", "enum", "boolean"):
        number = data[0] if kind.type == "boolean" else _varint(data)[0]
        if kind.type == "boolean":
            return bool(number)
        return kind.symbols[number] if kind.type == "enum" else number * kind.factor
    if kind.type in ("double", "float"):
        [found] = struct.unpack("<d" if kind.type == "double" else "<f", data)
        return float(found)
    content = data if kind.type == "fixed" else _varint(data)[1]
    return content.decode() if kind.type == "string" else content


def _varint(data: bytes) -> tuple[int, bytes]:
    """The integer that ``data`` begins with, and what follows."""
    raw, place = 0, 0
    while True:
        byte = data[place]
        raw |= (byte & 127) << (7 * place)
        place += 1
        if byte < 128:
            return (raw >> 1) ^ -(raw & 1), data[place:]
