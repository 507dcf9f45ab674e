"""Topics, a version and settings for each run of a benchmark, and the process that does the work."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import redis
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, PartitionMetadata
from confluent_kafka.cimpl import NewTopic

from bench import job
from bench.errors import BenchError
from sandbox.ports import HOST, free_ports
from sandbox.process import Process
from sandbox.services import Services
from scorer.registry import pointers, versions
from scorer.registry.keys import Keys
from scorer.settings import Settings
from scorer.stream import topics

ROOT = Path(__file__).parents[1]
SCORER = Path(sys.executable).parent / "scorer"
PARTITIONS = 4
VERSION = "v1"

_PATIENCE = 60.0
_STOP = 30.0
_SETTINGS = """\
[scorer]
model = {model}
id_field = "event_id"
time_field = "ts"
instance = {run}
group = {run}
delivery = {delivery}
http = {http}
state_directory = "state"

[kafka]
bootstrap_servers = {bootstrap}

[redis]
url = {url}

[schemas]
events = {{ {event_id} = "event.avsc" }}

[topics]
events = {events}
retry = {retry}
predictions = {predictions}
dead_letters = {dead_letters}
audit = {audit}
labels = {labels}
"""


class Stage:
    """One model with one version in Redis; topics and settings of their own for each run."""

    def __init__(self, services: Services, folder: Path) -> None:
        self.model = f"bench-{secrets.token_hex(3)}"
        self.services = services
        self.folder = folder
        self.admin = AdminClient({"bootstrap.servers": services.bootstrap, "log_level": 0})
        (folder / "event.avsc").write_text(json.dumps(job.EVENT), encoding="utf-8")
        with contextlib.closing(redis.Redis.from_url(services.redis_url)) as client:
            keys = Keys(self.model)
            versions.push(client, keys, VERSION, job.version(self.model, VERSION, job.logistic()), actor="bench")
            pointers.set_champion(client, keys, VERSION, actor="bench", reason="to be measured")

    @contextlib.contextmanager
    def run(self, name: str, delivery: str, events: str | None = None) -> Iterator[Run]:
        """Settings and topics for one run, with the topic ``events`` or one of its own; all topics go with it."""
        run = Run(self, f"{self.model}-{name}-{secrets.token_hex(3)}", delivery, events)
        try:
            yield run
        finally:
            run.stop()
            self.drop([topic for topic in run.settings.topics.model_dump().values() if topic != events])

    def fill(self, topic: str, count: int) -> None:
        """A new topic with so many events, spread evenly over its partitions."""
        self.admin.create_topics([NewTopic(topic, PARTITIONS, -1, config=topics.KEPT)])[topic].result(30)
        self.await_leaders([topic])
        producer = Producer(
            {
                "bootstrap.servers": self.services.bootstrap,
                "linger.ms": 20,
                "batch.size": 1_000_000,
                "queue.buffering.max.messages": 200_000,
                "acks": "all",
                "log_level": 0,
            }
        )
        for number, (key, value) in enumerate(job.stream(count)):
            while True:
                try:
                    producer.produce(topic, value, key, number % PARTITIONS)
                    break
                except BufferError:
                    producer.poll(0.05)
        if producer.flush(60):
            raise BenchError(f"{topic} could not be filled within a minute")

    def await_leaders(self, names: Iterable[str]) -> None:
        """Wait until new topics can be used."""
        for name in names:
            deadline = time.monotonic() + _PATIENCE
            while any(found.leader < 0 for found in self._partitions(name)):
                if time.monotonic() > deadline:
                    raise BenchError(f"{name} has no leaders")
                time.sleep(0.01)

    def _partitions(self, topic: str) -> Iterable[PartitionMetadata]:
        return self.admin.list_topics(topic, timeout=10).topics[topic].partitions.values()

    def drop(self, names: Sequence[str]) -> None:
        """Delete topics."""
        for done in self.admin.delete_topics(list(names)).values():
            with contextlib.suppress(KafkaException):
                done.result(30)


class Run:
    """One run: its settings, its process, and how far it has come."""

    def __init__(self, stage: Stage, name: str, delivery: str, events: str | None) -> None:
        self._stage = stage
        self.folder = stage.folder / name
        self.folder.mkdir()
        (self.folder / "event.avsc").write_bytes((stage.folder / "event.avsc").read_bytes())
        self.address = f"{HOST}:{free_ports(1)[0]}"
        texts = {
            "model": stage.model,
            "run": name,
            "delivery": delivery,
            "http": self.address,
            "bootstrap": stage.services.bootstrap,
            "url": stage.services.redis_url,
            "events": events or f"{name}.events",
        }
        texts |= {kind: f"{name}.{kind}" for kind in ("retry", "predictions", "dead_letters", "audit", "labels")}
        self.file = self.folder / "settings.toml"
        quoted = {key: json.dumps(text) for key, text in texts.items()}
        self.file.write_text(_SETTINGS.format(event_id=job.EVENT_ID, **quoted), encoding="utf-8")
        self.settings = Settings.load(self.file, {})
        self._process: Process | None = None
        made = topics.create(self.settings, PARTITIONS, -1)
        if not set(made.values()) <= {"created", "exists"}:
            raise BenchError(f"topics could not be made: {made}")
        stage.await_leaders(made)
        # Never a member of the group: it only asks.
        self._watch = Consumer(
            {
                "bootstrap.servers": stage.services.bootstrap,
                "group.id": name,
                "isolation.level": "read_uncommitted",
                "log_level": 0,
            }
        )

    def start(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> int:
        """Start the process that does the work; its id."""
        self._process = Process(
            command, log=self.log, directory=ROOT, environment=environment or dict(os.environ), grace=_STOP
        )
        return self._process.pid

    def start_scorer(self, environment: Mapping[str, str] | None = None) -> int:
        """Start ``scorer run``; the id of its parent process."""
        return self.start([str(SCORER), "--settings", str(self.file), "run"], environment)

    @property
    def log(self) -> Path:
        """The log of the process."""
        return self.folder / "log"

    def check(self) -> None:
        """Raise an error with the end of its log if the process has ended."""
        if self._process is not None:
            self._process.check("What was to be measured")

    def await_ready(self, pause: float = 0.05, patience: float = _PATIENCE) -> None:
        """Wait until /ready says so."""
        deadline = time.monotonic() + patience
        while True:
            try:
                with urllib.request.urlopen(f"http://{self.address}/ready", timeout=5):
                    return
            except urllib.error.HTTPError as error:
                why = error.read().decode(errors="replace")
            except OSError as error:
                why = str(error)
            self.check()
            if time.monotonic() > deadline:
                raise BenchError(f"the scorer is not ready: {why}; see {self.log}")
            time.sleep(pause)

    def written(self) -> int:
        """How many predictions the broker has, committed or not, and transaction markers among them."""
        topic, deadline = self.settings.topics.predictions, time.monotonic() + _PATIENCE
        while True:
            try:
                ends = [self._watch.get_watermark_offsets(TopicPartition(topic, n), 10) for n in range(PARTITIONS)]
                return sum(high for _, high in ends)
            except KafkaException:  # the leader of a new partition may not know yet that it is one
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def committed(self) -> list[int]:
        """The committed offset of each partition of the events, 0 where there is none."""
        asked = [TopicPartition(self.settings.topics.events, number) for number in range(PARTITIONS)]
        return [max(0, found.offset) for found in self._watch.committed(asked, 10)]

    def stop(self) -> None:
        """End the process in good order: the signal goes to the parent alone, which tells its workers."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP
        while process.running and time.monotonic() < deadline:
            time.sleep(0.02)
        process.stop(0.0)
