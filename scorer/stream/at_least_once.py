"""The other stream: outputs are written as they come, and offsets are committed once their outputs are delivered.

Nothing ever waits for a delivery or a commit, so nothing stalls; a crash repeats what was not committed.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence

from confluent_kafka import KafkaError, Producer, TopicPartition

from scorer.batch import Batch
from scorer.errors import StreamBroken, TransactionFailed
from scorer.scoring.score import DeadLetter, Scored
from scorer.settings import Settings
from scorer.stream import clients, topics
from scorer.stream.seam import Position, StreamEvent
from scorer.stream.sink import Delivery, Sink
from scorer.stream.source import Source

LOGGER = logging.getLogger(__name__)

FINISH_SECONDS = 10.0
RETRY_SECONDS = 0.2


class Batched(Delivery):
    """The outputs of one batch and the offsets that may be committed once all have arrived, or audit records."""

    def __init__(self, offsets: list[TopicPartition], audit: Sequence[bytes] = ()) -> None:
        super().__init__()
        self.offsets, self.audit = offsets, audit


class AtLeastOnce:
    """A consumer in its group and an idempotent producer."""

    def __init__(self, settings: Settings, slot: int, stopping: Callable[[], bool]) -> None:
        self._stopping = stopping
        known = topics.of_stream(settings)
        producer = clients.producer(settings, slot, known.smallest_limit)
        self._sink = Sink(known, clients.identity(settings, slot), stopping)
        self._producer = Producer(producer)
        self._source = Source(settings, slot, known, self._before_revoke)
        self._deliveries: deque[Batched] = deque()  # oldest first: offsets are committed in their order

    @property
    def drained(self) -> bool:
        """Whether the latest ``read`` took all that had arrived."""
        return self._source.drained

    @property
    def uncommitted(self) -> bool:
        """Whether outputs are on their way, or any offset has moved, since the last commit."""
        return bool(self._deliveries) or self._source.offsets.uncommitted

    def read(self, deadline: float) -> Batch | None:
        """The next events; ``None`` when the deadline (monotonic seconds) has come."""
        self._producer.poll(0)
        return self._source.read(deadline)

    def write(self, batch: Batch, scored: Scored) -> Sequence[DeadLetter]:
        """Send all outputs of a batch."""
        self._source.offsets.processed(batch)
        delivery = self._expect(self._source.take())
        return self._sink.write(self._producer, batch, scored, delivery)

    def record(self, audit: Sequence[bytes]) -> None:
        """Send audit records."""
        if audit:
            self._sink.audit(self._producer, audit, self._expect([], audit))

    def commit(self) -> None:
        """Commit, without waiting, the offsets of all that is delivered by now."""
        self._producer.poll(0)
        self._source.commit(self._delivered(), wait=False)

    def finish(self) -> None:
        """Wait for all deliveries and commit."""
        deadline = time.monotonic() + FINISH_SECONDS
        while self._producer.flush(0.5) and time.monotonic() < deadline:
            pass
        offsets = self._delivered()
        if self._deliveries:
            raise TransactionFailed(f"{len(self._deliveries)} batches of outputs could not be delivered in time")
        self._source.commit(offsets, wait=True)

    def abort_and_rewind(self) -> None:
        """Give up what is on its way and read its events again; some of it may have arrived and will be doubled.

        Audit records have no event that would bring them back: those that may not have arrived are sent again.
        """
        self._producer.purge()
        self._producer.flush(RETRY_SECONDS)
        audit = [record for delivery in self._deliveries for record in delivery.audit]
        self._deliveries.clear()
        while True:
            try:
                self._source.rewind()
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
        """Never long: no call of this stream waits for a broker without a time-out that is heeded."""
        return 0.0

    def close(self) -> None:
        """Leave the group and free both clients."""
        self._producer.purge()
        self._source.close()

    def _expect(self, offsets: list[TopicPartition], audit: Sequence[bytes] = ()) -> Batched:
        delivery = Batched(offsets, audit)
        self._deliveries.append(delivery)
        return delivery

    def _delivered(self) -> list[TopicPartition]:
        """The offsets of the oldest batches, up to the first one that is still on its way."""
        offsets: dict[tuple[str, int], TopicPartition] = {}
        while self._deliveries and not self._deliveries[0].outstanding:
            if self._deliveries[0].error is not None:
                raise self._failure(self._deliveries[0].error)
            delivery = self._deliveries.popleft()
            offsets |= {(tp.topic, tp.partition): tp for tp in delivery.offsets}
        if not self._deliveries:
            offsets |= {(tp.topic, tp.partition): tp for tp in self._source.take()}
        return list(offsets.values())

    def _failure(self, error: KafkaError) -> TransactionFailed | StreamBroken:
        if error.fatal():
            return StreamBroken(f"the producer failed: {error.str()}")
        return TransactionFailed(f"an output was not delivered: {error.str()}")

    def _before_revoke(self) -> None:
        self.finish()
