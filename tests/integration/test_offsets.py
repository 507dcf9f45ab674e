"""Where a partition goes on whose offset was not there yet when the client looked for one."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from confluent_kafka import KafkaError, Message, TopicPartition

from scorer.stream.exactly_once import ExactlyOnce
from tests.integration.deployment import Deployment, until
from tests.integration.loops import Stepper, opened
from tests.integration.steps import transactional


def test_an_offset_that_was_committed_after_the_client_had_looked_is_heeded(
    deploy: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who had the partition before may end its last transaction while it is handed over. Nothing is lost then."""
    deployment = deploy(partitions=1)
    events, former = deployment.settings.topics.events, transactional(deployment)
    deployment.send(8)
    with opened(deployment) as stream:
        assert isinstance(stream, ExactlyOnce)
        source, placing = stream._source, stream._source._placing
        ask = placing._committed

        def late(partitions: list[TopicPartition]) -> list[TopicPartition]:
            if partitions[0].topic == events:
                former.begin_transaction()
                former.send_offsets_to_transaction([TopicPartition(events, 0, 5)], source.group_metadata())
                former.commit_transaction(30)
            return ask(partitions)

        monkeypatch.setattr(placing, "_committed", late)
        Stepper(deployment).score(stream, 3)
        stream.finish()
    deployment.await_committed(8)
    assert sorted(output.source[2] for output in deployment.outputs()) == [5, 6, 7]


@pytest.mark.parametrize("membership", ["static", "dynamic"])
def test_a_partition_that_is_told_twice_to_have_no_offset_is_read_once(
    deploy: Callable[..., Deployment], membership: str
) -> None:
    deployment = deploy(partitions=1, scorer={"membership": membership})
    events = deployment.settings.topics.events
    deployment.send(8)
    with opened(deployment) as stream:
        assert isinstance(stream, ExactlyOnce)
        Stepper(deployment).score(stream, 8)
        absent = KafkaError(KafkaError._NO_OFFSET).str()
        error = KafkaError(KafkaError._AUTO_OFFSET_RESET, f"no previously committed offset available: {absent}")
        assert not stream._source._heed_errors([Message(topic=events, partition=0, offset=0, error=error)])
        until(lambda: stream.read(time.monotonic() + 0.2) is None, "it is read again", 10)
        stream.finish()
    deployment.await_committed(8)
    deployment.assert_exactly_once()
