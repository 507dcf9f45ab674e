"""What the monitor writes into the audit topic: commands that were answered, and what became of candidates."""

from __future__ import annotations

import io
from typing import Any

import fastavro

from scorer import schema_files
from scorer.settings import Schemas

AUDIT = "audit"
"""The kind of what is sent to the audit topic; the payload is the record."""


class Auditing:
    """Makes records of the scorers' own schema. ``instance`` names this process."""

    def __init__(self, model: str, instance: str, schemas: Schemas) -> None:
        self._model, self._instance = model, instance
        self._header = schema_files.framing(schemas).header(schemas.audit_id)
        self._schema = fastavro.parse_schema(schema_files.own("audit"))

    def record(self, time: int, *, done: bool, pointer: str, version: str, **more: Any) -> bytes:
        """Of what was done at ``time`` (microseconds since 1970), or refused. ``pointer`` is what scorers name one by;
        ``more`` are other fields of the schema."""
        fields = {
            "at": time,
            "model": self._model,
            "instance": self._instance,
            "event": "applied" if done else "refused",
            "pointer": pointer,
            "version": version,
            "digest": None,
            "previous": None,
            "seen": time,
            "reason": None,
            "command": None,
            "actor": None,
            "actor_reason": None,
            "trial": None,
        }
        out = io.BytesIO(self._header)
        out.seek(0, io.SEEK_END)
        fastavro.schemaless_writer(out, self._schema, {**fields, **more}, strict=True)
        return out.getvalue()
