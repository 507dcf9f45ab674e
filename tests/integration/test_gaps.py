"""Offsets without events, and events without predictions, at the places where they could freeze a partition."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox import Kafka
from tests.integration.deployment import Deployment, until
from tests.integration.letters import configure
from tests.integration.loops import Loop

GARBAGE = (b"garbage", None, b"")


def test_what_compaction_has_removed_is_stepped_over(new_kafka: Callable[..., Kafka], tmp_path: Path) -> None:
    kafka = new_kafka(settings={"log.cleaner.backoff.ms": "100", "log.initial.task.delay.ms": "100"})
    deployment = Deployment(tmp_path, kafka.bootstrap, partitions=1)
    events = deployment.settings.topics.events
    for key, value in {
        "cleanup.policy": "compact",
        "segment.ms": "100",
        "min.cleanable.dirty.ratio": "0.01",
        "max.compaction.lag.ms": "100",
    }.items():
        configure(deployment, events, key, value)

    def compacted() -> bool:
        deployment.send(1, partition=0, key=b"last")  # a segment is closed by what comes after it
        return len(deployment.read(events)) < deployment.sent - 50

    deployment.send(60, partition=0, key=b"first")
    until(compacted, "nothing is compacted")
    kept = {(str(message.topic()), 0, int(message.offset() or 0)) for message in deployment.read(events)}
    with Loop(deployment):
        deployment.await_committed(deployment.sent)
    # More may have been compacted since it was read.
    assert {output.source for output in deployment.outputs()} <= kept
    assert deployment.outputs()[-1].source[2] == deployment.sent - 1


@pytest.mark.parametrize("delivery", ["exactly-once", "at-least-once"])
def test_garbage_at_the_end_or_alone_freezes_no_offset(deploy: Callable[..., Deployment], delivery: str) -> None:
    deployment = deploy(partitions=2, scorer={"delivery": delivery, "max_dead_letter_share": 1.0})
    deployment.send(5, partition=0)
    deployment.send(GARBAGE, partition=0)
    deployment.send(GARBAGE * 10, partition=1)
    with Loop(deployment):
        deployment.await_committed(5 + 3 + 30)
    outputs = deployment.outputs()
    assert sum(output.prediction is None for output in outputs) == 33
    assert len({output.source for output in outputs}) == len(outputs) == 38
