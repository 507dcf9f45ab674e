"""Small worlds full of trouble: duplicates, corrections, retractions, skewed clocks, ids that meet by chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator

from monitor.rows import DAY, HOUR, LABEL, LABELS, PREDICTIONS, Layout, Rows, count, joined, take
from monitor.store.admission import UNKNOWN_CLASS, WRONG_TYPE
from monitor.store.cohorts import Timing

LAYOUT = Layout({"score": "f8", "class": "i2"})
TIMING = Timing(matures_after=2 * HOUR, retention=26 * HOUR, idle_after=HOUR, ahead=2 * HOUR, recorded_for=99 * DAY)
START = 15_706 * DAY  # 2013-01-01

Partition = tuple[str, int]
Read = tuple[str, Rows, "np.ndarray[tuple[int], np.dtype[np.int64]]"]


@dataclass(frozen=True)
class Interval:
    """What is read of each partition before a tick, the tick, and who has been read to the end at it."""

    rows: dict[Partition, tuple[Rows, np.ndarray]]
    tick: int
    ended: frozenset[Partition]


@dataclass(frozen=True)
class World:
    """Intervals one after another; offsets go on from one to the next."""

    intervals: list[Interval]
    partitions: list[Partition] = field(default_factory=lambda: [(t, n) for t in (PREDICTIONS, LABELS) for n in (0, 1)])


def world(seed: int, *, intervals: int = 6, rows: int = 12, ids: int = 14) -> World:
    """A world of two partitions of each topic, several days long."""
    rng = np.random.default_rng(seed)
    made = World([])
    offsets = dict.fromkeys(made.partitions, 0)
    tick = START
    for _ in range(intervals):
        step = int(rng.choice([HOUR // 3, 3 * HOUR, 9 * HOUR, 20 * HOUR]))
        found = {}
        for partition in made.partitions:
            n = int(rng.integers(0, rows + 1))
            make = _predictions if partition[0] == PREDICTIONS else _labels
            part, refused = make(rng, n, tick, step, ids)
            gaps = rng.integers(1, 3, n)  # the ends of transactions leave holes
            part["position"] = offsets[partition] + np.cumsum(gaps) - 1
            part["partition"] = np.full(n, partition[1], np.int32)
            offsets[partition] += int(gaps.sum())
            found[partition] = part, refused
        tick += step
        ended = frozenset(partition for partition in made.partitions if rng.random() < 0.7)
        made.intervals.append(Interval(found, tick, ended))
    return made


def _predictions(rng: Generator, n: int, tick: int, step: int, ids: int) -> tuple[Rows, np.ndarray]:
    event = rng.integers(0, ids, n)
    rows: Rows = {
        "id_high": (event // 2).astype(np.uint64),  # every second id has its upper half from another
        "id_low": event.astype(np.uint64) * np.uint64(2**60),
        "version": rng.integers(0, 2, n).astype(np.int32),
        "source_topic": rng.integers(0, 2, n).astype(np.int16),
        "source_partition": rng.integers(0, 2, n).astype(np.int32),
        "source_offset": rng.integers(0, 6, n),
        "time": _times(rng, n, tick, step),
        "score": rng.random(n),
        "class": rng.integers(0, 2, n).astype(np.int16),
    }
    return rows, np.where(rng.random(n) < 0.05, WRONG_TYPE, 0)


def _labels(rng: Generator, n: int, tick: int, step: int, ids: int) -> tuple[Rows, np.ndarray]:
    event = rng.integers(0, ids + 2, n)
    rows: Rows = {
        "id_high": (event // 2).astype(np.uint64),
        "id_low": event.astype(np.uint64) * np.uint64(2**60),
        "time": _times(rng, n, tick, step) // HOUR * HOUR,  # so that times are equal at times
        "revision": rng.integers(0, 2, n),
        "value": rng.integers(0, 2, n).astype(float),
        "retracted": rng.random(n) < 0.1,
    }
    return rows, np.where(rng.random(n) < 0.05, UNKNOWN_CLASS, 0)


def _times(rng: Generator, n: int, tick: int, step: int) -> np.ndarray:
    time = tick + rng.integers(-4 * HOUR, step, n)
    odd = rng.random(n)
    return np.select([odd < 0.05, odd < 0.1, odd < 0.15], [time - 3 * DAY, time + 400 * DAY, time // HOUR * HOUR], time)


def in_order(interval: Interval) -> Iterator[Read]:
    """Each partition whole."""
    for (topic, _), (rows, refused) in interval.rows.items():
        yield topic, rows, refused


def shuffled(interval: Interval, rng: Generator) -> Iterator[Read]:
    """Batches of any size that mix the partitions of a topic, each in its order, and bring some rows again."""
    for topic in rng.permutation([PREDICTIONS, LABELS, PREDICTIONS, LABELS]).tolist():
        parts = [(rows, refused) for (name, _), (rows, refused) in interval.rows.items() if name == topic]
        columns = LAYOUT.prediction if topic == PREDICTIONS else LABEL
        rows, refused = joined([part for part, _ in parts], columns), np.concatenate([some for _, some in parts])
        order = _merged([count(part) for part, _ in parts], rng)
        for batch in np.split(order, np.sort(rng.integers(0, len(order) + 1, 2))):
            again = np.r_[batch, batch[rng.integers(0, len(batch) + 1) :]] if rng.random() < 0.3 else batch
            yield topic, take(rows, again), refused[again]


def _merged(sizes: Sequence[int], rng: Generator) -> np.ndarray:
    """The rows of parts that lie behind one another, mixed, those of each part in their order."""
    which = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    begins = np.cumsum([0, *sizes[:-1]])
    out = np.empty(len(which), np.int64)
    for part, begin in enumerate(begins.tolist()):
        out[which == part] = begin + np.arange(sizes[part])
    return out
