"""How the monitor and its model are now, from the snapshot. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from monitor.judge.incident import Incident
from monitor.reports.labels import Labels
from monitor.reports.requirements import Row
from monitor.store.cohorts import Source

OLD = 60_000_000
"""Microseconds after which a snapshot says that nobody renews it; the monitor does so about every second."""

AHEAD = 5_000_000
"""Microseconds by which the snapshot's clock may be ahead of ours."""


@dataclass(frozen=True, slots=True)
class Topic:
    """How far a topic has been read. ``ended`` of its ``partitions`` had been read to their end at the last tick.

    ``read`` is the sum of the offsets, ``newest`` the greatest time in it, ``arrived`` the last tick before something
    came, and ``behind`` how far ``newest`` lies behind the clock; microseconds, ``None`` where nothing came yet.
    """

    name: str
    partitions: int
    ended: int
    read: int
    newest: int | None
    arrived: int | None
    behind: int | None


@dataclass(frozen=True, slots=True)
class Status:
    """All of it. ``age`` in seconds: how old the snapshot is; ``running``: whether somebody renews it.

    ``pending`` predictions wait for a label in cohorts that are open. ``closed_before`` is ``None`` before any cohort
    has closed. ``refused`` are rows that do not count or could not be used: topic, reason, number.
    """

    model: str
    running: bool
    age: float
    tick: int
    champion: str | None
    challengers: tuple[str, ...]
    watermark: int | None
    closed_before: int | None
    pending: int
    topics: tuple[Topic, ...]
    coverage: Labels
    requirements: tuple[Row, ...]
    tally: Mapping[str, int]
    incidents: tuple[Incident, ...]
    refused: tuple[tuple[str, str, int], ...]
    unsent: Mapping[str, int]


def topics(sources: Mapping[tuple[str, int], Source], tick: int) -> list[Topic]:
    """One for each topic."""
    grouped: dict[str, list[Source]] = {}
    for (topic, _), source in sorted(sources.items()):
        grouped.setdefault(topic, []).append(source)
    return [_topic(name, several, tick) for name, several in grouped.items()]


def age(now: int, tick: int) -> tuple[float, bool]:
    """How many seconds old a snapshot is, and whether it is renewed; both times in microseconds."""
    return max(0, now - tick) / 1e6, -AHEAD <= now - tick <= OLD


def problems(status: Status) -> list[str]:
    """What is wrong with the monitor itself, in words."""
    found = []
    if not status.running:
        found.append(
            "the snapshot is not renewed: the monitor does not run, or is stuck; see 'monitor run' and its log"
        )
    if status.champion is None:
        found.append("no champion is followed: scorer champion set V")
    waiting = [f"{topic.name} ({topic.ended} of {topic.partitions})" for topic in status.topics if topic.ended == 0]
    if status.running and waiting:
        found.append(f"not read to the end: {', '.join(waiting)}")
    return found


def open_incidents(incidents: Iterable[Incident]) -> tuple[Incident, ...]:
    """The gravest first, then the oldest."""
    rank = {"FAIL": 0, "ALARM": 1, "WARNING": 2}
    return tuple(sorted(incidents, key=lambda one: (rank[one.severity], one.opened, one.key)))


def _topic(name: str, several: Sequence[Source], tick: int) -> Topic:
    newest = known(max(source.time for source in several))
    return Topic(
        name,
        len(several),
        sum(source.ended for source in several),
        sum(source.next_offset for source in several),
        newest,
        known(max(source.alive for source in several)),
        None if newest is None else max(0, tick - newest),
    )


def known(time: int) -> int | None:
    """A time; ``None`` for the one before all times."""
    return time if time > -(2**60) else None
