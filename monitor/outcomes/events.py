"""Events of Kafka by their source coordinates, read in order and in pieces."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

import numpy as np
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from scorer.batch import Batch, Int64s
from scorer.errors import StreamBroken
from scorer.settings import Settings
from scorer.stream import batches, clients
from scorer.stream.asking import PASSING, Heard, asking, patiently

REQUEST_SECONDS = 10.0
FETCHED = 2_000
"""Most records that are fetched at once."""

SKIPPED = 20_000
"""A gap of so many offsets is read over; a longer one is leapt."""

WINDOW_BYTES = 16 << 20


class Events:
    """The committed records of some topics. Joins no group and commits nothing. A context manager, for one thread."""

    def __init__(self, settings: Settings) -> None:
        """Raises SettingsError where the client takes no such properties."""
        self._heard = Heard()
        properties = clients.reader(settings, "monitor-outcomes", settings.scorer.group, WINDOW_BYTES)
        with asking("read events"):
            self._consumer = Consumer({**properties, "error_cb": self._heard})
        self._heard.client = self._consumer
        self._partition: tuple[str, int] | None = None
        self._ahead: deque[Message] = deque()
        self._from = self._next = 0  # the first offset that was not handed over, and that was not fetched
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._consumer.close()

    def at(self, topic: str, partition: int, offsets: Int64s) -> Batch:
        """The records of a partition that are still there among those at these ascending offsets.

        The batch's bytes are its owner's to release. Raises StreamBroken where the topic is missing, no broker answers,
        or one refuses.
        """
        found: list[Message] = []
        with asking(f"read {topic}", self._heard):
            low, end = self._bounds(topic, partition)
            held = offsets[(offsets >= low) & (offsets < end)]
            for stretch in np.split(held, np.flatnonzero(np.diff(held) > SKIPPED) + 1):
                if len(stretch):
                    wanted = set(stretch.tolist())
                    found += (one for one in self._stretch(topic, partition, stretch) if one.offset() in wanted)
        return batches.build(found, (topic,))[0]

    def _bounds(self, topic: str, partition: int) -> tuple[int, int]:
        place = TopicPartition(topic, partition)
        try:
            return patiently(lambda: self._consumer.get_watermark_offsets(place, REQUEST_SECONDS), REQUEST_SECONDS)
        except KafkaException as error:
            if error.args[0].code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_PARTITION):
                raise StreamBroken(
                    f"there is no {topic}-{partition} any more, from which outcomes were made"
                ) from error
            raise

    def _stretch(self, topic: str, partition: int, offsets: Int64s) -> Iterator[Message]:
        """The records from the first of ``offsets``, or before it, to the last."""
        first, last = int(offsets[0]), int(offsets[-1])
        here = self._partition == (topic, partition) and not self._ended
        if not (here and self._from <= first <= self._next + SKIPPED):
            self._consumer.assign([TopicPartition(topic, partition, first)])
            self._ahead.clear()
            self._partition, self._from, self._next, self._ended = (topic, partition), first, first, False
        while True:
            while self._ahead and int(self._ahead[0].offset() or 0) <= last:
                self._from = int(self._ahead[0].offset() or 0) + 1
                yield self._ahead.popleft()
            if self._ended or self._next > last:
                return
            self._fetch()

    def _fetch(self) -> None:
        deadline = time.monotonic() + REQUEST_SECONDS
        while (first := self._consumer.poll(max(0.0, deadline - time.monotonic()))) is not None:
            # Those that are there besides: more than one at a time would be waited for.
            if self._kept([first, *self._consumer.consume(FETCHED - 1, 0)]):
                return
        raise TimeoutError

    def _kept(self, messages: Sequence[Message]) -> bool:
        """Whether any of these is a record or the end of the partition."""
        before = self._next, self._ended
        for message in messages:
            error = message.error()
            if error is None:
                self._ahead.append(message)
                self._next = int(message.offset() or 0) + 1
            elif error.code() == KafkaError._PARTITION_EOF:
                self._ended = True
            elif error.code() not in PASSING:
                raise KafkaException(error)
        return before != (self._next, self._ended)
