"""The state's offsets, shown in a consumer group for tools that watch lag. Nothing is ever read from there."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from confluent_kafka import Consumer, KafkaError, TopicPartition

LOGGER = logging.getLogger(__name__)

Place = tuple[str, int]
"""A topic's name in Kafka, and a partition."""

MIRROR_SECONDS = 0.1
LEAVE_SECONDS = 2.0


class Mirror:
    """Commits offsets, one request at a time. Its answers come by way of ``answered``, the client's ``on_commit``."""

    def __init__(self, group: str) -> None:
        self._group = group
        self._shown: dict[Place, int] = {}
        self._under_way = False
        self._failing = False
        self._at = 0.0

    def show(self, client: Consumer, offsets: Mapping[Place, int]) -> None:
        """Show these offsets, where it is time and none are under way; never waits."""
        now = time.monotonic()
        if not self._under_way and now >= self._at:
            self._at = now + MIRROR_SECONDS
            self._commit(client, offsets)

    def finish(self, client: Consumer, offsets: Mapping[Place, int]) -> bool:
        """Show the last offsets, if that is quickly done. Returns whether no answer is missing."""
        deadline = time.monotonic() + LEAVE_SECONDS
        self._await(client, deadline)
        if not self._under_way:
            self._commit(client, offsets)
            self._await(client, deadline)
        return not self._under_way

    def answered(self, error: KafkaError | None, offsets: list[TopicPartition]) -> None:
        """Called by the client; what was not committed is committed again."""
        self._under_way = False
        failed = [tp for tp in offsets if error is not None or tp.error is not None]
        self._shown.update({(tp.topic, tp.partition): tp.offset for tp in offsets if tp not in failed})
        if failed and not self._failing:
            why = error or failed[0].error
            LOGGER.warning("waiting: the offsets cannot be shown in group %s: %s", self._group, why)
        self._failing = bool(failed)

    def _commit(self, client: Consumer, offsets: Mapping[Place, int]) -> None:
        moved = [
            TopicPartition(*place, offset) for place, offset in offsets.items() if self._shown.get(place) != offset
        ]
        if moved:
            self._under_way = True
            client.commit(offsets=moved, asynchronous=True)

    def _await(self, client: Consumer, deadline: float) -> None:
        while self._under_way and time.monotonic() < deadline:
            client.poll(0.05)
