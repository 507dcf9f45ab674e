"""From an event's production to the moment at which a ``read_committed`` consumer has its prediction.

Events are produced evenly at a rate far below what the scorer can do. The clock starts when an event is handed to the
producing client and stops when the consuming client hands out its prediction, so both clients and four ways to the
broker and back are part of it. What happens in the first seconds does not count. The independent reader judges every
run, as in ``bench.stream``.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from rich.table import Table

from bench import job
from bench.contender import SCORER, Contender, fault
from bench.effort import Effort
from bench.errors import BenchError
from bench.machine import Meter, Use
from bench.stage import PARTITIONS, Run, Stage
from sandbox import judge
from scorer.batch import Floats

RATE = 2_000

_PATIENCE = 60.0
_SHOWN = ("p50", "p99", "most", "cpu", "others")


@dataclass(frozen=True)
class Measured:
    """One run: milliseconds of latency (median, 99th percentile, maximum), the contender's share of one core, and the
    share of all cores that was used by none of those that take part.
    """

    p50: float
    p99: float
    most: float
    cpu: float
    others: float


def run(stage: Stage, effort: Effort, contenders: Sequence[Contender] = SCORER, rate: int = RATE) -> Table:
    """Measure all contenders in turn; raises ``BenchError`` where one loses or doubles an event."""
    found: dict[str, list[Measured]] = {contender.title: [] for contender in contenders}
    for number in range(effort.rounds):
        for contender in contenders:
            measured = measure(stage, contender, effort, rate)
            effort.say(f"latency, round {number + 1}: {contender.title}: {describe(measured)}")
            found[contender.title].append(measured)
    table = Table(
        "", "p50 ms", "p99 ms", "max ms", "of a core", "others",
        title=f"latency: {rate:,} events/s for {effort.seconds:g} s, 1 worker, {effort.rounds} rounds",
    )  # fmt: skip
    for title, runs in found.items():
        p50, p99, most, cpu, others = (statistics.median(getattr(one, key) for one in runs) for key in _SHOWN)
        table.add_row(title, f"{p50:.1f}", f"{p99:.1f}", f"{most:.1f}", f"{cpu:.0%}", f"{others:.0%}")
    return table


def measure(stage: Stage, contender: Contender, effort: Effort, rate: int = RATE) -> Measured:
    """One run with one contender."""
    warm = int(effort.warm * rate)
    count = warm + max(int(effort.seconds * rate), 1)
    with stage.run(f"latency-{contender.file_name}", contender.delivery) as one:
        meter = Meter(stage.services, contender.start(one))
        if contender.module is None:
            one.await_ready()
        with Reader(one, stage.services.bootstrap, count) as reader:
            sent, first, last = load(one, stage.services.bootstrap, count, warm, rate, meter)
            await_committed(one, count)
            one.stop()
            inputs = judge.inputs(stage.services.bootstrap, [one.settings.topics.events])
            if wrong := fault(stage.services.bootstrap, one, inputs, contender):
                raise BenchError(f"{contender.title}: {wrong}")
            latency = (reader.all() - sent)[warm:] * 1e3
    p50, p99 = np.quantile(latency, [0.5, 0.99]).tolist()
    cpu = (last.cpu - first.cpu) / max(last.at - first.at, 1e-9)
    return Measured(p50, p99, float(latency.max()), cpu, first.others(last))


def load(
    one: Run, bootstrap: str, count: int, warm: int, rate: int, meter: Meter
) -> tuple[Floats, Use, Use]:  # fmt: skip
    """Produce events evenly; when each was handed to the client, and what was used after ``warm`` and after all."""
    events, sent = list(job.stream(count)), np.zeros(count)
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0, "acks": "all", "log_level": 0})
    topic, began, first = one.settings.topics.events, time.perf_counter(), meter.read()
    for number, (key, value) in enumerate(events):
        if number == warm:
            first = meter.read()
        while (early := began + number / rate - time.perf_counter()) > 0:
            time.sleep(early)
        sent[number] = time.perf_counter()
        producer.produce(topic, value, key, number % PARTITIONS)
        producer.poll(0)
    last = meter.read()
    if producer.flush(_PATIENCE):
        raise BenchError(f"not all events could be delivered to {topic}")
    return sent, first, last


def await_committed(one: Run, count: int) -> None:
    """Wait until the offsets of so many events are committed."""
    deadline = time.monotonic() + _PATIENCE
    while (done := sum(one.committed())) < count:
        one.check()
        if time.monotonic() > deadline:
            raise BenchError(f"only {done} of {count} events are done; see {one.log}")
        time.sleep(0.05)


class Reader:
    """Reads predictions in a thread of its own, and notes when each came."""

    def __init__(self, one: Run, bootstrap: str, count: int) -> None:
        self._came = np.full(count, np.nan)
        self._left = count
        self._stopping, self._complete = threading.Event(), threading.Event()
        self._failure: KafkaException | ValueError | None = None
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "latency",  # required, but it never joins
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "fetch.queue.backoff.ms": 1,
                "log_level": 0,
            }
        )
        self._consumer.assign([TopicPartition(one.settings.topics.predictions, n, 0) for n in range(PARTITIONS)])
        self._thread = threading.Thread(target=self._run, name="reader")

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._consumer.close()

    def all(self) -> Floats:
        """When the prediction of each event came; raises ``BenchError`` if that of any does not come."""
        self._complete.wait(_PATIENCE)
        if self._failure is not None:
            raise BenchError(f"the predictions cannot be read: {self._failure}") from self._failure
        if self._left:
            raise BenchError(f"{self._left} of {len(self._came)} predictions were never read")
        return self._came

    def _run(self) -> None:
        try:
            while self._left and not self._stopping.is_set():
                self._take()
        except (KafkaException, ValueError) as failure:
            self._failure = failure
        self._complete.set()

    def _take(self) -> None:
        first = self._consumer.poll(0.1)
        if first is None:
            return
        messages = [first, *self._consumer.consume(10_000, 0)]
        now = time.perf_counter()
        for message in messages:
            if (error := message.error()) is not None:
                raise KafkaException(error)
            number = job.number_of(message.value() or b"")
            if np.isnan(self._came[number]):
                self._came[number] = now
                self._left -= 1


def describe(measured: Measured) -> str:
    """One run in a line."""
    return (
        f"p50 {measured.p50:.1f} ms, p99 {measured.p99:.1f} ms, max {measured.most:.1f} ms, "
        f"{measured.cpu:.0%} of a core, others {measured.others:.0%}"
    )
