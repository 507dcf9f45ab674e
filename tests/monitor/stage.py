"""A model whose events, predictions and labels a test puts on Kafka, and the monitor as a process that watches it."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import redis
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from monitor.judge.verdicts import Verdict
from monitor.store.errors import SnapshotMissing
from monitor.store.reading import Snapshot
from scorer import schema_files
from scorer.batch import Batch
from scorer.registry import pointers, versions
from scorer.registry.keys import Keys
from scorer.scoring.models import Models
from scorer.stream import batches
from tests.integration.deployment import EVENT, PREDICTION, SCHEMA_ID, Deployment, until, version

LABEL = fastavro.parse_schema(schema_files.own("label"))
EVENTS = fastavro.parse_schema(EVENT)

MONITOR_COMMAND = [sys.executable, "-c", "from monitor.cli import main; main()"]

HOUR = 3_600_000
"""Milliseconds."""

REQUIREMENTS = """
[[requirement]]
metric = "accuracy"
window = "month"
judged = "continuously"
minimum = 0.5
least_labels = 20

[[requirement]]
metric = "brier"
window = "month"
judged = "once per closed window"
maximum = 0.01
least_labels = 20
"""


@dataclass(frozen=True)
class Flight:
    """One event of a test: ``at`` and ``label_at`` in milliseconds since the epoch; ``label`` is ``None`` for ever."""

    id: str
    at: int
    x: float | None
    label: int | None = None
    label_at: int = 0


def first() -> int:
    """The beginning of the month four months ago, in UTC, in milliseconds since the epoch: all windows are closed."""
    return int((np.datetime64("now", "M") - 4).astype("datetime64[ms]").astype(np.int64))


def flights(count: int, seed: int = 1, start: int | None = None, days: float = 80.0) -> list[Flight]:
    """Events of three months, from the first, in order, with labels some hours later; every tenth has none."""
    start = first() if start is None else start
    rng = np.random.default_rng(seed)
    ats = start + np.sort(rng.integers(0, int(days * 24 * HOUR), count))
    made = []
    for number, at in enumerate(ats.tolist()):
        x = None if number % 13 == 0 else float(rng.normal())
        label = None if number % 10 == 9 else int(rng.random() < 1 / (1 + np.exp(-(x or 0.0))))
        made.append(Flight(f"f{number}", at, x, label, at + int(rng.integers(1, 48 * HOUR))))
    return made


MONITOR = {
    "requirements": "requirements.toml", "state_directory": "monitor", "tick_seconds": 0.1, "idle_seconds": 3.0,
    "matures_after_hours": 1.0, "retention_days": 300, "lease_seconds": 3.0,
}  # fmt: skip


def table(name: str, values: dict[str, Any]) -> str:
    """A table of the settings."""
    return "\n".join([f"\n[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]) + "\n"


class Stage(Deployment):
    """Topics and settings of a model, and what a test does with them. The same settings as a file: ``file``."""

    def __init__(
        self,
        directory: Path,
        bootstrap: str,
        redis_url: str,
        partitions: int = 3,
        alerts: dict[str, Any] | None = None,
        **monitor: Any,
    ) -> None:
        super().__init__(directory, bootstrap, redis_url, partitions)
        (directory / "requirements.toml").write_text(REQUIREMENTS)
        self.file = directory / "settings.toml"
        self.file.write_text(
            f"""
            [scorer]
            model = "{self.model}"
            id_field = "id"
            time_field = "at"
            [kafka]
            bootstrap_servers = "{bootstrap}"
            properties = {{ log_level = 3 }}
            [redis]
            url = "{redis_url}"
            poll_seconds = 0.05
            [schemas]
            events = {{ {SCHEMA_ID} = "event.avsc" }}
            """
            + table("monitor", {**MONITOR, **monitor})
            + table("alerts", {"oldest_days": 36_500, **(alerts or {})})
        )
        self.group = f"{self.model}.monitor"
        until(self._answers, "the new topics do not answer")
        self.keys = Keys(self.model)

    def _answers(self) -> bool:
        """Whether every broker knows by now who leads the new partitions."""
        topics = self.settings.topics
        try:
            return len(self.ends(topics.events, topics.retry, topics.predictions, topics.labels)) > 0
        except KafkaException:
            return False

    # -- what goes in ----------------------------------------------------------------------------------------------

    def publish_events(self, made: Iterable[Flight]) -> None:
        """Send events, spread over the partitions by their ids."""
        for flight in made:
            value = framed(SCHEMA_ID, EVENTS, {"id": flight.id, "at": flight.at, "x": flight.x})
            self.producer.produce(self.settings.topics.events, value, flight.id)
        assert self.producer.flush(30) == 0

    def publish_labels(self, made: Iterable[Flight]) -> None:
        """Send the labels of those that have one, in the order in which they were known."""
        labelled = sorted((flight for flight in made if flight.label is not None), key=lambda flight: flight.label_at)
        for flight in labelled:
            fields = {"event_id": flight.id, "label": flight.label, "label_time": flight.label_at * 1000}
            value = framed(self.settings.schemas.label_id, LABEL, fields)
            self.producer.produce(self.settings.topics.labels, value, flight.id)
        assert self.producer.flush(30) == 0

    def retract(self, made: Iterable[Flight], revision: int | None = None) -> None:
        """Take the labels of these back, with that revision in a header or without one."""
        headers: list[tuple[str, str | bytes | None]] = [] if revision is None else [("label.revision", str(revision))]
        for flight in made:
            self.producer.produce(self.settings.topics.labels, None, flight.id, headers=headers)
        assert self.producer.flush(30) == 0

    def events(self) -> Batch:
        """All events, as the scorer reads them."""
        names = (self.settings.topics.events, self.settings.topics.retry)
        batch, _ = batches.build(self.read(*names), names)
        return batch

    def predict(self, *by: Models, now: int = 1_400_000_000_000_000) -> list[bytes]:
        """The predictions for all events by the scorer's own batch function, in turn by each of these models."""
        events, values = self.events(), []
        for turn, models in enumerate(by):
            scored = self.scoring().score(events, models, now)
            found = [bytes(scored.buffer[a : a + n]) for a, n in zip(scored.start, scored.length, strict=True)]
            values += [value for row, value in zip(scored.rows.tolist(), found, strict=True) if row % len(by) == turn]
        return values

    def publish_predictions(self, values: Sequence[bytes], *, commit: bool = True) -> None:
        """Send these in one transaction, as the scorer does."""
        properties = {"bootstrap.servers": self.settings.kafka.bootstrap_servers, "log_level": 0}
        producer = Producer({**properties, "transactional.id": f"{self.model}-stage"})
        producer.init_transactions(30)
        producer.begin_transaction()
        for value in values:
            producer.produce(self.settings.topics.predictions, value, prediction(value)["event_id"])
        assert producer.flush(30) == 0
        producer.commit_transaction() if commit else producer.abort_transaction()

    def crown(self, client: redis.Redis, name: str, slope: float = 1.0) -> None:
        """Push a version and make it the champion."""
        versions.push(client, self.keys, name, version(self.model, name, slope), actor="test")
        client.set(self.keys.champion, name)

    def challenge(self, client: redis.Redis, *names: str, slope: float = 2.0) -> None:
        """Push versions and let the pointer name them."""
        for name in names:
            versions.push(client, self.keys, name, version(self.model, name, slope), actor="test")
        pointers.set_challengers(client, self.keys, names, actor="test", reason="test")

    # -- the monitor -----------------------------------------------------------------------------------------------

    def start(self, *arguments: str, log: str = "stderr") -> Running:
        """Start ``monitor run``; what it says goes to the file ``log``."""
        return Running(self, arguments, log)

    def ask(self, *words: str, code: int = 0) -> str:
        """Run one of the monitor's commands; what it prints."""
        command = [*MONITOR_COMMAND, "--settings", str(self.file), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + (done.stderr if code else "")

    def snapshot(self) -> Snapshot:
        """What the monitor has published last."""
        return Snapshot(self.directory / "monitor" / f"{self.model}.snapshot.duckdb")

    def verdicts(self) -> list[Verdict]:
        """All verdicts that were published last; none before there is a snapshot."""
        try:
            with self.snapshot() as found:
                return found.verdicts()
        except SnapshotMissing:
            return []

    def await_verdicts(self, count: int, running: Running, *, provisional: bool = False) -> list[Verdict]:
        """Wait until so many verdicts are there, all of them final or, if that is enough, provisional."""

        def enough() -> bool:
            assert running.process.poll() is None, running.log
            found = self.verdicts()
            return len(found) >= count and (provisional or not any(one.provisional for one in found))

        until(enough, f"{count} verdicts did not come: {running.log}")
        return self.verdicts()

    def shown(self) -> dict[tuple[str, int], int]:
        """The offsets that the monitor's group has committed."""
        names = self.settings.topics
        topics = self.admin.list_topics(timeout=10).topics
        wanted = (names.events, names.retry, names.predictions, names.labels)
        partitions = [TopicPartition(name, number) for name in wanted for number in topics[name].partitions]
        found = self._group.committed(partitions, 10)
        return {(tp.topic, tp.partition): tp.offset for tp in found if tp.offset >= 0}

    @cached_property
    def _group(self) -> Consumer:
        """Asks for offsets only. An admin client may wait for ever for the answer of a broker that was killed."""
        servers = self.settings.kafka.bootstrap_servers
        return Consumer({"bootstrap.servers": servers, "group.id": self.group, "log_level": 0})

    def await_read(self) -> None:
        """Wait until the monitor's offsets have reached the end of everything."""
        topics = self.settings.topics
        ends = self.ends(topics.events, topics.retry, topics.predictions, topics.labels)
        until(lambda: self.shown() == ends, f"{ends} was not reached")


class Running:
    """``monitor run`` as a process. Ends with the ``with`` statement, however that ends."""

    def __init__(self, stage: Stage, arguments: Sequence[str], log: str) -> None:
        self._log = stage.directory / log
        command = [*MONITOR_COMMAND, "--settings", str(stage.file), "run", *arguments]
        with self._log.open("wb") as file:
            self.process = subprocess.Popen(command, stdout=file, stderr=file)

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(30)

    def stop(self, seconds: float = 20.0) -> None:
        """SIGTERM, and wait until it has ended in good order."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(seconds) == 0, self.log

    @property
    def log(self) -> str:
        """What it has said so far."""
        return self._log.read_text()


def framed(schema_id: int, schema: Any, fields: dict[str, Any]) -> bytes:
    """A record behind Confluent's header."""
    out = io.BytesIO(b"\0" + schema_id.to_bytes(4, "big"))
    out.seek(0, io.SEEK_END)
    fastavro.schemaless_writer(out, schema, fields)
    return out.getvalue()


def prediction(value: bytes) -> dict[str, Any]:
    """A prediction's fields."""
    fields = fastavro.schemaless_reader(io.BytesIO(value[5:]), PREDICTION, None)
    assert isinstance(fields, dict)
    return fields
