"""The published snapshot, read by everyone but the owner of the state: status, reports, page, metrics.

A snapshot that is open stays as it was; the next one is a file of its own. It is attached to a database in memory,
because DuckDB gives all connections of a process to one path the same database, and so the file of before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from monitor.judge.outputs import KEPT, Outputs
from monitor.judge.verdicts import Verdict
from monitor.stats.buckets import HOUR, Bucket, Key
from monitor.stats.layout import Layout
from monitor.store import outbox
from monitor.store.cohorts import Source, Timing
from monitor.store.counters import Flip
from monitor.store.errors import SnapshotMissing, StateRefused
from monitor.store.memory import Clock, Followed
from monitor.store.outbox import Letter
from monitor.store.schema import FORMAT
from monitor.store.shown import Counted, Covered, Dead, Delayed, Late, Revised, Seen, Unscored, Worst

ALWAYS = (-(2**62), 2**62)
"""From before all times to after them."""


class Snapshot:
    """For one thread, and for reading. Raises SnapshotMissing where there is no file, StateRefused where it is none."""

    def __init__(self, path: Path, memory: str = "256MB") -> None:
        self.path = path
        if not path.is_file():
            raise SnapshotMissing(
                f"there is no snapshot at {path}: start 'monitor run'; one that is at work writes it within seconds"
            )
        self._connection = duckdb.connect(
            config={
                "memory_limit": memory,
                "threads": 1,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        try:
            quoted = str(path).replace("'", "''")
            self._connection.execute(f"ATTACH '{quoted}' AS snapshot (READ_ONLY)")
            self._connection.execute("USE snapshot")
            self.meta = dict(self._rows("SELECT name, value FROM meta"))
            found = int(self.meta["format"])
        except (duckdb.Error, KeyError, ValueError) as error:
            self._connection.close()
            raise StateRefused(f"{path} is no snapshot of a monitor, or is damaged: {error}") from error
        if found != FORMAT:
            self._connection.close()
            raise StateRefused(
                f"{path} has format {found}, this program reads {FORMAT}: the monitor that runs is of another release"
            )
        self._versions = self.names("version")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, why: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    # -- when it is ------------------------------------------------------------------------------------------------

    @property
    def clock(self) -> Clock:
        """The last tick before it was published."""
        return Clock(*self._rows("SELECT number, time, reached FROM clock")[0])

    @property
    def timing(self) -> Timing:
        """When cohorts close and days are forgotten."""
        return Timing(**json.loads(self.meta["timing"]))

    @property
    def carried(self) -> Mapping[str, str]:
        """The columns that predictions carry, and their dtypes."""
        found: dict[str, str] = json.loads(self.meta["layout"])
        return found

    def sources(self) -> dict[tuple[str, int], Source]:
        """How far each partition has been read, by topic and number."""
        found = self._rows("FROM sources ORDER BY topic, partition")
        return {(topic, partition): Source(*facts) for topic, partition, *facts in found}

    # -- what was counted ------------------------------------------------------------------------------------------

    def coverage(self, begin: int = ALWAYS[0], end: int = ALWAYS[1]) -> list[Covered]:
        """Predictions of champion and trials, and labelled ones, in the cohorts from ``begin`` up to ``end``."""
        query = (
            "SELECT hour, version, predictions, labelled FROM coverage "
            "WHERE shadow = 0 AND hour >= ? AND hour < ? ORDER BY ALL"
        )
        return [
            Covered(hour, self._version(code), predictions, labelled)
            for hour, code, predictions, labelled in self._rows(query, begin, end)
        ]

    def delays(self, begin: int = ALWAYS[0], end: int = ALWAYS[1]) -> list[Delayed]:
        """Label delays of champion and trials in the cohorts from ``begin`` up to ``end``."""
        query = "SELECT hour, version, bin, labels FROM delays WHERE shadow = 0 AND hour >= ? AND hour < ? ORDER BY ALL"
        return [Delayed(hour, self._version(code), *rest) for hour, code, *rest in self._rows(query, begin, end)]

    def counts(self) -> list[Counted]:
        """What does not count or could not be used, most frequent first."""
        return [
            Counted(*row) for row in self._rows("SELECT topic, reason, n FROM counts ORDER BY n DESC, topic, reason")
        ]

    def revisions(self, begin: int = ALWAYS[0], end: int = ALWAYS[1]) -> list[Revised]:
        """Closed cohorts from ``begin`` up to ``end`` that changed."""
        query = "SELECT hour, tick, number FROM revisions WHERE hour >= ? AND hour < ? ORDER BY ALL"
        return [Revised(*row) for row in self._rows(query, begin, end)]

    def latency(self, begin: int = ALWAYS[0], end: int = ALWAYS[1]) -> list[Late]:
        """How late predictions of the hours from ``begin`` up to ``end`` came."""
        query = "FROM latency WHERE hour >= ? AND hour < ? ORDER BY ALL"
        return [Late(hour, self._version(code), *rest) for hour, code, *rest in self._rows(query, begin, end)]

    def letters(self, begin: int = ALWAYS[0], end: int = ALWAYS[1]) -> list[Dead]:
        """Dead letters of the hours from ``begin`` up to ``end``."""
        reasons = self.names("reason")
        query = "FROM letters WHERE hour >= ? AND hour < ? ORDER BY ALL"
        return [Dead(hour, reasons.get(code, "?"), n) for hour, code, n in self._rows(query, begin, end)]

    def failures(self, begin: int = ALWAYS[0], end: int = ALWAYS[1]) -> list[Unscored]:
        """What challengers could not score, of the hours from ``begin`` up to ``end``."""
        reasons = self.names("reason")
        query = "FROM failures WHERE hour >= ? AND hour < ? ORDER BY ALL"
        return [
            Unscored(hour, self._version(code), reasons.get(reason, "?"), n)
            for hour, code, reason, n in self._rows(query, begin, end)
        ]

    def drift(self, first: int, last: int) -> list[Seen]:
        """Values of inputs on the days from ``first`` to ``last``, both included."""
        inputs = self.names("input")
        query = "FROM drift WHERE day >= ? AND day <= ? ORDER BY ALL"
        return [
            Seen(day, self._version(code), inputs.get(one, "?"), *rest)
            for day, code, one, *rest in self._rows(query, first, last)
        ]

    # -- what is judged --------------------------------------------------------------------------------------------

    def verdicts(self, begin: int = ALWAYS[0], end: int = ALWAYS[1]) -> list[Verdict]:
        """The verdicts on windows that touch the time from ``begin`` up to ``end``."""
        query = (
            'SELECT body FROM verdicts WHERE begin < ? AND "end" > ? ORDER BY requirement, number, role, version, body'
        )
        return [Verdict.of_json(body) for (body,) in self._rows(query, end, begin)]

    def newest_verdicts(self) -> list[Verdict]:
        """Of each requirement, role, version and segment the verdict on the newest window."""
        query = (
            "SELECT body FROM verdicts "
            "QUALIFY number = max(number) OVER (PARTITION BY requirement, role, version, field, value) ORDER BY body"
        )
        return [Verdict.of_json(body) for (body,) in self._rows(query)]

    @property
    def outputs(self) -> Outputs | None:
        """What all predictions are; ``None`` before a champion was followed."""
        found = self.kept(KEPT)
        return None if found is None else Outputs.of_json(found)

    def buckets(
        self, layout: Layout, begin: int = ALWAYS[0], end: int = ALWAYS[1], *, segments: bool = False
    ) -> Iterator[tuple[Key, Bucket]]:
        """The buckets that begin from ``begin`` up to ``end``: those of all outcomes, or those of ``segments``.

        To be read before the next question. Raises StateRefused where the layout is not what the monitor counts by.
        """
        judge = self.kept("judge")
        if judge is None:
            return
        if repr(layout) not in json.loads(judge)["plan"]:
            raise StateRefused(
                "the requirements have changed since the monitor that wrote this snapshot started: restart it, or name "
                "the file that it reads"
            )
        query = "FROM buckets WHERE begin >= ? AND begin < ? AND (field <> '') = ? ORDER BY ALL"
        found = self._connection.execute(query, [begin, end, segments])
        while rows := found.fetchmany(500):
            for start, hours, version, role, name, value, content in rows:
                key = Key(start // HOUR, version, role, (name, value) if name else None, hours)
                yield key, Bucket.unpack(content, layout)

    def worst(self, first: int, last: int) -> list[Worst]:
        """The largest confident errors of the days from ``first`` to ``last``, both included; the largest first."""
        query = 'FROM worst WHERE day >= ? AND day <= ? ORDER BY loss DESC, time, topic, partition, "offset"'
        return [Worst(*row) for row in self._rows(query, first, last)]

    # -- who is followed -------------------------------------------------------------------------------------------

    @property
    def followed(self) -> Followed | None:
        """What the pointers said last, if anything yet."""
        found = self._rows("FROM followed ORDER BY number DESC LIMIT 1")
        if not found:
            return None
        number, champion, challengers = found[0]
        return Followed(number, champion, tuple(challengers.split(",")) if challengers else ())

    def flips(self) -> list[Flip]:
        """What scorers did about the pointers, the latest first."""
        return [Flip(*row) for row in self._rows("FROM flips ORDER BY time DESC, instance, pointer, version")]

    # -- what others keep ------------------------------------------------------------------------------------------

    def names(self, kind: str) -> dict[int, str]:
        """The texts behind codes."""
        return dict(self._rows("SELECT code, name FROM names WHERE kind = ? ORDER BY code", kind))

    def kept(self, name: str) -> bytes | None:
        """What was kept under a name."""
        found = self._rows("SELECT value FROM kept WHERE name = ?", name)
        return bytes(found[0][0]) if found else None

    def unsent(self, kind: str) -> list[Letter]:
        """The oldest of what waits to be sent, in the order of its ticks."""
        return outbox.unsent(self._connection, kind)

    def waiting(self, kind: str) -> int:
        """How many letters of a kind wait to be sent."""
        return int(self._rows("SELECT count(*) FROM outbox WHERE kind = ?", kind)[0][0])

    def _version(self, code: int) -> str:
        return self._versions.get(code, "?")

    def _rows(self, query: str, *facts: object) -> list[Any]:
        return self._connection.execute(query, list(facts)).fetchall()
