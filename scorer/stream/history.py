"""A topic read window by window, from its end or from some time on, so that no more is read than is asked for.

The audit topic is kept for ever, and so may the dead letters be: whoever wants the newest must not read them all.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from confluent_kafka import OFFSET_END, Consumer, KafkaError, KafkaException, Message, TopicPartition

from scorer.errors import StreamBroken
from scorer.settings import Settings
from scorer.stream import clients
from scorer.stream.asking import PASSING, Heard, asking, patiently

REQUEST_SECONDS = 10.0
FIRST_WINDOW = 500
LARGEST_WINDOW = 20_000
WINDOW_BYTES = 32 << 20


class History:
    """The committed records of one topic. Joins no group and commits nothing. A context manager."""

    def __init__(self, settings: Settings, topic: str, *, first_window: int = FIRST_WINDOW) -> None:
        """Raises SettingsError where the client takes no such properties."""
        self._topic, self._first_window = topic, first_window
        self._what = f"read {topic}"
        properties = clients.reader(settings, "scorer-history", settings.scorer.group, WINDOW_BYTES)
        self._heard = Heard()
        with asking(self._what):
            self._consumer = Consumer({**properties, "error_cb": self._heard})
        self._heard.client = self._consumer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._consumer.close()

    def newest_first(self, since: int | None = None) -> Iterator[Message]:
        """Records from the newest to the oldest: within a partition by offset, between partitions by timestamp.

        ``since`` (milliseconds since the epoch) is where to stop. Raises StreamBroken where the topic is missing or no
        broker answers.
        """
        bounds = self._bounds(since)
        return heapq.merge(*(self._backwards(*bound) for bound in bounds), key=lambda message: -message.timestamp()[1])

    def oldest_first(self, since: int | None = None) -> Iterator[Message]:
        """Records from the oldest, or the first one at ``since`` (ms since the epoch), to the newest; else the same."""
        bounds = self._bounds(since)
        return heapq.merge(*(self._forwards(*bound) for bound in bounds), key=lambda message: message.timestamp()[1])

    def one(self, partition: int, offset: int) -> Message | None:
        """The record at this place; ``None`` where there is none (any more)."""
        known = {number: (low, end) for number, low, end in self._bounds(None)}
        low, end = known.get(partition, (0, 0))
        if not low <= offset < end:
            return None
        return next((found for found in self._read(partition, offset, offset + 1) if found.offset() == offset), None)

    def oldest(self) -> dict[int, int]:
        """The lowest offset that each partition still holds."""
        return {partition: low for partition, low, _ in self._bounds(None)}

    def _bounds(self, since: int | None) -> list[tuple[int, int, int]]:
        """(partition, first offset, offset behind the last committed record) of each partition."""
        with asking(self._what, self._heard):
            topic = self._consumer.list_topics(self._topic, REQUEST_SECONDS).topics[self._topic]
            if topic.error is not None:
                raise StreamBroken(f"topic {self._topic}: {topic.error.str()}; make it with: scorer topics create")
            found = [(number, *self._ends(number)) for number in sorted(topic.partitions)]
            if since is None:
                return found
            asked = [TopicPartition(self._topic, number, since) for number, _, _ in found]
            times = patiently(lambda: self._consumer.offsets_for_times(asked, REQUEST_SECONDS), REQUEST_SECONDS)
        starts = {tp.partition: tp.offset for tp in times}
        return [
            (number, end if starts[number] == OFFSET_END else max(low, starts[number]), end)
            for number, low, end in found
        ]

    def _ends(self, partition: int) -> tuple[int, int]:
        place = TopicPartition(self._topic, partition)
        return patiently(lambda: self._consumer.get_watermark_offsets(place, REQUEST_SECONDS), REQUEST_SECONDS)

    def _forwards(self, partition: int, low: int, end: int) -> Iterator[Message]:
        for start in range(low, end, self._first_window):
            yield from self._read(partition, start, min(end, start + self._first_window))

    def _backwards(self, partition: int, low: int, end: int) -> Iterator[Message]:
        size = self._first_window
        while end > low:
            start = max(low, end - size)
            window = self._read(partition, start, end)
            mean = sum(map(len, window)) // len(window) + 1 if window else 1
            size = max(1, min(4 * size, LARGEST_WINDOW, WINDOW_BYTES // mean))
            end = start
            yield from reversed(window)

    def _read(self, partition: int, start: int, end: int) -> list[Message]:
        """The records with offsets from ``start`` to before ``end``."""
        found: list[Message] = []
        deadline = time.monotonic() + REQUEST_SECONDS
        with asking(self._what, self._heard):
            self._consumer.assign([TopicPartition(self._topic, partition, start)])
            while True:
                message = self._consumer.poll(max(0.0, deadline - time.monotonic()))
                if message is None:
                    raise TimeoutError
                error = message.error()
                if error is not None:
                    if error.code() == KafkaError._PARTITION_EOF:
                        return found
                    if error.code() not in PASSING:
                        raise KafkaException(error)
                    continue
                offset = int(message.offset() or 0)
                if offset < end:
                    found.append(message)
                if offset >= end - 1:
                    return found
                deadline = time.monotonic() + REQUEST_SECONDS
