"""What a flip costs the stream: the longest gap between two batches after it, beside stretches without any.

Under steady load the champion is set to one fresh version after the other, so that each is fetched, verified and made
to reproduce its golden rows while batches are scored. Time is cut into stretches, every second of which begins with a
flip. A batch is known by its time of scoring, and a gap belongs to the stretch in which it ends. The independent reader
judges the run, as in ``bench.stream``.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import redis
from rich.table import Table

from bench import job, latency
from bench.contender import SCORER, fault
from bench.effort import Effort
from bench.errors import BenchError
from bench.job import Model
from bench.machine import Meter
from bench.stage import Run, Stage
from sandbox import judge
from scorer import schema_files
from scorer.batch import Floats, Int64s
from scorer.registry import pointers, versions
from scorer.registry.keys import Keys

STRETCH = 1.0
"""Seconds."""


@dataclass(frozen=True)
class Measured:
    """One run, in ms: the longest gap of each stretch with a flip and of each without, and the median of all gaps."""

    flips: Floats
    rests: Floats
    median: float


def run(stage: Stage, effort: Effort) -> Table:
    """Flip between small versions, and between larger ones. Raises ``BenchError`` where an event is lost or doubled."""
    table = Table(
        "versions", "MB", "flips", "median gap", "after a flip", "without", "after any flip", "ever without",
        title=f"flips: {latency.RATE:,} events/s, 1 worker; longest gap per second, in ms",
    )  # fmt: skip
    for fitted in (job.logistic(), job.trees()):
        names, size = push(stage, fitted, max(int(effort.seconds / (2 * STRETCH)), 1))
        found = measure(stage, effort, names)
        effort.say(f"flips, {fitted.title}: {describe(found)}")
        medians = [f"{np.median(gaps):.1f}" for gaps in (found.flips, found.rests)]
        longest = [f"{gaps.max():.1f}" for gaps in (found.flips, found.rests)]
        table.add_row(fitted.title, f"{size / 1e6:.2f}", str(len(names)), f"{found.median:.1f}", *medians, *longest)
    return table


def push(stage: Stage, fitted: Model, count: int) -> tuple[list[str], int]:
    """So many versions that differ in their names, and with them in their digests; the names, and a version's size."""
    with contextlib.closing(redis.Redis.from_url(stage.services.redis_url)) as client:
        keys, names = Keys(stage.model), [f"{len(fitted.steps)}-{number}" for number in range(count)]
        for name in names:
            made = job.version(stage.model, name, fitted)
            versions.push(client, keys, name, made, actor="bench")
    return names, len(made.manifest) + len(made.tensors)


def measure(stage: Stage, effort: Effort, names: Sequence[str]) -> Measured:
    """One run that flips to each of the versions."""
    warm, seconds = effort.warm, 2 * STRETCH * len(names)
    count = int((warm + seconds) * latency.RATE)
    with stage.run("flips", SCORER[0].delivery) as one:
        meter = Meter(stage.services, SCORER[0].start(one))
        one.await_ready()
        flipper = Flipper(stage, names, warm)
        with flipper:
            latency.load(one, stage.services.bootstrap, count, int(warm * latency.RATE), latency.RATE, meter)
            latency.await_committed(one, count)
        one.stop()
        inputs = judge.inputs(stage.services.bootstrap, [one.settings.topics.events])
        if wrong := fault(stage.services.bootstrap, one, inputs, SCORER[0]):
            raise BenchError(f"flips: {wrong}")
        times, used = scored(stage, one)
    if missing := set(names) - used:
        raise BenchError(f"flips: no event was scored by {', '.join(sorted(missing))}")
    return judged(times, np.array(flipper.flipped))


def judged(times: Int64s, flipped: Int64s) -> Measured:
    """The gaps between times of scoring, in microseconds since the epoch, around flips at such times."""
    gaps, ends = np.diff(times) / 1e3, times[1:]
    stretch = int(STRETCH * 1e6)

    def longest(begin: int) -> float:
        return float(gaps[(ends > begin) & (ends <= begin + stretch)].max(initial=0.0))

    begins = flipped.tolist()
    inside = (ends > begins[0]) & (ends <= begins[-1] + 2 * stretch)
    return Measured(
        np.array([longest(begin) for begin in begins]),
        np.array([longest(begin + stretch) for begin in begins]),
        float(np.median(gaps[inside])),
    )


class Flipper:
    """Sets the champion to one version after the other in a thread of its own, the first after ``warm`` seconds."""

    def __init__(self, stage: Stage, names: Sequence[str], warm: float) -> None:
        self._stage, self._names, self._warm = stage, names, warm
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flips")
        self.flipped: list[int] = []

    def __enter__(self) -> Flipper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        keys = Keys(self._stage.model)
        with contextlib.closing(redis.Redis.from_url(self._stage.services.redis_url)) as client:
            pause = self._warm
            for name in self._names:
                if self._stopping.wait(pause):
                    return
                pointers.set_champion(client, keys, name, actor="bench", reason="to be measured")
                self.flipped.append(time.time_ns() // 1000)
                pause = 2 * STRETCH


def scored(stage: Stage, one: Run) -> tuple[Int64s, set[str]]:
    """When each batch was scored, in microseconds since the epoch, in order; and by which versions."""
    decode, times, used = judge.decoder(schema_files.own("prediction")), set(), set()
    for messages in judge.read(stage.services.bootstrap, one.settings.topics.predictions):
        for record in filter(None, map(decode, (message.value() for message in messages))):
            times.add(record["scored_time"])
            used.add(record["version"])
    return np.array(sorted(times), np.int64), used


def describe(found: Measured) -> str:
    """One run in a line."""
    return (
        f"median gap {found.median:.1f} ms; longest after a flip {np.median(found.flips):.1f} ms in the median, "
        f"{found.flips.max():.1f} ms at most; without {np.median(found.rests):.1f} ms and {found.rests.max():.1f} ms"
    )
