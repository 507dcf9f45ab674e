"""When a cohort closes and a day is forgotten: pure functions of what was read and of the tick.

A cohort is the predictions of one event-time hour. It closes on the tick at which everything that was to be waited for
has been read: the watermark of the predictions and that of the labels lie ``matures_after`` behind its end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from monitor.rows import DAY, HOUR

BEGINNING = -(2**62)
"""Before all times."""

FORESEEN = 400 * DAY
"""Labels of a time so far beyond the watermark wait: every day has a table, and a producer may write what it likes."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Microseconds, all of them.

    - ``matures_after``: how long after the end of its hour a cohort waits for labels.
    - ``retention``: how long after its end a day of events is kept; later labels and corrections find nothing.
    - ``idle_after``: a partition that has been read to its end and brings nothing for so long holds nobody back.
    - ``ahead``: how far behind the last tick an event or label time may lie. Beyond it is refused, so ticks are to come
      more often, and after a pause one comes before anything is read.
    - ``recorded_for``: how long ticks are recorded, for a replay: as long as the topics keep what was read.
    """

    matures_after: int
    retention: int
    idle_after: int
    ahead: int
    recorded_for: int

    def __post_init__(self) -> None:
        if (
            min(self.matures_after, self.idle_after, self.ahead, self.recorded_for) < 0
            or self.retention < self.matures_after + DAY
        ):
            raise ValueError("times are at least 0, and retention is a day longer than matures_after")


@dataclass(frozen=True, slots=True)
class Source:
    """How far a partition has been read. ``time`` is the greatest that it brought; ``alive`` the last tick before it
    brought something, or at which it might have had more to bring. ``ticked`` and ``ended`` are what the last tick saw:
    its offset, and whether it had been read to its end."""

    next_offset: int
    time: int = BEGINNING
    alive: int = BEGINNING
    ticked: int = -1
    ended: bool = False


def watermark(sources: Iterable[Source], tick: int, idle_after: int) -> int:
    """Up to which time the partitions of one topic have been read, as of a tick.

    That is the least of the partitions that are not idle, and never later than the tick. Where all of them are idle,
    nothing is waited for but ``idle_after`` itself. Where none is known yet, nothing has been read: so a monitor that
    begins has closed nothing before it has looked.
    """
    known = list(sources)
    active = [source.time for source in known if tick - source.alive <= idle_after]
    return min([tick, *active]) if active else tick - idle_after if known else BEGINNING


def closed_before(reached: int, timing: Timing) -> int:
    """All cohorts that begin before this time are closed; a whole hour."""
    return (reached - timing.matures_after) // HOUR * HOUR


def kept_from(reached: int, timing: Timing) -> int:
    """The first day, counted from 1970, that is still kept."""
    return (reached - timing.retention) // DAY


def foreseen(reached: int, tick: int) -> tuple[int, int]:
    """From when up to when the times of labels lie that a tick looks at; others wait until the watermark comes near.

    Before there is one, those of late are looked at, so that a new monitor has something to show.
    """
    return (tick - FORESEEN, 2**63 - 1) if reached <= BEGINNING else (-(2**63), reached + FORESEEN)


def together(sizes: Iterable[tuple[int, int]], rows: int) -> list[list[int]]:
    """Hours in groups of about so many rows; ``sizes`` are hours and their rows, and no hour is split."""
    groups: list[list[int]] = []
    room = 0
    for hour, size in sizes:
        if not groups or size > room:
            groups.append([])
            room = rows
        groups[-1].append(hour)
        room -= size
    return groups
