"""Which requirements were in force, as the verdicts topic remembers it: for a state that is lost, or an old copy."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import closing

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from monitor.alerts.records import FLOOR, Records
from monitor.judge.floors import Floor
from monitor.rounds import Rounds
from monitor.settings import MonitorSettings
from monitor.store.errors import StateRefused
from scorer.stream import clients

LOGGER = logging.getLogger(__name__)

_REQUEST_SECONDS = 5.0
_POLL_SECONDS = 0.2
_AT_A_TIME = 1_000
_WINDOW_BYTES = 8 << 20
_PAUSE_SECONDS = 1.0
_WAIT_SECONDS = 0.05


def remembered(settings: MonitorSettings, waiting: Callable[[], bool]) -> list[Floor] | None:
    """All of them, once Kafka tells; ``None`` where ``waiting``, which is asked again and again, says no before.

    Raises StateRefused for a record that cannot be read, and whatever ``waiting`` raises.
    """
    with closing(_Remembering(settings)) as remembering:
        while waiting():
            found = remembering.found
            if found is not None:
                return found
            time.sleep(_WAIT_SECONDS)
    return None


class _Remembering:
    """Reads the whole topic, in a thread of its own, until that has succeeded or it is closed."""

    def __init__(self, settings: MonitorSettings) -> None:
        self._settings, self._topic = settings, settings.topics.verdicts
        self._records = Records(settings.scorer.model, settings.schemas)
        self._found: list[Floor] | None = None
        self._closed = False
        self._rounds = Rounds("remembering", self._round)
        self._rounds.start()

    @property
    def found(self) -> list[Floor] | None:
        """All of them; ``None`` while they are not known. Raises what ended the thread."""
        if self._rounds.failure is not None:
            raise self._rounds.failure
        return self._found

    def close(self) -> None:
        """Read no further; returns at once."""
        self._closed = True
        self._rounds.stop(0.0)

    def _round(self) -> float:
        if self._found is None:
            try:
                last = self._read()
            except KafkaException as error:
                LOGGER.warning("waiting: which requirements are in force is not known yet: %s", error)
            else:
                self._found = None if self._closed else [self._floor(key, last[key]) for key in sorted(last)]
        return _PAUSE_SECONDS

    def _read(self) -> dict[bytes, bytes]:
        """The last record of each key."""
        group, last = self._settings.monitor.group, dict[bytes, bytes]()
        consumer = Consumer(clients.reader(self._settings, f"{group}-remembering", group, _WINDOW_BYTES))
        try:
            reading = self._begin(consumer)
            while reading and not self._closed:
                for message in consumer.consume(_AT_A_TIME, _POLL_SECONDS):
                    if _ended(message):
                        reading.discard(message.partition())
                    else:
                        _note(last, message)
        finally:
            consumer.close()
        return last

    def _begin(self, consumer: Consumer) -> set[int | None]:
        """Start to read all partitions; none where there is no such topic."""
        topic = consumer.list_topics(self._topic, timeout=_REQUEST_SECONDS).topics[self._topic]
        if topic.error is not None:
            if topic.error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise KafkaException(topic.error)
            LOGGER.warning("there is no topic %s, so it remembers no requirements: scorer topics create", self._topic)
            return set()
        consumer.assign([TopicPartition(self._topic, number, 0) for number in topic.partitions])
        return set(topic.partitions)

    def _floor(self, key: bytes, value: bytes) -> Floor:
        try:
            return self._records.floor_of(value)
        except Exception as error:
            raise StateRefused(
                f"{self._topic} holds a requirement in force under the key {key!r} that cannot be read: {error}. It "
                "was written by something else, or with another schemas.framing; to go on without it, write a "
                "tombstone under that key"
            ) from error


def _ended(message: Message) -> bool:
    """Whether it says that a partition is read to its end. Raises KafkaException for trouble that passes."""
    error = message.error()
    if error is None or error.code() == KafkaError._PARTITION_EOF:
        return error is not None
    raise KafkaException(error)


def _note(last: dict[bytes, bytes], message: Message) -> None:
    key, value = message.key(), message.value()
    if isinstance(key, bytes) and key.startswith(FLOOR.encode()):
        if value is None:
            last.pop(key, None)
        else:
            last[key] = bytes(value)
