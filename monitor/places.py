"""Where an event stands in Kafka, as one number: how a challenger's score finds the prediction for the same event."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monitor.joining import NOWHERE
from scorer.batch import Batch, Int64s

_PARTITION, _TOPIC = 20, 1
"""Bits. What is left, 42, holds offsets up to 4 * 10**12."""


class Places:
    """Places in the topics that events come from: at most two, the events themselves and those replayed."""

    def __init__(self, topics: Sequence[str]) -> None:
        if len(topics) > 1 << _TOPIC:
            raise ValueError(f"there are places for {1 << _TOPIC} topics, not for {len(topics)}")
        self._numbers = {topic: number for number, topic in enumerate(topics)}

    def of(self, topic: str, partition: int, offset: int) -> int:
        """The place of one event; ``NOWHERE`` in a topic that is not read."""
        number = self._numbers.get(topic, NOWHERE)
        return NOWHERE if number == NOWHERE else (offset << _PARTITION | partition) << _TOPIC | number

    def of_all(self, batch: Batch) -> Int64s:
        """The places of a batch's events, int64 ``(n,)``."""
        numbers = np.array([self._numbers[topic] for topic in batch.topics], np.int64)
        offset, partition = batch.offset.astype(np.int64), batch.partition.astype(np.int64)
        return np.asarray((offset << _PARTITION | partition) << _TOPIC | numbers[batch.topic])
