"""Measuring functions that need no services: batches from plain bytes, and processor time per record."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.effort import Effort
from scorer.batch import Batch
from scorer.wire.joined import join

TOPIC = "events"


@dataclass
class Kept:
    """The owner of a batch whose bytes Python keeps."""

    buffer: bytes

    def release(self) -> None:
        """Nothing to free."""


def batch(payloads: Sequence[bytes]) -> Batch:
    """A batch of these events, from partition 0 of one topic, with offsets from 0 on."""
    data, address, length = join(payloads)
    n = len(payloads)
    none, zeros, row = np.full(n, -1), np.zeros(n, np.int32), np.arange(n)
    return Batch(
        address, length, none, none, zeros, zeros, row, none, zeros.astype(np.bool_), (TOPIC,), Kept(data)
    )  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """Microseconds of processor time per record, ours and theirs: medians over the rounds; and that of their ratios."""

    ours: float
    theirs: float
    ratio: float


def side_by_side(ours: Callable[[], object], theirs: Callable[[], object], records: int, effort: Effort) -> Pair:
    """Let two functions do the same to so many records, in turns."""
    rounds = in_turns((ours, theirs), records, effort)
    mine, other = (statistics.median(side) for side in zip(*rounds, strict=True))
    return Pair(mine, other, statistics.median(b / a for a, b in rounds))


def in_turns(calls: Sequence[Callable[[], object]], records: int, effort: Effort) -> list[list[float]]:
    """Microseconds of processor time per record of each call, in each round."""
    for call in calls:
        call()  # what is done once only, such as making room, is not counted
    gc.collect()
    gc.freeze()  # the events that lie around here are no business of the collector
    try:
        return [[_spent(call, records, effort) for call in calls] for _ in range(effort.rounds)]
    finally:
        gc.unfreeze()


def _spent(call: Callable[[], object], records: int, effort: Effort) -> float:
    """Microseconds of processor time of one record, all threads of this process together."""
    calls, start = 0, time.process_time()
    while True:
        call()
        calls += 1
        spent = time.process_time() - start
        if spent >= effort.least:
            return spent / calls / records * 1e6
