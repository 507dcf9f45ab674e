"""What time does to the state at a tick: it is recorded, the watermark rises, days are forgotten."""

from __future__ import annotations

from dataclasses import replace

from duckdb import DuckDBPyConnection

from monitor.rows import DAY, EVENTS, LABELS, PREDICTIONS, Bools, Rows
from monitor.store import cohorts, counters, tables
from monitor.store.cohorts import BEGINNING, Timing
from monitor.store.memory import Memory

Partition = tuple[str, int]


def record(connection: DuckDBPyConnection, memory: Memory, time: int, ended: frozenset[Partition]) -> None:
    """Record the tick at ``time``, and what has changed about each partition; those in ``ended`` are read to their
    end."""
    number = memory.clock.number + 1
    connection.execute("INSERT INTO ticks VALUES (?, ?)", [number, time])
    for topic, sources in memory.sources.items():
        for partition, source in sources.items():
            done = (topic, partition) in ended
            if source.next_offset != source.ticked or done != source.ended:
                facts = [number, topic, partition, source.next_offset, done]
                connection.execute("INSERT INTO tick_offsets VALUES (?, ?, ?, ?, ?)", facts)
            alive = source.alive if done and source.alive > BEGINNING else time
            sources[partition] = replace(source, alive=alive, ticked=source.next_offset, ended=done)


def forget(connection: DuckDBPyConnection, memory: Memory, timing: Timing, time: int) -> int:
    """Drop the days that are past retention; returns how many labels of them never met a prediction.

    They close one tick earlier at least, so nothing is lost unread.
    """
    first, orphans = cohorts.kept_from(memory.clock.reached, timing), 0
    for kind, days in memory.days.items():
        for day in sorted(day for day in days if day < first):
            if kind == LABELS:
                orphans += tables.orphans(connection, day)
            else:
                tables.forget_cohorts(connection, (day + 1) * DAY)
            tables.drop(connection, kind, day)
            days.discard(day)
    if time // DAY > memory.clock.time // DAY:
        counters.forget(connection, first)
        tables.forget_ticks(connection, time - timing.recorded_for)
    return orphans


def lasting(labels: Rows, reached: int, timing: Timing) -> Bools:
    """Which labels, ``(n,)``, are to be stored: what the next tick drops with its day, as a label that never met a
    prediction, needs no table."""
    found: Bools = labels["matched"] | (labels["until"] >= cohorts.kept_from(reached, timing) * DAY)
    return found


def reached(memory: Memory, timing: Timing, time: int) -> int:
    """The greatest watermark of a tick so far, that at ``time`` included."""
    # A challenger's predictions come by way of the events, so a cohort waits for these, too.
    topics = (PREDICTIONS, LABELS, EVENTS) if memory.followed.challengers else (PREDICTIONS, LABELS)
    marks = [cohorts.watermark(memory.sources.get(topic, {}).values(), time, timing.idle_after) for topic in topics]
    return max(memory.clock.reached, min(marks))
