"""Reading a topic backwards: in order, window by window, committed records only."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from itertools import islice

import pytest
from confluent_kafka import Producer, TopicPartition

from scorer.errors import StreamBroken
from scorer.stream import history as reading
from scorer.stream.history import History
from tests.conftest import MakeTopic, SharedKafka
from tests.integration.deployment import Deployment

START = 1_700_000_000_000


@pytest.fixture
def deployment(deploy: Callable[..., Deployment]) -> Deployment:
    return deploy(partitions=1)


@pytest.fixture
def records(kafka: SharedKafka, topic: MakeTopic) -> str:
    """A topic of two partitions: 0 holds a record of every even second, 1 one of every odd second, 1,000 in all."""
    name = topic(partitions=2)
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    for second in range(1_000):
        producer.produce(name, b"%d" % second, None, second % 2, timestamp=START + 1_000 * second)
    assert producer.flush(30) == 0
    return name


@pytest.mark.parametrize("window", [1, 7, 500, 10_000])
def test_the_newest_record_comes_first(deployment: Deployment, records: str, window: int) -> None:
    with History(deployment.settings, records, first_window=window) as history:
        found = [int(message.value() or b"") for message in history.newest_first()]
    assert found == list(reversed(range(1_000)))


def test_no_more_is_read_than_is_asked_for(
    deployment: Deployment, records: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = []
    read = History._read

    def counted(self: History, partition: int, start: int, end: int) -> object:
        windows.append((partition, start, end))
        return read(self, partition, start, end)

    monkeypatch.setattr(History, "_read", counted)
    with History(deployment.settings, records, first_window=10) as history:
        assert [int(m.value() or b"") for m in islice(history.newest_first(), 3)] == [999, 998, 997]
        assert windows == [(0, 490, 500), (1, 490, 500)]
        del windows[:]
        assert len(list(history.newest_first())) == 1_000
        assert [start for partition, start, _ in windows if partition == 0] == [490, 450, 290, 0]


def test_large_records_are_read_in_small_windows(
    deployment: Deployment, records: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    read = History._read

    def measured(self: History, partition: int, start: int, end: int) -> object:
        sizes.append(end - start)
        return read(self, partition, start, end)

    monkeypatch.setattr(History, "_read", measured)
    with History(deployment.settings, records, first_window=10) as history:
        monkeypatch.setattr(reading, "WINDOW_BYTES", 100)
        found = [int(message.value() or b"") for message in history.newest_first()]
    assert found == list(reversed(range(1_000)))
    assert max(sizes[2:]) <= 50, "records of two or three bytes"


def test_only_since(deployment: Deployment, records: str) -> None:
    with History(deployment.settings, records) as history:
        for since, first in ((START + 995_000, 995), (START + 994_001, 995), (0, 0)):
            found = [int(message.value() or b"") for message in history.newest_first(since)]
            assert found == list(reversed(range(first, 1_000)))
        assert list(history.newest_first(START + 999_001)) == []


def test_one_record(deployment: Deployment, records: str) -> None:
    with History(deployment.settings, records) as history:
        one = history.one(1, 3)
        assert one is not None
        assert one.value() == b"7"
        for nowhere in ((1, 500), (1, -1), (2, 0)):
            assert history.one(*nowhere) is None


def test_deleted_records_are_not_there(deployment: Deployment, records: str) -> None:
    [future] = deployment.admin.delete_records([TopicPartition(records, 0, 400)]).values()
    future.result(30)
    with History(deployment.settings, records, first_window=30) as history:
        assert history.oldest() == {0: 400, 1: 0}
        found = [int(message.value() or b"") for message in history.newest_first()]
        assert history.one(0, 399) is None
    assert found == [second for second in reversed(range(1_000)) if second % 2 or second >= 800]


def test_what_is_aborted_or_not_committed_is_not_there(
    kafka: SharedKafka, topic: MakeTopic, deployment: Deployment
) -> None:
    name = topic(partitions=1)
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "transactional.id": uuid.uuid4().hex})
    producer.init_transactions(30)

    def write(text: bytes) -> None:
        producer.begin_transaction()
        for number in range(20):
            producer.produce(name, text + b"%d" % number)
        assert producer.flush(30) == 0

    write(b"committed ")
    producer.commit_transaction(30)
    write(b"aborted ")
    producer.abort_transaction(30)
    write(b"open ")
    with History(deployment.settings, name, first_window=3) as history:
        found = [bytes(message.value() or b"") for message in history.newest_first()]
    assert found == [b"committed %d" % number for number in reversed(range(20))]
    producer.abort_transaction(30)


def test_an_empty_topic_and_one_that_is_missing(deployment: Deployment, topic: MakeTopic) -> None:
    with History(deployment.settings, topic()) as history:
        assert list(history.newest_first()) == []
        assert list(history.newest_first(START)) == []
    with (
        History(deployment.settings, "nowhere-to-be-found") as history,
        pytest.raises(StreamBroken, match="scorer topics create"),
    ):
        list(history.newest_first())
