"""What stands before an Avro record in a message, to say by which schema it was written."""

from __future__ import annotations

from enum import IntEnum


class Framing(IntEnum):
    """Confluent's header of 5 bytes, or nothing."""

    CONFLUENT = 0
    """A zero byte, then the writer schema's id as 4 bytes, the highest first."""
    BARE = 1
    """The record alone: everything in the topic was written by one schema."""

    @property
    def size(self) -> int:
        """How many bytes stand before the record."""
        return 5 if self is Framing.CONFLUENT else 0

    def header(self, schema_id: int) -> bytes:
        """The bytes to write before a record of that schema. Raises ``ValueError`` for an id beyond 32 bits."""
        if not 0 <= schema_id < 1 << 32:
            raise ValueError(f"a schema id is a number of 32 bits, not {schema_id}")
        return b"\0" + schema_id.to_bytes(4, "big") if self is Framing.CONFLUENT else b""
