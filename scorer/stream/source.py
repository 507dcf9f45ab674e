"""The consuming half of a stream: membership, batches, positions, rewinding."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from scorer.batch import Batch
from scorer.errors import StreamBroken, StreamError, TransactionFailed
from scorer.settings import Settings
from scorer.stream import batches, clients, verdicts
from scorer.stream.assignment import Assignment, eager
from scorer.stream.incidents import Incidents
from scorer.stream.offsets import Offsets, Partition
from scorer.stream.placing import REQUEST_SECONDS, Placing, ask
from scorer.stream.seam import Position, StreamEvent
from scorer.stream.topics import StreamTopics

T = TypeVar("T")

# What the client reports of a partition's offsets; it means nothing once the partition belongs to somebody else.
ABOUT_POSITIONS = {KafkaError._PARTITION_EOF, KafkaError._AUTO_OFFSET_RESET}

_ALL = 1_000_000


class Source:
    """A consumer in its group. ``before_revoke`` is called while revoked partitions are still ours.

    The group shares out the partitions of the events alone; those of the retry topic follow them. The assignor knows
    no topics: of both, it might give one worker all events, and another the retry topic, where next to nothing
    happens.
    """

    def __init__(self, settings: Settings, slot: int, topics: StreamTopics, before_revoke: Callable[[], None]) -> None:
        self._settings = settings.scorer
        self._topics = (topics.events.name, topics.retry.name)
        self._counts = (topics.events.partitions, topics.retry.partitions)
        events, retries = topics.events.partitions, range(topics.retry.partitions)
        self._followers = {number: [retry for retry in retries if retry % events == number] for number in range(events)}
        self._before_revoke = before_revoke
        self.offsets = Offsets()
        self._incidents = Incidents()
        self._size = 100  # events a read asks for; follows the events' size, so that a batch stays near batch_bytes
        self._troubled = -math.inf  # when a broker was last missed (monotonic)
        self._joined = False
        self._counted = False  # whether the topics still had as many partitions after the latest assignment
        self.drained = True
        callbacks = {"error_cb": self._on_error, "on_commit": self._on_commit}
        self._consumer = Consumer({**clients.consumer(settings, slot), **callbacks})
        self._assignment = Assignment(self._consumer, eager=eager(self._settings))
        self._placing = Placing(self._consumer, self._settings, self.offsets, self._assignment, self._incidents)
        self._consumer.subscribe(
            [topics.events.name], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    # -- reading ---------------------------------------------------------------------------------------------------

    def read(self, deadline: float) -> Batch | None:
        """The next events: waits for the first until ``deadline`` (monotonic), then takes what is there."""
        if self._joined and not self._counted:
            self._count()
        self._placing.check()
        first = self._consumer.poll(max(0.0, deadline - time.monotonic()))
        self._raise_deferred([] if first is None else [first])
        if first is None:
            self.drained = True
            return None
        asked = self._size
        messages = [first, *self._consumer.consume(asked - 1, 0)] if asked > 1 else [first]
        self._raise_deferred(messages)
        self.drained = len(messages) < asked
        if any(map(Message.error, messages)):
            messages = self._heed_errors(messages)
        # A partition that was revoked during this very read belongs to somebody else now.
        if not self.offsets.assigned.issuperset(
            zip(map(Message.topic, messages), map(Message.partition, messages), strict=True)
        ):
            messages = [m for m in messages if (m.topic(), m.partition()) in self.offsets.assigned]
        return self._batch(messages) if messages else None

    def _raise_deferred(self, messages: Iterable[Message]) -> None:
        """Raise what callbacks deferred; ``messages`` are dropped then, and their events are read again.

        But a client tells of its end once only: one that was fenced while its partitions were taken away would read
        nothing for ever, and say nothing.
        """
        if self._incidents.deferred:
            for error in filter(None, map(Message.error, messages)):
                if verdicts.beyond_repair(error):
                    self._incidents.defer(self._final(error))
        self._incidents.raise_deferred()

    def _count(self) -> None:
        """With more partitions than at the start, members would not agree on who reads which of the retry topic.

        More partitions of the events always come with an assignment, to every member.
        """
        for name, known in zip(self._topics, self._counts, strict=True):
            try:
                present = len(self._consumer.list_topics(name, REQUEST_SECONDS).topics[name].partitions)
            except KafkaException as error:
                return self._incidents.note(
                    "waiting", f"{name}: how many partitions it has is unknown: {error.args[0].str()}"
                )
            if present > known:
                raise StreamBroken(
                    f"{name} has {present} partitions now, and had {known}: starting anew with all of them"
                )
        self._counted = True
        return None

    def _batch(self, messages: Sequence[Message]) -> Batch:
        batch, size = batches.build(messages, self._topics)
        mean = max(1, size // len(batch))
        self._size = max(1, min(self._settings.batch_events, self._settings.batch_bytes // mean))
        return batch

    def _heed_errors(self, messages: Iterable[Message]) -> list[Message]:
        """Act on what the client reports in place of events; return the events."""
        events: list[Message] = []
        resets: dict[Partition, KafkaError] = {}
        for message in messages:
            error = message.error()
            partition = (str(message.topic()), int(message.partition() or 0))
            if error is None:
                events.append(message)
            elif error.code() in ABOUT_POSITIONS and partition not in self.offsets.assigned:
                continue  # revoked during this very read: if it comes back, it goes on where others have committed
            elif error.code() == KafkaError._PARTITION_EOF:
                self.offsets.reached(partition, int(message.offset() or 0))
            elif error.code() == KafkaError._AUTO_OFFSET_RESET:
                resets[partition] = error
            else:
                self._raise_for(error, message)
        if resets:
            read = {(str(m.topic()), int(m.partition() or 0)): int(m.offset() or 0) + 1 for m in events}
            self._placing.reset(resets, read)
        return events

    def _raise_for(self, error: KafkaError, message: Message) -> None:
        where = f"{message.topic()}-{message.partition()}" if message.topic() else "consumer"
        if verdicts.beyond_repair(error):
            raise self._final(error)
        if verdicts.passing(error):
            self._troubled = time.monotonic()
            self._incidents.note("waiting", f"{where}: {error.str()}")
            return
        raise StreamBroken(f"{where}: {error.name()}: {error.str()}")

    def _final(self, error: KafkaError) -> StreamError:
        return verdicts.final(error, time.monotonic() - self._troubled)

    # -- positions -------------------------------------------------------------------------------------------------

    def to_commit(self) -> list[TopicPartition]:
        """What has moved since the last commit."""
        return _with_offsets(self.offsets.moved())

    def take(self) -> list[TopicPartition]:
        """``to_commit``, which the caller promises to commit later."""
        return _with_offsets(self.offsets.take())

    def commit(self, offsets: list[TopicPartition], *, wait: bool) -> None:
        """Commit offsets outside of any transaction."""
        if not offsets:
            return
        if not wait:
            ask(lambda: self._consumer.commit(offsets=offsets, asynchronous=True))
            return
        for outcome in ask(lambda: self._consumer.commit(offsets=offsets, asynchronous=False)):
            if outcome.error is not None:
                raise TransactionFailed(f"{outcome.topic}-{outcome.partition}: not committed: {outcome.error}")
            self.offsets.commit_taken((outcome.topic, outcome.partition), outcome.offset)

    def _on_commit(self, error: KafkaError | None, offsets: list[TopicPartition]) -> None:
        """An asynchronous commit has ended; what failed is tried again with the next one, unless overtaken."""
        for tp in offsets:
            partition = (tp.topic, tp.partition)
            if not (error or tp.error):
                self.offsets.commit_taken(partition, tp.offset)
            elif self.offsets.give_back(partition, tp.offset):
                self._incidents.note("waiting", f"{tp.topic}-{tp.partition}: not committed: {error or tp.error}")

    def rewind(self) -> None:
        """Go back to the committed offsets; where there are none, to the start."""
        self._placing.rewind()

    def positions(self) -> Sequence[Position]:
        """Where the assigned partitions stand. What is read and aborted again and again is no progress."""
        return [Position(topic, number, offset) for (topic, number), offset in self.offsets.committed().items()]

    # -- membership ------------------------------------------------------------------------------------------------

    @property
    def joined(self) -> bool:
        """Whether the group has given this member its partitions, which may be none.

        The newer protocol says nothing of an empty assignment; there, being a member must do.
        """
        return self._joined or (self._settings.protocol == "consumer" and bool(self._consumer.memberid()))

    def group_metadata(self) -> object:
        """What a transaction needs to know of the group."""
        return self._consumer.consumer_group_metadata()

    def _with_retries(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        retries = [number for tp in partitions for number in self._followers.get(tp.partition, ())]
        return [*partitions, *(TopicPartition(self._topics[1], number) for number in retries)]

    def _on_assign(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        partitions = self._with_retries(partitions)
        self._incidents.guard(lambda: self._assignment.take(partitions))
        self._joined, self._counted = True, False
        self.offsets.gain(_names(partitions))
        self._placing.gained(_names(partitions))
        self._incidents.note("assigned", "partitions assigned", _names(partitions))

    def _on_revoke(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        partitions = self._with_retries(partitions)
        self._incidents.guard(self._before_revoke)
        self.offsets.drop(_names(partitions))
        self._incidents.guard(lambda: self._assignment.release(partitions))
        self._incidents.note("revoked", "partitions revoked", _names(partitions))

    def _on_lost(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        partitions = self._with_retries(partitions)
        if self.offsets.drop(_names(partitions)):
            self._incidents.defer(
                TransactionFailed("partitions were lost before their events were committed; others score them")
            )
        self._joined = False
        self._incidents.guard(lambda: self._assignment.release(partitions))
        self._incidents.note("lost", "partitions lost: this worker was silent for too long", _names(partitions))

    def _on_error(self, error: KafkaError) -> None:
        if verdicts.beyond_repair(error):
            self._incidents.defer(self._final(error))
        else:
            self._troubled = time.monotonic()
            self._incidents.note("waiting", f"{error.name()}: {error.str()}")

    def events(self) -> list[StreamEvent]:
        """What has happened since this was last asked."""
        return self._incidents.events()

    def close(self) -> None:
        """Leave the group (a static member stays in it until its session ends) and free the client."""
        self._before_revoke = lambda: None
        # Partitions that were lost and not told of yet are given back now: closing tells of them after the client has
        # left the group, and giving them back then may never return.
        self._consumer.consume(_ALL, 0)
        self._consumer.close()


def _with_offsets(offsets: Mapping[Partition, int]) -> list[TopicPartition]:
    return [TopicPartition(topic, number, offset) for (topic, number), offset in offsets.items()]


def _names(partitions: Iterable[TopicPartition]) -> list[Partition]:
    return [(tp.topic, tp.partition) for tp in partitions]
