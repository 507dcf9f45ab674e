"""What the Python client alone costs: ``python -m bench.passthrough`` reads every event and writes it again as it is.

The clients have the scorer's own properties, and commit as often: in transactions, or at least once. There are no
groups that move, no errors, nothing that a service needs: a floor, not a program to use.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from scorer.settings import Settings
from scorer.stream import clients

LIMIT = 1_000_000


class Loop:
    """Reads batches, hands them over, and commits every ``scorer.commit_ms``."""

    def __init__(self, settings: Settings) -> None:
        self._scorer, topics = settings.scorer, settings.topics
        self.topic = topics.predictions
        self._exactly_once = self._scorer.delivery == "exactly-once"
        self._producer = Producer(clients.producer(settings, 0, LIMIT))
        if self._exactly_once:
            self._producer.init_transactions(30)
        self._consumer = Consumer(
            clients.consumer(settings, 0) | {"auto.offset.reset": "earliest", "enable.partition.eof": False}
        )
        self._consumer.subscribe([topics.events])
        self._going = True
        signal.signal(signal.SIGTERM, self._stop)

    def run(self, write: Callable[[Producer, list[Message]], None]) -> None:
        """Until SIGTERM."""
        due = None
        while self._going:
            first = self._consumer.poll(0.1)
            if first is not None:
                messages = [first, *self._consumer.consume(self._scorer.batch_events - 1, 0)]
                if any(map(Message.error, messages)):
                    raise SystemExit(f"the client reports {[m.error() for m in messages if m.error()][:3]}")
                if due is None:
                    due = time.monotonic() + self._scorer.commit_ms / 1e3
                    if self._exactly_once:
                        self._producer.begin_transaction()
                write(self._producer, messages)
            self._producer.poll(0)
            if due is not None and time.monotonic() >= due:
                self._commit()
                due = None
        if due is not None:
            self._commit()
        self._consumer.close()

    def _commit(self) -> None:
        positions = self._consumer.position(self._consumer.assignment())
        offsets = [TopicPartition(tp.topic, tp.partition, tp.offset) for tp in positions if tp.offset >= 0]
        if self._exactly_once:
            self._producer.send_offsets_to_transaction(offsets, self._consumer.consumer_group_metadata(), 30)
            self._producer.commit_transaction(30)
            return
        if self._producer.flush(30):
            raise SystemExit("not everything could be delivered within 30 s")
        self._consumer.commit(offsets=offsets, asynchronous=False)

    def _stop(self, *_: object) -> None:
        self._going = False


def write_again(topic: str) -> Callable[[Producer, list[Message]], None]:
    """Write each event to ``topic`` as it is, under its key."""

    def write(producer: Producer, messages: list[Message]) -> None:
        produce = producer.produce
        for message in messages:
            while True:
                try:
                    produce(topic, message.value(), message.key())
                    break
                except BufferError:
                    producer.poll(0.05)

    return write


if __name__ == "__main__":
    loop = Loop(Settings.load(Path(sys.argv[1]), {}))
    loop.run(write_again(loop.topic))
