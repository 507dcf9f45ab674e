"""The brake: when most events cannot be scored, something is wrong that dead letters should not paper over."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scorer.errors import TooManyDeadLetters

WINDOW = 10_000


class DeadLetterShare:
    """Counts dead letters among the latest 10,000 events; events of an aborted transaction do not count twice.

    ``limit`` is the share (0 to 1) above which ``add`` and ``refused`` raise TooManyDeadLetters. While fewer
    than 10,000 events have been seen, the missing ones are taken to be good.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._committed = np.zeros(WINDOW, np.bool_)  # which of the latest events are dead letters, oldest first
        self._latest = self._committed

    def add(self, events: int, dead: Sequence[int], example: str) -> None:
        """A batch of so many events is about to be written. ``dead`` are the rows of its dead letters, ``example`` is
        the reason of one."""
        batch = np.zeros(events, np.bool_)
        batch[list(dead)] = True
        self._latest = np.concatenate([self._latest, batch])[-WINDOW:]
        self._judge(example)

    def refused(self, number: int, example: str) -> None:
        """So many events of the latest batch, that were good when it was added, became dead letters after all."""
        good = np.flatnonzero(~self._latest)
        self._latest[good[max(0, len(good) - number) :]] = True
        self._judge(example)

    def _judge(self, example: str) -> None:
        number = int(np.count_nonzero(self._latest))
        if number > self._limit * WINDOW:
            raise TooManyDeadLetters(
                f"{number} of the last {WINDOW} events are dead letters, more than scorer.max_dead_letter_share = "
                f"{self._limit:g} allows; one of the reasons: {example}. Nothing of this transaction was committed. Is "
                "a schema missing or wrong? Mend it, or raise the share if this is how the events are, and start again"
            )

    def committed(self) -> None:
        """All batches so far count for good."""
        self._committed = self._latest

    def aborted(self) -> None:
        """The batches since the last commit will come again."""
        self._latest = self._committed
