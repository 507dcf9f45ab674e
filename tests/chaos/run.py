"""One chaos run: a schedule against the real scorer, Kafka and Valkey, judged by an independent reader."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import fastavro
import numpy as np
import redis

from sandbox import Kafka, Valkey, judge
from sandbox.judge import Count
from scorer import schema_files
from tests.chaos.schedule import Schedule, Step
from tests.integration.deployment import Deployment, until
from tests.integration.tree import Tree

# With the newer group protocol it is the broker that says when a silent member is gone; 45 s if it is not told.
BROKER = {
    "group.consumer.min.session.timeout.ms": "1000",
    "group.consumer.session.timeout.ms": "6000",
    "group.consumer.min.heartbeat.interval.ms": "500",
    "group.consumer.heartbeat.interval.ms": "1000",
}
SLOPES = {"v1": 1.0, "v2": -2.0}
PATIENCE = 120.0
GARBAGE = (b"", b"garbage", None, b"\0\0\0\0\x07\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\0\0\0\0\x63abc")


@dataclass(frozen=True)
class Outcome:
    """What the judge found, and how long all of it took."""

    schedule: Schedule
    count: Count
    wrong_score: int
    seconds: float
    recovery: float
    """Seconds from the end of the schedule until every event was scored."""

    @property
    def broken(self) -> dict[str, int]:
        """The promises that were broken; empty is good."""
        wrong = {"wrong_score": self.wrong_score} if self.wrong_score else {}
        return dict(self.count.broken) | wrong


class Chaos:
    """A deployment under load, to which steps happen."""

    def __init__(self, schedule: Schedule, directory: Path, kafka: Kafka, valkey: Valkey) -> None:
        self.schedule, self._kafka, self._valkey = schedule, kafka, valkey
        self._tokens = directory / "tokens"
        self._tokens.mkdir()
        self.deployment = Deployment(
            directory,
            kafka.bootstrap,
            valkey.url,
            scorer={
                "workers": schedule.workers,
                "membership": schedule.membership,
                "protocol": schedule.protocol,
                "max_dead_letter_share": 1.0,
            },
        )
        self._registry = redis.Redis.from_url(valkey.url, socket_timeout=5)
        self._tree: Tree | None = None
        self._stop = threading.Event()
        self._counting = threading.Lock()
        self._load = threading.Thread(target=self._send, name="load")

    def run(self) -> Outcome:
        """Start, let the schedule happen, let everything be scored, judge."""
        began = time.monotonic()
        self._push()
        self._registry.set(self.deployment.keys.champion, "v1")
        with self._lock_free():
            self._tree = self._start()
            self._load.start()
            # Without a first good version, a scorer rightly waits for one.
            until(lambda: self.deployment.written() > 0, "scoring does not begin", PATIENCE)
            for step in self.schedule.steps:
                self._stop.wait(step.seconds)
                self._happen(step)
            # A point that no worker has passed yet was not tried: the load goes on until it is.
            until(lambda: not any(self._tokens.iterdir()), "a worker that was to kill itself lives on", PATIENCE)
            self._stop.set()
            self._load.join(PATIENCE)
            ended = time.monotonic()
            self._await_all()
            recovered = time.monotonic()
            self._tree.__exit__()
        outcome = self._judge()
        self.deployment.admin.delete_topics(list(self.deployment.settings.topics.model_dump().values()))
        return Outcome(self.schedule, *outcome, time.monotonic() - began, recovered - ended)

    def _push(self) -> None:
        for name, slope in SLOPES.items():
            self.deployment.push(self._registry, name, slope)
        self._registry.set(self.deployment.keys.version("corrupt", "manifest"), b"{}")
        self._registry.set(self.deployment.keys.version("corrupt", "tensors"), b"no tensors")

    def _start(self) -> Tree:
        return Tree(self.deployment, module="tests.chaos.points", variables={"CHAOS_TOKENS": str(self._tokens)})

    @contextlib.contextmanager
    def _lock_free(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._stop.set()
            self._valkey.thaw()
            self._kafka.thaw()
            if self._tree is not None and self._tree.process.poll() is None:
                self._tree.kill()
            self._registry.close()

    def _send(self) -> None:
        """The load; what cannot be delivered while the broker is away is kept by the client, and sent later."""
        number = 0
        while not self._stop.wait(0.02):
            for _ in range(max(1, self.schedule.rate // 50)):
                number += 1
                x = (number % 13) / 4 - 1.5 if number % 11 else None
                self._produce(self.deployment.event(number, x), b"k%d" % (number % 997))
            self.deployment.producer.poll(0)

    def _produce(self, value: bytes | None, key: bytes) -> None:
        """Hand one record to the client, as soon as it has room: load and poison come from two threads."""
        deployment = self.deployment
        with self._counting:
            while True:
                try:
                    deployment.producer.produce(deployment.settings.topics.events, value, key)
                except BufferError:
                    deployment.producer.poll(0.1)
                else:
                    deployment.sent += 1
                    return

    def _happen(self, step: Step) -> None:
        getattr(self, "_" + step.what.replace(" ", "_"))(step.detail)

    def _kill(self, detail: str) -> None:
        (self._tokens / detail).touch()

    def _kill_worker(self, _detail: str) -> None:
        assert self._tree is not None
        for pid in self._tree.workers()[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _freeze_worker(self, detail: str) -> None:
        assert self._tree is not None
        for pid in self._tree.workers()[-1:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                self._stop.wait(float(detail))
                os.kill(pid, signal.SIGCONT)

    def _kill_tree(self, _detail: str) -> None:
        assert self._tree is not None
        self._tree.kill()
        self._tree = self._start()

    def _second_tree(self, detail: str) -> None:
        """Another process tree joins the group for a while: partitions move there and back."""
        with Tree(
            self.deployment,
            module="tests.chaos.points",
            variables={"CHAOS_TOKENS": str(self._tokens)},
            instance=f"{self.deployment.model}-second",
            workers=1,
        ):
            self._stop.wait(2.0 + float(detail))

    def _restart_broker(self, _detail: str) -> None:
        self._kafka.restart()

    def _kill_broker(self, _detail: str) -> None:
        self._kafka.kill()
        self._kafka.restart()

    def _freeze_broker(self, detail: str) -> None:
        self._kafka.freeze()
        self._stop.wait(float(detail))
        self._kafka.thaw()

    def _freeze_redis(self, detail: str) -> None:
        self._valkey.freeze()
        self._stop.wait(float(detail))
        self._valkey.thaw()

    def _flush_redis(self, _detail: str) -> None:
        self._registry.flushdb()
        self._stop.wait(0.7)  # a poll of nothing
        self._push()
        self._registry.set(self.deployment.keys.champion, "v1")

    def _poison(self, detail: str) -> None:
        for number in range(int(detail)):
            self._produce(GARBAGE[number % len(GARBAGE)], b"poison")

    def _flip(self, detail: str) -> None:
        self._registry.set(self.deployment.keys.champion, detail)

    def _await_all(self) -> None:
        """Wait for as long as it goes on: a machine that is busy with other things makes it slow, not stuck."""
        assert self._tree is not None
        assert self.deployment.producer.flush(PATIENCE) == 0
        most, still, pause = 0, time.monotonic(), threading.Event()
        while most < self.deployment.sent:
            assert self._tree.process.poll() is None, f"the scorer has ended:\n{self._tree.text()[-4000:]}"
            done = sum(self.deployment.committed().values())
            if done > most:
                most, still = done, time.monotonic()
            waited = time.monotonic() - still
            stuck = f"{self.deployment.sent - most} of {self.deployment.sent} events are not scored"
            assert waited < PATIENCE, f"{stuck}, and none was for {waited:.0f} s:\n{self._tree.text()[-4000:]}"
            pause.wait(0.02)

    def _judge(self) -> tuple[Count, int]:
        bootstrap, topics = self._kafka.bootstrap, self.deployment.settings.topics
        found = judge.count(
            judge.inputs(bootstrap, [topics.events, topics.retry]),
            judge.predictions(bootstrap, topics.predictions, schema_files.own("prediction")),
            judge.dead_letters(bootstrap, topics.dead_letters),
        )
        return found, self._wrong_scores()

    def _wrong_scores(self) -> int:
        """Predictions whose score is not what the version that they name gives for their event."""
        schema = fastavro.parse_schema(schema_files.own("prediction"))
        wrong = 0
        for messages in judge.read(self._kafka.bootstrap, self.deployment.settings.topics.predictions):
            for message in messages:
                record = fastavro.schemaless_reader(io.BytesIO(bytes(message.value() or b"")[5:]), schema, None)
                assert isinstance(record, dict)
                number = int(record["event_id"][1:])
                x = (number % 13) / 4 - 1.5 if number % 11 else 0.0
                expected = 1 / (1 + np.exp(-SLOPES[record["version"]] * x))
                wrong += abs(record["score"] - expected) > 1e-12
        return wrong


def describe(schedule: Schedule) -> str:
    """A schedule in one line."""
    steps = ", ".join(f"{step.what} {step.detail}".strip() for step in schedule.steps)
    return f"{schedule.workers} {schedule.membership} ({schedule.protocol}), {schedule.rate}/s: {steps}"
