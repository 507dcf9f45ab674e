"""What can be wrong with one record, as a number for compiled code and as a sentence for its producer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Status(IntEnum):
    """The outcome for one record. The lower-case name is a stable code for metrics and dead letters."""

    OK = 0
    TOMBSTONE = 1
    """There is no payload."""
    EMPTY = 2
    """The payload has no bytes."""
    FRAMING = 3
    """The payload ends inside the framing."""
    UNKNOWN_MAGIC = 4
    """The first byte is not that of the framing."""
    UNKNOWN_SCHEMA = 5
    """The writer schema's id is not one of the decoder's."""
    TRUNCATED = 6
    """The payload ends inside a field, or where one should be."""
    VARINT = 7
    """An integer of more than 64 bits, or of more than 32 where the type is int."""
    BOOLEAN = 8
    """A byte that is neither 0 nor 1."""
    UTF8 = 9
    """A string that is not UTF-8."""
    ENUM = 10
    """An index that is none of the enum's symbols."""
    UNION = 11
    """An index that is none of the union's branches."""
    LENGTH = 12
    """A string's or bytes' length that is negative or reaches beyond the payload."""
    TIME = 13
    """A time in milliseconds that does not fit 64 bits in microseconds."""
    TRAILING = 14
    """Bytes are left over behind the last field."""
    MISSING = 15
    """Only when encoding: no value for a field that must have one."""
    RANGE = 16
    """Only when encoding: a number, count, size or symbol that the schema cannot hold."""
    BLOCK = 17
    """Part of an array or a map, with a count or a size that cannot be its own."""


# Compiled code takes plain numbers.
OK = int(Status.OK)
TOMBSTONE = int(Status.TOMBSTONE)
EMPTY = int(Status.EMPTY)
FRAMING = int(Status.FRAMING)
UNKNOWN_MAGIC = int(Status.UNKNOWN_MAGIC)
UNKNOWN_SCHEMA = int(Status.UNKNOWN_SCHEMA)
TRUNCATED = int(Status.TRUNCATED)
VARINT = int(Status.VARINT)
BOOLEAN = int(Status.BOOLEAN)
UTF8 = int(Status.UTF8)
ENUM = int(Status.ENUM)
UNION = int(Status.UNION)
LENGTH = int(Status.LENGTH)
TIME = int(Status.TIME)
TRAILING = int(Status.TRAILING)
MISSING = int(Status.MISSING)
RANGE = int(Status.RANGE)
BLOCK = int(Status.BLOCK)

_TEXTS = {
    Status.OK: "the record is good",
    Status.TOMBSTONE: "the record has no payload (a tombstone)",
    Status.EMPTY: "the payload is empty",
    Status.FRAMING: "the payload ends at byte {at}, inside the five bytes that name its schema",
    Status.UNKNOWN_MAGIC: "the payload starts with byte {found}, not with the 0 of Confluent's framing",
    Status.UNKNOWN_SCHEMA: "schema id {found} at byte {at} is none of those that this scorer reads",
    Status.TRUNCATED: "the payload ends at byte {at}, before the end of the field",
    Status.VARINT: "the integer at byte {at} has more bits than its type",
    Status.BOOLEAN: "byte {at} is {found}, but a boolean is 0 or 1",
    Status.UTF8: "invalid UTF-8 at byte {at}",
    Status.ENUM: "enum index {found} at byte {at} is none of the schema's symbols",
    Status.UNION: "union branch {found} at byte {at} is none of the union's",
    Status.LENGTH: "the length {found} at byte {at} is negative or reaches beyond the payload",
    Status.TIME: "the time {found} at byte {at} does not fit 64 bits in microseconds",
    Status.TRAILING: "{found} bytes are left over from byte {at} on, behind the last field of the schema",
    Status.MISSING: "there is no value, but the schema demands one",
    Status.RANGE: "the value {found} does not fit the schema",
    Status.BLOCK: "the block of {found} items at byte {at} has another size than it says",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one record cannot be used: ``code`` for machines, ``text`` for people.

    ``field`` is the one that was being read, ``position`` the byte of the payload, counted from 0 at its first byte
    (that of the framing, where there is one); ``None`` where there is none to name.
    """

    code: str
    field: str | None
    position: int | None
    text: str


def explain(status: int, field: str | None, at: int, found: int) -> Reason:
    """The reason for a status, in words; ``at`` is a byte position or -1, ``found`` the number that was met there."""
    known = Status(status)
    text = _TEXTS[known].format(at=at, found=found)
    return Reason(
        known.name.lower(), field, None if at < 0 else at, text if field is None else f"field `{field}`: {text}"
    )
