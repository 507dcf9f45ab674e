"""What goes to topics arrives once and in the order of its subject, whatever happens to broker and monitor."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from monitor import sender as module
from monitor.alerts.records import Record
from monitor.recalling import HEADER, Recalling
from monitor.sender import AUDIT, VERDICT, Sender
from monitor.settings import MonitorSettings
from monitor.store.outbox import Letter
from sandbox import Kafka
from scorer.stream import topics
from tests.conftest import SharedKafka
from tests.integration.deployment import until


def settings_for(bootstrap: str, name: str, directory: Path) -> MonitorSettings:
    """Settings of a model that has its topics."""
    settings = MonitorSettings.model_validate(
        {
            "scorer": {"model": name},
            "kafka": {"bootstrap_servers": bootstrap, "properties": {"log_level": "0"}},
            "schemas": {"events": {1: directory / "event.avsc"}},
        }
    )
    assert set(topics.create(settings, 3, 1).values()) == {"created"}
    return settings


@pytest.fixture
def settings(kafka: SharedKafka, tmp_path: Path) -> MonitorSettings:
    return settings_for(kafka.bootstrap, f"m{tmp_path.parent.name}-{tmp_path.name}"[-60:].replace("_", "-"), tmp_path)


@pytest.fixture
def make() -> Iterator[Callable[[MonitorSettings], Sender]]:
    """Makes senders, and closes them."""
    made: list[Sender] = []

    def new(settings: MonitorSettings) -> Sender:
        made.append(Sender(settings))
        return made[-1]

    yield new
    for one in made:
        one.close()


def letters(*names: str, size: int = 0) -> list[Letter]:
    """``a1`` is the first record on the subject ``a``."""
    return [
        Letter(f"verdict/{name}", Record(name[:1].encode(), name.encode() + b"." * size).packed()) for name in names
    ]


def read(settings: MonitorSettings, topic: str) -> list[Message]:
    """All that is in a topic, partition by partition."""
    consumer = Consumer({"bootstrap.servers": settings.kafka.bootstrap_servers, "group.id": "test", "log_level": 0})
    found = []
    for number in consumer.list_topics(topic, timeout=30).topics[topic].partitions:
        place = TopicPartition(topic, number)
        low, high = consumer.get_watermark_offsets(place, timeout=30)
        place.offset = low
        consumer.assign([place])
        while place.offset < high:
            message = consumer.poll(30)
            assert message is not None
            assert message.error() is None
            place.offset = int(message.offset() or 0) + 1
            found.append(message)
    consumer.close()
    return found


def values(settings: MonitorSettings) -> list[str]:
    """The values in the verdicts topic."""
    return [str(message.value(), "utf-8").rstrip(".") for message in read(settings, settings.topics.verdicts)]  # type: ignore[arg-type]


def all_sent(sender: Sender, waiting: Sequence[Letter], kind: str = VERDICT) -> None:
    """Offer until all of it is done."""

    def sent() -> bool:
        sender.offer(kind, waiting, 7)
        return sender.done() == sorted(letter.id for letter in waiting)

    until(sent, "not all of it was sent")


def test_records_arrive_once_with_key_and_id_in_the_order_of_their_subject(
    settings: MonitorSettings, make: Callable[[MonitorSettings], Sender]
) -> None:
    sender = make(settings)
    waiting = letters("a1", "b1", "a2", "c1", "a3")
    all_sent(sender, waiting)
    for _ in range(3):
        sender.offer(VERDICT, waiting, 7)  # not struck out yet
    found = read(settings, settings.topics.verdicts)
    assert sorted(str(one.value(), "utf-8") for one in found) == ["a1", "a2", "a3", "b1", "c1"]  # type: ignore[arg-type]
    assert [one.value() for one in found if one.key() == b"a"] == [b"a1", b"a2", b"a3"]
    headers: list[Any] = [one.headers() for one in found if one.value() == b"b1"]
    assert headers == [[(HEADER, b"verdict/b1"), ("monitor.lease", b"7")]]
    sender.offer(VERDICT, [], 7)
    assert sender.done() == []


def test_audit_records_go_where_the_scorers_go(
    settings: MonitorSettings, make: Callable[[MonitorSettings], Sender]
) -> None:
    all_sent(make(settings), [Letter(f"audit/{n}", b"%d" % n) for n in range(5)], AUDIT)
    found = read(settings, settings.topics.audit)
    assert [(one.partition(), one.key(), one.value()) for one in found] == [(0, None, b"%d" % n) for n in range(5)]


def test_what_was_sent_before_a_kill_is_not_sent_again(
    settings: MonitorSettings, make: Callable[[MonitorSettings], Sender]
) -> None:
    """The first monitor was killed before it struck anything out; the third record it had not sent."""
    waiting = letters("a1", "b1")
    all_sent(make(settings), waiting)
    after = make(settings)
    all_sent(after, [*waiting, *letters("a2")])
    assert sorted(values(settings)) == ["a1", "a2", "b1"]


def test_nothing_is_waited_for_while_no_broker_answers_and_all_of_it_arrives_in_order(
    new_kafka: Callable[..., Kafka], make: Callable[[MonitorSettings], Sender], tmp_path: Path
) -> None:
    with new_kafka() as cluster:
        settings = settings_for(cluster.bootstrap, "m", tmp_path)
        sender = make(settings)
        all_sent(sender, letters("a1"))
        cluster.freeze()
        waiting = letters("a1", "a2", "b1", "a3")
        for _ in range(100):
            sender.offer(VERDICT, waiting, 7)
        assert set(sender.done()) <= {"verdict/a1"}
        cluster.thaw()
        all_sent(sender, waiting)
        found = read(settings, settings.topics.verdicts)
        assert [one.value() for one in found if one.key() == b"a"] == [b"a1", b"a2", b"a3"]
        sender.close()


def test_a_record_that_is_refused_goes_again_with_all_that_follow_on_its_subject(
    settings: MonitorSettings, make: Callable[[MonitorSettings], Sender], caplog: pytest.LogCaptureFixture
) -> None:
    """The last of a subject is the last that was said, although later ones had arrived before the first did."""
    sender = make(settings)
    noise = random.Random(1).randbytes(3_000_000)  # noqa: S311  # it does not compress
    waiting = [Letter("verdict/a1", Record(b"a", noise).packed()), *letters("a2", "b1")]
    until(lambda: _offered(sender, waiting) == ["verdict/b1"] and sender.problem != "", "what stands alone is held up")
    assert "large" in sender.problem.lower()
    mended = [*letters("a1"), *waiting[1:]]
    all_sent(sender, mended)
    found = read(settings, settings.topics.verdicts)
    assert [one.value() for one in found if one.key() == b"a"][-2:] == [b"a1", b"a2"]
    assert caplog.text.count("did not take a record") >= 1


def test_what_ends_the_search_for_what_was_sent_is_raised_in_the_loop(
    settings: MonitorSettings, make: Callable[[MonitorSettings], Sender], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("no such topic in the answer")

    monkeypatch.setattr(Recalling, "_starts", broken)
    sender = make(settings)

    def raised() -> bool:
        try:
            return bool(_offered(sender, letters("a1")))
        except KeyError as error:
            return "no such topic" in str(error)

    until(raised, "nothing is said, and nothing is sent for ever")


def _offered(sender: Sender, waiting: Sequence[Letter]) -> list[str]:
    sender.offer(VERDICT, waiting, 7)
    return sender.done()


def test_a_client_that_is_beyond_repair_is_replaced(
    settings: MonitorSettings, make: Callable[[MonitorSettings], Sender], caplog: pytest.LogCaptureFixture
) -> None:
    sender = make(settings)
    all_sent(sender, letters("a1"))
    client = sender._producer
    with caplog.at_level(logging.WARNING):
        sender._heard(KafkaError(KafkaError._FATAL, "made up", fatal=True))
    all_sent(sender, letters("a1", "a2"))
    assert sender._producer is not client
    assert values(settings) == ["a1", "a2"]


def test_a_client_that_fails_for_good_while_a_record_is_handed_over_is_replaced(
    settings: MonitorSettings, make: Callable[[MonitorSettings], Sender], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        """What produce() says once the client has failed for good."""

        def produce(self, *_: object, **__: object) -> None:
            raise KafkaException(KafkaError(KafkaError._FATAL, "made up", fatal=True))

        def poll(self, _seconds: float) -> int:
            return 0

        def purge(self) -> None:
            """There is nothing under way."""

    sender = make(settings)
    monkeypatch.setattr(sender, "_producer", Broken())
    until(lambda: _offered(sender, letters("a1")) == [] and sender.problem == "made up", "nothing is said of it")
    all_sent(sender, letters("a1"))
    assert values(settings) == ["a1"]


def test_memory_is_bounded(
    settings: MonitorSettings, make: Callable[[MonitorSettings], Sender], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "UNDER_WAY", 2)
    sender = make(settings)
    waiting = letters("a1", "b1", "c1", "d1", "e1")
    sender.offer(VERDICT, [], 7)
    sender.offer(VERDICT, waiting, 7)
    assert len(sender._lines[VERDICT].turns) == 2
    all_sent(sender, waiting)
    assert len(values(settings)) == 5
