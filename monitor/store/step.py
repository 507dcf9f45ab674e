"""One step: rows that were read, and a tick that looks at them. All of it inside the transaction of ``State.step``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from duckdb import DuckDBPyConnection

from monitor.rows import (
    HELD_LABEL,
    HOUR,
    LABEL,
    LABELS,
    OUTCOME,
    PREDICTIONS,
    Bools,
    Int64s,
    Layout,
    Rows,
    count,
    empty,
    shaped,
    take,
)
from monitor.store import cohorts, commands, counters, outbox, passing, tables
from monitor.store.admission import admit
from monitor.store.closed import Closed, Cohort
from monitor.store.cohorts import Source, Timing
from monitor.store.fresh import Fresh
from monitor.store.memory import Clock, Followed, Memory
from monitor.store.settling import settle, with_implicit
from monitor.store.tally import coverage, delays

Partition = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Revision:
    """What changed in a cohort after it had closed, with signs; revisions are numbered from 1."""

    hour: int
    number: int
    changes: Rows


@dataclass(frozen=True, slots=True)
class Ticked:
    """What a tick brought. ``changes`` are of all cohorts that were open before it, those that close now included;
    ``closed`` are the hours that close now and have predictions."""

    changes: Rows
    revisions: Sequence[Revision]
    closed: Sequence[int]


class Step:
    """What can be done within one transaction."""

    def __init__(
        self,
        connection: DuckDBPyConnection,
        memory: Memory,
        layout: Layout,
        timing: Timing,
        implicit: float | None,
        rows: int,
    ) -> None:
        self._connection, self._memory, self._layout, self._timing = connection, memory, layout, timing
        self._implicit, self._rows = implicit, rows
        self._fresh = Fresh(connection, {PREDICTIONS: layout.prediction, LABELS: LABEL})
        self._closed = Closed(connection, memory.days, layout, implicit)

    @property
    def connection(self) -> DuckDBPyConnection:
        """For the tables of what is judged, in the same transaction."""
        return self._connection

    @property
    def closed_before(self) -> int:
        """All cohorts that begin before this time are closed, as of the last tick."""
        return cohorts.closed_before(self._memory.clock.reached, self._timing)

    @property
    def clock(self) -> Clock:
        """The last tick."""
        return self._memory.clock

    @property
    def sources(self) -> Mapping[str, Mapping[int, Source]]:
        """How far each partition has been read, by topic and number."""
        return self._memory.sources

    @property
    def followed(self) -> Followed:
        """What the pointers say."""
        return self._memory.followed

    def names(self, kind: str) -> dict[int, str]:
        """The texts behind codes."""
        return {code: name for name, code in self._memory.names.get(kind, {}).items()}

    # -- what is read ----------------------------------------------------------------------------------------------

    def assign(self, topic: str, partition: int, next_offset: int) -> None:
        """Take in a partition that is new. Of any topic; those of ``PREDICTIONS`` and ``LABELS`` have a watermark."""
        sources = self._memory.sources.setdefault(topic, {})
        if partition in sources:
            raise ValueError(f"{topic}-{partition} is known, at offset {sources[partition].next_offset}")
        sources[partition] = Source(next_offset)

    def position(self, topic: str, partition: int, next_offset: int) -> None:
        """Go on there: behind records that are not stored, or the ends of transactions. Never backwards."""
        source = self._memory.sources[topic][partition]
        if next_offset > source.next_offset:
            self._memory.sources[topic][partition] = replace(source, next_offset=next_offset)

    def predictions(self, rows: Rows, refused: Int64s | None = None) -> Bools:
        """Take in predictions, and say which are new and were taken. ``refused`` says by number
        (``admission.REASONS``) which could not be used."""
        return self._take(PREDICTIONS, rows, self._layout.prediction, refused)

    def labels(self, rows: Rows, refused: Int64s | None = None) -> None:
        """Take in labels; retractions are those with ``retracted``. ``value`` must be finite in those not refused."""
        self._take(LABELS, rows, LABEL, refused)

    def codes(self, kind: str, names: Iterable[str], most: int = 2**31) -> list[int]:
        """The codes of texts, new ones given out in the order of asking; -1 where there are ``most`` others already."""
        known = self._memory.names.setdefault(kind, {})
        return [known.setdefault(name, len(known)) if name in known or len(known) < most else -1 for name in names]

    def admit(self, topic: str, rows: Rows, refused: Int64s | None = None) -> Bools:
        """Which rows of a topic are new and can be used, by ``partition``, ``position`` and ``time``; they count as
        taken, and the others as refused. For topics of which no rows are stored."""
        clock, sources = self._memory.clock, self._memory.sources[topic]
        if clock.number == 0:
            raise ValueError("the first step is a tick: without one there is no telling what lies in the future")
        reasons = np.zeros(len(rows["position"]), np.int64) if refused is None else refused
        first_day = cohorts.kept_from(clock.reached, self._timing)
        admitted = admit(rows, reasons, sources, clock.time, self._timing.ahead, first_day)
        sources.update(admitted.sources)
        self.count({(topic, reason): n for reason, n in admitted.refused.items()})
        return admitted.rows

    def shadow(self, rows: Rows) -> None:
        """Take in the predictions of challengers for events that were admitted."""
        self._fresh.add(PREDICTIONS, shaped(rows, self._layout.prediction))

    def lost(self, topic: str, partition: int, next_offset: int) -> None:
        """Go on there, because the topic does not hold what was to come next: it was deleted unread, which is counted,
        or the topic was made anew, and its offsets begin again."""
        source = self._memory.sources[topic][partition]
        if next_offset > source.next_offset:
            self.count({(topic, "lost"): next_offset - source.next_offset})
        else:
            self.count({(topic, "made_anew"): 1})
        self._memory.sources[topic][partition] = replace(source, next_offset=next_offset)

    def follow(self, champion: str, challengers: Sequence[str]) -> None:
        """Note what the pointers say from the coming tick on, where that is new: before rows that depend on it."""
        found = Followed(self._memory.clock.number + 1, champion, tuple(challengers))
        if found[1:] != self._memory.followed[1:]:
            self._memory.followed = found
            tables.follow(self._connection, *found)

    def add(self, table: str, rows: Rows) -> None:
        """Add to the counts beside the outcomes, a table of ``counters.KEYS``."""
        counters.add(self._connection, table, rows)

    def flipped(self, flips: Iterable[counters.Flip]) -> None:
        """Take in what scorers did about the pointers."""
        counters.flipped(self._connection, flips)

    def count(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Add to what does not count or could not be used, by topic and reason."""
        some = {key: n for key, n in counts.items() if n}
        if some:
            delta: Rows = {
                "topic": np.array([topic for topic, _ in some], object),
                "reason": np.array([reason for _, reason in some], object),
                "n": np.array(list(some.values()), np.int64),
            }
            tables.add(self._connection, "counts", delta, ("topic", "reason"))

    def wait(self) -> None:
        """Store what no tick of this step has looked at, for the next one."""
        self._fresh.store()

    def _take(self, topic: str, rows: Rows, columns: Mapping[str, str], refused: Int64s | None) -> Bools:
        rows = shaped(rows, columns)
        admitted = self.admit(topic, rows, refused)
        taken = rows if admitted.all() else take(rows, admitted)
        self._fresh.add(topic, taken)
        return admitted

    # -- what follows ----------------------------------------------------------------------------------------------

    def tick(self, time: int, ended: Iterable[Partition] = ()) -> Ticked:
        """Let it be ``time``: settle what was read since the last tick, close cohorts, forget days.

        ``ended`` are the partitions that have been read to their end: those alone can be idle. Raises ValueError where
        time would run backwards.
        """
        before = self._memory.clock
        if time < before.time:
            raise ValueError(f"tick {time} lies before the last one, {before.time}")
        self.count({(LABELS, "never_predicted"): passing.forget(self._connection, self._memory, self._timing, time)})
        passing.record(self._connection, self._memory, time, frozenset(ended))
        reached = passing.reached(self._memory, self._timing, time)
        changes = self._settle(reached, time)
        open_from = cohorts.closed_before(before.reached, self._timing)
        old = changes["time"] < open_from
        revisions = self._revise(take(with_implicit(changes, self._implicit, old), old), before.number + 1)
        self._memory.clock = Clock(before.number + 1, time, reached)
        closed = tables.hours(self._connection, open_from, cohorts.closed_before(reached, self._timing))
        return Ticked(take(changes, ~old), revisions, [hour for hour, _ in closed])

    def cohorts(self, hours: Sequence[int]) -> Iterator[Cohort]:
        """The outcomes of closed cohorts, those of ``Ticked.closed``, one after another."""
        return self._closed.cohorts(hours, self._rows)

    def alike(self, rows: Rows, column: str) -> Rows:
        """Outcomes of closed cohorts that lie in the same hour as one of ``rows``, and have its value in ``column``."""
        return self._closed.alike(rows, column)

    def keep(self, name: str, value: bytes) -> None:
        """Keep bytes of somebody else under a name, in this transaction."""
        self._connection.execute("DELETE FROM kept WHERE name = ?", [name])
        self._connection.execute("INSERT INTO kept VALUES (?, ?)", [name, value])

    def send(self, kind: str, name: str, payload: bytes) -> str:
        """Have something sent after the commit; the id is made of kind, tick and name, and returned."""
        return outbox.put(self._connection, kind, self._memory.clock.number, name, payload)

    def send_anew(self, kind: str, name: str, payload: bytes) -> str:
        """The same, in place of a letter of this kind and payload that still waits."""
        outbox.withdraw(self._connection, kind, payload)
        return self.send(kind, name, payload)

    def sent(self, ids: Iterable[str]) -> None:
        """Strike out what was sent."""
        outbox.strike(self._connection, ids)

    def discard(self, but: str) -> None:
        """Strike out all letters but those of one kind: a replay sends nothing a second time."""
        outbox.discard(self._connection, but)

    def begin(self, number: int, time: int) -> None:
        """Let the first tick have this number, and be preceded by one at ``time``, as where earlier ones are forgotten:
        ids of letters are made of the number, and rows may be taken in before the tick."""
        if self._memory.clock.number:
            raise ValueError(f"the last tick was {self._memory.clock.number}")
        self._memory.clock = Clock(number - 1, time, self._memory.clock.reached)

    def answered(self, command: str) -> bytes | None:
        """What was answered to the command of this id, however long ago; ``None`` where it is new."""
        return commands.answer(self._connection, command)

    def answer(self, command: str, content: bytes, said: bytes) -> None:
        """Keep a command, its content and what is answered to it."""
        commands.keep(self._connection, self._memory.clock.number, command, content, said)

    def _settle(self, reached: int, time: int) -> Rows:
        connection, days = self._connection, self._memory.days
        fresh = self._fresh.taken(PREDICTIONS)
        fresh_labels = self._fresh.taken(LABELS, *cohorts.foreseen(reached, time))
        if not count(fresh) and not count(fresh_labels):
            return empty({**self._layout.prediction, **OUTCOME, "sign": "i1"})
        with tables.ids(connection, fresh, fresh_labels):
            held = tables.held(connection, PREDICTIONS, days[PREDICTIONS], self._layout.prediction)
            held_labels = tables.held(connection, LABELS, days[LABELS], HELD_LABEL)
        settled = settle(held, fresh, held_labels, fresh_labels)
        tables.delete(connection, PREDICTIONS, take(held, settled.gone), "time")
        tables.delete(connection, LABELS, take(held_labels, settled.gone_labels), "until")
        del held, fresh, held_labels, fresh_labels  # they are as large as what follows
        tables.insert_by_day(connection, PREDICTIONS, settled.added, "time", days[PREDICTIONS], self._layout)
        lasting = passing.lasting(settled.added_labels, reached, self._timing)
        added_labels = settled.added_labels if lasting.all() else take(settled.added_labels, lasting)
        tables.insert_by_day(connection, LABELS, added_labels, "until", days[LABELS], self._layout)
        passed_over = {PREDICTIONS: settled.passed_over, LABELS: settled.passed_over_labels}
        self.count({(topic, "passed_over"): n for topic, n in passed_over.items()})
        self.count({(LABELS, "never_predicted"): int((~lasting).sum())})
        tables.add(connection, "coverage", coverage(settled.changes), ("hour", "version", "shadow"))
        tables.add(connection, "delays", delays(settled.changes), ("hour", "version", "shadow", "bin"))
        return settled.changes

    def _revise(self, changes: Rows, tick: int) -> list[Revision]:
        begins = changes["time"] // HOUR * HOUR
        revisions = []
        for hour in np.unique(begins).tolist():
            number = tables.revisions(self._connection, hour) + 1
            self._connection.execute("INSERT INTO revisions VALUES (?, ?, ?)", [hour, tick, number])
            revisions.append(Revision(hour, number, take(changes, begins == hour)))
        return revisions
