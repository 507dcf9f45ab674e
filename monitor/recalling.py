"""What a monitor before this one has sent already, though it did not live to strike it out of the outbox."""

from __future__ import annotations

import logging
from collections.abc import Collection

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from monitor.rounds import Rounds
from monitor.settings import MonitorSettings
from scorer.stream import clients

LOGGER = logging.getLogger(__name__)

HEADER = "monitor.id"
"""The header with the id of a record, which is that of its letter in the outbox."""

TAIL = 20_000
"""So many of each partition's last records are looked at: more than may be under way at a time."""

_REQUEST_SECONDS = 5.0
_POLL_SECONDS = 0.2
_PAUSE_SECONDS = 2.0


class Recalling:
    """Looks for ids at the end of a topic, in a thread of its own, until it has an answer or is closed."""

    def __init__(self, settings: MonitorSettings, topic: str, ids: Collection[str]) -> None:
        self._settings, self._topic = settings, topic
        self._left = {one.encode() for one in ids}
        self._found: set[str] = set()
        self._closed = self._finished = False
        self._rounds = Rounds(f"recalling-{topic}", self._round)
        self._rounds.start()

    @property
    def found(self) -> set[str] | None:
        """Those of the ids that are in the topic; ``None`` while that is not known. Raises what ended the thread."""
        if self._rounds.failure is not None:
            raise self._rounds.failure
        return self._found if self._finished else None

    def close(self) -> None:
        """Look no further; returns at once."""
        self._closed = True
        self._rounds.stop(0.0)

    def _round(self) -> float:
        if not self._finished:
            try:
                self._look()
            except KafkaException as error:
                LOGGER.warning("what was sent to %s before is not known yet: %s", self._topic, error)
            else:
                self._finished = not self._closed
        return _PAUSE_SECONDS

    def _look(self) -> None:
        group = self._settings.monitor.group
        consumer = Consumer(
            {
                **clients.common(self._settings, f"{group}-recalling"),
                "group.id": group,  # no member of it: partitions are assigned by hand, and nothing is committed
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "enable.partition.eof": True,
                "isolation.level": "read_uncommitted",
                "auto.offset.reset": "earliest",
            }
        )
        try:
            self._read(consumer, self._starts(consumer))
        finally:
            consumer.close()

    def _starts(self, consumer: Consumer) -> list[TopicPartition]:
        topic = consumer.list_topics(self._topic, timeout=_REQUEST_SECONDS).topics[self._topic]
        if topic.error is not None:
            raise KafkaException(topic.error)
        starts = []
        for number in topic.partitions:
            low, high = consumer.get_watermark_offsets(
                TopicPartition(self._topic, number), timeout=_REQUEST_SECONDS, cached=False
            )
            if high > low:
                starts.append(TopicPartition(self._topic, number, max(low, high - TAIL)))
        return starts

    def _read(self, consumer: Consumer, starts: list[TopicPartition]) -> None:
        consumer.assign(starts)
        reading = {start.partition for start in starts}
        while reading and self._left and not self._closed:
            message = consumer.poll(_POLL_SECONDS)
            if message is None:
                continue
            error = message.error()
            if error is None:
                self._note(dict(message.headers() or []).get(HEADER))
            elif error.code() == KafkaError._PARTITION_EOF:
                reading.discard(message.partition())
            elif not error.retriable():
                raise KafkaException(error)

    def _note(self, value: str | bytes | None) -> None:
        if isinstance(value, bytes) and value in self._left:
            self._left.discard(value)
            self._found.add(value.decode())
