"""The producing half of a stream: predictions, dead letters and audit records, each to its topic and partition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat

import numpy as np
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from scorer.batch import Batch
from scorer.errors import ProducerLost, StreamBroken, StreamError, TransactionFailed
from scorer.scoring.score import DeadLetter, Scored
from scorer.stream import dead_letters
from scorer.stream.batches import Messages
from scorer.stream.dead_letters import Headers
from scorer.stream.topics import StreamTopics
from scorer.wire.placement import place

QUEUE_FULL_SECONDS = 0.05
TOO_LARGE = "too_large"


class Delivery:
    """Outputs on their way to the broker: how many are outstanding, and the first error of any of them."""

    def __init__(self) -> None:
        self.outstanding = 0
        self.error: KafkaError | None = None

    def __call__(self, error: KafkaError | None, _message: Message) -> None:
        """The delivery report of one output; runs inside ``poll``, so it must not raise."""
        self.outstanding -= 1
        self.error = self.error or error


class Sink:
    """Hands records to a producer. ``stopping`` is asked while its queue is full.

    Partitions: the input's number where both topics have equally many, else by the key, else the input's number
    modulo the count, so that the order within an input partition is kept wherever it can be.
    """

    def __init__(self, topics: StreamTopics, instance: str, stopping: Callable[[], bool]) -> None:
        self._topics = topics
        self._inputs = (topics.events.partitions, topics.retry.partitions)
        self._instance = instance
        self._stopping = stopping

    def write(
        self, producer: Producer, batch: Batch, scored: Scored, delivery: Delivery | None = None
    ) -> Sequence[DeadLetter]:
        """All outputs of a batch; returns those dead letters among them whose predictions their topic would not take.

        Raises what the loop can act on; some of the outputs may have been handed over by then.
        """
        owner = batch.owner
        if not isinstance(owner, Messages):
            raise TypeError(f"a batch of {type(owner).__name__} cannot be written by this sink")
        oversized = self._write_predictions(producer, batch, scored, owner.messages, delivery)
        letters = [*scored.dead_letters, *oversized]
        if letters:
            partitions = place(batch, self._inputs, self._topics.dead_letters.partitions)
            for letter in letters:
                message = owner.messages[letter.row]
                key, value, headers = dead_letters.make(
                    letter, message, self._instance, scored, limit=self._topics.dead_letters.max_bytes
                )
                partition = int(partitions[letter.row])
                self._produce(producer, delivery, self._topics.dead_letters.name, value, key, partition, headers)
        return oversized

    def audit(self, producer: Producer, records: Sequence[bytes], delivery: Delivery | None = None) -> None:
        """Audit records, in their order, to one partition."""
        for record in records:
            self._produce(producer, delivery, self._topics.audit.name, record, None, 0, None)

    def _write_predictions(
        self,
        producer: Producer,
        batch: Batch,
        scored: Scored,
        messages: Sequence[Message],
        delivery: Delivery | None,
    ) -> list[DeadLetter]:
        """Hand over the predictions; return as dead letters those that their topic would not take."""
        topic, rows, ends = self._topics.predictions, scored.rows, scored.start + scored.length
        data = scored.buffer[: ends.max(initial=0)].tobytes()
        values = [data[a:b] for a, b in zip(scored.start.tolist(), ends.tolist(), strict=True)]
        numbers = rows.tolist()
        taken = [messages[row] for row in numbers]
        keys = list(map(Message.key, taken))
        partitions = place(batch, self._inputs, topic.partitions)[rows].tolist()
        carried = map(Message.headers, taken) if batch.has_headers.any() else repeat(None)
        # Most records are so far below the limit that adding up key and value of the whole batch at once tells.
        large = (scored.length + np.maximum(batch.key_length[rows], 0) > topic.max_bytes // 2).tolist()
        oversized, produce = [], producer.produce
        for row, value, key, partition, headers, weigh in zip(
            numbers, values, keys, partitions, carried, large, strict=False
        ):
            if headers or weigh:
                size = dead_letters.size(key, value, dead_letters.listed(headers))
                if size > topic.max_bytes:
                    text = f"the prediction would have {size} bytes, but {topic.name} takes {topic.max_bytes}"
                    oversized.append(DeadLetter(row, TOO_LARGE, None, None, text))
                    continue
            try:
                # All by position: one keyword would double what the call costs.
                produce(topic.name, value, key, partition, delivery, None, 0, headers)
            except (BufferError, KafkaException) as error:
                self._insist(producer, error, delivery, topic.name, value, key, partition, headers)
        if delivery is not None:
            delivery.outstanding += len(numbers) - len(oversized)
        return oversized

    def _produce(
        self,
        producer: Producer,
        delivery: Delivery | None,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        partition: int,
        headers: Headers | None,
    ) -> None:
        try:
            producer.produce(topic, value, key, partition, delivery, headers=headers)
        except (BufferError, KafkaException) as error:
            self._insist(producer, error, delivery, topic, value, key, partition, headers)
        if delivery is not None:
            delivery.outstanding += 1

    def _insist(
        self,
        producer: Producer,
        error: BufferError | KafkaException,
        delivery: Delivery | None,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        partition: int,
        headers: Headers | None,
    ) -> None:
        """Wait for room in the producer's queue, which is the back-pressure; give up on anything else."""
        while isinstance(error, BufferError):
            if self._stopping():
                raise TransactionFailed("stopped while the producer's queue was full") from error
            producer.poll(QUEUE_FULL_SECONDS)
            try:
                producer.produce(topic, value, key, partition, delivery, headers=headers)
            except (BufferError, KafkaException) as again:
                error = again
            else:
                return
        raise _refused(topic, error) from error


def _refused(topic: str, error: KafkaException) -> StreamError:
    """What it means that the client would not take a record."""
    cause: KafkaError = error.args[0]
    if cause.code() == KafkaError._FATAL or cause.fatal():
        return ProducerLost(f"{topic}: {cause.str()}")
    if cause.code() == KafkaError._STATE:
        return TransactionFailed(f"{topic}: the transaction has failed: {cause.str()}")
    return StreamBroken(f"{topic}: {cause.name()}: {cause.str()}")
