"""What every implementation of the stream's seam must do, against a real broker."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.integration.deployment import Deployment, until
from tests.integration.loops import STREAMS, Loop, Stepper, opened, read

Deploy = Callable[..., Deployment]


@pytest.fixture(params=[*STREAMS, "exactly-once, KIP-848"])
def deployment(deploy: Deploy, request: pytest.FixtureRequest) -> Deployment:
    """A deployment with either kind of delivery, and with the newer group protocol."""
    delivery, _, newer = request.param.partition(", ")
    return deploy(scorer={"delivery": delivery, "protocol": "consumer" if newer else "classic"})


def test_a_batch_holds_what_was_sent(deployment: Deployment) -> None:
    deployment.send([b"abc", None, b""], partition=2, headers=[("trace", b"1")])
    with opened(deployment) as stream:
        [batch] = read(stream, 3)
        assert batch.payload_length.tolist() == [3, -1, 0]
        assert batch.offset.tolist() == [0, 1, 2]
        assert set(batch.partition.tolist()) == {2}
        assert batch.has_headers.all()
        assert batch.topics[batch.topic[0]] == deployment.settings.topics.events
        assert stream.drained


def test_what_is_committed_is_visible_once(deployment: Deployment) -> None:
    deployment.send(1_000)
    with opened(deployment) as stream:
        Stepper(deployment).score(stream, 1_000)
        before = stream.uncommitted
        stream.finish()
        assert (before, stream.uncommitted) == (True, False)
    deployment.assert_exactly_once()
    deployment.await_committed(1_000)


def test_a_successor_goes_on_where_the_commit_was(deployment: Deployment) -> None:
    deployment.send(200)
    loop = Stepper(deployment)
    with opened(deployment) as stream:
        loop.score(stream, 200)
        stream.finish()
    deployment.send(100)
    with opened(deployment) as stream:
        loop.score(stream, 100)
        stream.finish()
    deployment.assert_exactly_once()


def test_rewinding_reads_the_uncommitted_again(deployment: Deployment) -> None:
    deployment.send(300)
    loop = Stepper(deployment)
    with opened(deployment) as stream:
        loop.score(stream, 300)
        stream.finish()
        deployment.send(200)
        read(stream, 200)  # read, but never written
        stream.abort_and_rewind()
        loop.score(stream, 200)
        stream.finish()
    deployment.assert_exactly_once()


def test_closing_never_commits(deployment: Deployment) -> None:
    deployment.send(50)
    loop = Stepper(deployment)
    with opened(deployment) as stream:
        loop.score(stream, 50)
    assert not deployment.committed()
    with opened(deployment) as stream:
        loop.score(stream, 50)
        stream.finish()
    deployment.await_committed(50)


def test_dead_letters_alone_move_the_offsets_too(deployment: Deployment) -> None:
    deployment.send([b"garbage", None, deployment.event(1)[:-1], deployment.event(2) + b"!"])
    with opened(deployment) as stream:
        Stepper(deployment).score(stream, 4)
        stream.finish()
    outputs = deployment.assert_exactly_once()
    assert {o.headers["scorer.code"] for o in outputs} == {b"unknown_magic", b"tombstone", b"truncated", b"trailing"}
    deployment.await_committed(4)


def test_a_full_producer_queue_is_back_pressure(deploy: Deploy) -> None:
    for delivery in STREAMS:
        deployment = deploy(
            scorer={"delivery": delivery},
            kafka={"properties": {"queue.buffering.max.messages": 50, "linger.ms": 0, "log_level": 3}},
        )
        deployment.send(5_000)
        with opened(deployment) as stream:
            Stepper(deployment).score(stream, 5_000)
            stream.finish()
        deployment.assert_exactly_once()


def test_partitions_move_between_members_with_a_commit_before(deployment: Deployment) -> None:
    """1 → 2 → 1 members under load. At least once may double what was under way, but never loses."""
    with Loop(deployment, 0, membership="dynamic"):
        deployment.send(2_000)
        until(lambda: sum(deployment.committed().values()) > 0, "nothing is committed")
        with Loop(deployment, 1, membership="dynamic"):
            for _ in range(10):
                deployment.send(500)
            deployment.await_committed(7_000)
        deployment.send(2_000)
        deployment.await_committed(9_000)
    if deployment.settings.scorer.delivery == "exactly-once":
        deployment.assert_exactly_once()
    else:
        assert not deployment.sources().keys() - {output.source for output in deployment.outputs()}


def test_positions_are_what_is_committed(deployment: Deployment) -> None:
    deployment.send(100)
    with opened(deployment) as stream:
        Stepper(deployment).score(stream, 100)
        assert sum(p.next_offset or 0 for p in stream.positions()) == 0

        def committed() -> bool:
            stream.commit()
            stream.read(time.monotonic() + 0.05)
            return sum(p.next_offset or 0 for p in stream.positions()) == 100

        until(committed, "the positions do not move")
        assert sum(deployment.committed().values()) == 100
