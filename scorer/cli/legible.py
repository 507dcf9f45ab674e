"""A dead letter made legible: its fields and its bytes, with what the settings call sensitive masked.

Where an event cannot be decoded whole, nobody knows which of its bytes belong to a sensitive field; then none of its
value is shown.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastavro

from scorer.errors import SchemaError
from scorer.observe import logs
from scorer.stream.letters import Letter
from scorer.wire.framing import Framing
from scorer.wire.reasons import Status

MASK = "***"

_UNDECODABLE = {status.name.lower() for status in Status}
_GARBAGE = (ValueError, LookupError, EOFError, OverflowError, TypeError, struct.error)
"""What the Avro reader raises for bytes that are no value of its schema."""


@dataclass(frozen=True, slots=True)
class Part:
    """One field of an event: its value, and the bytes ``start`` to before ``end`` that encode it."""

    name: str
    value: object
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Anatomy:
    """The fields of a value as far as it decodes. ``problem`` says where and why it does not, or not whole."""

    parts: tuple[Part, ...]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Legible:
    """A letter for people. ``value`` has ``None`` in place of masked bytes; ``hidden`` says why there is no value."""

    key: bytes | str | None
    headers: tuple[tuple[str, bytes | str | None], ...]
    reason: str
    fields: Mapping[str, object]
    value: tuple[int | None, ...] | None
    problem: str | None
    hidden: str | None


class Events:
    """The schemas of the events, to take single ones apart."""

    def __init__(self, files: Mapping[int, Path], framing: Framing) -> None:
        """Raises SchemaError where a file cannot be read."""
        self._framing = framing
        self._fields = {number: _fields(file) for number, file in files.items()}

    def dissect(self, value: bytes | None) -> Anatomy:
        """Take a value apart, field by field, as far as that goes."""
        if value is None:
            return Anatomy((), "the event has no value (a tombstone)")
        number, start = 0, self._framing.size
        if self._framing is Framing.CONFLUENT:
            if len(value) < start or value[0] != 0:
                return Anatomy((), "the value does not start with a schema id in Confluent's framing")
            number = int.from_bytes(value[1:start], "big")
        if number not in self._fields:
            return Anatomy((), f"schema id {number} is none of schemas.events")
        stream = io.BytesIO(value)
        parts: list[Part] = []
        stream.seek(start)
        for name, schema in self._fields[number]:
            at = stream.tell()
            try:
                found = fastavro.schemaless_reader(stream, schema, None)
            except _GARBAGE:
                return Anatomy(tuple(parts), f"field `{name}` at byte {at} cannot be decoded")
            parts.append(Part(name, found, at, stream.tell()))
        rest = len(value) - stream.tell()
        return Anatomy(tuple(parts), f"{rest} bytes are left over behind the last field" if rest else None)


def legible(letter: Letter, events: Events, sensitive: Collection[str], id_field: str | None) -> Legible:
    """What may be shown of a letter."""
    anatomy = events.dissect(letter.value)
    whole = anatomy.problem is None and letter.code not in _UNDECODABLE
    headers = tuple((name, MASK if name in sensitive else _bytes(value)) for name, value in letter.headers)
    problem = anatomy.problem if anatomy.problem is not None or whole else "the scorer could not decode the event"
    if sensitive and not whole and letter.value is not None:
        hidden = "not shown: it does not decode, so any of it may belong to a sensitive field (scorer.sensitive)"
        return Legible(
            MASK if letter.key else letter.key, headers, reason(letter, sensitive), {}, None, problem, hidden
        )
    masked = [part for part in anatomy.parts if part.name in sensitive]
    value: list[int | None] = list(letter.value or b"")
    for part in masked:
        value[part.start : part.end] = [None] * (part.end - part.start)
    return Legible(
        _key(letter, masked, id_field),
        headers,
        reason(letter, sensitive),
        {part.name: MASK if part in masked else part.value for part in anatomy.parts},
        None if letter.value is None else tuple(value),
        problem,
        None,
    )


def reason(letter: Letter, sensitive: Collection[str]) -> str:
    """Why the event could not be scored; without the numbers that were met, where the field is sensitive."""
    return logs.reason(letter.facts.get("field"), letter.facts.get("reason", ""), sensitive)


def _key(letter: Letter, masked: Collection[Part], id_field: str | None) -> bytes | str | None:
    """The key, unless it repeats a sensitive field."""
    key, value = letter.key, letter.value or b""
    repeated = any(key and (key in value[part.start : part.end] or key == str(part.value).encode()) for part in masked)
    return MASK if repeated or (key and any(part.name == id_field for part in masked)) else key


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value


def _fields(file: Path) -> list[tuple[str, Any]]:
    """The fields of a record schema, each with a schema that stands alone."""
    try:
        schema = fastavro.parse_schema(json.loads(file.read_text("utf-8")), expand=True)
    except (OSError, ValueError, fastavro.schema.SchemaParseException, fastavro.schema.UnknownType) as error:
        raise SchemaError(f"{file}: cannot be read: {error}; see schemas.events in the settings") from None
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise SchemaError(f"{file}: the schema of an event must be a record")
    return [(field["name"], field["type"]) for field in schema["fields"]]
