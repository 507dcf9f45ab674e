"""What happens when an attempt fails: what counts, what is done again, and when a new process must help."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import pytest
import redis as redis_client
from confluent_kafka import KafkaError, Message
from confluent_kafka.admin import NewPartitions

from sandbox import Kafka
from scorer.errors import StreamBroken, TransactionFailed
from scorer.stream.exactly_once import ExactlyOnce
from scorer.stream.transaction import Transaction
from tests.conftest import SharedRedis
from tests.integration.deployment import Deployment, until
from tests.integration.loops import Loop, Stepper, opened
from tests.integration.steps import limit, score_and_commit
from tests.integration.tree import Tree

Deploy = Callable[..., Deployment]


def test_a_key_that_is_too_large_for_the_predictions_makes_a_dead_letter(deploy: Deploy) -> None:
    deployment = deploy()
    limit(deployment, deployment.settings.topics.predictions, 4_000)
    deployment.send(1, key=os.urandom(5_000))
    deployment.send(10)
    with Loop(deployment) as loop:
        deployment.await_committed(11)
        assert not loop.aborts
    [letter] = [o for o in deployment.assert_exactly_once() if o.prediction is None]
    assert letter.headers["scorer.code"] == b"too_large"


def test_what_is_aborted_again_and_again_is_no_progress(deploy: Deploy) -> None:
    deployment = deploy(partitions=1)
    predictions = deployment.settings.topics.predictions
    deployment.send(100)
    with opened(deployment) as stream:
        stepper = Stepper(deployment)
        score_and_commit(stepper, stream)
        before = stream.positions()
        assert {p.next_offset for p in before} >= {100}
        limit(deployment, predictions, 100)
        deployment.send(100)
        for _ in range(3):
            with pytest.raises(TransactionFailed, match="too large"):
                score_and_commit(stepper, stream)
            assert stream.positions() == before
            stream.abort_and_rewind()
            assert stream.positions() == before
        limit(deployment, predictions, 1_000_000)
        stream.finish()
    with Loop(deployment):
        deployment.await_committed(200)
    deployment.assert_exactly_once()


def test_a_limit_that_is_lowered_is_found_by_a_new_process(
    deploy_with_registry: Deploy, redis: redis_client.Redis
) -> None:
    deployment = deploy_with_registry()
    deployment.push(redis, "v1")
    redis.set(deployment.keys.champion, "v1")
    with Tree(deployment) as tree:
        deployment.send(100)
        deployment.await_committed(100)
        limit(deployment, deployment.settings.topics.predictions, 100)
        deployment.send(100)
        deployment.await_committed(200)
        assert "10 transactions in a row were aborted" in tree.text()
        assert tree.metric("scorer_worker_restarts_total") == 1
        until(lambda: tree.metric("scorer_dead_letters_total", code="too_large") == 100, "they are not counted")
    deployment.assert_exactly_once()


def test_a_commit_counts_even_if_the_next_producer_does_not_start(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a commit that was long in coming the producer is replaced, which may fail."""
    deployment = deploy()
    deployment.send(100)
    call, replace = Transaction._call, Transaction._replace
    failures: list[Transaction] = []

    def delayed(self: Transaction, what: Callable[[], object]) -> bool:
        call(self, what)
        return True

    def failing(self: Transaction) -> None:
        if not failures:
            failures.append(self)
            raise TransactionFailed("on purpose")
        replace(self)

    monkeypatch.setattr(Transaction, "_call", delayed)
    monkeypatch.setattr(Transaction, "_replace", failing)
    with opened(deployment) as stream:
        stepper = Stepper(deployment)
        stream.record([b"applied"])
        score_and_commit(stepper, stream)
        assert not stream.uncommitted
        deployment.send(100)
        with pytest.raises(TransactionFailed, match="on purpose"):
            stepper.score(stream, 100)
        stream.abort_and_rewind()
        stepper.score(stream, 100)
        stream.finish()
    deployment.assert_exactly_once()
    assert [m.value() for m in deployment.read(deployment.settings.topics.audit)] == [b"applied"]


@pytest.mark.parametrize("delivery", ["exactly-once", "at-least-once"])
def test_audit_records_survive_an_abort(deploy: Deploy, delivery: str) -> None:
    deployment = deploy(scorer={"delivery": delivery}, kafka={"properties": {"linger.ms": 5_000, "log_level": 3}})
    with opened(deployment) as stream:
        stream.record([b"applied"])
        stream.abort_and_rewind()
        stream.finish()
    assert [m.value() for m in deployment.read(deployment.settings.topics.audit)] == [b"applied"]


def test_the_end_of_a_partition_that_has_gone_means_nothing(deploy: Deploy) -> None:
    """Told in the very read in which the partition is revoked: committed later, it would skip what others left."""
    deployment = deploy(partitions=1)
    events = deployment.settings.topics.events
    with opened(deployment) as stream:
        assert isinstance(stream, ExactlyOnce)
        source = stream._source
        for code in (KafkaError._PARTITION_EOF, KafkaError._AUTO_OFFSET_RESET):
            told = Message(topic=events, partition=0, offset=50, error=KafkaError(code))
            assert not source._heed_errors([told])
        assert not stream.uncommitted
        deployment.send(5)
        Stepper(deployment).score(stream, 5)
        stream.finish()
    deployment.await_committed(5)


def test_a_name_that_the_broker_refuses_is_waited_for_and_named(
    new_kafka: Callable[..., Kafka],
    redis_server: SharedRedis,
    redis: redis_client.Redis,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    kafka = new_kafka(settings={"transaction.max.timeout.ms": "60000"})
    scorer = {"transaction_timeout_ms": 120_000}
    deployment = Deployment(tmp_path_factory.mktemp("deployment"), kafka.bootstrap, redis_server.url, scorer=scorer)
    deployment.push(redis, "v1")
    redis.set(deployment.keys.champion, "v1")
    with Tree(deployment) as tree:
        until(lambda: "timeout" in tree.not_ready().lower(), "it does not say what the broker refuses")
        assert tree.text().count("started, process") == 1
        assert json.loads(tree.get("/ready")[1])["workers"][0]["state"] == "waiting"
    with Tree(deployment, transaction_timeout_ms=10_000) as tree:
        deployment.send(10)
        deployment.await_committed(10)
    deployment.assert_exactly_once()


def test_when_the_events_get_more_partitions_all_of_them_are_read_after_a_new_start(deploy: Deploy) -> None:
    refresh = {"topic.metadata.refresh.interval.ms": "500", "log_level": "3"}
    deployment = deploy(partitions=2, kafka={"properties": refresh})
    events, retry = deployment.settings.topics.events, deployment.settings.topics.retry
    loop = Loop(deployment)
    with loop:
        deployment.send(10)
        deployment.await_committed(10)
        for topic in (retry, events):
            deployment.admin.create_partitions([NewPartitions(topic, 4)])[topic].result(10)
        failure = loop.ended()
    assert isinstance(failure, StreamBroken)
    assert "has 4 partitions now, and had 2" in str(failure)
    deployment.await_leaders(events, 4)
    deployment.await_leaders(retry, 4)
    deployment.__dict__.pop("producer")  # which knows two partitions, for some minutes
    with Loop(deployment):
        for partition in range(4):
            deployment.send(5, partition=partition)
            deployment.send(5, partition=partition, topic=retry)
        deployment.await_committed(50)
    deployment.assert_exactly_once()


def test_a_broker_that_cannot_be_reached_is_named_with_the_reason(deploy: Deploy) -> None:
    settings = deploy().settings
    away = settings.model_copy(update={"kafka": settings.kafka.model_copy(update={"bootstrap_servers": "127.0.0.1:1"})})
    with pytest.raises(StreamBroken, match=r"no broker answers \(.*[Cc]onnect.*\); see kafka.bootstrap_servers"):
        ExactlyOnce(away, 0, lambda: False)
