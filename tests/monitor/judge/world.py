"""A stream of predictions and late labels, and a monitor that judges it, stopped and started as one likes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
from numpy.random import Generator

from monitor.judge.judging import Judge, Setting
from monitor.judge.outputs import Outputs, carried, segment_kind
from monitor.judge.verdicts import Verdict
from monitor.rows import DAY, HOUR, LABEL, LABELS, PREDICTIONS, Layout, Rows, count, joined, take
from monitor.store import judged
from monitor.store.cohorts import Timing
from monitor.store.state import State
from scorer.quality.metrics import CONTINUOUSLY, METRICS, ONCE, Mode
from scorer.quality.parameters import Parameters
from scorer.quality.requirement import Requirement, Segments, Window

START = 15_706 * DAY  # 2013-01-01
TIMING = Timing(matures_after=6 * HOUR, retention=40 * DAY, idle_after=HOUR, ahead=9 * HOUR, recorded_for=99 * DAY)
OUTPUTS = Outputs("binary", ("no", "yes"))
FIELDS = ("origin", "carrier")
VALUES = {"origin": ("EWR", "JFK", "LGA"), "carrier": ("AA", "B6", "UA", "DL", "WN")}
VERSIONS = ("v1", "v2")
LAYOUT = Layout(carried(OUTPUTS, FIELDS))


def requirement(
    name: str, window: Window = "day", judged_: Mode = ONCE, least: int = 20, given: Parameters | None = None,
    **more: object,
) -> Requirement:  # fmt: skip
    """One with a bound that is neither easy nor impossible."""
    metric = METRICS[name]
    bound: dict[str, object] = {"minimum": 0.6} if metric.better == "larger" else {"maximum": 0.3}
    return Requirement(metric, given or Parameters(), window, judged_, least, **{**bound, **more})  # type: ignore[arg-type]


REQUIREMENTS = (
    requirement("accuracy", "day", CONTINUOUSLY),
    requirement("brier", "week", CONTINUOUSLY),
    requirement("auc", "month", CONTINUOUSLY, segments=(Segments("origin", ()),)),
    requirement("accuracy", "hour"),
    requirement("precision", "day", ONCE, 5, segments=(Segments("origin", ("JFK",)), Segments("carrier", ()))),
    requirement("auc", "week"),
    requirement("log_loss", "month", CONTINUOUSLY, given=Parameters(clip=1e-3), maximum=0.6),
    requirement("recall", "month", ONCE, season=(1, 3)),
    requirement("invalid_share", "day"),
)
SETTING = Setting(REQUIREMENTS, OUTPUTS, FIELDS, 0.05, 200.0)


@dataclass(frozen=True)
class Interval:
    """What is read before a tick."""

    predictions: Rows
    labels: Rows
    tick: int


@dataclass
class Stream:
    """``predictions`` and ``labels`` are all there are, in the order of their topics, which have one partition."""

    intervals: list[Interval]

    @property
    def predictions(self) -> Rows:
        """Of all intervals."""
        return joined([one.predictions for one in self.intervals], LAYOUT.prediction)

    @property
    def labels(self) -> Rows:
        """Of all intervals."""
        return joined([one.labels for one in self.intervals], LABEL)


def stream(seed: int, rows: int, hours: int, *, corrections: float = 0.05) -> Stream:
    """Predictions of ``hours``, by two versions and in three roles, whose labels come hours later, or never."""
    rng = np.random.default_rng(seed)
    made = _predictions(rng, rows, hours)
    labels, read = _labels(rng, made, corrections)
    ticks = START + np.arange(1, hours + 60, int(rng.integers(1, 7))) * HOUR + int(rng.integers(0, 1000))
    found, seen, told = [], 0, 0
    arrived = made["time"] + rng.integers(0, HOUR, rows)
    order, late = np.argsort(arrived, kind="stable"), np.argsort(read, kind="stable")
    for tick in ticks.tolist():
        until = int(np.searchsorted(arrived[order], tick, side="right"))
        told_until = int(np.searchsorted(read[late], tick, side="right"))
        found.append(Interval(take(made, order[seen:until]), take(labels, late[told:told_until]), tick))
        seen, told = until, told_until
    for parts in ([one.predictions for one in found], [one.labels for one in found]):
        begins = np.cumsum([0, *(count(part) for part in parts)])
        for begin, part in zip(begins.tolist(), parts, strict=False):
            part["position"] = begin + np.arange(count(part))
    return Stream(found)


def _predictions(rng: Generator, rows: int, hours: int) -> Rows:
    score = rng.beta(1.2, 1.2, rows).round(3)
    role = rng.choice(3, rows, p=(0.7, 0.1, 0.2))
    time = START + np.sort(rng.integers(0, hours * HOUR, rows))
    halfway = START + hours * HOUR // 2
    score[rng.random(rows) < 0.02] = 1.5
    predicted = (score > 0.5).astype(np.int64)
    predicted[rng.random(rows) < 0.01] = -1
    return {
        "id_high": rng.integers(0, 2**63, rows).astype(np.uint64), "id_low": np.arange(rows).astype(np.uint64),
        "version": np.where(role == 2, 1, time > halfway).astype(np.int32), "source_topic": np.zeros(rows, np.int16),
        "source_partition": np.zeros(rows, np.int32), "source_offset": np.arange(rows),
        "partition": np.zeros(rows, np.int32), "position": np.zeros(rows, np.int64), "time": time,
        "role": role.astype(np.int8), "predicted": predicted.astype(np.int16), "score_0": score, "scored": time + 5,
        "segment_0": rng.integers(-1, 3, rows).astype(np.int32),
        "segment_1": rng.integers(-1, 5, rows).astype(np.int32),
    }  # fmt: skip


def _labels(rng: Generator, made: Rows, corrections: float) -> tuple[Rows, np.ndarray]:
    rows = count(made)
    known = np.flatnonzero(rng.random(rows) < 0.8)
    again = known[rng.random(len(known)) < corrections]
    which = np.concatenate([known, again])
    revision = np.repeat([0, 1], [len(known), len(again)])
    time = made["time"][which] + rng.integers(0, 5 * HOUR, len(which))
    score = np.minimum(made["score_0"][which], 1.0)
    labels: Rows = {
        "id_high": made["id_high"][which], "id_low": made["id_low"][which],
        "partition": np.zeros(len(which), np.int32), "position": np.zeros(len(which), np.int64), "time": time,
        "revision": revision, "value": (rng.random(len(which)) < 0.3 + 0.4 * score).astype(float),
        "retracted": (revision > 0) & (rng.random(len(which)) < 0.3),
    }  # fmt: skip
    return labels, time + revision * rng.integers(0, 40 * HOUR, len(which))


Order = Callable[[Interval], Iterator[tuple[str, Rows]]]


def in_order(interval: Interval) -> Iterator[tuple[str, Rows]]:
    """Predictions, then labels."""
    yield PREDICTIONS, interval.predictions
    yield LABELS, interval.labels


def shuffled(rng: Generator) -> Order:
    """Batches of any size, the two topics mixed, some read twice."""

    def order(interval: Interval) -> Iterator[tuple[str, Rows]]:
        parts = []
        for topic, rows in in_order(interval):
            cuts = np.sort(rng.integers(0, count(rows) + 1, 3))
            parts.append([(topic, take(rows, batch)) for batch in np.split(np.arange(count(rows)), cuts)])
        while any(parts):
            part = parts[int(rng.integers(0, 2))]
            if part:
                topic, rows = part.pop(0)
                yield topic, rows
                if rng.random() < 0.2:
                    yield topic, rows

    return order


@dataclass
class Run:
    """What came of it."""

    judge: Judge
    found: list[list[Verdict]] = field(default_factory=list)


def run(
    path: Path, made: Stream, order: Order = in_order, *, setting: Setting = SETTING,
    implicit: float | None = None, restart: Sequence[int] = (), layout: Layout = LAYOUT,
) -> Run:  # fmt: skip
    """Judge a stream; ``restart`` before these intervals."""
    state = State(path, layout, TIMING, implicit=implicit)
    with state.step() as step:
        for topic in (PREDICTIONS, LABELS):
            step.assign(topic, 0, 0)
        step.codes("version", VERSIONS)
        for name in FIELDS:
            step.codes(segment_kind(name), VALUES[name])
        step.codes("topic", ["events"])
        step.tick(START - HOUR)
    result = Run(judged.load(state, setting))
    for number, interval in enumerate(made.intervals):
        if number in restart:
            state.close()
            state = State(path, layout, TIMING, implicit=implicit)
            result.judge = judged.load(state, setting)
        for topic, rows in order(interval):
            with state.step() as step:
                (step.predictions if topic == PREDICTIONS else step.labels)(rows)
        with state.step() as step:
            ticked = step.tick(interval.tick, [(PREDICTIONS, 0), (LABELS, 0)])
            result.found.append(judged.tick(step, result.judge, ticked, interval.tick))
    state.close()
    return result


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All that is kept of what was judged."""
    with closing(duckdb.connect(str(path), read_only=True)) as connection:
        found = {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall()  # noqa: S608  # of the list
            for table in ("buckets", "verdicts", "sequences", "worst")
        }
        found["kept"] = connection.execute("SELECT * FROM kept").fetchall()
        return found
