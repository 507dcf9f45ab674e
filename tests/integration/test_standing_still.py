"""Brokers without the topics, brokers that do not answer, and partitions that stand still."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox import Kafka
from scorer.errors import StreamBroken
from scorer.stream.progress import Progress, stalled
from scorer.stream.seam import Stream
from tests.integration.deployment import Deployment, until
from tests.integration.loops import Stepper, opened, read
from tests.integration.steps import transactional

Deploy = Callable[..., Deployment]


def test_a_partition_that_stands_still_is_named(deploy: Deploy) -> None:
    """An upstream transaction that stays open holds one partition back, while the others move."""
    deployment = deploy(partitions=2)
    events = deployment.settings.topics.events
    upstream = transactional(deployment)
    upstream.begin_transaction()
    upstream.produce(events, deployment.event(0), partition=1)
    upstream.flush(30)
    deployment.send(10, partition=0)
    with opened(deployment) as stream:
        stepper = Stepper(deployment)
        stepper.score(stream, 10)

        def all_are_known() -> bool:
            nothing = stream.read(time.monotonic() + 0.05) is None
            stream.finish()
            return nothing and len(known(stream)) == 4

        until(all_are_known, "positions stay unknown")
        progress, ends = (
            Progress(),
            {(events, 0): 10, (events, 1): 1} | {(deployment.settings.topics.retry, p): 0 for p in (0, 1)},
        )
        assert not stalled(progress.update(stream.positions(), ends, 100.0), 30.0)
        [complaint] = stalled(progress.update(stream.positions(), ends, 131.0), 30.0)
        assert complaint == f"{events}-1 has not moved from offset 0 for 31 s, 1 events are waiting"
        upstream.commit_transaction(30)
        stepper.score(stream, 1)
        stream.finish()
        assert not stalled(progress.update(stream.positions(), ends, 132.0), 30.0)
    deployment.assert_exactly_once()


def known(stream: Stream) -> list[int]:
    """The offsets of the partitions whose position is known."""
    return [p.next_offset for p in stream.positions() if p.next_offset is not None]


def test_missing_topics_are_named(deploy: Deploy) -> None:
    deployment = deploy()
    deployment.admin.delete_topics([deployment.settings.topics.predictions])
    until(
        lambda: deployment.settings.topics.predictions not in deployment.admin.list_topics(timeout=10).topics,
        "it stays",
    )
    with pytest.raises(StreamBroken, match="scorer topics create"), opened(deployment):
        pass


def test_at_least_once_never_waits_for_a_broker_to_commit(new_kafka: Callable[..., Kafka], tmp_path: Path) -> None:
    kafka = new_kafka()
    deployment = Deployment(tmp_path, kafka.bootstrap, partitions=1, scorer={"delivery": "at-least-once"})
    deployment.send(100)
    with opened(deployment) as stream:
        stepper = Stepper(deployment)
        stepper.score(stream, 100)
        until(lambda: deployment.written() == 100, "the outputs do not arrive")
        deployment.send(100)
        batches = read(stream, 100)
        kafka.freeze()
        relief = threading.Timer(20, kafka.thaw)  # a commit that waits would otherwise wait for ever
        relief.start()
        stream.commit()  # of what is delivered
        for batch in batches:
            stepper.write(stream, batch)
            stream.commit()
        nobody_waited = not relief.finished.is_set()
        relief.cancel()
        kafka.thaw()
        assert nobody_waited
        stream.finish()
    deployment.assert_exactly_once()
