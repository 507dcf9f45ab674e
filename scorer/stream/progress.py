"""Which partitions have events waiting and make no progress: a pure rule over positions, ends and times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scorer.stream.seam import Position

Partition = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Standing:
    """One assigned partition: ``lag`` events behind (``None``: unknown), unchanged for ``still`` seconds."""

    topic: str
    partition: int
    next_offset: int | None
    lag: int | None
    still: float


class Progress:
    """Remembers when each partition last moved, or had nothing to do."""

    def __init__(self) -> None:
        self._moved: dict[Partition, tuple[int | None, float]] = {}  # the next offset seen, and when it was first seen

    def update(self, positions: Sequence[Position], ends: Mapping[Partition, int], now: float) -> list[Standing]:
        """Where the assigned partitions stand at ``now`` (monotonic seconds).

        ``ends`` are the offsets behind the last event of each partition; one that nobody could tell is missing.
        """
        standings, moved = [], {}
        for position in positions:
            partition, following = (position.topic, position.partition), position.next_offset
            end = ends.get(partition)
            lag = None if end is None or following is None else max(0, end - following)
            before = self._moved.get(partition)
            unchanged = before is not None and before[0] == following and lag != 0
            since = before[1] if before is not None and unchanged else now
            moved[partition] = (following, since)
            standings.append(Standing(*partition, following, lag, now - since))
        self._moved = moved
        return standings


def stalled(standings: Sequence[Standing], after: float) -> list[str]:
    """One sentence for each partition that has stood still for ``after`` seconds with events (perhaps) waiting."""
    return [
        f"{s.topic}-{s.partition} has not moved from offset {'?' if s.next_offset is None else s.next_offset} for "
        f"{s.still:.0f} s, {_waiting(s)}"
        for s in standings
        if s.still >= after
    ]


def _waiting(standing: Standing) -> str:
    if standing.next_offset is None:
        return "nothing is committed, or nobody can tell what"
    return "its end is unknown" if standing.lag is None else f"{standing.lag} events are waiting"
