"""The brake: when most events cannot be scored, something is wrong that dead letters should not paper over."""

from __future__ import annotations

from collections import deque

from scorer.errors import TooManyDeadLetters

WINDOW = 10_000


class DeadLetterShare:
    """Counts dead letters among the latest 10,000 events, in whole batches; an aborted batch does not count.

    ``limit`` is the share (0 to 1) above which ``add`` raises TooManyDeadLetters. While fewer than 10,000 events have
    been seen, the missing ones are taken to be good.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._batches: deque[tuple[int, int]] = deque()  # (events, dead letters), oldest first
        self._uncommitted = 0  # how many of them, from the right
        self._events = 0
        self._dead = 0

    def add(self, events: int, dead: int, example: str) -> None:
        """A batch of so many events and dead letters is about to be written; ``example`` is one of their reasons."""
        self._batches.append((events, dead))
        self._uncommitted += 1
        self._events += events
        self._dead += dead
        while self._events - self._batches[0][0] >= WINDOW:
            self._forget(*self._batches.popleft())
        if self._dead > self._limit * max(self._events, WINDOW):
            raise TooManyDeadLetters(
                f"{self._dead} of the last {max(self._events, WINDOW)} events are dead letters, more than "
                f"scorer.max_dead_letter_share = {self._limit:g} allows; one of the reasons: {example}. Nothing of "
                "this transaction was committed. Is a schema missing or wrong? Mend it, or raise the share if this "
                "is how the events are, and start again"
            )

    def committed(self) -> None:
        """All batches so far count for good."""
        self._uncommitted = 0

    def aborted(self) -> None:
        """The uncommitted batches will come again."""
        for _ in range(min(self._uncommitted, len(self._batches))):
            self._forget(*self._batches.pop())
        self._uncommitted = 0

    def _forget(self, events: int, dead: int) -> None:
        self._events -= events
        self._dead -= dead
