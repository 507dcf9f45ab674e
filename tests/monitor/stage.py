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

from scorer import schema_files
from scorer.batch import Batch
from scorer.registry import pointers, versions
from scorer.registry.keys import Keys
from scorer.scoring.models import Models
from scorer.stream import batches
from tests.integration.deployment import EVENT, PREDICTION, SCHEMA_ID, Deployment, until, version

LABEL = fastavro.parse_schema(schema_files.own("label"))
EVENTS = fastavro.parse_schema(EVENT)

HOUR = 3_600_000
"""Milliseconds."""

REQUIREMENTS = """
[[requirement]]
metric = "accuracy"
window = "month"
judged = "once per closed window"
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


def flights(count: int, seed: int = 1, start: int = 1_364_774_400_000, days: float = 80.0) -> list[Flight]:
    """Events from April 2013 on, in order, with labels some hours later; every tenth has none."""
    rng = np.random.default_rng(seed)
    ats = start + np.sort(rng.integers(0, int(days * 24 * HOUR), count))
    made = []
    for number, at in enumerate(ats.tolist()):
        x = None if number % 13 == 0 else float(rng.normal())
        label = None if number % 10 == 9 else int(rng.random() < 1 / (1 + np.exp(-(x or 0.0))))
        made.append(Flight(f"f{number}", at, x, label, at + int(rng.integers(1, 48 * HOUR))))
    return made


class Stage(Deployment):
    """Topics and settings of a model, and what a test does with them. The same settings as a file: ``file``."""

    def __init__(self, directory: Path, bootstrap: str, redis_url: str, partitions: int = 3, **monitor: Any) -> None:
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
            [monitor]
            requirements = "requirements.toml"
            """
            + "\n".join(f"{key} = {json.dumps(value)}" for key, value in monitor.items())
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

    def challenge(self, client: redis.Redis, *names: str, slope: float = 2.0) -> None:
        """Push versions and let the pointer name them."""
        for name in names:
            versions.push(client, self.keys, name, version(self.model, name, slope), actor="test")
        pointers.set_challengers(client, self.keys, names, actor="test", reason="test")

    # -- the monitor -----------------------------------------------------------------------------------------------

    def start(self, *arguments: str) -> Running:
        """Start ``monitor run``."""
        return Running(self, arguments)

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

    def __init__(self, stage: Stage, arguments: Sequence[str]) -> None:
        self._output = stage.directory / "stdout"
        self._log = stage.directory / "stderr"
        command = [sys.executable, "-c", "from monitor.cli import main; main()", "run", "--settings", str(stage.file)]
        with self._output.open("wb") as output, self._log.open("wb") as log:
            self.process = subprocess.Popen([*command, *arguments], stdout=output, stderr=log)

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(30)

    def stop(self, seconds: float = 10.0) -> list[dict[str, Any]]:
        """SIGTERM; the lines of JSON that it printed from start to end."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(seconds) == 0, self.log
        return self.lines

    @property
    def output(self) -> str:
        """Standard output so far."""
        return self._output.read_text()

    @property
    def log(self) -> str:
        """Standard error so far."""
        return self._log.read_text()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines of JSON so far."""
        return [json.loads(line) for line in self.output.splitlines()]


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
