"""The flights in time-lapse: publishes a simulated day at a time, and waits for those who read them."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from demo.deployment import Deployment
from demo.errors import DemoError
from demo.pipelines import BOOSTED, LOGISTIC
from demo.reader import Reader
from demo.records import Day, Record, malformed

Ends = Mapping[tuple[str, int], int]
"""The offsets after the last record of partitions."""

PATIENCE = 60.0
"""Seconds in which the scorer and the monitor must reach the end of what was published."""

_PAUSE = 0.005
_STEP = 0.01
_FLIP_SECONDS = 1.6  # a worker applies a flip within a second
_KILL_SECONDS = 0.4


@dataclass
class Facts:
    """What happened, for the account at the end. Times are in microseconds since the epoch."""

    events: int = 0
    labels: int = 0
    malformed: dict[str, int] = field(default_factory=dict)
    begun: int = 0
    ended: int = 0
    killed: str = ""
    recovery_seconds: float = 0.0
    busy: tuple[int, int] = (0, 0)
    workers: dict[str, list[int]] = field(default_factory=dict)
    """The partitions of the events that each worker had during the flip."""


class Publisher:
    """Sends records to the topics of events and labels, and knows where they end."""

    def __init__(self, bootstrap: str, events: str, labels: str) -> None:
        self._topics = {False: events, True: labels}
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "linger.ms": 5,
                "compression.type": "lz4",
                "partitioner": "murmur2_random",
                "queue.buffering.max.messages": 1_000_000,
                "log_level": 0,
            }
        )
        self._failure: KafkaError | None = None
        self.ends: dict[tuple[str, int], int] = {}

    def send(self, records: Iterable[Record]) -> None:
        """Hand records to the client, without waiting."""
        for record in records:
            topic = self._topics[record.label]
            self._producer.produce(topic, record.value, record.key, on_delivery=self._delivered)
        self._producer.poll(0)

    def flush(self) -> Ends:
        """Wait until everything has arrived; where the partitions end now."""
        left = self._producer.flush(PATIENCE)
        if left or self._failure is not None:
            raise DemoError(f"{left} records could not be published: {self._failure or 'no broker answers'}")
        return self.ends

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failure = error
        else:
            self.ends[str(message.topic()), int(message.partition() or 0)] = int(message.offset() or 0) + 1


class Group:
    """Asks how far a consumer group has come, without being a member of it."""

    def __init__(self, bootstrap: str, name: str) -> None:
        self.name = name
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": name, "enable.auto.commit": False, "log_level": 0}
        )

    def behind(self, ends: Ends) -> dict[str, int]:
        """The partitions in which the group's committed offset is before the given one, and by how much."""
        asked = [TopicPartition(topic, partition) for topic, partition in ends]
        try:
            found = self._consumer.committed(asked, 5.0)
        except KafkaException as error:
            return {f"the group cannot be asked: {error.args[0].str()}": 1}
        lags = {f"{tp.topic}-{tp.partition}": ends[tp.topic, tp.partition] - max(tp.offset, 0) for tp in found}
        return {name: lag for name, lag in lags.items() if lag > 0}

    def close(self) -> None:
        """Free the client."""
        self._consumer.close()


class Replay:
    """Publishes days, one after the other, with what happens in between."""

    def __init__(self, deployment: Deployment, reader: Reader) -> None:
        names = deployment.names
        self.facts = Facts()
        self._deployment, self._reader = deployment, reader
        self._events, self._predictions = names["events"], names["predictions"]
        self._publisher = Publisher(deployment.bootstrap, names["events"], names["labels"])
        self._scorer = Group(deployment.bootstrap, names["scorer"])
        self._monitor = Group(deployment.bootstrap, names["monitor"])

    def close(self) -> None:
        """Free the clients."""
        self._scorer.close()
        self._monitor.close()

    def publish(self, records: Sequence[Record]) -> None:
        """Send records without waiting."""
        self.facts.begun = self.facts.begun or _now()
        self._publisher.send(records)
        labels = sum(record.label for record in records)
        self.facts.labels += labels
        self.facts.events += len(records) - labels

    def malformed(self, day: Day, copies: int = 3) -> dict[str, bytes | None]:
        """Publish a day with some records in it that producers got wrong; return these by name."""
        good = next(record.value for record in day.records if not record.label and record.value)
        records = list(day.records)
        wrong = malformed(good)
        for place, (name, value) in enumerate(list(wrong.items()) * copies):
            records.insert(len(records) * place // (8 * copies), Record(False, f"{name} {place}".encode(), value))
            self.facts.malformed[name] = self.facts.malformed.get(name, 0) + 1
        self.publish(records)
        return wrong

    def kill(self, days: Sequence[Day]) -> None:
        """Publish days in a steady stream, and kill a worker in their midst."""
        self.facts.killed, pid = self._deployment.victim()
        killed = self._stream(days, _KILL_SECONDS, lambda: os.kill(pid, signal.SIGKILL))
        self.wait()
        self.facts.recovery_seconds = (_now() - killed) / 1e6

    def flip(self, days: Sequence[Day]) -> None:
        """Publish days in a steady stream, and change the champion in their midst as ``redis-cli SET`` does."""
        begun = _now()
        self._stream(days, _FLIP_SECONDS, lambda: self._deployment.set_pointer("champion", BOOSTED))
        self.facts.busy = (begun, _now())
        self._await_flip()
        self.facts.workers = self._deployment.partitions()
        self.wait()
        # From now on the monitor scores the other one in the shadow.
        self._deployment.set_pointer("challenger", LOGISTIC)

    def _stream(self, days: Sequence[Day], seconds: float, act: Callable[[], None]) -> int:
        """Publish days, evenly spread over so many seconds, and act after a third of them; when that was."""
        records = [record for day in days for record in day.records]
        steps = round(seconds / _STEP)
        bounds = [len(records) * step // steps for step in range(steps + 1)]
        begun, acted = time.monotonic(), 0
        for step, (start, end) in enumerate(itertools.pairwise(bounds)):
            if step == steps // 3:
                acted = _now()
                act()
            self.publish(records[start:end])
            time.sleep(max(0.0, begun + (step + 1) * _STEP - time.monotonic()))
        return acted

    def wait(self) -> None:
        """Until the scorer has committed everything published, and the monitor has read it and what became of it."""
        ends = self._publisher.flush()
        self.facts.begun = self.facts.begun or _now()
        events = {place: end for place, end in ends.items() if place[0] == self._events}
        self._until(self._scorer, events)
        outputs = {(self._predictions, partition): end for partition, end in self._reader.ends.items()}
        self._until(self._monitor, {**ends, **outputs})
        self.facts.ended = _now()

    def _until(self, group: Group, ends: Ends) -> None:
        deadline = time.monotonic() + PATIENCE
        while behind := group.behind(ends):
            self._deployment.check()
            if time.monotonic() > deadline:
                lags = ", ".join(f"{name} by {lag}" for name, lag in behind.items())
                raise DemoError(f"{group.name} is behind for more than {PATIENCE:.0f} s: {lags}")
            time.sleep(_PAUSE)

    def _await_flip(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while self._deployment.champions() != {BOOSTED}:
            if time.monotonic() > deadline:
                raise DemoError(f"the flip to {BOOSTED} has not taken; the workers have {self._deployment.champions()}")
            time.sleep(_PAUSE * 10)


def _now() -> int:
    return time.time_ns() // 1000
