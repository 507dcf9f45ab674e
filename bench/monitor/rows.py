"""Predictions and labels of events that are known by their number, as columns of the monitor's state.

Event n has source offset n // PARTITIONS of partition n % PARTITIONS, a score that is the chance of its being late, a
value of each of four segment fields, and it is late or not as its number says.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from monitor.judge.outputs import Outputs, carried, segment_column
from monitor.rows import DAY, Int64s, Layout, Rows
from scorer.batch import Bools, Floats

OUTPUTS: Final = Outputs("binary", ("on time", "late"))
SEGMENTS: Final = {"origin": 3, "carrier": 16, "aircraft": 8, "band": 40}
"""Fields, and how many values each has."""

LAYOUT: Final = Layout(carried(OUTPUTS, list(SEGMENTS)))
START: Final = 15_706 * DAY
PARTITIONS: Final = 4


def mixed(numbers: Int64s, salt: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Numbers as even 64 bits (splitmix64)."""
    z = numbers.astype(np.uint64) + np.uint64(salt) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


def scores(events: Int64s) -> Floats:
    """The chance of each event, between 0 and 1."""
    return np.asarray((mixed(events, 3) >> np.uint64(11)).astype(np.float64) / 2**53)


def late(events: Int64s) -> Bools:
    """What came true, with the chance that was said."""
    return np.asarray((mixed(events, 4) >> np.uint64(11)).astype(np.float64) / 2**53 < scores(events))


def places(n: int, first: int) -> Rows:
    """Partition and offset of ``n`` records, of which ``first`` came before, each partition with its share."""
    place = first + np.arange(n)
    return {"partition": (place % PARTITIONS).astype(np.int32), "position": place // PARTITIONS}


def predictions(events: Int64s, times: Int64s, first: int) -> Rows:
    """Predictions of these events of which ``first`` came before."""
    n, score = len(events), scores(events)
    values = {
        segment_column(number): (mixed(events, 10 + number) % np.uint64(size)).astype(np.int32)
        for number, size in enumerate(SEGMENTS.values())
    }
    return {
        "id_high": mixed(events, 1),
        "id_low": mixed(events, 2),
        "version": np.zeros(n, np.int32),
        "source_topic": np.zeros(n, np.int16),
        "source_partition": (events % PARTITIONS).astype(np.int32),
        "source_offset": events // PARTITIONS,
        **places(n, first),
        "time": times,
        "role": np.zeros(n, np.int8),
        "predicted": (score > 0.5).astype(np.int16),
        "score_0": score,
        "scored": times + 5_000 + events % 1_000_000,
        **values,
    }


def labels(events: Int64s, times: Int64s, first: int) -> Rows:
    """Labels of these events at the places from ``first`` on."""
    return {
        "id_high": mixed(events, 1),
        "id_low": mixed(events, 2),
        **places(len(events), first),
        "time": times,
        "revision": np.zeros(len(events), np.int64),
        "value": late(events).astype(np.float64),
        "retracted": np.zeros(len(events), np.bool_),
    }
