"""Every way that is known to lose, double or block events, tried against a real broker."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from sandbox import Kafka
from scorer.errors import Fenced, OffsetsLost, ProducerLost, StreamBroken, TransactionFailed
from scorer.stream import clients
from scorer.stream.exactly_once import ExactlyOnce
from tests.conftest import SharedKafka
from tests.integration.deployment import Deployment, until
from tests.integration.loops import Loop, Stepper, opened
from tests.integration.steps import position, read_and_commit, score_and_commit, transactional

Deploy = Callable[..., Deployment]


@pytest.fixture(scope="module")
def impatient_kafka() -> Iterator[SharedKafka]:
    """A broker that ends silent members and transactions soon, so that no test waits long for it."""
    settings = {
        "group.min.session.timeout.ms": "500",
        "group.consumer.min.session.timeout.ms": "500",
        "group.consumer.session.timeout.ms": "1000",
        "group.consumer.min.heartbeat.interval.ms": "100",
        "group.consumer.heartbeat.interval.ms": "300",
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": "200",
    }
    with Kafka.start(settings=settings) as kafka:
        yield SharedKafka(kafka.bootstrap)


@pytest.fixture
def impatient(impatient_kafka: SharedKafka, tmp_path_factory: pytest.TempPathFactory) -> Deploy:
    """Makes deployments on the impatient broker."""

    def make(**arguments: Any) -> Deployment:
        return Deployment(tmp_path_factory.mktemp("deployment"), impatient_kafka.bootstrap, **arguments)

    return make


def members(deployment: Deployment) -> int:
    """How many members the group has."""
    group = deployment.settings.scorer.group
    return len(deployment.admin.describe_consumer_groups([group])[group].result(10).members)


# -- somebody else has the same name -------------------------------------------------------------------------------


def test_a_zombie_is_fenced_and_what_it_wrote_does_not_count(deploy: Deploy) -> None:
    deployment = deploy()
    deployment.send(100)
    with opened(deployment) as zombie, opened(deployment) as successor:
        stepper = Stepper(deployment)
        # The successor's producer has fenced the zombie's, whose consumer may not know yet.
        with pytest.raises((Fenced, TransactionFailed)):
            score_and_commit(stepper, zombie)
        stepper.score(successor, 100)
        successor.finish()
    deployment.assert_exactly_once()


def test_the_elder_of_two_with_one_name_ends_with_a_named_error(deploy: Deploy) -> None:
    deployment = deploy()
    elder = Loop(deployment)
    with elder:
        deployment.send(100)
        deployment.await_committed(100)
        with Loop(deployment):
            deployment.send(100)
            failure = elder.ended()
            assert isinstance(failure, Fenced), failure
            assert "scorer.instance" in str(failure)
            assert not failure.restart
            deployment.await_committed(200)
    deployment.assert_exactly_once()


def test_a_fence_that_comes_with_a_failed_commit_is_heeded(impatient: Deploy) -> None:
    """What is read while a callback fails is dropped, to be read again; but the client tells of its end only once."""
    deployment = impatient()
    deployment.send(100)
    with opened(deployment) as stream:
        assert isinstance(stream, ExactlyOnce)
        Stepper(deployment).score(stream, 100)
        rival = Consumer(clients.consumer(deployment.settings, 0))
        rival.subscribe([deployment.settings.topics.events])
        try:
            with pytest.raises((Fenced, StreamBroken)):
                read_failing(stream, rival)
        finally:
            rival.close()


def read_failing(stream: ExactlyOnce, rival: Consumer) -> None:
    """Read as if a callback failed each time, while the rival joins the group."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        rival.poll(0.1)
        stream._source._incidents.defer(TransactionFailed("as if partitions had just been taken away"))
        with contextlib.suppress(TransactionFailed):
            stream.read(time.monotonic() + 0.1)


# -- time-outs -----------------------------------------------------------------------------------------------------


def test_a_transaction_that_outlives_its_time_is_done_again_with_a_new_producer(impatient: Deploy) -> None:
    deployment = impatient(scorer={"transaction_timeout_ms": 3_000})
    deployment.send(100)
    with opened(deployment) as stream:
        stepper = Stepper(deployment)
        stepper.score(stream, 100)
        until(lambda: deployment.written() == 100, "the predictions do not reach the broker")
        deployment.ends(deployment.settings.topics.predictions)  # returns once the broker has aborted them
        with pytest.raises(ProducerLost, match="longer than 3 s"):
            stream.commit()
        stream.abort_and_rewind()
        stepper.score(stream, 100)
        stream.finish()
    deployment.assert_exactly_once()


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_batch_longer_than_the_poll_interval_loses_its_partitions_and_is_done_again(
    impatient: Deploy, protocol: str
) -> None:
    deployment = impatient(
        scorer={
            "session_timeout_ms": 1_000,
            "max_poll_interval_ms": 1_000,
            "membership": "dynamic",
            "protocol": protocol,
        }
    )
    deployment.send(100)
    with opened(deployment) as stream:
        stepper = Stepper(deployment)
        stepper.score(stream, 100)
        until(lambda: not members(deployment), "the silent member stays in the group")
        with pytest.raises(TransactionFailed):
            read_and_commit(stream)
        stream.abort_and_rewind()
        stepper.score(stream, 100)
        stream.finish()
    deployment.assert_exactly_once()


# -- partitions that move ------------------------------------------------------------------------------------------


def test_revoked_partitions_are_committed_before_they_go(deploy: Deploy) -> None:
    deployment = deploy(scorer={"membership": "dynamic", "commit_ms": 4_000, "drained_commit_ms": 4_000})
    deployment.send(400)
    with opened(deployment) as first:
        stepper = Stepper(deployment)
        stepper.score(first, 400)
        assert first.uncommitted
        with Loop(deployment, 1):
            until(lambda: first.read(time.monotonic() + 0.05) is None and not first.uncommitted, "nothing is revoked")
            deployment.await_committed(400)
            assert "revoked" in {event.kind for event in first.events()}
        assert {p.topic for p in first.positions()} <= set(deployment.settings.topics.model_dump().values())
    deployment.assert_exactly_once()


def test_offsets_of_partitions_that_have_gone_are_not_sent(impatient: Deploy) -> None:
    """A member that was silent for too long commits after others have taken over: the broker refuses."""
    deployment = impatient(scorer={"session_timeout_ms": 1_000, "max_poll_interval_ms": 1_000, "membership": "dynamic"})
    deployment.send(100)
    with opened(deployment) as silent:
        stepper = Stepper(deployment)
        stepper.score(silent, 100)
        until(lambda: not members(deployment), "the silent member stays in the group")
        with Loop(deployment, 1):
            deployment.await_committed(100)
            with pytest.raises(TransactionFailed):
                silent.commit()
            silent.abort_and_rewind()
    deployment.assert_exactly_once()


# -- offsets -------------------------------------------------------------------------------------------------------


def test_transaction_markers_at_the_end_are_stepped_over(deploy: Deploy) -> None:
    """A partition that ends in markers and aborted records must not look as if events were waiting."""
    deployment = deploy(partitions=1)
    upstream = transactional(deployment)
    for outcome in (upstream.commit_transaction, upstream.abort_transaction):
        upstream.begin_transaction()
        for number in range(10):
            upstream.produce(deployment.settings.topics.events, deployment.event(number), partition=0)
        upstream.flush(30)
        outcome(30)
    end = deployment.ends(deployment.settings.topics.events)[deployment.settings.topics.events, 0]
    assert end == 22  # 20 records and two markers
    with Loop(deployment) as loop:
        until(lambda: deployment.committed().get((deployment.settings.topics.events, 0)) == end, "the offset freezes")
        assert not loop.aborts
    assert len(deployment.assert_exactly_once()) == 10


def test_an_end_that_is_told_together_with_events_is_stepped_over_too(deploy: Deploy) -> None:
    deployment = deploy(partitions=1, kafka={"properties": {"fetch.wait.max.ms": 5, "log_level": 3}})
    events, waiting = deployment.settings.topics.events, threading.Event()
    upstream = transactional(deployment)
    with opened(deployment) as stream:
        stepper = Stepper(deployment)
        for number in range(8):
            upstream.begin_transaction()
            upstream.produce(events, deployment.event(number), partition=0)
            upstream.commit_transaction(30)
            waiting.wait(0.05 * number)  # from none to all of it fetched before the read
            stepper.score(stream, 1)
            end = 2 * number + 2

            def stepped_over(end: int = end) -> bool:
                nothing = stream.read(time.monotonic() + 0.02) is None
                stream.finish()
                return nothing and position(stream, events) == end

            until(stepped_over, f"the marker before {end} is not stepped over", 20)
    deployment.assert_exactly_once()


@pytest.mark.parametrize("policy", ["stop", "earliest", "latest"])
def test_events_that_were_deleted_unscored_are_a_loud_policy(deploy: Deploy, policy: str) -> None:
    deployment = deploy(partitions=1, scorer={"on_lost_offsets": policy})
    events = deployment.settings.topics.events
    with Loop(deployment):
        deployment.send(10)
        until(lambda: deployment.committed().get((events, 0)) == 10, "nothing is committed")
    deployment.send(30)
    deployment.admin.delete_records([TopicPartition(events, 0, 25)])[TopicPartition(events, 0, 25)].result(10)
    loop = Loop(deployment)
    if policy == "stop":
        with loop:
            failure = loop.ended()
        assert isinstance(failure, OffsetsLost)
        assert f"{events}-0: offset 10 is committed" in str(failure)
        assert not failure.restart
        return
    with loop:
        until(lambda: deployment.committed().get((events, 0)) == 40, "it does not go on")
    numbers = sorted(o.source[2] for o in deployment.outputs())
    assert numbers == [*range(10), *range(25, 40)] if policy == "earliest" else [*range(10)]


def test_starting_at_the_latest_offset_does_not_skip_what_comes_later(deploy: Deploy) -> None:
    deployment = deploy(partitions=1, scorer={"start": "latest"})
    events = deployment.settings.topics.events
    deployment.send(5)
    with Loop(deployment):
        until(lambda: deployment.committed().get((events, 0)) == 5, "the start is not committed")
    deployment.send(7)  # while nobody runs
    with Loop(deployment):
        until(lambda: deployment.committed().get((events, 0)) == 12, "what came meanwhile is not scored")
    assert sorted(o.source[2] for o in deployment.outputs()) == [*range(5, 12)]


def test_a_failure_commits_nothing(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = deploy()
    deployment.send(100)
    loop = Loop(deployment)
    score, calls = loop.scoring.score, []

    def failing(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) > 1:
            raise StreamBroken("on purpose")
        return score(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(loop.scoring, "score", failing)
    with loop:
        until(lambda: bool(calls), "nothing is scored")
        deployment.send(100)
        assert isinstance(loop.ended(), StreamBroken)
    with Loop(deployment):
        deployment.await_committed(200)
    deployment.assert_exactly_once()
