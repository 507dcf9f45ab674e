"""The default stream: predictions, dead letters, audit records and offsets in one transaction."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from scorer.batch import Batch
from scorer.errors import TransactionFailed
from scorer.scoring.score import DeadLetter, Scored
from scorer.settings import Settings
from scorer.stream import clients, topics
from scorer.stream.seam import Position, StreamEvent
from scorer.stream.sink import Sink
from scorer.stream.source import Source
from scorer.stream.transaction import Transaction

LOGGER = logging.getLogger(__name__)

RETRY_SECONDS = 0.2


class ExactlyOnce:
    """A consumer in its group and a transactional producer under the worker's name.

    The producer starts first: that aborts what a predecessor under the same name left open, and fences it if it is
    still alive. Offsets are sent with the group's generation, so the broker refuses those of partitions that have
    meanwhile gone to others.
    """

    def __init__(self, settings: Settings, slot: int, stopping: Callable[[], bool]) -> None:
        self._stopping = stopping
        known = topics.of_stream(settings)
        producer = clients.producer(settings, slot, known.smallest_limit)
        self._sink = Sink(known, clients.identity(settings, slot), stopping)
        self._transaction = Transaction(producer, settings.scorer.transaction_timeout_ms, stopping)
        self._source = Source(settings, slot, known, self._before_revoke)
        self._audit: list[bytes] = []  # handed over since the last commit; an abort puts them into the next one

    @property
    def drained(self) -> bool:
        """Whether the latest ``read`` took all that had arrived."""
        return self._source.drained

    @property
    def uncommitted(self) -> bool:
        """Whether a transaction is open, or any offset has moved, since the last commit."""
        return self._transaction.open or self._source.offsets.uncommitted

    def read(self, deadline: float) -> Batch | None:
        """The next events; ``None`` when the deadline (monotonic seconds) has come."""
        return self._source.read(deadline)

    def write(self, batch: Batch, scored: Scored) -> Sequence[DeadLetter]:
        """Put all outputs of a batch into the transaction."""
        self._transaction.begin()
        refused = self._sink.write(self._transaction.producer, batch, scored)
        self._source.offsets.processed(batch)
        return refused

    def record(self, audit: Sequence[bytes]) -> None:
        """Put audit records into the transaction."""
        if audit:
            self._audit += audit
            self._transaction.begin()
            self._sink.audit(self._transaction.producer, audit)

    def commit(self) -> None:
        """Make outputs and offsets visible at once."""
        self._transaction.begin()
        self._transaction.commit(self._source.to_commit(), self._source.group_metadata())
        self._source.offsets.commit()
        self._audit.clear()

    def finish(self) -> None:
        """Commit what is left."""
        if self.uncommitted:
            self.commit()

    def abort_and_rewind(self) -> None:
        """Abort, go back to the committed offsets; the aborted audit records begin a new transaction."""
        while True:
            try:
                self._transaction.abort()
                self._source.rewind()
                audit, self._audit = self._audit, []
                return self.record(audit)
            except TransactionFailed as error:
                if self._stopping():
                    raise
                LOGGER.warning("not rewound yet: %s", error)
                time.sleep(RETRY_SECONDS)

    def events(self) -> list[StreamEvent]:
        """What has happened since this was last asked."""
        return self._source.events()

    def positions(self) -> Sequence[Position]:
        """Where the assigned partitions stand."""
        return self._source.positions()

    @property
    def joined(self) -> bool:
        """Whether the group has given this member its partitions, which may be none."""
        return self._source.joined

    def blocked(self) -> float:
        """For how many seconds the client has not returned from a call."""
        return self._transaction.blocked()

    def close(self) -> None:
        """Abort what is open, leave the group, free both clients."""
        self._transaction.close()
        self._source.close()

    def _before_revoke(self) -> None:
        self.finish()
