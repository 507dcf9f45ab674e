"""How far a member of the group has come: what is processed, and what of it is committed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from scorer.batch import Batch

Partition = tuple[str, int]
"""A topic's name and the partition's number."""


class Offsets:
    """The offsets of the partitions that this member has. An offset is that of the event which comes next."""

    def __init__(self) -> None:
        self.assigned: frozenset[Partition] = frozenset()
        self._next: dict[Partition, int] = {}  # absent until known
        self._moved: dict[Partition, int] = {}  # the part of it that is not committed yet
        self._committed: dict[Partition, int] = {}

    # -- partitions come and go ------------------------------------------------------------------------------------

    def gain(self, partitions: Iterable[Partition]) -> None:
        """These are ours now. Whatever was known of them is from before others had them."""
        partitions = frozenset(partitions)
        self.forget(partitions)
        self.assigned |= partitions

    def drop(self, partitions: Iterable[Partition]) -> bool:
        """These are not ours any more; whether something that was processed in them is not committed."""
        partitions = frozenset(partitions)
        behind = not partitions.isdisjoint(self._moved)
        self.forget(partitions)
        self.assigned -= partitions
        return behind

    def forget(self, partitions: Iterable[Partition]) -> None:
        """Whatever is known of these partitions is void."""
        for partition in partitions:
            for known in (self._next, self._moved, self._committed):
                known.pop(partition, None)

    # -- what has moved --------------------------------------------------------------------------------------------

    def processed(self, batch: Batch) -> None:
        """All events of the batch have become outputs."""
        span = int(batch.partition.max()) + 1
        latest = np.full(span * len(batch.topics), -1, np.int64)
        np.maximum.at(latest, batch.topic * span + batch.partition, batch.offset)
        for place in np.flatnonzero(latest >= 0).tolist():
            partition = batch.topics[place // span], place % span
            # The end may have been told in the same read, and may lie behind markers that follow the last event.
            self.move(partition, max(int(latest[place]) + 1, self._next.get(partition, 0)))

    def reached(self, partition: Partition, end: int) -> None:
        """At its end, a partition may hold offsets without events (transaction markers, compaction): step over them.

        The end of one without any events is committed, too: that is where this group began.
        """
        if end > self._next.get(partition, -1):
            self.move(partition, end)

    def move(self, partition: Partition, offset: int) -> None:
        """The partition goes on here, which is to be committed."""
        self._next[partition] = self._moved[partition] = offset

    def unplaced(self) -> list[Partition]:
        """Our partitions of which neither an event nor the end has come since they were placed."""
        return sorted(self.assigned - self._next.keys())

    def following(self) -> dict[Partition, int]:
        """Where each partition goes on, as far as that is known."""
        return dict(self._next)

    def rewind(self) -> None:
        """What was processed since the last commit is to be processed again."""
        self._moved.clear()
        self._next.clear()

    # -- what is committed -----------------------------------------------------------------------------------------

    @property
    def uncommitted(self) -> bool:
        """Whether any offset has moved since the last commit."""
        return bool(self._moved)

    def moved(self) -> dict[Partition, int]:
        """What is to be committed: processed by us, not committed yet, and still ours."""
        return {partition: offset for partition, offset in self._moved.items() if partition in self.assigned}

    def take(self) -> dict[Partition, int]:
        """``moved``, which the caller promises to commit later."""
        moved = self.moved()
        self._moved.clear()
        return moved

    def commit(self) -> None:
        """Everything that ``moved`` returned is committed."""
        self._committed |= self._moved
        self._moved.clear()

    def commit_taken(self, partition: Partition, offset: int) -> None:
        """An offset that was taken is committed."""
        self._committed[partition] = offset

    def give_back(self, partition: Partition, offset: int) -> bool:
        """An offset that was taken could not be committed: the next commit has it again, unless it is overtaken."""
        again = partition in self.assigned and self._next.get(partition) == offset
        if again:
            self._moved[partition] = offset
        return again

    def committed(self) -> Mapping[Partition, int | None]:
        """The committed offset of every partition that is ours, ``None`` where it is not known."""
        return {partition: self._committed.get(partition) for partition in self.assigned}
