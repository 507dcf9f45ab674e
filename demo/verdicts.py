"""A consumer of the verdicts topic as there may be many: what the monitor says, as it says it."""

from __future__ import annotations

from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from demo.records import SCHEMAS, schema
from sandbox.judge import decoder

Verdict = dict[str, Any]

_AT_ONCE = 10_000
_WAIT = 0.2


class Verdicts:
    """Reads the topic from its beginning. ``latest`` holds the last record under each key, as compaction would."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.latest: dict[bytes, Verdict] = {}
        self._decode = decoder(schema(SCHEMAS / "verdict.avsc"))
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "demo.verdicts",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
            }
        )
        partitions = self._consumer.list_topics(topic, timeout=10).topics[topic].partitions
        self._consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])

    def news(self) -> list[Verdict]:
        """What has come since this was last asked; does not wait."""
        return self._take(0.0)

    def rest(self) -> list[Verdict]:
        """What has come, and what comes until nothing does for a while."""
        found: list[Verdict] = []
        while more := self._take(_WAIT):
            found += more
        return found

    def close(self) -> None:
        """Free the client."""
        self._consumer.close()

    def _take(self, seconds: float) -> list[Verdict]:
        first = self._consumer.poll(seconds)
        if first is None:
            return []
        found = []
        for message in [first, *self._consumer.consume(_AT_ONCE, 0.0)]:
            record = self._decode(message.value())
            if message.error() is None and record is not None and record["kind"] == "verdict":
                self.latest[message.key() or b""] = record
                found.append(record)
        return found
