"""Events, predictions and labels from Kafka: every partition, from its beginning, assigned by hand.

The monitor keeps what it joins in memory, so each start reads everything again; the offsets that it commits only show
how far it has come. Callbacks run inside ``poll`` and ``consume`` and must not raise, so they note what went wrong.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from monitor.settings import MonitorSettings
from scorer.batch import Batch
from scorer.errors import StreamBroken
from scorer.stream import batches, clients, verdicts

LOGGER = logging.getLogger(__name__)

Partition = tuple[str, int]
Ends = Mapping[Partition, int]

MESSAGES = 10_000
"""Most messages in one read."""

UNKNOWN = -1

COMMIT_SECONDS = 0.1
REQUEST_SECONDS = 2.0
DISCOVER_SECONDS = 30.0
LEAVE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Records:
    """What one read brought of each kind; ``None`` where there was none of it."""

    events: Batch | None
    predictions: Batch | None
    labels: Batch | None


class Stream:
    """Reads the topics of one model. For one thread."""

    def __init__(self, settings: MonitorSettings) -> None:
        topics = settings.topics
        self.event_topics = (topics.events, topics.retry)
        self._kinds = (self.event_topics, (topics.predictions,), (topics.labels,))
        self._topics = [topic for kind in self._kinds for topic in kind]
        self._next: dict[
            Partition, int
        ] = {}  # where each assigned partition goes on; UNKNOWN until its first record or end
        self._moved: set[Partition] = set()  # whose offsets are not committed yet
        self._committing = 0
        self._commit_at = self._discover_at = 0.0
        self._drained = False
        self._waiting: set[str] = set()  # kinds of trouble since the last record was read
        self._failure: KafkaError | None = None
        self._group = group = settings.monitor.group
        callbacks = {"error_cb": self._on_error, "on_commit": self._on_commit}
        self._consumer = Consumer(
            {
                "fetch.queue.backoff.ms": 10,
                "fetch.wait.max.ms": 100,  # an idle broker says so late that a partition has ended, else
                "queued.min.messages": 2 * MESSAGES,
                "queued.max.messages.kbytes": 32 << 10,
                **clients.common(settings, group),
                "group.id": group,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "auto.offset.reset": "error",
                **callbacks,
            }
        )

    def read(self, deadline: float) -> Records | None:
        """What has arrived: waits for the first record until ``deadline`` (monotonic seconds), no longer."""
        now = time.monotonic()
        if now >= self._discover_at:
            self._discover_at = now + (DISCOVER_SECONDS if self._discover() else 1.0)
        return self._sorted_out(self._messages(deadline))

    def _messages(self, deadline: float) -> Sequence[Message]:
        first = self._consumer.poll(max(0.0, deadline - time.monotonic()))
        messages = [] if first is None else [first, *self._consumer.consume(MESSAGES - 1, 0)]
        self._drained = len(messages) < MESSAGES
        if self._failure is not None:
            raise StreamBroken(f"{self._failure.name()}: {self._failure.str()}")
        return messages

    def _sorted_out(self, messages: Sequence[Message]) -> Records | None:
        """The records among these; what the client reports in place of others is acted upon."""
        if not any(map(Message.error, messages)):
            return self._records(messages) if messages else None
        records = [message for message in messages if message.error() is None]
        found = self._records(records) if records else None
        # After the records: the end of a partition lies behind those of it that were read along with the report.
        for message in messages:
            if (error := message.error()) is not None:
                self._heed(error, message)
        return found

    def _records(self, messages: Sequence[Message]) -> Records:
        if self._waiting:
            LOGGER.info("reading on")
            self._waiting.clear()
        by_topic: dict[str, list[Message]] = defaultdict(list)
        for message, topic in zip(messages, map(Message.topic, messages), strict=True):
            by_topic[str(topic)].append(message)
        return Records(*(self._batch([m for topic in kind for m in by_topic[topic]], kind) for kind in self._kinds))

    def _batch(self, messages: Sequence[Message], topics: tuple[str, ...]) -> Batch | None:
        if not messages:
            return None
        batch, _ = batches.build(messages, topics)
        places = zip([topics[number] for number in batch.topic.tolist()], batch.partition.tolist(), strict=True)
        last = dict(zip(places, batch.offset.tolist(), strict=True))  # offsets ascend: the last one wins
        for partition, offset in last.items():
            self._go_on(partition, offset + 1)
        return batch

    def _heed(self, error: KafkaError, message: Message) -> None:
        partition = (str(message.topic()), int(message.partition() or 0))
        if error.code() == KafkaError._PARTITION_EOF:
            # Offsets without records, such as the ends of transactions, are stepped over.
            self._go_on(partition, max(self._next.get(partition, UNKNOWN), int(message.offset() or 0)))
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:
            LOGGER.error("%s-%d: records were deleted before they were read: %s", *partition, error.str())
            self._consumer.incremental_unassign([TopicPartition(*partition)])
            self._consumer.incremental_assign([TopicPartition(*partition, OFFSET_BEGINNING)])
            self._next[partition] = UNKNOWN
            self._moved.discard(partition)
        elif verdicts.passing(error):
            self._wait(error.name(), f"{message.topic()}: {error.str()}")
        else:
            raise StreamBroken(f"{message.topic()}: {error.name()}: {error.str()}")

    def _go_on(self, partition: Partition, offset: int) -> None:
        if self._next.get(partition) != offset:
            self._next[partition] = offset
            self._moved.add(partition)

    # -- partitions ------------------------------------------------------------------------------------------------

    def _discover(self) -> bool:
        """Assign partitions that are not assigned yet. Returns whether every topic was found."""
        try:
            known = self._consumer.list_topics(timeout=REQUEST_SECONDS).topics
        except KafkaException as error:
            self._wait("brokers", f"no broker answers: {error.args[0].str()}; see kafka.bootstrap_servers")
            return False
        missing = [topic for topic in self._topics if topic not in known or known[topic].error is not None]
        if missing:
            self._wait("topics", f"there is no topic {', '.join(missing)}; make it: scorer topics create")
        found = {
            (topic, number) for topic in self._topics if topic not in missing for number in known[topic].partitions
        }
        new = sorted(found - self._next.keys())
        if new:
            self._consumer.incremental_assign([TopicPartition(*partition, OFFSET_BEGINNING) for partition in new])
            self._next |= dict.fromkeys(new, UNKNOWN)
            LOGGER.info("reading %s", ", ".join(f"{topic}-{number}" for topic, number in new))
        return not missing

    def ends(self) -> Ends | None:
        """The offsets behind the last record of every partition, as of the last fetch; ``None`` before the first one.

        Brokers are not asked: they would answer behind the fetches that wait there, one partition after the other.
        """
        ends = {
            partition: self._consumer.get_watermark_offsets(TopicPartition(*partition), cached=True)[1]
            for partition in self._next
        }
        return ends if all(end >= 0 for end in ends.values()) else None

    def reached(self, ends: Ends) -> bool:
        """Whether everything before these offsets has been read."""
        return all(self._next.get(partition, UNKNOWN) >= end for partition, end in ends.items())

    # -- offsets ---------------------------------------------------------------------------------------------------

    def commit(self) -> None:
        """Show how far reading has come: at once where all has been read, else every 100 ms."""
        now = time.monotonic()
        if self._moved and (self._drained or now >= self._commit_at):
            self._commit_at = now + COMMIT_SECONDS
            offsets = [TopicPartition(*partition, self._next[partition]) for partition in self._moved]
            self._moved.clear()
            self._committing += 1
            self._consumer.commit(offsets=offsets, asynchronous=True)

    def _on_commit(self, error: KafkaError | None, offsets: list[TopicPartition]) -> None:
        self._committing -= 1
        failed = [tp for tp in offsets if error or tp.error]
        self._moved |= {(tp.topic, tp.partition) for tp in failed}
        if failed:
            self._wait("commit", f"{failed[0].topic}-{failed[0].partition}: not committed: {error or failed[0].error}")

    def close(self) -> None:
        """Commit what is left, if that is quickly done, and leave."""
        self._drained = True
        self.commit()
        deadline = time.monotonic() + LEAVE_SECONDS
        while self._committing > 0 and time.monotonic() < deadline:
            self._consumer.poll(0.05)
        if self._committing > 0:
            # Closing would wait for an answer for minutes. The process ends without it.
            LOGGER.warning("leaving without an answer to the last commit: the offsets in group %s are old", self._group)
        else:
            self._consumer.close()

    # -- trouble ---------------------------------------------------------------------------------------------------

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            self._failure = error
        else:
            self._wait(error.name(), f"{error.name()}: {error.str()}")

    def _wait(self, kind: str, why: str) -> None:
        """Say why nothing comes; each kind of trouble once, until a record has been read again."""
        if kind not in self._waiting:
            LOGGER.warning("waiting: %s", why)
            self._waiting.add(kind)
