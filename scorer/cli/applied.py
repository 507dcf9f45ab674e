"""Which champion was applied before the present one, by what the scorers wrote to the audit topic.

Redis is not asked: its audit knows nothing of a bare SET, and is gone after FLUSHALL.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import fastavro

from scorer import schema_files
from scorer.errors import RegistryConflict
from scorer.settings import Settings
from scorer.stream.history import History

_GARBAGE = (ValueError, LookupError, EOFError, OverflowError, TypeError, struct.error)
"""What the Avro reader raises for bytes that are no record of its schema."""


@dataclass(frozen=True, slots=True)
class Applied:
    """A champion that a scorer applied: ``digest`` in hexadecimal, ``at`` in seconds since the epoch."""

    version: str
    digest: str
    at: float
    instance: str


def champions(settings: Settings) -> Iterator[Applied]:
    """Every champion that any scorer of the model applied, the newest first; no more is read than is asked for.

    What a process took from its disk at a start without Redis is left out: nobody had decided for it then. Raises
    StreamBroken where the audit topic is missing or no broker answers.
    """
    header = schema_files.framing(settings.schemas).header(settings.schemas.audit_id)
    schema = fastavro.parse_schema(schema_files.own("audit"))
    with History(settings, settings.topics.audit) as history:
        for message in history.newest_first():
            value = message.value()
            if value is None or not value.startswith(header):
                continue
            try:
                record = fastavro.schemaless_reader(io.BytesIO(value[len(header) :]), schema, None)
            except _GARBAGE:
                continue  # somebody else's record: it says nothing about our champions
            applied = _champion(record, settings.scorer.model)
            if applied is not None:
                yield applied


def before(settings: Settings, present: str | None) -> Applied:
    """The champion that was applied last before ``present``; ``None``: before the one that was applied last.

    Raises RegistryConflict where there is none.
    """
    seen = 0
    for applied in champions(settings):
        seen += 1
        present = present or applied.version
        if applied.version != present:
            return applied
    why = f"{seen} records say that {present} was applied" if seen else "no scorer ever applied a champion"
    raise RegistryConflict(
        f"there is no version to go back to: {settings.topics.audit} knows no other champion ({why}); "
        "choose one yourself: scorer champion set V"
    )


def _champion(record: object, model: str) -> Applied | None:
    if not isinstance(record, dict) or (record["model"], record["event"], record["pointer"]) != (
        model,
        "applied",
        "champion",
    ):
        return None
    version, digest, reason = record["version"], record["digest"], record["reason"]
    if version is None or digest is None or (reason or "").startswith("disk:"):
        return None
    return Applied(version, digest.hex(), record["at"].timestamp(), record["instance"])
