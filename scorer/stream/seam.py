"""The seam between the loop and Kafka: what the loop may ask of a stream, and what a stream tells it.

An implementation owns its consumer and its producer whole. The loop knows only this file; one conformance suite
(tests/integration/test_streams.py) runs every implementation against a real broker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from scorer.batch import Batch
from scorer.scoring.score import DeadLetter, Scored


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """Something that happened to the stream and that people want to know.

    ``kind`` is assigned, revoked, lost, waiting or reset; ``text`` says it in words.
    """

    kind: str
    text: str
    partitions: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Position:
    """Where one assigned partition stands: the next offset, by the last commit; ``None`` before the first one."""

    topic: str
    partition: int
    next_offset: int | None


class Stream(Protocol):
    """Events in, outputs out, in transactions (or, at least once, with offsets committed after delivery).

    All methods are called from one thread. They raise TransactionFailed (then ``abort_and_rewind``), Fenced,
    OffsetsLost or StreamBroken (then ``close``); what a new producer can mend, they mend themselves.
    """

    @property
    def drained(self) -> bool:
        """Whether the latest ``read`` took all that had arrived."""

    @property
    def uncommitted(self) -> bool:
        """Whether anything was written, or any offset has moved, since the last commit."""

    @property
    def joined(self) -> bool:
        """Whether the group has given this member its partitions, which may be none. For other threads, too."""

    def read(self, deadline: float) -> Batch | None:
        """The next events, as soon as there are any; ``None`` when the deadline (monotonic seconds) has come."""

    def write(self, batch: Batch, scored: Scored) -> Sequence[DeadLetter]:
        """Hand over what became of all events of a batch, and count the batch as processed.

        Returns the dead letters that it made itself, of predictions that are too large for their topic.
        """

    def record(self, audit: Sequence[bytes]) -> None:
        """Hand over audit records; they are committed with the next predictions."""

    def commit(self) -> None:
        """Make everything written, and the offsets of the events it came from, visible at once."""

    def finish(self) -> None:
        """Commit what is left, waiting for it: before leaving, and before partitions go to others."""

    def abort_and_rewind(self) -> None:
        """Forget everything since the last commit and read those events again."""

    def events(self) -> list[StreamEvent]:
        """What has happened since this was last asked."""

    def positions(self) -> Sequence[Position]:
        """Where the assigned partitions stand. May be called from another thread."""

    def blocked(self) -> float:
        """For how many seconds the client has not returned from a call. May be called from another thread."""

    def close(self) -> None:
        """Leave: abort what is open, free both clients. Never commits."""
