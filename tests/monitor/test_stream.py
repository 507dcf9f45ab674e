"""Reading from a real Kafka: everything, once, whatever happens to brokers, topics and partitions meanwhile."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, Message
from confluent_kafka.admin import NewPartitions

from monitor import stream as module
from monitor.settings import MonitorSettings
from monitor.stream import Ends, Stream
from sandbox import Kafka
from scorer.stream import topics
from tests.conftest import SharedRedis
from tests.integration.deployment import until
from tests.monitor.stage import Stage, flights

SetUp = Callable[..., Stage]


@contextmanager
def reading(stage: Stage) -> Iterator[Stream]:
    with closing(Stream(MonitorSettings.load(stage.file, {}))) as stream:
        yield stream


def read(stream: Stream, count: int) -> list[tuple[str, int]]:
    """So many records: their topics and offsets."""
    found: list[tuple[str, int]] = []

    def enough() -> bool:
        records = stream.read(time.monotonic() + 0.1)
        for batch in (records.events, records.predictions, records.labels) if records is not None else ():
            if batch is not None:
                found.extend(
                    (batch.topics[topic], offset)
                    for topic, offset in zip(batch.topic, batch.offset.tolist(), strict=True)
                )
        stream.commit()
        return len(found) >= count

    until(enough, f"{count} records were not read")
    return found


def known_ends(stream: Stream, count: int) -> Ends:
    """The ends, once the client knows of so many records; they are not read."""

    def known() -> bool:
        if not stream._next:
            assert stream._discover()
        ends = stream.ends()
        return ends is not None and sum(ends.values()) == count

    until(known, f"the client does not know of {count} records")
    ends = stream.ends()
    assert ends is not None
    return ends


def read_to(stream: Stream, ends: Ends) -> None:
    """Read on, without records, until these ends are reached."""
    until(lambda: not read(stream, 0) and stream.reached(ends), "the end was not reached")


def test_reads_all_kinds_from_the_beginning_each_time(set_up: SetUp) -> None:
    stage, made = set_up(partitions=2), flights(50)
    stage.publish_events(made)
    stage.publish_labels(made)
    stage.send([b"replayed"], topic=stage.settings.topics.retry)
    names = stage.settings.topics
    for _ in range(2):
        with reading(stage) as stream:
            found = read(stream, 96)
            assert len(set(found)) <= len(found) == 96
            assert {topic for topic, _ in found} == {names.events, names.labels, names.retry}
            read_to(stream, known_ends(stream, 96))
        assert sum(stage.shown().values()) == 96, "the offsets are not committed at the end"


def test_the_end_is_not_reached_before_it_is_read(set_up: SetUp) -> None:
    stage = set_up(partitions=1)
    with reading(stage) as stream:
        assert stream.ends() == {}
        assert known_ends(stream, 0).keys() == {(topic, 0) for topic in stream._topics}
        stage.publish_events(flights(3))
        ends = known_ends(stream, 3)
        assert not stream.reached(ends)
        assert len(read(stream, 3)) == 3
        read_to(stream, ends)


def test_an_end_that_is_read_along_with_records_lies_behind_them(set_up: SetUp) -> None:
    stage = set_up(partitions=1)
    stage.publish_events(flights(20))
    stage.publish_predictions(stage.predict(stage.models(stage.scoring())))
    with reading(stage) as stream:
        assert stream._discover()
        messages: list[Message] = []

        def all_came() -> bool:
            messages.extend(stream._messages(0.0))
            return len(messages) == 20 + 20 + 4  # events, predictions, and the ends of four partitions

        until(all_came, "not all ends came")
        stream._sorted_out(messages)
        assert stream.reached(known_ends(stream, 20 + 21))


def test_an_end_that_was_overtaken_does_not_count(set_up: SetUp) -> None:
    stage = set_up(partitions=1)
    events = stage.settings.topics.events
    with reading(stage) as stream:
        end = Message(topic=events, partition=0, offset=7, error=KafkaError(KafkaError._PARTITION_EOF))
        stream._sorted_out([end, Message(topic=events, partition=0, offset=7, value=b"")])
        assert stream.reached({(events, 0): 8})


def test_new_partitions_are_found(set_up: SetUp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DISCOVER_SECONDS", 0.1)
    stage = set_up(partitions=1)
    events = stage.settings.topics.events
    with reading(stage) as stream:
        stage.send(2)
        read(stream, 2)
        stage.admin.create_partitions([NewPartitions(events, 3)])[events].result(30)
        stage.await_leaders(events, 3)
        stage.__dict__.pop("producer")  # it knows of one partition only, and would go on so for a while
        stage.send([stage.event(7)], partition=2)
        assert read(stream, 1) == [(events, 0)]


def test_a_topic_that_is_made_anew_is_read_from_its_beginning(set_up: SetUp, caplog: pytest.LogCaptureFixture) -> None:
    stage = set_up(partitions=1)
    events = stage.settings.topics.events
    with reading(stage) as stream:
        stage.send(10)
        read(stream, 10)
        stage.admin.delete_topics([events])[events].result(30)
        until(lambda: events not in stage.admin.list_topics(timeout=10).topics, "the topic is still there")
        assert topics.create(stage.settings, 1, 1)[events] == "created"
        stage.await_leaders(events, 1)
        until(lambda: not read(stream, 0) and stage.shown().get((events, 0)) == 0, "the new end was not reached")
        stage.send(3)
        assert read(stream, 3) == [(events, 0), (events, 1), (events, 2)]
    assert "were deleted before they were read" in caplog.text


def test_offsets_that_could_not_be_committed_are_committed_later(
    set_up: SetUp, caplog: pytest.LogCaptureFixture
) -> None:
    stage = set_up(partitions=1)
    member = Consumer(
        {"bootstrap.servers": stage.settings.kafka.bootstrap_servers, "group.id": stage.group, "log_level": 0}
    )
    member.subscribe([stage.settings.topics.audit])
    until(lambda: member.poll(0.1) is None and bool(member.assignment()), "the member has not joined")
    with reading(stage) as stream:
        stage.send(5)
        read(stream, 5)
        until(lambda: not read(stream, 0) and "not committed" in caplog.text, "the commit did not fail")
        assert stage.shown() == {}
        member.close()
        until(lambda: not read(stream, 0) and sum(stage.shown().values()) == 5, "the offsets were never committed")


def test_what_is_left_is_committed_at_the_end(set_up: SetUp) -> None:
    stage = set_up(partitions=1)
    stage.send(5)
    with reading(stage) as stream:
        until(lambda: stream.read(time.monotonic() + 0.1) is not None, "nothing was read")
        assert stage.shown() == {}
    assert stage.shown()[stage.settings.topics.events, 0] > 0


# -- brokers that come and go ------------------------------------------------------------------------------------------


@pytest.fixture
def own(new_kafka: Callable[..., Kafka], redis_server: SharedRedis, tmp_path: Path) -> tuple[Kafka, Stage]:
    kafka = new_kafka()
    return kafka, Stage(tmp_path, kafka.bootstrap, redis_server.url, partitions=1)


def test_waits_for_a_broker_and_goes_on(own: tuple[Kafka, Stage]) -> None:
    kafka, stage = own
    made = flights(60, days=10)
    stage.publish_events(made)
    stage.publish_predictions(stage.predict(stage.models(stage.scoring())))
    stage.publish_labels(made[:20])
    with stage.start("--json") as running:
        stage.await_read()
        kafka.kill()
        until(lambda: "waiting: " in running.log, "the broker is not missed")
        kafka.restart()
        stage.publish_labels(made[20:])
        stage.await_read()
        [line] = running.stop()
        assert "reading on" in running.log
    assert (line["predictions"], line["outcomes"]) == (60, 54)


def test_ends_within_seconds_although_the_broker_is_frozen(own: tuple[Kafka, Stage]) -> None:
    kafka, stage = own
    stage.publish_events(flights(10))
    with stage.start("--json") as running:
        stage.await_read()
        stage.publish_events(flights(5_000))
        kafka.freeze()
        try:
            running.process.send_signal(signal.SIGTERM)
            assert running.process.wait(15) == 0, running.log
        finally:
            kafka.thaw()


def test_an_offset_that_cannot_be_committed_does_not_hold_up_the_end(own: tuple[Kafka, Stage]) -> None:
    kafka, stage = own
    stage.send(5)
    stream = Stream(MonitorSettings.load(stage.file, {}))
    until(lambda: stream.read(time.monotonic() + 0.1) is not None, "nothing was read")
    kafka.freeze()
    try:
        closing = threading.Thread(target=stream.close)
        closing.start()
        closing.join(20)
        assert not closing.is_alive()
    finally:
        kafka.thaw()
        stream.close()
