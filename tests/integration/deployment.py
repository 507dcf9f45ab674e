"""One small model with topics, schema, settings and events of its own, on whatever Kafka and Redis a test has."""

from __future__ import annotations

import io
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import fastavro
import numpy as np
import redis
from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec

from scorer import schema_files
from scorer.model import build, golden
from scorer.model.build import Design, Proof
from scorer.model.inputs import Input
from scorer.model.version import VersionBytes
from scorer.registry import versions
from scorer.registry.keys import Keys
from scorer.scoring.models import Active, Models
from scorer.scoring.prediction import PredictionForm
from scorer.scoring.score import Scoring
from scorer.settings import Settings
from scorer.stream import topics
from scorer.wire.decode import Decoder
from scorer.wire.schema import parse

Source = tuple[str, int, int]

EVENT = {
    "type": "record",
    "name": "Event",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "x", "type": ["null", "double"]},
    ],
}
SCHEMA_ID = 7
PREDICTION = fastavro.parse_schema(schema_files.own("prediction"))
AUDIT = fastavro.parse_schema(schema_files.own("audit"))


def version(model: str, name: str, slope: float = 1.0) -> VersionBytes:
    """A logistic regression of one input, ``x``, which may be missing."""
    rows: list[list[float | int | str | None]] = [[float(x)] for x in np.linspace(-3, 3, 32)]
    scores = 1 / (1 + np.exp(-slope * np.linspace(-3, 3, 32)))
    design = Design(
        model,
        name,
        1,
        ("numpy", np.__version__),
        [Input("x", "float64", nullable=True)],
        [build.impute(["x"], ["x_known"], [0.0])],
        build.logistic(["x_known"], [slope], 0.0),
        "binary",
        ("no", "yes"),
    )
    return build.version(design, Proof(rows, scores[None, :]))


def until(condition: Callable[[], bool], complaint: str, seconds: float = 120.0) -> None:
    """Wait for something that happens elsewhere, where there is nothing to wait on but asking again."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"{complaint} within {seconds:.0f} s"
        pause.wait(0.02)


def headers_of(message: Message) -> dict[str, bytes | None]:
    """A message's headers; what the client reads are always bytes."""
    return dict(cast("list[tuple[str, bytes | None]]", message.headers() or []))


@dataclass(frozen=True)
class Output:
    """A prediction or dead letter as a read_committed consumer sees it."""

    source: Source
    message: Message
    prediction: dict[str, Any] | None

    @property
    def headers(self) -> dict[str, bytes | None]:
        """The message's headers."""
        return headers_of(self.message)


class Deployment:
    """Settings of one model, made for ``directory``; ``overrides`` are sections of settings."""

    def __init__(
        self,
        directory: Path,
        bootstrap: str,
        redis_url: str = "redis://127.0.0.1:1/0",
        partitions: int = 4,
        **overrides: Any,
    ) -> None:
        self.model = f"m{uuid.uuid4().hex[:8]}"
        self.directory = directory
        self.redis_url = redis_url
        self.keys = Keys(self.model)
        (directory / "event.avsc").write_text(json.dumps(EVENT))
        scorer = {
            "model": self.model,
            "id_field": "id",
            "time_field": "at",
            "instance": self.model,
            "state_directory": directory / "state",
            "http": "127.0.0.1:0",
        } | overrides.pop("scorer", {})
        self.settings = Settings.model_validate(
            {
                "scorer": scorer,
                "kafka": {"bootstrap_servers": bootstrap, "properties": {"log_level": "3"}}
                | overrides.pop("kafka", {}),
                "redis": {"url": redis_url},
                "schemas": {"events": {SCHEMA_ID: directory / "event.avsc"}},
                **overrides,
            }
        )
        self.sent = 0
        made = topics.create(self.settings, partitions, -1)
        assert set(made.values()) == {"created"}, made
        for topic in made:
            self.await_leaders(topic, partitions)

    def await_leaders(self, topic: str, partitions: int) -> None:
        """Wait until every partition of a new topic, or one that was enlarged, can be used."""
        until(lambda: self._leaders(topic) == partitions, f"{topic} has no leaders")

    def _leaders(self, topic: str) -> int:
        known = self.admin.list_topics(topic, timeout=10).topics[topic].partitions
        return sum(partition.leader >= 0 for partition in known.values())

    def push(self, registry: redis.Redis, name: str, slope: float = 1.0) -> None:
        """Push a version."""
        versions.push(registry, self.keys, name, version(self.model, name, slope), actor="test")

    def changed(self, **scorer: Any) -> Settings:
        """The settings with some keys of [scorer] changed."""
        return self.settings.model_copy(update={"scorer": self.settings.scorer.model_copy(update=scorer)})

    # -- events ----------------------------------------------------------------------------------------------------

    @cached_property
    def producer(self) -> Producer:
        """A producer of events."""
        return Producer(
            {
                "bootstrap.servers": self.settings.kafka.bootstrap_servers,
                "linger.ms": 5,
                "message.max.bytes": 10_000_000,
                "log_level": 0,
            }
        )

    def event(self, number: int, x: float | None = 0.5) -> bytes:
        """An event with Confluent's framing."""
        out = io.BytesIO(b"\0" + SCHEMA_ID.to_bytes(4, "big"))
        out.seek(0, io.SEEK_END)
        fields = {"id": f"e{number}", "at": 1_700_000_000_000 + number, "x": x}
        fastavro.schemaless_writer(out, fastavro.parse_schema(EVENT), fields)
        return out.getvalue()

    def send(self, values: int | Iterable[bytes | None], partition: int = -1, **arguments: Any) -> None:
        """Send so many good events, or these bytes, and wait until they have arrived."""
        events = values if not isinstance(values, int) else [self.event(self.sent + i) for i in range(values)]
        for value in events:
            key = arguments.get("key", b"k%d" % self.sent)
            topic = arguments.get("topic", self.settings.topics.events)
            self.producer.produce(topic, value, key, partition, headers=arguments.get("headers"))
            self.sent += 1
        assert self.producer.flush(30) == 0

    # -- what the stream needs -------------------------------------------------------------------------------------

    def scoring(self) -> Scoring:
        """The scorer's own batch function for these events."""
        schemas = self.settings.schemas
        decoder = Decoder(schema_files.events(schemas), schema_files.framing(schemas))
        prediction = parse(schema_files.own("prediction"), "prediction.avsc")
        form = PredictionForm(self.model, prediction, decoder.framing, schemas.prediction_id, "id", "at")
        return Scoring(decoder, form)

    def models(self, scoring: Scoring, name: str = "v1", slope: float = 1.0) -> Models:
        """Models with one champion."""
        model = golden.admit(version(self.model, name, slope))
        return Models(Active(name, model.digest, model.bind(scoring.decoder.layout)))

    # -- what came of it -------------------------------------------------------------------------------------------

    @cached_property
    def admin(self) -> AdminClient:
        """An admin client."""
        return AdminClient({"bootstrap.servers": self.settings.kafka.bootstrap_servers, "log_level": 0})

    def ends(self, *names: str) -> dict[tuple[str, int], int]:
        """The offsets behind the last record of each partition, once no transaction is open there.

        A commit returns before its markers are written, so what it made visible may take a moment to be so.
        """
        known = self.admin.list_topics(timeout=10).topics
        partitions = [TopicPartition(name, p) for name in names for p in known[name].partitions]
        found: dict[tuple[str, int], int] = {}

        def no_transaction_is_open() -> bool:
            high, stable = (self._latest(partitions, level) for level in IsolationLevel)
            found.update(stable)
            return stable == high

        until(no_transaction_is_open, f"a transaction stays open in {names}")
        return found

    def _latest(self, partitions: Sequence[TopicPartition], level: IsolationLevel) -> dict[tuple[str, int], int]:
        asked = {tp: OffsetSpec.latest() for tp in partitions}  # type: ignore[no-untyped-call]
        answers: dict[tuple[str, int], int] = {}

        def all_leaders_answer() -> bool:
            try:
                for tp, future in self.admin.list_offsets(asked, isolation_level=level).items():
                    answers[tp.topic, tp.partition] = future.result(10).offset
            except KafkaException:
                return False  # a leader is being elected
            return True

        until(all_leaders_answer, "some partition has no leader")
        return answers

    def written(self) -> int:
        """How many predictions the broker has, committed or not."""
        known = self.admin.list_topics(timeout=10).topics[self.settings.topics.predictions].partitions
        partitions = [TopicPartition(self.settings.topics.predictions, number) for number in known]
        return sum(self._latest(partitions, IsolationLevel.READ_UNCOMMITTED).values())

    def read(self, *names: str) -> list[Message]:
        """Everything committed in these topics, up to their present ends."""
        ends = {partition: end for partition, end in self.ends(*names).items() if end > 0}
        consumer = Consumer(
            {
                "bootstrap.servers": self.settings.kafka.bootstrap_servers,
                "group.id": f"judge-{uuid.uuid4().hex}",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "log_level": 0,
            }
        )
        consumer.assign([TopicPartition(topic, number, 0) for topic, number in ends])
        found, open_ones = [], set(ends)
        while open_ones:
            message = consumer.poll(20)
            assert message is not None, f"no end of {open_ones} within 20 s"
            if message.error() is None:
                found.append(message)
            else:
                open_ones.discard((str(message.topic()), int(message.partition() or 0)))
        consumer.close()
        return found

    def outputs(self) -> list[Output]:
        """All predictions and dead letters."""
        names = self.settings.topics
        return [self._output(message) for message in self.read(names.predictions, names.dead_letters)]

    def _output(self, message: Message) -> Output:
        if message.topic() == self.settings.topics.dead_letters:
            headers = headers_of(message)
            topic, partition, offset = (headers[f"scorer.source.{name}"] for name in ("topic", "partition", "offset"))
            return Output((bytes(topic or b"").decode(), int(partition or b""), int(offset or b"")), message, None)
        value = bytes(message.value() or b"")
        assert value[:5] == b"\0" + self.settings.schemas.prediction_id.to_bytes(4, "big")
        fields = fastavro.schemaless_reader(io.BytesIO(value[5:]), PREDICTION, None)
        assert isinstance(fields, dict)
        source = (fields["source_topic"], fields["source_partition"], fields["source_offset"])
        return Output(source, message, fields)

    def audit(self) -> list[dict[str, Any]]:
        """All committed audit records."""
        messages = self.read(self.settings.topics.audit)
        records = [fastavro.schemaless_reader(io.BytesIO(bytes(m.value() or b"")[5:]), AUDIT, None) for m in messages]
        return [record for record in records if isinstance(record, dict)]

    @cached_property
    def _watcher(self) -> Consumer:
        """Asks for the group's offsets without being a member of it.

        An admin client could be asked, too, but while the group's coordinator restarts that ends the process:
        librdkafka 2.16 then looks for a consumer's group in a client that has none.
        """
        return Consumer(
            {
                "bootstrap.servers": self.settings.kafka.bootstrap_servers,
                "group.id": self.settings.scorer.group,
                "isolation.level": "read_committed",  # and no answer while a transaction's offsets are pending
                "enable.auto.commit": False,
                "log_level": 0,
            }
        )

    def committed(self) -> dict[tuple[str, int], int]:
        """The group's committed offsets, of partitions that have any; empty while nobody can tell for sure."""
        names = (self.settings.topics.events, self.settings.topics.retry)
        deadline, pause = time.monotonic() + 10, threading.Event()
        while time.monotonic() < deadline:
            try:
                known = self.admin.list_topics(timeout=10).topics
                asked = [TopicPartition(name, number) for name in names for number in known[name].partitions]
                found = self._watcher.committed(asked, 10)
            except KafkaException:  # a transaction's offsets are pending, or the broker is away
                pause.wait(0.05)
                continue
            if not any(tp.error for tp in found):
                return {(tp.topic, tp.partition): tp.offset for tp in found if tp.offset >= 0}
            pause.wait(0.05)
        return {}

    def await_committed(self, events: int) -> None:
        """Wait until the offsets of exactly so many events are committed."""
        until(lambda: sum(self.committed().values()) == events, f"not {events} events are committed")

    def sources(self) -> Counter[Source]:
        """Every event's coordinates."""
        names = self.settings.topics
        return Counter(
            (str(m.topic()), int(m.partition() or 0), int(m.offset() or 0))
            for m in self.read(names.events, names.retry)
        )

    def assert_exactly_once(self) -> Sequence[Output]:
        """Every event has exactly one prediction or dead letter, and nothing else exists; returns all outputs."""
        outputs = self.outputs()
        found, wanted = Counter(output.source for output in outputs), self.sources()
        lost, doubled = wanted - found, found - wanted
        assert not lost, f"{len(lost)} events are lost, such as {list(lost)[:3]}"
        assert not doubled, f"{len(doubled)} outputs are doubled or invented, such as {list(doubled)[:3]}"
        return outputs
