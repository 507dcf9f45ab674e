"""Records as Kafka has them, and what gives out codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import fastavro
import numpy as np

from scorer import schema_files
from scorer.batch import Batch
from scorer.wire.joined import join
from tests.monitor.stage import framed
from tests.wire.support import batch_of, plain

PREDICTION_ID, LABEL_ID = 1001, 1003
PREDICTION = fastavro.parse_schema(plain(schema_files.own("prediction")))
LABEL = fastavro.parse_schema(plain(schema_files.own("label")))
OLD_LABEL = fastavro.parse_schema(
    {**plain(schema_files.own("label")), "fields": plain(schema_files.own("label"))["fields"][:3]}
)

HOUR = 3_600_000_000
START = 1_400_000_000_000_000 // HOUR * HOUR

PREDICTED: Mapping[str, Any] = {
    "event_id": "e1",
    "source_topic": "m.events",
    "source_partition": 3,
    "source_offset": 17,
    "model": "m",
    "version": "v1",
    "digest": bytes(32),
    "role": "champion",
    "score": 0.75,
    "class": "yes",
    "scores": [],
    "event_time": START,
    "scored_time": START + 1_000,
    "flags": 0,
    "carried": {"carrier": "AA", "origin": None, "other": 5},
}


def prediction(**changes: Any) -> bytes:
    """A prediction that differs from ``PREDICTED`` in this."""
    return framed(PREDICTION_ID, PREDICTION, {**PREDICTED, **changes})


def label(event_id: str = "e1", value: float = 1.0, time: int = START, revision: int | None = None) -> bytes:
    """A label."""
    return framed(LABEL_ID, LABEL, {"event_id": event_id, "label": value, "label_time": time, "revision": revision})


def old_label(event_id: str = "e1", value: float = 1.0, time: int = START) -> bytes:
    """A label as it was written before there were revisions."""
    return framed(LABEL_ID, OLD_LABEL, {"event_id": event_id, "label": value, "label_time": time})


def read(
    payloads: Sequence[bytes | None],
    keys: Sequence[bytes | None] | None = None,
    time: int = START // 1000,
    offset: int = 0,
    partition: int = 0,
) -> Batch:
    """A batch of one partition, at ``time`` in milliseconds."""
    batch, n = batch_of(payloads), len(payloads)
    data, address, length = join(keys if keys is not None else [None] * n)
    return replace(
        batch,
        key_address=address,
        key_length=length,
        partition=np.full(n, partition, np.int32),
        offset=offset + np.arange(n),
        time=np.full(n, time),
        topics=("t",),
        owner=Owner(batch.owner, data),
    )


@dataclass
class Owner:
    """Keeps the bytes of payloads and keys."""

    payloads: object
    keys: bytes

    def release(self) -> None:
        self.payloads, self.keys = None, b""


class Book:
    """Gives out codes like a step."""

    def __init__(self) -> None:
        self.known: dict[str, dict[str, int]] = {}

    def codes(self, kind: str, names: Iterable[str], most: int = 2**31) -> list[int]:
        known = self.known.setdefault(kind, {})
        return [known.setdefault(name, len(known)) if name in known or len(known) < most else -1 for name in names]

    def names(self, kind: str) -> dict[int, str]:
        return {code: name for name, code in self.known.get(kind, {}).items()}
