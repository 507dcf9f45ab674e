"""The judge against topics made by hand: it must find each breach, and nothing where there is none."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import fastavro
import numpy as np
import pytest
from confluent_kafka import Producer

from demo.records import SCHEMAS, schema
from sandbox import SandboxError, judge, stamps
from sandbox.judge import Count, Places
from tests.conftest import MakeTopic, SharedKafka

PREDICTION = schema(SCHEMAS / "prediction.avsc")
AUDIT = schema(SCHEMAS / "audit.avsc")
DIGEST = bytes(range(32))


def framed(described: Mapping[str, Any], record: Mapping[str, Any]) -> bytes:
    out = io.BytesIO(b"\0\0\0\3\xe9")
    out.seek(5)
    fastavro.schemaless_writer(out, fastavro.parse_schema(dict(described)), dict(record), strict=True)
    return out.getvalue()


def prediction(topic: str, partition: int, offset: int, **changes: Any) -> dict[str, Any]:
    made = {
        "event_id": f"e{partition}-{offset}",
        "source_topic": topic,
        "source_partition": partition,
        "source_offset": offset,
        "model": "flights",
        "version": "v1",
        "digest": DIGEST,
        "role": "champion",
        "score": 0.25,
        "class": "late",
        "scores": [],
        "event_time": None,
        "scored_time": 1_000_000_000_000_000,
        "flags": 0,
        "carried": {},
    }
    return made | changes


Headers = list[tuple[str, str | bytes | None]]


def headers(topic: str, partition: int, offset: int) -> Headers:
    places = {"topic": topic, "partition": partition, "offset": offset}
    return [(f"scorer.source.{name}", str(value).encode()) for name, value in places.items()]


@dataclass
class Topics:
    """Two partitions with three events each, and what became of them: e0-1 is a dead letter, the others are scored."""

    kafka: str
    events: str
    predictions: str
    dead_letters: str
    outputs: list[tuple[int, int]] = field(default_factory=list)

    def produce(self, topic: str, records: Iterable[tuple[int, bytes | None, Headers]], *, abort: bool = False) -> None:
        """Records in a transaction, which is committed or aborted."""
        producer = Producer({"bootstrap.servers": self.kafka, "transactional.id": f"{topic}.{abort}"})
        producer.init_transactions(20)
        producer.begin_transaction()
        for partition, value, headed in records:
            producer.produce(topic, value, b"key", partition, headers=headed)
        producer.flush(20)
        if abort:
            producer.abort_transaction(20)
        else:
            producer.commit_transaction(20)

    def predict(self, *places: tuple[int, int], abort: bool = False) -> None:
        """Predictions for the events with these partitions and offsets."""
        made = [framed(PREDICTION, prediction(self.events, *place)) for place in places]
        records = [(partition, value, Headers()) for (partition, _), value in zip(places, made, strict=True)]
        self.produce(self.predictions, records, abort=abort)

    def bury(self, *places: tuple[int, int]) -> None:
        """Dead letters for them."""
        self.produce(self.dead_letters, [(place[0], b"broken", headers(self.events, *place)) for place in places])

    def count(self) -> Count:
        """What the judge finds."""
        return judge.count(
            judge.inputs(self.kafka, [self.events]),
            judge.predictions(self.kafka, self.predictions, PREDICTION),
            judge.dead_letters(self.kafka, self.dead_letters),
        )


@pytest.fixture
def topics(kafka: SharedKafka, topic: MakeTopic) -> Topics:
    made = Topics(kafka.bootstrap, topic(2), topic(2), topic(2))
    made.produce(made.events, [(partition, b"event", []) for partition in (0, 1) for _ in range(3)])
    return made


def test_all_is_well(topics: Topics) -> None:
    topics.predict((0, 0), (0, 2), (1, 0), (1, 1), (1, 2))
    topics.bury((0, 1))
    found = topics.count()
    assert (found.events, found.predictions, found.dead_letters) == (6, 5, 1)
    assert not found.broken


def test_a_lost_event(topics: Topics) -> None:
    topics.predict((0, 0), (0, 2), (1, 0), (1, 2))
    topics.bury((0, 1))
    found = topics.count()
    assert found.broken == {"lost": 1}
    assert found.examples["lost"] == [f"{topics.events}-1-1"]


def test_outputs_of_an_aborted_transaction_do_not_count(topics: Topics) -> None:
    topics.predict((0, 0), (0, 2), (1, 0), (1, 1), (1, 2), abort=True)
    topics.bury((0, 1))
    found = topics.count()
    assert found.predictions == 0
    assert found.broken == {"lost": 5}


def test_events_of_an_aborted_transaction_are_none(topics: Topics) -> None:
    topics.produce(topics.events, [(0, b"never", []), (1, b"never", [])], abort=True)
    topics.predict((0, 0), (0, 2), (1, 0), (1, 1), (1, 2))
    topics.bury((0, 1))
    assert not topics.count().broken


def test_outputs_of_a_transaction_that_does_not_end_do_not_count_and_one_that_ends_is_waited_for(
    topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    topics.predict((0, 0), (0, 2), (1, 0))
    topics.bury((0, 1))
    producer = Producer({"bootstrap.servers": topics.kafka, "transactional.id": f"{topics.predictions}.open"})
    producer.init_transactions(20)
    producer.begin_transaction()
    producer.produce(topics.predictions, framed(PREDICTION, prediction(topics.events, 1, 1)), partition=1)
    assert not producer.flush(20)
    monkeypatch.setattr(judge, "SETTLE_SECONDS", 0.3)
    assert topics.count().broken == {"lost": 2}
    monkeypatch.setattr(judge, "SETTLE_SECONDS", 30.0)
    commit = threading.Timer(0.5, producer.commit_transaction, (20,))
    commit.start()
    assert topics.count().broken == {"lost": 1}
    commit.join()


@pytest.mark.parametrize("again", ["prediction", "dead letter"])
def test_a_doubled_event(topics: Topics, again: str) -> None:
    topics.predict((0, 0), (0, 2), (1, 0), (1, 1), (1, 2))
    topics.bury((0, 1))
    if again == "prediction":
        topics.predict((1, 2))
    else:
        topics.bury((1, 2))
    found = topics.count()
    assert found.broken == {"doubled": 1}
    assert found.examples["doubled"] == [f"{topics.events}-1-2"]


def test_an_output_without_an_event(topics: Topics) -> None:
    topics.predict((0, 0), (0, 2), (0, 7), (1, 0), (1, 1), (1, 2))
    topics.bury((0, 1))
    found = topics.count()
    assert found.broken == {"extra": 1}
    assert found.examples["extra"] == [f"{topics.events}-0-7"]


def test_an_output_that_cannot_be_read(topics: Topics) -> None:
    topics.predict((0, 0), (0, 2), (1, 0), (1, 1), (1, 2))
    topics.bury((0, 1))
    topics.produce(topics.predictions, [(0, b"what", []), (0, None, []), (1, b"\0\0\0\3\xe9\x80", [])])
    topics.produce(topics.dead_letters, [(0, b"no headers", []), (0, b"", [("scorer.source.offset", b"one")])])
    found = topics.count()
    assert found.broken == {"extra": 5}
    assert (found.predictions, found.dead_letters) == (8, 3)


def test_outputs_out_of_order(topics: Topics) -> None:
    topics.predict((0, 2), (0, 0), (1, 0), (1, 1), (1, 2))
    topics.bury((0, 1))
    assert topics.count().broken == {"misplaced": 1}


def test_a_copy_is_doubled_but_not_misplaced(topics: Topics) -> None:
    topics.predict((0, 0), (0, 2), (1, 0), (1, 1), (1, 2), (1, 0), (1, 1))
    topics.bury((0, 1))
    assert topics.count().broken == {"doubled": 2}


def test_a_source_partition_may_be_spread_over_several(topics: Topics) -> None:
    """Four source partitions to three of the output: the order holds within each of them."""
    made = [framed(PREDICTION, prediction(topics.events, 0, offset)) for offset in (2, 0)]
    topics.produce(topics.predictions, [(0, made[0], []), (1, made[1], [])])
    topics.predict((1, 0), (1, 1), (1, 2))
    topics.bury((0, 1))
    assert not topics.count().broken


def test_a_topic_that_does_not_exist(kafka: SharedKafka) -> None:
    with pytest.raises(SandboxError, match="no-such-topic cannot be read"):
        list(judge.read(kafka.bootstrap, "no-such-topic"))


def test_an_empty_topic(topics: Topics) -> None:
    assert len(judge.predictions(topics.kafka, topics.predictions, PREDICTION)) == 0
    assert topics.count().broken == {"lost": 6}


def test_the_times_of_inputs_are_those_of_the_broker(topics: Topics) -> None:
    found = judge.inputs(topics.kafka, [topics.events])
    assert sorted(found.sources) == [(topics.events, 0), (topics.events, 1)]
    assert found.time.min() > 1_700_000_000_000


def test_a_million_are_counted_in_seconds() -> None:
    """Four sources, in four partitions; one lost, one doubled, one out of its place."""
    sources = [("events", partition) for partition in range(4)]
    numbers = np.arange(1_000_000, dtype=np.int64)
    lane = (numbers % 4).astype(np.int32)
    events = Places(sources, lane, numbers // 4, lane)
    order = numbers.copy()
    order[[400_000, 400_004]] = order[[400_004, 400_000]]
    order = np.concatenate([order[1:], order[-1:]])
    predicted = Places(sources, lane[order], numbers[order] // 4, lane[order])
    found = judge.count(events, predicted, Places())
    assert found.broken == {"lost": 1, "doubled": 1, "misplaced": 1}


def test_audit_records_are_read_with_times_as_numbers(kafka: SharedKafka, topic: MakeTopic) -> None:
    name = topic()
    record = {
        "at": 7, "model": "flights", "instance": "s-0", "event": "applied", "pointer": "champion",
        "version": "v1", "digest": DIGEST, "previous": None, "seen": 3, "reason": None, "command": None,
        "actor": None, "actor_reason": None, "trial": None,
    }  # fmt: skip
    writer = Topics(kafka.bootstrap, name, name, name)
    writer.produce(name, [(0, framed(AUDIT, record), []), (0, b"what", [])])
    found = stamps.audit(kafka.bootstrap, name, AUDIT)
    assert found == [record]
    assert stamps.reigns(found, "champion") == [stamps.Reign("v1", 3, stamps._NEVER)]


def test_the_decoder_reads_predictions_as_they_are() -> None:
    record = prediction("t", 1, 2, event_time=5, carried={"a": 1, "b": None, "c": "x", "d": 0.5})
    decode = judge.decoder(PREDICTION)
    assert decode(framed(PREDICTION, record)) == record
    for value in (None, b"", b"\0\0\0\0", b"\1" + framed(PREDICTION, record)[1:]):
        assert decode(value) is None
