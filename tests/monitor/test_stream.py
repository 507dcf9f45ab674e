"""Reading from a real Kafka: everything, once, whatever happens to brokers, topics and partitions meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition
from confluent_kafka.admin import NewPartitions

from monitor import mirror
from monitor import stream as module
from monitor.records import Letter, Partition, Records
from monitor.rows import AUDIT, DEAD_LETTERS, EVENTS, LABELS, PREDICTIONS, RETRY, TOPICS
from monitor.settings import MonitorSettings
from monitor.stream import Stream
from sandbox import Kafka
from scorer.stream import topics
from tests.conftest import SharedRedis
from tests.integration.deployment import until
from tests.monitor.stage import Stage, flights

SetUp = Callable[..., Stage]
Place = tuple[str, int, int]


class Reading:
    """A stream, and what a state would know of what it has read."""

    def __init__(self, stage: Stage, offsets: Mapping[Partition, int], ids: Mapping[str, str] | None = None) -> None:
        self.stream = Stream(MonitorSettings.load(stage.file, {}), offsets, ids)
        self.offsets = dict(offsets)
        self.lost: list[tuple[Partition, int, int]] = []
        self.places: list[Place] = []
        self.letters: list[Letter] = []

    def once(self) -> Records:
        """Read once, and keep what came."""
        records = self.stream.read(time.monotonic() + 0.1)
        for place, offset in records.lost.items():
            self.lost.append((place, self.offsets[place], offset))
            self.offsets[place] = offset
        for place, offset in records.found.items():
            assert place not in self.offsets
            self.offsets[place] = offset
        for topic, batch in records.batches.items():
            for number, offset in zip(batch.partition.tolist(), batch.offset.tolist(), strict=True):
                assert offset >= self.offsets[topic, number], "it was read before"
                self.offsets[topic, number] = offset + 1
                self.places.append((topic, number, offset))
        assert len(records.letters) == len(records.batches.get(DEAD_LETTERS, ()))
        self.letters += records.letters
        for place, offset in records.passed.items():
            self.offsets[place] = max(self.offsets[place], offset)
        self.stream.mirror(self.offsets)
        return records

    def until_read(self, count: int, seconds: float = 60.0) -> list[Place]:
        """Read until so many records came in all."""
        until(lambda: self.once() is not None and len(self.places) >= count,
              f"{count} records were not read", seconds)  # fmt: skip
        return self.places

    def until_ended(self) -> None:
        """Read until all partitions that are known have ended."""
        until(lambda: not self.once() and bool(self.offsets) and self.stream.ended == self.offsets.keys(), "no end")


@contextmanager
def reading(
    stage: Stage, offsets: Mapping[Partition, int] | None = None, ids: Mapping[str, str] | None = None
) -> Iterator[Reading]:
    found = Reading(stage, offsets or {}, ids)
    try:
        yield found
    finally:
        found.stream.close(found.offsets)


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "MIRROR_SECONDS", 0.05)


def test_reads_all_topics_once_and_goes_on_where_the_state_is(set_up: SetUp) -> None:
    stage, made = set_up(partitions=2), flights(40)
    names = stage.settings.topics
    stage.publish_events(made)
    stage.publish_labels(made)
    stage.publish_predictions(stage.predict(stage.models(stage.scoring())))
    stage.send([b"replayed"], topic=names.retry)
    stage.send([b"said"], topic=names.audit)
    stage.send([b"dead"], topic=names.dead_letters, headers=[("scorer.code", b"utf8"), ("scorer.source.time", b"17")])
    count = 40 + 36 + 40 + 3
    with reading(stage) as first:
        first.until_read(count)
        first.until_ended()
        assert len(set(first.places)) == len(first.places) == count
        assert {topic for topic, *_ in first.places} == set(TOPICS)
        assert set(first.offsets) == {(topic, number) for topic in TOPICS for number in (0, 1)}
        assert first.letters == [Letter("utf8", 17)]
        assert first.stream.lag == dict.fromkeys(first.offsets, 0)
    assert stage.shown() == {
        (getattr(names, topic), number): offset
        for (topic, number), offset in first.offsets.items()
        if topic in (EVENTS, RETRY, PREDICTIONS, LABELS)
    }, "the offsets are not shown at the end"
    stage.publish_labels(made[:10])
    with reading(stage, first.offsets) as second:
        second.until_read(9)
        second.until_ended()
        assert len(second.places) == 9
        assert {topic for topic, *_ in second.places} == {LABELS}


def test_what_is_not_committed_is_not_read(set_up: SetUp) -> None:
    stage = set_up(partitions=1)
    stage.publish_events(flights(5))
    values = stage.predict(stage.models(stage.scoring()))
    stage.publish_predictions(values, commit=False)
    stage.publish_predictions(values)
    with reading(stage) as one:
        one.until_read(10)
        one.until_ended()
        # 5 that were aborted and the mark behind them come before those that count, and one more mark behind these.
        assert [offset for topic, _, offset in one.places if topic == PREDICTIONS] == [6, 7, 8, 9, 10]
        assert one.offsets[PREDICTIONS, 0] == 12


def test_an_end_counts_until_something_comes(set_up: SetUp) -> None:
    stage = set_up(partitions=1)
    with reading(stage) as one:
        assert one.stream.ended == frozenset()
        one.until_ended()
        stage.send(3)
        until(lambda: EVENTS in one.once().batches, "nothing came")
        one.until_read(3)
        one.until_ended()


def test_an_end_that_was_overtaken_does_not_count(set_up: SetUp) -> None:
    stage = set_up(partitions=1)
    name = stage.settings.topics.events
    with reading(stage) as one:
        one.until_ended()
        end = Message(topic=name, partition=0, offset=7, error=KafkaError(KafkaError._PARTITION_EOF))
        later = Message(topic=name, partition=0, offset=7, value=b"", timestamp=(1, 5))
        one.stream._messages = lambda deadline: [end, later]  # type: ignore[method-assign]
        one.once()
        assert (EVENTS, 0) not in one.stream.ended
        assert one.offsets[EVENTS, 0] == 8


def test_new_partitions_are_found(set_up: SetUp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DISCOVER_SECONDS", 0.1)
    stage = set_up(partitions=1)
    name = stage.settings.topics.events
    with reading(stage) as one:
        stage.send(2)
        one.until_read(2)
        stage.admin.create_partitions([NewPartitions(name, 3)])[name].result(30)
        stage.await_leaders(name, 3)
        stage.__dict__.pop("producer")  # it knows of one partition only, and would go on so for a while
        stage.send([stage.event(7)], partition=2)
        assert one.until_read(3)[-1] == (EVENTS, 2, 0)
        assert one.offsets[EVENTS, 1] == 0


def test_records_that_were_deleted_unread_are_reported(set_up: SetUp, caplog: pytest.LogCaptureFixture) -> None:
    stage = set_up(partitions=1)
    name = stage.settings.topics.events
    stage.send(10)
    with reading(stage) as one:
        one.until_read(10)
        one.until_ended()
    stage.send(10)
    [deleted] = stage.admin.delete_records([TopicPartition(name, 0, 15)]).values()
    deleted.result(30)
    with reading(stage, one.offsets) as two:
        two.until_read(5)
        assert two.lost == [((EVENTS, 0), 10, 15)]
        assert [offset for *_, offset in two.places] == [15, 16, 17, 18, 19]
    assert "is not there" in caplog.text
    with reading(stage) as new:
        new.until_read(5)
        assert new.lost == [], "what was gone before anybody looked is not lost"
        assert new.offsets[EVENTS, 0] == 20


def test_a_topic_that_is_made_anew_is_read_from_its_beginning(set_up: SetUp) -> None:
    stage = set_up(partitions=2)
    name = stage.settings.topics.events
    with reading(stage) as one:
        stage.send(10, partition=0)
        stage.send(10, partition=1)
        one.until_read(20)
    stage.admin.delete_topics([name])[name].result(30)
    until(lambda: name not in stage.admin.list_topics(timeout=10).topics, "the topic is still there")
    assert topics.create(stage.settings, 1, 1)[name] == "created"
    stage.await_leaders(name, 1)
    stage.__dict__.pop("producer")
    stage.send(3)
    with reading(stage, one.offsets) as two:
        assert two.until_read(3) == [(EVENTS, 0, 0), (EVENTS, 0, 1), (EVENTS, 0, 2)]
        assert two.lost == [((EVENTS, 0), 10, 0)]
        two.until_ended()
        assert (EVENTS, 1) in two.stream.ended, "a partition that is no more holds nobody up"


def test_a_topic_that_is_made_anew_with_more_records_is_read_from_its_beginning(
    set_up: SetUp, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its offsets lead nowhere amiss, so its id alone tells; at the next start as well as at once."""
    monkeypatch.setattr(module, "DISCOVER_SECONDS", 0.1)
    stage = set_up(partitions=1)
    name = stage.settings.topics.events

    def make_anew() -> None:
        stage.admin.delete_topics([name])[name].result(30)
        until(lambda: name not in stage.admin.list_topics(timeout=10).topics, "the topic is still there")
        assert topics.create(stage.settings, 1, 1)[name] == "created"
        stage.await_leaders(name, 1)
        stage.__dict__.pop("producer")
        stage.send(6)

    stage.send(4)
    with reading(stage) as one:
        one.until_read(4)
        ids = one.stream.ids
        assert set(ids) == set(TOPICS)
    make_anew()
    with reading(stage, one.offsets, ids) as two:
        assert two.until_read(6) == [(EVENTS, 0, offset) for offset in range(6)]
        assert two.lost == [((EVENTS, 0), 4, 0)]
        assert {topic for topic, found in two.stream.ids.items() if found != ids[topic]} == {EVENTS}
        two.places.clear()
        make_anew()
        until(lambda: two.once() is not None and len(two.lost) == 2, "it is not noticed while it is read")
        until(lambda: two.once() is not None and two.offsets[EVENTS, 0] == 6, "it is not read")
        assert two.places[-6:] == [(EVENTS, 0, offset) for offset in range(6)]
    assert caplog.text.count("was deleted and made anew") >= 2


def test_a_topic_that_is_missing_is_named_and_the_others_are_read(
    set_up: SetUp, caplog: pytest.LogCaptureFixture
) -> None:
    stage = set_up(partitions=1)
    name = stage.settings.topics.audit
    stage.admin.delete_topics([name])[name].result(30)
    until(lambda: name not in stage.admin.list_topics(timeout=10).topics, "the topic is still there")
    stage.send(3)
    with reading(stage) as one:
        one.until_read(3)
        assert (AUDIT, 0) not in one.offsets
    assert f"there is no topic {name}" in caplog.text


def test_offsets_that_could_not_be_shown_are_shown_later(set_up: SetUp, caplog: pytest.LogCaptureFixture) -> None:
    stage = set_up(partitions=1)
    member = Consumer(
        {"bootstrap.servers": stage.settings.kafka.bootstrap_servers, "group.id": stage.group, "log_level": 0}
    )
    member.subscribe([stage.settings.topics.audit])
    until(lambda: member.poll(0.1) is None and bool(member.assignment()), "the member has not joined")
    with reading(stage) as one:
        stage.send(5)
        one.until_read(5)
        until(lambda: not one.once() and "cannot be shown" in caplog.text, "the commit did not fail")
        assert stage.shown() == {}
        member.close()
        until(lambda: not one.once() and sum(stage.shown().values()) == 5, "the offsets were never committed")


def test_a_partition_that_tells_nothing_is_placed_anew(set_up: SetUp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PLACE_SECONDS", 0.0)
    monkeypatch.setattr(module, "DISCOVER_SECONDS", 0.0)
    stage = set_up(partitions=1)
    stage.send(20)
    with reading(stage) as one:
        one.until_read(20)
        assert len(one.places) == 20


# -- brokers that come and go ------------------------------------------------------------------------------------------


@pytest.fixture
def own(new_kafka: Callable[..., Kafka], redis_server: SharedRedis, tmp_path: Path) -> tuple[Kafka, Stage]:
    kafka = new_kafka()
    return kafka, Stage(tmp_path, kafka.bootstrap, redis_server.url, partitions=1)


def test_nothing_has_ended_while_the_broker_is_away(own: tuple[Kafka, Stage], caplog: pytest.LogCaptureFixture) -> None:
    kafka, stage = own
    with reading(stage) as one:
        stage.send(5)
        one.until_read(5)
        one.until_ended()
        kafka.kill()
        until(lambda: not one.once() and not one.stream.ended, "the broker is not missed")
        assert "waiting: " in caplog.text
        kafka.restart()
        stage.send(3)
        one.until_read(8)
        one.until_ended()
        assert len(one.places) == 8


def test_a_frozen_broker_does_not_hold_up_the_end(own: tuple[Kafka, Stage]) -> None:
    kafka, stage = own
    stage.send(5)
    one = Reading(stage, {})
    one.until_read(5)
    kafka.freeze()
    try:
        one.offsets[EVENTS, 0] = 3
        closing = threading.Thread(target=one.stream.close, args=(one.offsets,))
        closing.start()
        closing.join(20)
        assert not closing.is_alive()
    finally:
        kafka.thaw()
