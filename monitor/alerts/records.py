"""Verdicts, incidents and requirements in force as records of the verdicts topic.

A record's key is its subject: requirement, window, role, version and segment of a verdict, kind and subject of an
incident. So compaction keeps of each the last, and none hides another, even where a correction comes to an old window
after the new one was judged.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import fastavro

from monitor.judge import wording
from monitor.judge.floors import Floor, only
from monitor.judge.incident import Incident
from monitor.judge.verdicts import Verdict, identity
from scorer import schema_files
from scorer.settings import Schemas

FLOOR = "floor/"
"""How the keys of requirements in force begin."""

_LENGTH = 4
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VERDICT = {one.name for one in fields(Verdict)}


class Record(NamedTuple):
    """What is written to Kafka."""

    key: bytes
    value: bytes

    def packed(self) -> bytes:
        """Both as one payload for the outbox."""
        return len(self.key).to_bytes(_LENGTH, "big") + self.key + self.value

    @staticmethod
    def unpacked(payload: bytes) -> Record:
        """What :meth:`packed` gave."""
        end = _LENGTH + int.from_bytes(payload[:_LENGTH], "big")
        return Record(payload[_LENGTH:end], payload[end:])


class Records:
    """Encodes them for one model; ``schemas/verdict.avsc`` is their schema."""

    def __init__(self, model: str, schemas: Schemas) -> None:
        self._model = model
        self._header = schema_files.framing(schemas).header(schemas.verdict_id)
        self._schema = fastavro.parse_schema(schema_files.own("verdict"))
        self._empty = {field["name"]: None for field in schema_files.own("verdict")["fields"]}

    def verdict(self, one: Verdict) -> Record:
        """A verdict, whose value may be provisional."""
        field, value = one.segment or (None, None)
        segment = "" if field is None else f"/{field}={value}"
        shown = "unknown" if one.value is None else wording.number(one.value)
        said = f"{one.verdict} {one.role} {one.version}: {wording.subject(one.name, one.segment)} {shown}"
        values = {name: getattr(one, name) for name in self._empty.keys() & _VERDICT}
        values |= {
            "kind": "verdict",
            "subject": f"verdict/{one.requirement}/{one.number}/{one.role}/{one.version}{segment}",
            "headline": f"{said} {wording.window(one.window, one.begin)}, required {wording.bounds(one)}",
            "segment_field": field,
            "segment_value": value,
            "low": one.low if math.isfinite(one.low) else None,
            "high": one.high if math.isfinite(one.high) else None,
        }
        return self._record(values)

    def incident(self, one: Incident, time: int) -> Record:
        """An incident as it is at the tick ``time``."""
        values = {
            "kind": "incident",
            "subject": f"incident/{one.key}",
            "time": time,
            "state": "open" if one.resolved is None else "resolved",
            "headline": one.headline,
            "incident": one.id,
            "severity": one.severity,
            "opened": one.opened,
            "resolved": one.resolved,
            "letters": one.letters,
            "acknowledged": one.acknowledged,
        }
        return self._record(values)

    def floor(self, one: Floor) -> Record:
        """A requirement in force."""
        asked, name = one.requirement, identity(one.requirement)
        values = {
            "kind": "floor",
            "subject": f"{FLOOR}{name}",
            "time": one.time,
            "headline": f"{name}: {one.said}, by {one.actor}: {one.why}",
            "requirement": name,
            "metric": asked.metric.name,
            "name": asked.name,
            "judged": asked.judged,
            "window": asked.window,
            "minimum": asked.minimum,
            "maximum": asked.maximum,
            "guarded": one.in_force.guarded,
            "revision": one.revision,
            "reason": one.why,
            "state": "dropped" if one.dropped else "in force",
            "toml": one.toml,
            "actor": one.actor,
        }
        return self._record(values)

    def floor_of(self, value: bytes) -> Floor:
        """What :meth:`floor` said. Raises whatever its reading does where it is something else."""
        found = fastavro.schemaless_reader(io.BytesIO(value[len(self._header) :]), self._schema, None)
        assert isinstance(found, dict)  # noqa: S101  # a record's schema makes nothing else
        time, dropped = _microseconds(found["time"]), found["state"] == "dropped"
        return Floor(only(found["toml"]), found["revision"], time, found["actor"], found["reason"], dropped)

    def _record(self, values: Mapping[str, object]) -> Record:
        out = io.BytesIO(self._header)
        out.seek(0, io.SEEK_END)
        fastavro.schemaless_writer(out, self._schema, {**self._empty, "model": self._model, **values}, strict=True)
        return Record(str(values["subject"]).encode(), out.getvalue())


def _microseconds(time: datetime) -> int:
    """Since 1970: fastavro makes a datetime of what is stored as such a number."""
    return (time - _EPOCH) // timedelta(microseconds=1)
