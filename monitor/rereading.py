"""What the monitor read once, read again: each partition up to offsets that were recorded."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from monitor.headers import letter, revisions
from monitor.records import Partition, Records
from monitor.rows import DEAD_LETTERS, LABELS, TOPICS
from monitor.settings import MonitorSettings
from scorer.batch import Batch
from scorer.errors import StreamBroken
from scorer.stream import batches, clients
from scorer.stream.asking import PASSING, Heard, asking, patiently

LOGGER = logging.getLogger(__name__)

MESSAGES = 10_000
"""Most records in one batch of one topic."""

AHEAD = 2_000
"""A partition that has brought so many records beyond what is asked for brings no more meanwhile."""

REQUEST_SECONDS = 10.0
SILENCE_SECONDS = 60.0
"""For so long a partition may bring nothing that is known to be there."""

WINDOW_BYTES = 32 << 20


class _Place:
    """A partition: ``ahead`` was fetched and not handed over, and ``fetched`` is the offset behind it."""

    def __init__(self, fetched: int) -> None:
        self.ahead: deque[Message] = deque()
        self.fetched = fetched
        self.paused = False


class Rereading:
    """Reads partitions again, from where they begin or from a later offset. A context manager, for one thread."""

    def __init__(self, settings: MonitorSettings) -> None:
        """Raises SettingsError where the client takes no such properties."""
        self._names = {topic: str(getattr(settings.topics, topic)) for topic in TOPICS}
        self._topics = {name: topic for topic, name in self._names.items()}
        self._places: dict[Partition, _Place] = {}
        self._heard = Heard()
        properties = clients.reader(settings, "monitor-replay", settings.monitor.group, WINDOW_BYTES)
        with asking("read again"):
            self._consumer = Consumer({**properties, "error_cb": self._heard})
        self._heard.client = self._consumer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._consumer.close()

    def held(self, partition: Partition) -> tuple[int, int]:
        """The first offset that a partition still holds, and the one behind its last record."""
        with asking(f"read {self._name(partition)} again", self._heard):
            at = self._at(partition)
            return patiently(lambda: self._consumer.get_watermark_offsets(at, REQUEST_SECONDS), REQUEST_SECONDS)

    def begin(self, partition: Partition, offset: int) -> None:
        """Read a partition from there."""
        self._places[partition] = _Place(offset)
        with asking(f"read {self._name(partition)} again", self._heard):
            self._consumer.incremental_assign([self._at(partition, offset)])

    def upto(self, limits: Mapping[Partition, int]) -> Iterator[Records]:
        """The records before these offsets, batch by batch, each partition in its order; a partition that is not named
        rests. Raises StreamBroken where Kafka does not give what it holds."""
        deadline = time.monotonic() + SILENCE_SECONDS
        with asking("read again", self._heard):
            while True:
                found = self._handed(limits)
                if found:
                    yield found
                    deadline = time.monotonic() + SILENCE_SECONDS
                    continue
                behind = [partition for partition, limit in limits.items() if self._places[partition].fetched < limit]
                if not behind:
                    return
                if time.monotonic() > deadline:
                    names = ", ".join(map(self._name, behind))
                    raise StreamBroken(f"{names} bring nothing, though there should be more: were they made anew?")
                self._fetch(behind)

    def _handed(self, limits: Mapping[Partition, int]) -> Records:
        """What was fetched before the limits: of each topic at most one batch."""
        by_topic: dict[str, list[Message]] = {}
        for partition, limit in limits.items():
            ahead = self._places[partition].ahead
            ours = by_topic.setdefault(partition[0], [])
            while ahead and int(ahead[0].offset() or 0) < limit and len(ours) < MESSAGES:
                ours.append(ahead.popleft())
        taken = {topic: messages for topic, messages in by_topic.items() if messages}
        letters = [letter(message) for message in taken.get(DEAD_LETTERS, ())]
        found = {topic: self._batch(topic, ours) for topic, ours in taken.items()}
        retracted = revisions(taken[LABELS], found[LABELS]) if LABELS in found else {}
        return Records(batches=found, letters=letters, revisions=retracted)

    def _batch(self, topic: str, messages: list[Message]) -> Batch:
        return batches.build(messages, (self._names[topic],))[0]

    def _fetch(self, behind: Iterable[Partition]) -> None:
        """Wait for records, of those partitions above all."""
        self._resume([partition for partition in behind if self._places[partition].paused])
        first = self._consumer.poll(1.0)
        if first is None:
            return
        for message in [first, *self._consumer.consume(MESSAGES - 1, 0)]:
            error = message.error()
            partition = (self._topics[str(message.topic())], int(message.partition() or 0)) if message.topic() else None
            if error is not None and error.code() in PASSING:
                continue
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
            if partition is None:
                continue
            place, offset = self._places[partition], int(message.offset() or 0)
            if error is not None:
                place.fetched = max(place.fetched, offset)
            elif offset >= place.fetched:
                place.ahead.append(message)
                place.fetched = offset + 1
        self._pause([one for one, place in self._places.items() if len(place.ahead) >= AHEAD and not place.paused])

    def _pause(self, partitions: list[Partition]) -> None:
        """What a paused partition had fetched is lost inside of the client, which goes on behind what it gave out."""
        if partitions:
            self._consumer.pause([self._at(partition) for partition in partitions])
        for partition in partitions:
            self._places[partition].paused = True

    def _resume(self, partitions: list[Partition]) -> None:
        if partitions:
            self._consumer.resume([self._at(partition) for partition in partitions])
        for partition in partitions:
            self._places[partition].paused = False

    def _name(self, partition: Partition) -> str:
        return f"{self._names[partition[0]]}-{partition[1]}"

    def _at(self, partition: Partition, offset: int | None = None) -> TopicPartition:
        name = self._names[partition[0]]
        return TopicPartition(name, partition[1]) if offset is None else TopicPartition(name, partition[1], offset)
