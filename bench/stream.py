"""The whole job on a real Kafka: rate, processor time and memory of ``scorer run``, beside the client alone and a loop
as in tutorials.

Everybody reads the same topic. Progress is what the broker has, processor time what the operating system counts for
the whole process tree, user and system. The steady state is the stretch from 40 to 97 % of the events, so that
starting and ending do not count. Afterwards an independent reader compares what was written with what was committed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from bench.contender import SCORER, Contender, fault
from bench.effort import Effort
from bench.errors import BenchError
from bench.machine import Meter, Use
from bench.stage import PARTITIONS, Run, Stage
from sandbox import judge
from sandbox.judge import Places
from sandbox.services import Services

BEGIN, END = 0.4, 0.97
MARKS = (0.2, 0.6, 1.0)
TUTORIAL_EVENTS = 40_000
PASSTHROUGH, TUTORIAL = "bench.passthrough", "bench.tutorial"

_PAUSE = 0.1
_PATIENCE = 300.0
_SHOWN = ("rate", "cpu", "peak", "others")

CONTENDERS = (
    *SCORER,
    Contender("client alone", "exactly-once", PASSTHROUGH, echoes=True),
    Contender("client alone", "at-least-once", PASSTHROUGH, echoes=True),
    Contender("tutorial loop", "at-least-once", TUTORIAL, TUTORIAL_EVENTS),
)


@dataclass(frozen=True)
class Sample:
    """How things stood at one moment: ``written`` predictions, what had been used, and bytes of memory in use."""

    written: int
    use: Use
    memory: int


@dataclass(frozen=True)
class Measured:
    """One run: events a second and microseconds of processor time per event in the steady state; MiB of memory when
    20, 60 and 100 % of the events were done, and the most that there was; the share of the cores that was used by none
    of those that take part; and what the judge found wrong.
    """

    rate: float
    cpu: float
    memory: tuple[float, ...]
    peak: float
    others: float
    fault: str | None


def run(stage: Stage, effort: Effort, contenders: Sequence[Contender] = CONTENDERS) -> Table:
    """Measure all contenders in turn, for a few rounds; raises ``BenchError`` where one loses or doubles an event."""
    topic = f"{stage.model}.stream"
    stage.fill(topic, effort.events)
    inputs = judge.inputs(stage.services.bootstrap, [topic])
    found: dict[str, list[Measured]] = {contender.title: [] for contender in contenders}
    for number in range(effort.rounds):
        for contender in contenders:
            measured = measure(stage, contender, topic, inputs)
            effort.say(f"stream, round {number + 1}: {contender.title}: {describe(measured)}")
            if measured.fault is not None:
                raise BenchError(f"{contender.title}: {measured.fault}")
            found[contender.title].append(measured)
    stage.drop([topic])
    return table(found, effort)


def measure(stage: Stage, contender: Contender, topic: str, inputs: Places) -> Measured:
    """Let a contender do the job once."""
    goal = min(len(inputs), contender.most or len(inputs))
    with stage.run(contender.file_name, contender.delivery, topic) as run:
        samples = watch(stage.services, run, contender.start(run), goal)
        run.stop()
        return figures(samples, goal, fault(stage.services.bootstrap, run, inputs, contender))


def watch(services: Services, run: Run, pid: int, goal: int) -> list[Sample]:
    """Take samples until the offsets of ``goal`` events are committed."""
    meter, began = Meter(services, pid), time.monotonic()
    samples: list[Sample] = []
    while True:
        run.check()
        written, use = run.written(), meter.read()
        # Adding up a process's pages takes it some time, so not with every sample.
        memory = samples[-1].memory if len(samples) % 4 else meter.contender.memory()
        samples.append(Sample(written, use, memory))
        if sum(run.committed()) >= goal:
            return samples
        if time.monotonic() - began > _PATIENCE:
            raise BenchError(f"only {written} of {goal} events are done after {_PATIENCE:.0f} s; see {run.log}")
        time.sleep(_PAUSE)


def figures(samples: Sequence[Sample], goal: int, wrong: str | None) -> Measured:
    """What the samples of a run amount to."""

    def at(share: float) -> Sample:
        return next((sample for sample in samples if sample.written >= share * goal), samples[-1])

    first, last = at(BEGIN), at(END)
    if first is last:  # a run so short that no sample was taken in between
        first = samples[0]
    seconds, events = max(last.use.at - first.use.at, 1e-9), max(last.written - first.written, 1)
    return Measured(
        events / seconds,
        (last.use.cpu - first.use.cpu) / events * 1e6,
        tuple(at(mark).memory / 2**20 for mark in MARKS),
        max(sample.memory for sample in samples) / 2**20,
        first.use.others(last.use),
        wrong,
    )


def describe(measured: Measured) -> str:
    """One run in a line."""
    return (
        f"{measured.rate:,.0f} events/s, {measured.cpu:.2f} µs, {measured.peak:.0f} MiB at most, "
        f"others {measured.others:.0%}"
    )


def table(found: dict[str, list[Measured]], effort: Effort) -> Table:
    """Medians over the rounds; the ratio is of processor time to the first contender's, round by round."""
    shown = Table(
        "", "events/s", "CPU µs/event", "ratio", *(f"MiB at {mark:.0%}" for mark in MARKS), "most MiB", "others",
        title=f"stream: {effort.events:,} events, {PARTITIONS} partitions, 1 worker, {effort.rounds} rounds",
    )  # fmt: skip
    base = next(iter(found.values()))
    for title, runs in found.items():
        ratio = statistics.median(one.cpu / max(first.cpu, 1e-9) for one, first in zip(runs, base, strict=True))
        rate, cpu, peak, others = (statistics.median(getattr(one, key) for one in runs) for key in _SHOWN)
        memory = [statistics.median(one.memory[k] for one in runs) for k in range(len(MARKS))]
        cells = [f"{rate:,.0f}", f"{cpu:.2f}", f"{ratio:.2f}", *(f"{value:.0f}" for value in (*memory, peak))]
        shown.add_row(title, *cells, f"{others:.0%}")
    return shown
