"""How fast the state takes predictions in and joins labels, and how much disk and memory it needs.

``python -m tests.monitor.store.size rates 1000000 10000000`` fills a state with so many pending predictions over 30
event days, then measures steps of 150,000 predictions, of 100,000 labels of events at random, and of both; a step ends
with a tick. ``python -m tests.monitor.store.size days 30 200000`` runs so many simulated days of so many predictions,
with a label for nine of ten within two days, seven days of retention and a tick each half hour, and shows each day's
end.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from monitor.store.cohorts import Timing
from monitor.store.rows import DAY, HOUR, LABELS, PREDICTIONS, Int64s, Layout, Rows
from monitor.store.state import State

LAYOUT = Layout({"score": "f8", "class": "i2", "role": "i1", "scored_time": "i8", "segment": "i4"})
START = 15_706 * DAY
PARTITIONS = 4


class Usage(NamedTuple):
    """Bytes: of the file with its log, and of this process, now and at most."""

    file: int
    resident: int
    most: int


def mixed(numbers: Int64s, salt: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Numbers as even 64 bits (splitmix64)."""
    z = numbers.astype(np.uint64) + np.uint64(salt) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


def predictions(numbers: Int64s, times: Int64s) -> Rows:
    """Predictions of these events; event n has offset n // PARTITIONS of partition n % PARTITIONS."""
    n, partition = len(numbers), (numbers % PARTITIONS).astype(np.int32)
    return {
        "id_high": mixed(numbers, 1),
        "id_low": mixed(numbers, 2),
        "version": np.ones(n, np.int32),
        "source_topic": np.zeros(n, np.int16),
        "source_partition": partition,
        "source_offset": numbers // PARTITIONS,
        "partition": partition,
        "position": numbers // PARTITIONS,
        "time": times,
        "score": (mixed(numbers, 3) >> np.uint64(11)).astype(float) / 2**53,
        "class": (numbers % 2).astype(np.int16),
        "role": np.zeros(n, np.int8),
        "scored_time": times + 5_000 + numbers % 1_000,
        "segment": (mixed(numbers, 4) % np.uint64(50)).astype(np.int32),
    }


def labels(first: int, events: Int64s, times: Int64s) -> Rows:
    """Labels of these events, at the offsets from ``first`` on, each partition with its share."""
    numbers = first + np.arange(len(events))
    return {
        "id_high": mixed(events, 1),
        "id_low": mixed(events, 2),
        "partition": (numbers % PARTITIONS).astype(np.int32),
        "position": numbers // PARTITIONS,
        "time": times,
        "revision": np.zeros(len(events), np.int64),
        "value": (events % 2).astype(float),
        "retracted": np.zeros(len(events), bool),
    }


def usage(path: Path) -> Usage:
    """What is used now."""
    files = sum(one.stat().st_size for one in path.parent.rglob(f"{path.name}*") if one.is_file())
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Usage(files, pages * resource.getpagesize(), most)


def started(path: Path, timing: Timing) -> State:
    """An empty state whose clock runs."""
    state = State(path, LAYOUT, timing)
    with state.step() as step:
        for partition in range(PARTITIONS):
            step.assign(PREDICTIONS, partition, 0)
            step.assign(LABELS, partition, 0)
        step.tick(START)
    return state


def rates(path: Path, pending: int, steps: int = 8) -> dict[str, float]:
    """Rows per second against so many pending predictions."""
    state = started(path, Timing(30 * DAY, 40 * DAY, HOUR, DAY, 7 * DAY))
    rng = np.random.default_rng(5)
    now, apart = START, 30 * DAY // pending
    found: dict[str, float] = {"pending": pending}

    def step(first: int, n: int, label: int, m: int) -> None:
        nonlocal now
        now = START + (first + n) * apart
        with state.step() as one:
            if n:
                numbers = first + np.arange(n)
                one.predictions(predictions(numbers, START + numbers * apart))
            if m:
                one.labels(labels(label, chosen[label : label + m], np.full(m, now)))
            one.tick(now)

    chosen = rng.permutation(pending)[: 2 * steps * 100_000].astype(np.int64)
    for first in range(0, pending, 500_000):
        step(first, min(500_000, pending - first), 0, 0)
    begin = time.perf_counter()
    for n in range(steps):
        step(pending + n * 150_000, 150_000, 0, 0)
    found["predictions_per_second"] = steps * 150_000 / (time.perf_counter() - begin)
    base, spare = pending + steps * 150_000, min(100_000, len(chosen) // (2 * steps))
    begin = time.perf_counter()
    for n in range(steps):
        step(base, 0, n * spare, spare)
    found["labels_per_second"] = steps * spare / (time.perf_counter() - begin)
    begin = time.perf_counter()
    for n in range(steps):
        step(base + n * 150_000, 150_000, (steps + n) * spare, spare)
    found["seconds_for_150000_and_100000"] = (time.perf_counter() - begin) / steps
    state.close()
    return found | {f"{name}_bytes": float(value) for name, value in usage(path)._asdict().items()}


def days(path: Path, number: int, daily: int, ticks: int = 48) -> Iterator[tuple[int, Usage, int]]:
    """Simulated days: what is used at the end of each, and how many outcomes have closed."""
    state = started(path, Timing(2 * DAY, 7 * DAY, HOUR, DAY, 7 * DAY))
    rng = np.random.default_rng(6)
    per_tick, apart, labelled, closed = daily // ticks, DAY // daily, 0, 0
    late: Rows = {"event": np.empty(0, np.int64), "time": np.empty(0, np.int64)}
    for tick in range(1, number * ticks + 1):
        now, events = START + tick * DAY // ticks, (tick - 1) * per_tick + np.arange(per_tick)
        times = START + events * apart
        told = rng.random(per_tick) < 0.9
        late["event"] = np.r_[late["event"], events[told]]
        late["time"] = np.r_[late["time"], times[told] + rng.integers(0, 2 * DAY, int(told.sum()))]
        due = late["time"] < now
        with state.step() as step:
            step.predictions(predictions(events, times))
            step.labels(labels(labelled, late["event"][due], late["time"][due]))
            ticked = step.tick(now)
            closed += sum(len(cohort.outcomes["time"]) for cohort in step.cohorts(ticked.closed))
        labelled += int(due.sum())
        late = {name: column[~due] for name, column in late.items()}
        if tick % ticks == 0:
            state.publish(path.with_name("snapshot"))
            yield tick // ticks, usage(path), closed
    state.close()


def main(arguments: list[str]) -> None:
    """Measure, and print a line for each figure."""
    kind, *numbers = arguments
    with tempfile.TemporaryDirectory() as directory:
        for number in numbers if kind == "rates" else numbers[:1]:
            path = Path(directory) / f"{kind}-{number}"
            if kind == "rates":
                sys.stdout.write(f"{json.dumps(rates(path, int(number)))}\n")
                continue
            for day, used, closed in days(path, int(number), int(numbers[1])):
                sys.stdout.write(f"{json.dumps({'day': day, **used._asdict(), 'closed': closed})}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
