"""The consuming half of a stream: membership, batches, positions, rewinding."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from scorer.batch import Batch
from scorer.errors import OffsetsLost, StreamBroken, StreamError, TransactionFailed
from scorer.settings import Settings
from scorer.stream import batches, clients, verdicts
from scorer.stream.assignment import Assignment, eager
from scorer.stream.incidents import Incidents
from scorer.stream.offsets import Offsets, Partition
from scorer.stream.seam import Position, StreamEvent
from scorer.stream.topics import StreamTopics

LOGGER = logging.getLogger(__name__)

T = TypeVar("T")

# What the client reports of a partition's offsets; it means nothing once the partition belongs to somebody else.
ABOUT_POSITIONS = {KafkaError._PARTITION_EOF, KafkaError._AUTO_OFFSET_RESET}

REQUEST_SECONDS = 5.0
PLACE_SECONDS = 10.0
_ALL = 1_000_000

_ABSENT = KafkaError(KafkaError._NO_OFFSET).str()


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
        self._placed: set[Partition] = set()  # for which there was no offset, and which were told where to start
        self._place_by, self._patience = math.inf, PLACE_SECONDS
        self._joined = False
        self._counted = False  # whether the topics still had as many partitions after the latest assignment
        self.drained = True
        callbacks = {"error_cb": self._on_error, "on_commit": self._on_commit}
        self._consumer = Consumer({**clients.consumer(settings, slot), **callbacks})
        self._assignment = Assignment(self._consumer, eager=eager(self._settings))
        self._consumer.subscribe(
            [topics.events.name], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    # -- reading ---------------------------------------------------------------------------------------------------

    def read(self, deadline: float) -> Batch | None:
        """The next events: waits for the first until ``deadline`` (monotonic), then takes what is there."""
        if self._joined and not self._counted:
            self._count()
        if time.monotonic() > self._place_by:
            self._check_placed()
        first = self._consumer.poll(max(0.0, deadline - time.monotonic()))
        self._incidents.raise_deferred()
        if first is None:
            self.drained = True
            return None
        asked = self._size
        messages = [first, *self._consumer.consume(asked - 1, 0)] if asked > 1 else [first]
        self._incidents.raise_deferred()
        self.drained = len(messages) < asked
        if any(map(Message.error, messages)):
            messages = self._heed_errors(messages)
        # A partition that was revoked during this very read belongs to somebody else now.
        if not self.offsets.assigned.issuperset(
            zip(map(Message.topic, messages), map(Message.partition, messages), strict=True)
        ):
            messages = [m for m in messages if (m.topic(), m.partition()) in self.offsets.assigned]
        return self._batch(messages) if messages else None

    def _check_placed(self) -> None:
        """Every partition tells of an event or of its end soon, but the client may wait for ever for where to begin.

        It does so after an answer that it does not heed (librdkafka issue 5586), which asking anew mends, and while a
        transaction has offsets pending in the group, which asking tells. Rarer and rarer, for a leader may be away.
        """
        unplaced, waited = self.offsets.unplaced(), self._patience
        self._place_by, self._patience = math.inf, 2 * waited
        if unplaced:
            names = ", ".join(f"{topic}-{number}" for topic, number in unplaced)
            raise TransactionFailed(f"after {waited:.0f} s it is still not known where to begin in {names}")

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
        events, targets = [], []
        for message in messages:
            error = message.error()
            partition = (str(message.topic()), int(message.partition() or 0))
            if error is None:
                events.append(message)
            elif error.code() in ABOUT_POSITIONS and partition not in self.offsets.assigned:
                continue  # revoked during this very read: if it comes back, it goes on where others have committed
            elif error.code() == KafkaError._PARTITION_EOF:
                self.offsets.reached(partition, int(message.offset() or 0))
            elif _ABSENT in error.str() and partition in self._placed:
                continue  # told twice; heeding it would read again what has come from there meanwhile
            elif error.code() == KafkaError._AUTO_OFFSET_RESET:
                targets.append(self._reset(*partition, error))
            else:
                self._raise_for(error, message)
        if targets:
            read = {(str(m.topic()), int(m.partition() or 0)): int(m.offset() or 0) + 1 for m in events}
            self._assignment.go_to(targets, self.offsets.following() | read)
        return events

    def _reset(self, topic: str, partition: int, error: KafkaError) -> TopicPartition:
        """Where to start: there is no offset to go on from, because this group never committed one, or it is gone."""
        [committed] = self._ask_committed([TopicPartition(topic, partition)])
        self._placed.add((topic, partition))
        if committed.offset >= 0 and _ABSENT in error.str():
            # Who had the partition before has committed since the client looked for an offset, and found none.
            self.offsets.forget([(topic, partition)])
            return committed
        policy = self._settings.start if committed.offset < 0 else self._settings.on_lost_offsets
        if policy == "stop":
            raise OffsetsLost(
                f"{topic}-{partition}: offset {committed.offset} is committed, but the topic does not hold it "
                f"({error.str()}): events were deleted before they were scored, or the topic was made anew. Set "
                "scorer.on_lost_offsets to earliest or latest for one start to go on without them"
            )
        self.offsets.forget([(topic, partition)])
        target = OFFSET_BEGINNING if policy == "earliest" else OFFSET_END
        if policy == "latest":
            # Committed with the next transaction, so that a restart does not skip what arrives from now on.
            _, target = self._ask(
                lambda: self._consumer.get_watermark_offsets(
                    TopicPartition(topic, partition), REQUEST_SECONDS, cached=False
                )
            )
            self.offsets.move((topic, partition), target)
        self._incidents.note(
            "reset", f"starting at the {policy} offset, because {_cause(committed.offset)}:", [(topic, partition)]
        )
        return TopicPartition(topic, partition, target)

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
            self._ask(lambda: self._consumer.commit(offsets=offsets, asynchronous=True))
            return
        for outcome in self._ask(lambda: self._consumer.commit(offsets=offsets, asynchronous=False)):
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
        self.offsets.rewind()
        self._placed.clear()
        self._place_by = time.monotonic() + self._patience
        partitions = [TopicPartition(topic, partition) for topic, partition in self.offsets.assigned]
        if not partitions:
            return
        committed = self._ask_committed(partitions)
        # Where nothing is committed, -1001 lets the client look again, find nothing, and follow scorer.start.
        self._assignment.go_to([TopicPartition(tp.topic, tp.partition, tp.offset) for tp in committed], {})

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
        self._placed.difference_update(_names(partitions))
        self._place_by, self._patience = time.monotonic() + PLACE_SECONDS, PLACE_SECONDS
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

    def _ask_committed(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """The committed offsets, negative where there are none. What nobody can tell is not taken for none."""
        try:
            answers = self._consumer.committed(partitions, REQUEST_SECONDS)
        except KafkaException as error:
            raise self._unanswered(error) from error
        for tp in answers:
            if tp.error is not None:
                raise TransactionFailed(f"{tp.topic}-{tp.partition}: its committed offset is unknown: {tp.error.str()}")
        return answers

    def _unanswered(self, error: KafkaException) -> TransactionFailed:
        """Nobody is told offsets while a transaction has some pending; whether it is that, and not a silent broker."""
        if error.args[0].code() == KafkaError._TIMED_OUT:
            try:
                self._consumer.list_topics(self._topics[0], REQUEST_SECONDS)
            except KafkaException:
                return _silence(error)
            return TransactionFailed(
                f"the broker does not tell what group {self._settings.group} has committed: most likely a transaction "
                "that does not end has offsets pending there; if that lasts, see Hanging transactions in "
                "docs/operations.md"
            )
        return _silence(error)

    def _ask(self, question: Callable[[], T]) -> T:
        try:
            return question()
        except KafkaException as error:
            raise _silence(error) from error

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


def _silence(error: KafkaException) -> TransactionFailed:
    return TransactionFailed(f"the broker did not answer: {error.args[0]}")


def _cause(committed: int) -> str:
    return "this group has never committed any" if committed < 0 else "the events at the committed one are gone"


def _with_offsets(offsets: Mapping[Partition, int]) -> list[TopicPartition]:
    return [TopicPartition(topic, number, offset) for (topic, number), offset in offsets.items()]


def _names(partitions: Iterable[TopicPartition]) -> list[Partition]:
    return [(tp.topic, tp.partition) for tp in partitions]
