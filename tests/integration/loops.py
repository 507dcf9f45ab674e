"""Streams and loops of a deployment, driven by hand or in a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from scorer.batch import Batch
from scorer.errors import TransactionFailed
from scorer.scoring.models import Models
from scorer.scoring.score import DeadLetter, Scored
from scorer.service import loop
from scorer.service.commits import CommitRule
from scorer.settings import Settings
from scorer.stream.at_least_once import AtLeastOnce
from scorer.stream.exactly_once import ExactlyOnce
from scorer.stream.seam import Stream
from tests.integration.deployment import Deployment

STREAMS: dict[str, Callable[[Settings, int, Callable[[], bool]], Stream]] = {
    "exactly-once": ExactlyOnce,
    "at-least-once": AtLeastOnce,
}


@contextmanager
def opened(deployment: Deployment, slot: int = 0, **changes: object) -> Iterator[Stream]:
    """A stream of that deployment, with some keys of [scorer] changed; closed at the end."""
    settings = deployment.changed(**changes)
    stream = STREAMS[settings.scorer.delivery](settings, slot, lambda: False)
    try:
        yield stream
    finally:
        stream.close()


def read(stream: Stream, count: int) -> list[Batch]:
    """Batches of exactly so many events."""
    batches: list[Batch] = []
    deadline = time.monotonic() + 30
    while sum(map(len, batches)) < count:
        assert time.monotonic() < deadline, f"only {sum(map(len, batches))} of {count} events within 30 s"
        batch = stream.read(time.monotonic() + 0.5)
        if batch is not None:
            batches.append(batch)
    assert sum(map(len, batches)) == count
    return batches


class Stepper:
    """Reads, scores and writes step by step."""

    def __init__(self, deployment: Deployment) -> None:
        self.scoring = deployment.scoring()
        self.models = deployment.models(self.scoring)

    def score(self, stream: Stream, count: int) -> None:
        """Score so many events, without committing."""
        done = 0
        deadline = time.monotonic() + 30
        while done < count:
            assert time.monotonic() < deadline, f"only {done} of {count} events within 30 s"
            batch = stream.read(time.monotonic() + 0.5)
            if batch is not None:
                self.write(stream, batch)
                done += len(batch)
        assert done == count

    def write(self, stream: Stream, batch: Batch) -> None:
        """Score and write one batch."""
        stream.write(batch, self.scoring.score(batch, self.models, 1))
        batch.owner.release()


class Loop:
    """The real loop in a thread, with one fixed version. ``failure`` is what ended it, if nobody did."""

    def __init__(self, deployment: Deployment, slot: int = 0, **changes: object) -> None:
        self.settings = deployment.changed(**changes)
        self.slot = slot
        self.aborts: list[TransactionFailed] = []
        self.failure: BaseException | None = None
        self.scoring = deployment.scoring()
        self._models = deployment.models(self.scoring)
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"loop-{slot}")

    def __enter__(self) -> Loop:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        self._thread.join(60)
        assert not self._thread.is_alive()
        if self.failure is not None:
            raise self.failure

    def ended(self) -> BaseException | None:
        """Wait until the loop has ended by itself; why it did."""
        self._thread.join(60)
        assert not self._thread.is_alive()
        failure, self.failure = self.failure, None
        return failure

    def _run(self) -> None:
        scorer = self.settings.scorer
        commits = CommitRule(scorer.commit_ms / 1e3, scorer.drained_commit_ms / 1e3)
        try:
            stream = STREAMS[scorer.delivery](self.settings, self.slot, lambda: self._stopping)
            try:
                loop.run(stream, self, self.scoring, commits, self, lambda: self._stopping)
            finally:
                stream.close()
        except BaseException as error:  # noqa: BLE001  # raised where the loop is left
            self.failure = error

    # The registry and the watch of the loop.

    def models(self) -> Models:
        """One version for ever."""
        return self._models

    def audit(self) -> list[bytes]:
        """Nothing ever happens to a pointer."""
        return []

    def scored(self, batch: Batch, scored: Scored) -> None:
        """Nobody counts."""

    def refused(self, letters: Sequence[DeadLetter]) -> None:
        """Nobody counts."""

    def committed(self) -> None:
        """Nobody counts."""

    def aborted(self, reason: TransactionFailed) -> None:
        """Remember why."""
        self.aborts.append(reason)
