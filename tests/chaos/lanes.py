"""Chaos runs beside each other: most of a run is waiting for sessions to end and servers to come back."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from sandbox import Kafka, Valkey
from tests.chaos.run import BROKER, Chaos, Outcome
from tests.chaos.schedule import draw

LANES = 3

Services = tuple[Kafka, Valkey]


@contextlib.contextmanager
def running(seeds: Sequence[int], lanes: int, directory: Path) -> Iterator[Mapping[int, Future[Outcome]]]:
    """The outcomes to come of these seeds, begun in this order; each lane has a broker and a registry of its own.

    A run that does not come to an end raises ``AssertionError`` from its future. Leaving waits for the runs that have
    begun and drops the others.
    """
    with contextlib.ExitStack() as stack:
        free: queue.SimpleQueue[Services] = queue.SimpleQueue()
        for _ in range(min(lanes, len(seeds))):
            kafka = stack.enter_context(Kafka.start(settings=BROKER))
            free.put((kafka, stack.enter_context(Valkey.start())))
        pool = ThreadPoolExecutor(lanes, thread_name_prefix="lane")
        stack.callback(pool.shutdown, cancel_futures=True)
        yield {seed: pool.submit(_run, seed, free, directory) for seed in seeds}


def folder(directory: Path, seed: int) -> Path:
    """Where the processes of a run log."""
    return directory / f"seed-{seed}"


def _run(seed: int, free: queue.SimpleQueue[Services], directory: Path) -> Outcome:
    place, services = folder(directory, seed), free.get()
    place.mkdir()
    try:
        return Chaos(draw(seed), place, *services).run()
    finally:
        free.put(services)
