"""Whether the monitor's state grows with the days: ``python -m bench.monitor.days DAYS DAILY FOLDER`` prints JSON.

Every simulated half hour brings its events, their predictions and the labels that are due, within two days for nine of
ten; a cohort closes after two days, and a day is dropped after three. At the end of each day the file and this
process's memory are measured.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bench.errors import BenchError
from bench.monitor.judging import SETTING
from bench.monitor.rates import opened
from bench.monitor.rows import START, labels, places, predictions
from monitor.rows import DAY, EVENTS, HOUR, Int64s
from monitor.store import judged
from monitor.store.cohorts import Timing

TICKS = 48
"""A day."""
OPEN, KEPT = 2, 3
"""Days."""


@dataclass(frozen=True)
class Used:
    """At the end of a ``day``: bytes of the ``file`` with its log, of the ``snapshot`` and of this process in memory;
    how many outcomes have ``closed`` so far."""

    day: int
    file: int
    snapshot: int
    memory: int
    closed: int


class Late:
    """Labels that are still to come: of nine of ten events, at any time within two days."""

    def __init__(self) -> None:
        self._events: Int64s = np.empty(0, np.int64)
        self._times: Int64s = np.empty(0, np.int64)
        self._rng = np.random.default_rng(6)

    def due(self, events: Int64s, times: Int64s, now: int) -> tuple[Int64s, Int64s]:
        """Take in new events; the events, and the times of their labels, that are due now."""
        told = self._rng.random(len(events)) < 0.9
        self._events = np.concatenate([self._events, events[told]])
        delays = self._rng.integers(0, OPEN * DAY, int(told.sum()))
        self._times = np.concatenate([self._times, times[told] + delays])
        due = self._times < now
        found = self._events[due], self._times[due]
        self._events, self._times = self._events[~due], self._times[~due]
        return found


def days(folder: Path, number: int, daily: int) -> Iterator[Used]:
    """What is used at the end of each of ``number`` days of ``daily`` events."""
    path = folder / "days"
    state = opened(path, Timing(OPEN * DAY, KEPT * DAY, HOUR, DAY, 7 * DAY), START)
    judge, late = judged.load(state, SETTING), Late()
    n, told, closed = daily // TICKS, 0, 0
    for tick in range(1, number * TICKS + 1):
        now, events = START + tick * DAY // TICKS, (tick - 1) * n + np.arange(n)
        times = START + events * DAY // (n * TICKS)
        due, heard = late.due(events, times, now)
        with state.step() as step:
            step.admit(EVENTS, {**places(n, events[0]), "time": times})
            step.predictions(predictions(events, times, events[0]))
            step.labels(labels(due, heard, told))
            ticked = step.tick(now)
            closed += sum(len(cohort.outcomes["time"]) for cohort in step.cohorts(ticked.closed))
            judged.tick(step, judge, ticked, now)
        told += len(due)
        if tick % TICKS == 0:
            snapshot = path.with_name("snapshot")
            state.publish(snapshot)
            file = sum(one.stat().st_size for one in folder.glob(f"{path.name}*") if one.is_file())
            pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
            yield Used(tick // TICKS, file, snapshot.stat().st_size, pages * resource.getpagesize(), closed)
    state.close()
    wanted = (number - OPEN) * TICKS * n
    if not wanted - 2 * n <= closed <= wanted:  # the last hour waits for an event behind it
        raise BenchError(f"{closed:,} outcomes have closed of {wanted:,}: the figures mean nothing")


def draw(used: list[Used], file: Path) -> None:
    """The file, the snapshot and the memory by day, as SVG."""
    from matplotlib.figure import Figure  # noqa: PLC0415  # slow to import

    figure = Figure(figsize=(7.0, 3.0), layout="constrained")
    axes = figure.add_subplot()
    for name in ("memory", "file", "snapshot"):
        axes.plot([one.day for one in used], [getattr(one, name) / 2**20 for one in used], label=name)
    axes.set(xlabel="simulated days", ylabel="MiB", ylim=(0.0, None))
    axes.legend(frameon=False)
    figure.savefig(file, format="svg", metadata={"Date": None})


def main(arguments: list[str]) -> None:
    """Print a line for each day."""
    for one in days(Path(arguments[2]), int(arguments[0]), int(arguments[1])):
        sys.stdout.write(json.dumps(asdict(one)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
