"""How fast predictions and labels go through the monitor's state and judge, against so many pending predictions.

``python -m bench.monitor.rates PENDING STEPS FOLDER`` measures one size, in a process of its own, and prints JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from bench.errors import BenchError
from bench.monitor.judging import SETTING
from bench.monitor.rows import LAYOUT, PARTITIONS, SEGMENTS, START, labels, late, places, predictions, scores
from monitor.judge.judging import REFRESH, Judge
from monitor.judge.outputs import VERSION, segment_kind
from monitor.rows import DAY, EVENTS, HOUR, LABELS, PREDICTIONS, Int64s
from monitor.service import loop as _all_that_a_monitor_loads  # noqa: F401  # its code counts among what is in memory
from monitor.store import judged
from monitor.store.cohorts import Timing
from monitor.store.state import Limits, State

OPEN_DAYS = 30
PREDICTED, LABELLED = 150_000, 100_000
"""Rows of a step: what is to be done in a second."""
FEW = 100
"""Labels of a step that is about predictions: without any, no cohort would close."""
AGAIN = 100
"""One row of so many comes twice: a prediction that was written again, a label that is told again."""
SECOND = 1_000_000
NOW = START + 100 * DAY
"""The monitor catches up with what happened before: ticks are a second apart, whatever the events' times."""


@dataclass(frozen=True)
class Rates:
    """Seconds of each step with so many ``predictions`` (``predicted``), so many ``labels`` (``labelled``), or both;
    ``cpu`` is the processor time of one with both, ``published`` the seconds that a snapshot takes. Bytes: of the
    ``file`` with its log, and of this process at ``most``."""

    pending: int
    predictions: int
    labels: int
    predicted: list[float]
    labelled: list[float]
    both: list[float]
    cpu: float
    published: float
    file: int
    most: int


@dataclass
class Run:
    """A state that is filled, and what has gone into it. Events come evenly, ``apart`` microseconds from each other."""

    state: State
    apart: int
    judge: Judge
    events: int = 0
    predictions: int = 0
    labels: int = 0
    copies: int = 0
    told: list[Int64s] = field(default_factory=list)

    def step(self, n: int, told: Int64s, after: int = SECOND) -> float:
        """``n`` events, their predictions, labels of the events ``told``, and a tick; the seconds that takes."""
        new = self.events + np.arange(n)
        events = np.concatenate([new, new[: n // AGAIN]])
        heard = np.concatenate([told, told[: len(told) // AGAIN]])
        latest = START + (self.events + n) * self.apart
        now = self.state.clock.time + after
        seen = {**places(n, self.events), "time": START + new * self.apart}
        read = predictions(events, START + events * self.apart, self.predictions)
        labelled = labels(heard, np.full(len(heard), latest), self.labels)
        begin = time.perf_counter()
        with self.state.step() as step:
            step.admit(EVENTS, seen)
            step.predictions(read)
            step.labels(labelled)
            judged.tick(step, self.judge, step.tick(now), now)
        spent = time.perf_counter() - begin
        self.events += n
        self.predictions += len(events)
        self.labels += len(heard)
        self.copies += len(events) - n + len(heard) - len(told)
        self.told.append(told)
        return spent


def opened(path: Path, timing: Timing, now: int = NOW) -> State:
    """A new state whose clock runs from ``now`` on, and which knows the texts of ``rows.py``."""
    state = State(path, LAYOUT, timing, limits=Limits(threads=2))
    with state.step() as step:
        for topic in (PREDICTIONS, LABELS, EVENTS):
            for partition in range(PARTITIONS):
                step.assign(topic, partition, 0)
        step.codes(VERSION, ["v1"])
        for name, size in SEGMENTS.items():
            step.codes(segment_kind(name), [f"{name} {value}" for value in range(size)])
        step.tick(now)
    return state


def measure(folder: Path, pending: int, steps: int) -> Rates:
    """Fill a state with ``pending`` predictions over 30 days, and measure so many steps of each sort.

    A cohort closes 30 days after its end, and its day is dropped a day later. So from then on as many outcomes close as
    predictions come, days go, and ``pending`` stay. Of what closes while it is measured, two of three have a label; the
    labels that are measured are those of events at random among all that stay open.
    """
    path = folder / f"pending-{pending}"
    state = opened(path, Timing(OPEN_DAYS * DAY, (OPEN_DAYS + 1) * DAY, HOUR, DAY, 7 * DAY))
    run = Run(state, OPEN_DAYS * DAY // pending, judged.load(state, SETTING))
    n, m = min(PREDICTED, pending // (4 * steps)), min(LABELLED, pending // (8 * steps))
    going = 2 * steps * n
    for first in range(0, pending, PREDICTED):
        end = min(first + PREDICTED, pending)
        closing_soon = np.arange(first, min(end, going))
        run.step(end - first, closing_soon[closing_soon % 3 > 0])
    few, *lots = np.split(
        chosen(going, pending, steps * (2 * m + FEW)), [steps * FEW + place * m for place in range(2 * steps)]
    )
    predicted = [run.step(n, some) for some in np.split(few, steps)]
    labelled = [run.step(0, lot) for lot in lots[:steps]]
    begin = time.process_time()
    both = [run.step(n, lot) for lot in lots[steps:]]
    cpu = (time.process_time() - begin) / steps
    begin = time.perf_counter()
    state.publish(folder / "snapshot")
    published = time.perf_counter() - begin
    run.step(n, few[:0], REFRESH)
    used = most()
    check(state, run)
    file = sum(one.stat().st_size for one in folder.glob(f"{path.name}*") if one.is_file())
    state.close()
    return Rates(pending, n, m, predicted, labelled, both, cpu, published, file, used)


def chosen(first: int, end: int, size: int) -> Int64s:
    """So many different events at random."""
    rng = np.random.default_rng(5)
    found = np.unique(rng.integers(first, end, 3 * size))  # a permutation of all would take up more than the state
    return rng.permutation(found)[:size]


def check(state: State, run: Run) -> None:
    """Raise ``BenchError`` unless every event counts once, every label has met its own, and accuracy is what it is."""
    with closing(state.reader()) as reader:
        hours, kept, labelled = reader.execute(
            "SELECT min(hour), sum(predictions), sum(labelled) FROM coverage"
        ).fetchall()[0]
        passed = reader.execute("SELECT sum(n) FROM counts WHERE reason = 'passed_over'").fetchall()[0][0]
        refused = reader.execute("SELECT sum(n) FROM counts WHERE reason <> 'passed_over'").fetchall()[0][0]
    first = -(-(hours // DAY * DAY - START) // run.apart)
    still = int((np.concatenate(run.told) >= first).sum())
    wanted = (run.events - first, still, run.copies, None)
    if (kept, labelled, passed, refused) != wanted:
        raise BenchError(
            f"the state counts {kept, labelled, passed, refused} rows of {wanted}: the figures mean nothing"
        )
    told = np.concatenate(run.told)
    days, right = (told * run.apart + START) // DAY, (scores(told) > 0.5) == late(told)
    found = [one for one in run.judge.verdicts.values() if (one.metric, one.window) == ("accuracy", "day")]
    closed = [one for one in found if not one.provisional]
    for one in closed:
        ours = right[days == one.number]
        if (one.value, one.n) != (float(ours.mean()), len(ours)):
            raise BenchError(f"the judge says {one.value} of {one.n} labels, and it is {ours.mean()} of {len(ours)}")
    if not closed:
        raise BenchError("there is no verdict: the figures mean nothing")


def most() -> int:
    """The most bytes that this process has had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(arguments: list[str]) -> None:
    """Measure one size."""
    found = measure(Path(arguments[2]), int(arguments[0]), int(arguments[1]))
    sys.stdout.write(json.dumps(asdict(found)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
