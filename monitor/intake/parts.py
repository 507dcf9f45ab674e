"""Some records of a batch. Pure."""

from __future__ import annotations

from dataclasses import replace

from scorer.batch import Batch, Int64s


def part(batch: Batch, rows: Int64s) -> Batch:
    """The records at these rows, which need the bytes of the whole batch."""
    return replace(
        batch,
        payload_address=batch.payload_address[rows],
        payload_length=batch.payload_length[rows],
        key_address=batch.key_address[rows],
        key_length=batch.key_length[rows],
        topic=batch.topic[rows],
        partition=batch.partition[rows],
        offset=batch.offset[rows],
        time=batch.time[rows],
        has_headers=batch.has_headers[rows],
    )
