"""When to commit: a pure rule of times, so that it can be tested without waiting."""

from __future__ import annotations

from dataclasses import dataclass, field

IDLE_SECONDS = 0.25


@dataclass(slots=True)
class CommitRule:
    """Commit when ``longest`` seconds have passed since the transaction's first event, or when the input is drained
    and ``drained`` seconds have passed since the last commit. All times are monotonic seconds.

    The first bounds how long a prediction stays invisible under load; the second makes it visible sooner when there
    is nothing left to wait for, but not so often that every event costs a commit.
    """

    longest: float
    drained: float
    _first: float | None = field(default=None, init=False)
    _last: float = field(default=float("-inf"), init=False)

    def wrote(self, now: float) -> None:
        """Outputs were written, or offsets have moved, at ``now``."""
        if self._first is None:
            self._first = now

    def ended(self, now: float) -> None:
        """The transaction was committed or aborted at ``now``."""
        self._first, self._last = None, now

    def deadline(self, now: float) -> float:
        """Until when the next read may wait for events."""
        if self._first is None:
            return now + IDLE_SECONDS
        return max(now, min(self._first + self.longest, self._last + self.drained))

    def due(self, now: float, *, drained: bool) -> bool:
        """Whether to commit now."""
        if self._first is None:
            return False
        return now >= self._first + self.longest or (drained and now >= self._last + self.drained)
