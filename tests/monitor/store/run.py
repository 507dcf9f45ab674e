"""Runs a world through a state, and says all there is to say of the result."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np

from monitor.rows import PREDICTIONS, Rows
from monitor.store.state import State
from monitor.store.step import Step
from tests.monitor.store.world import LAYOUT, START, TIMING, Interval, Read, World, in_order

Order = Callable[[Interval], Iterable[Read]]


@dataclass
class Seen:
    """What ticks brought: closed cohorts and revisions, in their order, and changes by tick."""

    closed: list[tuple[int, Rows]] = field(default_factory=list)
    revisions: list[tuple[int, int, Rows]] = field(default_factory=list)
    changes: list[Rows] = field(default_factory=list)


def opened(path: Path, implicit: float | None = None) -> State:
    """A state of the worlds' layout."""
    return State(path, LAYOUT, TIMING, implicit=implicit)


def run(path: Path, world: World, order: Order = in_order, implicit: float | None = None) -> Seen:
    """Run a world from its beginning, and return what it brought."""
    seen = Seen()
    state = opened(path, implicit)
    for _ in steps(state, world, order, seen):
        pass
    state.close()
    return seen


def steps(state: State, world: World, order: Order, seen: Seen) -> Iterator[None]:
    """Go on where the state stands, a transaction at a time."""
    if state.clock.number == 0:
        with state.step() as step:
            for partition in world.partitions:
                step.assign(*partition, 0)
            step.tick(START)
        yield
    for interval in world.intervals[state.clock.number - 1 :]:
        for topic, rows, refused in order(interval):
            with state.step() as step:
                (step.predictions if topic == PREDICTIONS else step.labels)(rows, refused)
            yield
        with state.step() as step:
            look(step, interval, seen)
        yield


def look(step: Step, interval: Interval, seen: Seen) -> None:
    """Tick, and keep a digest of all that came of it, as statistics would be kept."""
    ticked = step.tick(interval.tick, interval.ended)
    closed = [(cohort.hour, cohort.outcomes) for cohort in step.cohorts(ticked.closed)]
    revisions = [(one.hour, one.number, one.changes) for one in ticked.revisions]
    seen.closed += closed
    seen.revisions += revisions
    seen.changes.append(ticked.changes)
    digest = hashlib.sha256()
    for hour, rows in closed:
        digest.update(repr(hour).encode() + b"".join(column.tobytes() for column in rows.values()))
        step.send("verdict", str(hour), digest.digest())
    for hour, number, rows in revisions:
        ranked = canonical(rows)
        digest.update(repr((hour, number)).encode() + b"".join(column[ranked].tobytes() for column in rows.values()))
    step.keep(f"digest of {interval.tick}", digest.digest())


def canonical(rows: Rows) -> np.ndarray:
    """An order of changes that depends on nothing but them."""
    return np.lexsort([rows[name] for name in ("sign", "position", "partition", "version", "id_low", "id_high")])


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables, in an order that depends on nothing but them."""
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        return {
            name: connection.execute(f'SELECT * FROM "{name}" ORDER BY ALL').fetchall()  # noqa: S608  # of the catalogue
            for name in sorted(tables)
        }
