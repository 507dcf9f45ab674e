"""What the monitor reads from Kafka: all partitions of its topics, assigned by hand at the offsets of the state.

No group shares out partitions, so no rebalance comes between a read and its commit in the state; the offsets that are
committed to the consumer group only show how far the state has come. Callbacks run inside ``poll`` and ``consume`` and
must not raise, so they note what went wrong.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from monitor.headers import letter, revisions
from monitor.mirror import Mirror
from monitor.partitions import Partitions
from monitor.records import Partition, Records
from monitor.rows import DEAD_LETTERS, LABELS, TOPICS
from monitor.settings import MonitorSettings
from scorer.batch import Batch
from scorer.errors import StreamBroken
from scorer.stream import batches, clients, verdicts

LOGGER = logging.getLogger(__name__)

MESSAGES = 10_000
"""Most messages in one read."""

UNKNOWN = -1

DISCOVER_SECONDS = 30.0
AGAIN_SECONDS = 1.0
PLACE_SECONDS = 10.0


@dataclass(slots=True)
class _Place:
    """Where a partition that is assigned goes on; ``told`` once it has told of a record or of its end, else it is
    placed anew at ``due``, with ever more patience."""

    next_offset: int
    due: float
    patience: float = PLACE_SECONDS
    told: bool = False
    ended: bool = False


class Stream:
    """Reads the topics of one model. For one thread."""

    def __init__(
        self, settings: MonitorSettings, offsets: Mapping[Partition, int], ids: Mapping[str, str] | None = None
    ) -> None:
        """Goes on at ``offsets``; partitions that are not among them begin where their topic does, and so do those of a
        topic whose id is another than in ``ids``.

        Raises SettingsError where the client takes no such properties.
        """
        self._names = {topic: str(getattr(settings.topics, topic)) for topic in TOPICS}
        self._topics = {name: topic for topic, name in self._names.items()}
        self._offsets = dict(offsets)
        self._places: dict[Partition, _Place] = {}
        self._adrift: set[Partition] = set()  # whose next record is not there
        self._gone: frozenset[Partition] = frozenset()  # which the state knows and the broker does not
        self._doubtful = True  # whether the brokers may know more than they could tell
        self._discover_at = 0.0
        self._waiting: dict[str, str] = {}  # kinds of trouble since the last record was read, and what is said of each
        self._failure: KafkaError | None = None
        self._partitions = Partitions(settings, self._names, ids or {}, self._wait)
        group = settings.monitor.group
        self._mirror = Mirror(group)
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
                "error_cb": self._on_error,
                "on_commit": self._mirror.answered,
            }
        )

    def read(self, deadline: float) -> Records:
        """What has arrived: waits for the first record until ``deadline`` (monotonic seconds), no longer.

        Raises StreamBroken for what waiting cannot mend.
        """
        lost, found = self._discover(time.monotonic())
        messages = [] if lost or found else self._messages(deadline)
        if not any(map(Message.error, messages)):
            return replace(self._batches(messages), lost=lost, found=found)
        read = self._batches([message for message in messages if message.error() is None])
        passed = {}
        # After the records: the end of a partition lies behind those of it that were read along with the report.
        for message in messages:
            error = message.error()
            if error is not None and (partition := self._heed(error, message)) is not None:
                passed[partition] = self._places[partition].next_offset
        return replace(read, lost=lost, found=found, passed=passed)

    def _messages(self, deadline: float) -> Sequence[Message]:
        first = self._consumer.poll(max(0.0, deadline - time.monotonic()))
        messages = [] if first is None else [first, *self._consumer.consume(MESSAGES - 1, 0)]
        if self._failure is not None:
            raise StreamBroken(f"{self._failure.name()}: {self._failure.str()}")
        return messages

    def _batches(self, messages: Sequence[Message]) -> Records:
        if not messages:
            return Records()
        if self._waiting:
            LOGGER.info("reading on")
            self._waiting.clear()
        by_name: dict[str, list[Message]] = defaultdict(list)
        for message, name in zip(messages, map(Message.topic, messages), strict=True):
            by_name[str(name)].append(message)
        found: dict[str, Batch] = {}
        for name, ours in by_name.items():
            batch, _ = batches.build(ours, (name,))
            found[self._topics[name]] = batch
            # Offsets ascend, so the last one of a partition stays.
            for number, offset in dict(zip(batch.partition.tolist(), batch.offset.tolist(), strict=True)).items():
                place = self._places[self._topics[name], number]
                place.next_offset, place.told, place.ended = offset + 1, True, False
        letters = list(map(letter, by_name.get(self._names[DEAD_LETTERS], ())))
        retracted = revisions(by_name[self._names[LABELS]], found[LABELS]) if LABELS in found else {}
        return Records(batches=found, letters=letters, revisions=retracted)

    def _heed(self, error: KafkaError, message: Message) -> Partition | None:
        """Act upon what the client reports in place of a record. Returns a partition that has been read to its end."""
        name, number = str(message.topic()), int(message.partition() or 0)
        partition = (self._topics.get(name, name), number)
        if error.code() == KafkaError._PARTITION_EOF:
            place, end = self._places[partition], int(message.offset() or 0)
            place.told, place.ended = True, end >= place.next_offset
            # Offsets without records, such as the ends of transactions, are stepped over.
            place.next_offset = max(place.next_offset, end)
            return partition
        if error.code() == KafkaError._AUTO_OFFSET_RESET:
            LOGGER.error(
                "%s-%d: what comes at offset %d is not there: it was deleted before it was read, or the topic was made "
                "anew: %s", name, number, self._places[partition].next_offset, error.str(),
            )  # fmt: skip
            self._consumer.incremental_unassign([TopicPartition(name, number)])
            self._offsets[partition] = self._places.pop(partition).next_offset
            self._adrift.add(partition)
            self._discover_at = 0.0
        elif verdicts.passing(error):
            self._doubt(error.name(), f"{name}: {error.str()}")
        else:
            raise StreamBroken(f"{name}: {error.name()}: {error.str()}")
        return None

    # -- partitions ------------------------------------------------------------------------------------------------

    @property
    def ended(self) -> frozenset[Partition]:
        """The partitions that have been read to their end. None while brokers are away, for they may hold more."""
        if self._doubtful:
            return frozenset()
        return self._gone | frozenset(partition for partition, place in self._places.items() if place.ended)

    @property
    def ids(self) -> dict[str, str]:
        """By which ids the topics are known to whose records the offsets belong; kept with them, they tell the next
        start of a topic that was made anew."""
        adrift = {topic for topic, _ in self._adrift - self._gone}
        return {topic: one for topic, one in self._partitions.ids.items() if topic not in adrift}

    @property
    def caught_up(self) -> bool:
        """Whether everything that is there has been read."""
        return bool(self._places) and self._places.keys() <= self.ended

    @property
    def problem(self) -> str:
        """What is waited for; empty while records or ends of partitions come."""
        return "; ".join(self._waiting.values()) if self._doubtful else ""

    @property
    def lag(self) -> dict[Partition, int]:
        """How many offsets are still to be read in each partition, as of the last fetch; without those of which nothing
        is known yet."""
        found = {}
        for partition, place in self._places.items():
            _, end = self._consumer.get_watermark_offsets(self._at(partition), cached=True)
            if end >= 0:
                found[partition] = max(0, end - place.next_offset)
        return found

    def _discover(self, now: float) -> tuple[dict[Partition, int], dict[Partition, int]]:
        """Assign the partitions that are not assigned yet: those that lost their place, and those that are new."""
        if now < self._discover_at:
            return {}, {}
        self._discover_at = now + AGAIN_SECONDS
        told = self._partitions.ask(self._consumer, self._offsets)
        if told is None:
            return {}, {}
        self._gone = told.gone
        for topic in told.anew:
            self._begin_anew(topic)
        unplaced = sorted(told.led - self._places.keys())
        new = [partition for partition in unplaced if partition not in self._offsets or partition in self._adrift]
        begins = self._partitions.beginnings(new) if new else {}
        self._place([partition for partition in unplaced if partition not in new or partition in begins], begins, now)
        self._place_anew(now)
        if told.whole and len(begins) == len(new):
            self._doubtful = False
            self._discover_at = now + DISCOVER_SECONDS
        lost = {partition: begins[partition] for partition in new if partition in self._adrift and partition in begins}
        self._adrift -= lost.keys()
        return lost, {partition: offset for partition, offset in begins.items() if partition not in lost}

    def _begin_anew(self, topic: str) -> None:
        """Read what there is of a topic from its beginning: the offsets that are known are of one that is no more."""
        LOGGER.error("%s was deleted and made anew: it is read from its beginning", self._names[topic])
        ours = [partition for partition in self._offsets if partition[0] == topic]
        placed = [partition for partition in ours if partition in self._places]
        self._consumer.incremental_unassign([self._at(partition) for partition in placed])
        for partition in placed:
            self._offsets[partition] = self._places.pop(partition).next_offset
        self._adrift.update(ours)

    def _place(self, partitions: Sequence[Partition], begins: Mapping[Partition, int], now: float) -> None:
        """Begin to read partitions where they begin, else where the state is."""
        if not partitions:
            return
        self._offsets.update(begins)
        for partition in partitions:
            self._places[partition] = _Place(self._offsets[partition], now + PLACE_SECONDS)
        self._consumer.incremental_assign([self._at(place, self._offsets[place]) for place in partitions])
        LOGGER.info("reading %s", ", ".join(f"{self._names[topic]}-{number}" for topic, number in partitions))

    def _place_anew(self, now: float) -> None:
        """Ask again for partitions that tell nothing: librdkafka waits for ever after some answers (its issue 5586)."""
        for partition, place in self._places.items():
            if not place.told and now >= place.due:
                place.patience *= 2.0
                place.due = now + place.patience
                self._consumer.incremental_unassign([self._at(partition)])
                self._consumer.incremental_assign([self._at(partition, place.next_offset)])

    def _at(self, partition: Partition, offset: int = UNKNOWN) -> TopicPartition:
        name = self._names[partition[0]]
        return TopicPartition(name, partition[1]) if offset == UNKNOWN else TopicPartition(name, partition[1], offset)

    # -- offsets ---------------------------------------------------------------------------------------------------

    def mirror(self, offsets: Mapping[Partition, int]) -> None:
        """Show in the consumer group how far the state has come: now and then, and without waiting."""
        self._mirror.show(self._consumer, self._named(offsets))

    def close(self, offsets: Mapping[Partition, int]) -> None:
        """Show the last offsets, if that is quickly done, and leave."""
        if self._mirror.finish(self._consumer, self._named(offsets)):
            self._consumer.close()
        else:
            # Closing would wait for an answer for minutes. The process ends without it.
            LOGGER.warning("leaving without an answer to the last commit: the offsets in the group are old")

    def _named(self, offsets: Mapping[Partition, int]) -> dict[tuple[str, int], int]:
        """The offsets of partitions that are read, by the topics' names in Kafka."""
        return {(self._names[place[0]], place[1]): offset for place, offset in offsets.items() if place in self._places}

    # -- trouble ---------------------------------------------------------------------------------------------------

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            self._failure = error
        else:
            self._doubt(error.name(), f"{error.name()}: {error.str()}")

    def _doubt(self, kind: str, why: str) -> None:
        """Brokers may be away: no end counts until they have been asked again, which is soon."""
        self._doubtful = True
        self._discover_at = min(self._discover_at, time.monotonic() + AGAIN_SECONDS)
        self._wait(kind, why)

    def _wait(self, kind: str, why: str) -> None:
        """Say why nothing comes; each kind of trouble once, until a record has been read again."""
        if kind not in self._waiting:
            LOGGER.warning("waiting: %s", why)
        self._waiting[kind] = why
