"""Replaying dead letters: each once, however often it is started, killed, or run twice at once."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.cimpl import NewPartitions

from scorer.errors import OffsetsLost
from scorer.stream import unreplayed
from scorer.stream.dead_letters import listed, own
from scorer.stream.replay import replay
from scorer.wire.murmur2 import murmur2
from tests.integration.deployment import Deployment, until
from tests.integration.letters import (
    Sent,
    configure,
    header,
    letters,
    once,
    origin,
    origins,
    ours,
    retried,
    settled,
    write,
)
from tests.integration.loops import Loop

Deploy = Callable[..., Deployment]


@pytest.fixture
def deployment(deploy: Deploy) -> Deployment:
    return settled(deploy())


@pytest.fixture(autouse=True)
def _several_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a hundred letters are several transactions."""
    monkeypatch.setattr(unreplayed, "CHUNK_EVENTS", 30)


def test_an_event_is_replayed_as_its_producer_made_it(deployment: Deployment) -> None:
    made = letters(deployment, 100, attempt=2)
    outcome = replay(deployment.settings)
    assert (outcome.replayed, outcome.kept, outcome.deleted) == (100, [], [])
    found = {header(message, "scorer.origin"): message for message in retried(deployment)}
    assert len(found) == len(made)
    for one in made:
        message = found[origin(one)]
        assert (message.value(), message.key(), message.partition()) == (one.value, one.key, one.partition)
        headers = listed(message.headers())
        assert own(headers) == own(one.headers)
        given = {name: value for name, value in headers if name.startswith("scorer.")}
        dead = deployment.settings.topics.dead_letters
        assert header(message, "scorer.letter").startswith(f"{dead}-{one.partition}-")
        del given["scorer.letter"]
        assert given == {"scorer.attempt": b"2", "scorer.origin": origin(one).encode()}


def test_the_order_within_a_partition_is_kept(deployment: Deployment) -> None:
    made = letters(deployment, 100)
    replay(deployment.settings)
    for partition in range(4):
        found = [header(m, "scorer.origin") for m in retried(deployment) if m.partition() == partition]
        assert found == [origin(one) for one in made if one.partition == partition]


def test_replaying_twice_replays_once(deployment: Deployment) -> None:
    made = letters(deployment, 70)
    assert replay(deployment.settings).replayed == 70
    assert replay(deployment.settings).replayed == 0
    more = letters(deployment, 5)
    assert replay(deployment.settings).replayed == 5
    assert origins(deployment) == once([*made, *more])


def test_a_dry_run_changes_nothing(deployment: Deployment) -> None:
    made = letters(deployment, 40)
    for _ in range(2):
        assert replay(deployment.settings, dry_run=True).replayed == 40
    assert retried(deployment) == []
    assert replay(deployment.settings).replayed == 40
    assert origins(deployment) == once(made)


def test_nothing_to_replay(deployment: Deployment) -> None:
    assert replay(deployment.settings).replayed == 0


def test_letters_of_an_open_transaction_wait(deployment: Deployment) -> None:
    settings, made = deployment.settings, letters(deployment, 8)
    properties = {"bootstrap.servers": settings.kafka.bootstrap_servers, "transactional.id": uuid.uuid4().hex}
    scorer = Producer(properties)
    scorer.init_transactions(30)
    scorer.begin_transaction()
    scorer.produce(settings.topics.dead_letters, b"x", b"y", 0, headers=list(ours("e-0-1")))
    assert scorer.flush(30) == 0
    assert replay(settings).replayed == 8
    scorer.abort_transaction(30)
    assert replay(settings).replayed == 0
    assert origins(deployment) == once(made)


@pytest.mark.parametrize(
    ("code", "sent"),
    [
        ("attempts", Sent(b"x", b"k", ours("e-0-1", attempt=4), 0)),
        ("cut", Sent(b"x", b"k", ours("e-0-1", value_cut="true", value_length="2000000"), 0)),
        ("foreign", Sent(b"x", b"k", (("trace", b"1"),), 0)),
        ("foreign", Sent(b"x", b"k", (("scorer.attempt", b"one"), ("scorer.origin", b"e-0-1")), 0)),
        ("too_large", Sent(b"x" * 1500, b"k", ours("e-0-1"), 0)),
    ],
)
def test_what_cannot_be_replayed_stays_is_named_and_is_passed(deployment: Deployment, code: str, sent: Sent) -> None:
    configure(deployment, deployment.settings.topics.retry, "max.message.bytes", "1000")
    before = letters(deployment, 3)
    write(deployment, [sent])
    after = letters(deployment, 3)
    outcome = replay(deployment.settings)
    assert outcome.replayed == 6
    assert outcome.stay == {code: 1}
    [kept] = outcome.kept
    assert kept.code == code
    assert kept.letter == f"{deployment.settings.topics.dead_letters}-0-1"
    assert kept.source == ("" if code == "foreign" else "e-0-1")
    assert replay(deployment.settings).stay == {}
    assert origins(deployment) == once([*before, *after])


def test_the_last_attempt_that_is_allowed(deployment: Deployment) -> None:
    letters(deployment, 1, attempt=3)
    assert replay(deployment.settings).replayed == 1
    letters(deployment, 1, attempt=3)
    fewer = deployment.changed(max_attempts=2)
    assert replay(fewer).stay == {"attempts": 1}


def forget(deployment: Deployment) -> None:
    """Let Kafka forget the group's offsets, as it does after a week without a replay."""
    [future] = deployment.admin.delete_consumer_groups([unreplayed.group(deployment.settings)]).values()
    future.result(30)


def delete_before(deployment: Deployment, topic: str, partition: int, offset: int) -> None:
    """Delete the oldest records of a partition."""
    [future] = deployment.admin.delete_records([TopicPartition(topic, partition, offset)]).values()
    future.result(30)


def test_offsets_that_kafka_has_forgotten_are_found_in_the_retry_topic(deployment: Deployment) -> None:
    made = letters(deployment, 50)
    assert replay(deployment.settings).replayed == 50
    forget(deployment)
    made += letters(deployment, 7)
    assert replay(deployment.settings).replayed == 7
    assert origins(deployment) == once(made)


def test_where_nobody_knows_what_was_replayed_nothing_is(deployment: Deployment) -> None:
    letters(deployment, 10)
    replay(deployment.settings)
    forget(deployment)
    delete_before(deployment, deployment.settings.topics.retry, 1, 1)
    before = retried(deployment)
    with pytest.raises(OffsetsLost, match="nobody knows which letters were replayed"):
        replay(deployment.settings)
    assert len(retried(deployment)) == len(before)


def test_letters_that_were_deleted_before_anybody_replayed_them_are_named(deployment: Deployment) -> None:
    made = letters(deployment, 20)
    replay(deployment.settings)
    gone = letters(deployment, 8)
    topic = deployment.settings.topics.dead_letters
    ends = deployment.ends(topic)
    delete_before(deployment, topic, 2, ends[topic, 2] - 1)
    outcome = replay(deployment.settings)
    assert outcome.deleted == [f"{topic}-2: offsets 5 to 5"]
    assert outcome.replayed == 7
    assert sum(origins(deployment).values()) == len(made) + len(gone) - 1


def test_a_topic_that_was_made_anew_is_noticed(deployment: Deployment) -> None:
    topic, name = deployment.settings.topics.dead_letters, unreplayed.group(deployment.settings)
    there = [TopicPartition(topic, 0, 1_000)]
    [future] = deployment.admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(name, there)]).values()
    future.result(30)
    with pytest.raises(OffsetsLost, match="the topic was made anew"):
        replay(deployment.settings)


def test_where_the_counts_differ_the_key_says_which_partition(deployment: Deployment) -> None:
    retry = deployment.settings.topics.retry
    [future] = deployment.admin.create_partitions([NewPartitions(retry, 7)]).values()
    future.result(30)
    deployment.await_leaders(retry, 7)
    made = {origin(one): one for one in letters(deployment, 60)}
    replay(deployment.settings)
    found = retried(deployment)
    assert len(found) == 60
    for message in found:
        key = message.key()
        by_key = None if key is None else (murmur2(key) & 0x7FFFFFFF) % 7
        assert message.partition() == (made[header(message, "scorer.origin")].partition if by_key is None else by_key)


def test_the_time_of_an_event_that_is_timed_by_the_broker_is_kept(deployment: Deployment) -> None:
    letters(deployment, 4)
    replay(deployment.changed(time_field=None))
    assert {message.timestamp()[1] for message in retried(deployment)} == {1_700_000_000_000}
    letters(deployment, 4)
    replay(deployment.settings)
    assert sum(message.timestamp()[1] > 1_700_000_000_000 for message in retried(deployment)) == 4


def test_an_event_that_the_retry_topic_would_delete_at_once_is_not_replayed(deployment: Deployment) -> None:
    configure(deployment, deployment.settings.topics.retry, "retention.ms", "86400000")
    letters(deployment, 4)
    assert replay(deployment.changed(time_field=None), dry_run=True).stay == {"too_old": 4}
    assert replay(deployment.settings).replayed == 4


def test_a_replayed_event_is_scored_again_and_its_next_letter_knows_its_origin(deployment: Deployment) -> None:
    deployment.send([b"broken"], partition=1, headers=[("trace", b"1")])
    first = f"{deployment.settings.topics.events}-1-0"
    dead = deployment.settings.topics.dead_letters
    seen: list[tuple[str, str, bytes | None]] = []
    for attempt in range(1, 5):
        with Loop(deployment, max_dead_letter_share=1.0):
            until(lambda: len(deployment.read(dead)) > len(seen), f"no letter number {attempt}")
        newest = max(deployment.read(dead), key=lambda message: message.offset() or 0)
        seen.append((header(newest, "scorer.attempt"), header(newest, "scorer.origin"), newest.value()))
        outcome = replay(deployment.settings)
        assert outcome.replayed == (1 if attempt < 4 else 0)
    assert seen == [(str(attempt), first, b"broken") for attempt in range(1, 5)]
    assert outcome.stay == {"attempts": 1}
    deployment.assert_exactly_once()
