"""The loop: read, score, write, commit."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from scorer.batch import Batch
from scorer.errors import TransactionFailed
from scorer.scoring.models import Models
from scorer.scoring.score import DeadLetter, Scored, Scoring
from scorer.service.commits import CommitRule
from scorer.stream.seam import Stream


class Registry(Protocol):
    """Where the loop finds the models in force."""

    def models(self) -> Models:
        """What to score the next batch with; the same object until a pointer is applied."""

    def audit(self) -> list[bytes]:
        """Audit records of pointers applied or refused since this was last asked."""


class Watch(Protocol):
    """Who is told what the loop does, to count it and to judge it. Called between the steps, so it must be quick."""

    def scored(self, batch: Batch, scored: Scored) -> None:
        """A batch has been scored and is about to be written. Raises TooManyDeadLetters to stop before it counts."""

    def refused(self, letters: Sequence[DeadLetter]) -> None:
        """Of that batch, these predictions were too large for their topic. Raises TooManyDeadLetters, too."""

    def committed(self) -> None:
        """A commit has succeeded."""

    def aborted(self, reason: TransactionFailed) -> None:
        """The transaction is about to be aborted. Raises StreamBroken where that has not helped many times."""


def run(
    stream: Stream,
    registry: Registry,
    scoring: Scoring,
    commits: CommitRule,
    watch: Watch,
    stopping: Callable[[], bool],
) -> None:
    """Score until ``stopping`` says so; then commit what is left.

    A failed transaction is aborted and its events are read again. Every other error ends the loop: nothing of the
    open transaction counts, and the offsets of its events are not committed.
    """
    while not stopping():
        try:
            batch = stream.read(commits.deadline(time.monotonic()))
            now = time.monotonic()
            # First the models, then the audit: it holds at least what led to these models.
            models = registry.models()
            stream.record(registry.audit())
            if batch is not None:
                scored = scoring.score(batch, models, time.time_ns() // 1000)
                watch.scored(batch, scored)
                watch.refused(stream.write(batch, scored))
                batch.owner.release()
            if stream.uncommitted:
                commits.wrote(now)
            if commits.due(time.monotonic(), drained=stream.drained):
                stream.commit()
                commits.ended(time.monotonic())
                watch.committed()
        except TransactionFailed as reason:
            watch.aborted(reason)
            stream.abort_and_rewind()
            commits.ended(time.monotonic())
    stream.finish()
