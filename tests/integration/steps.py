"""Steps that several tests of a stream take."""

from __future__ import annotations

import time

from confluent_kafka import Producer

from scorer.stream.seam import Stream
from tests.integration.deployment import Deployment
from tests.integration.letters import configure
from tests.integration.loops import Stepper


def limit(deployment: Deployment, topic: str, size: int) -> None:
    """Let a topic take only records of up to ``size`` bytes."""
    configure(deployment, topic, "max.message.bytes", str(size))


def score_and_commit(stepper: Stepper, stream: Stream) -> None:
    """All that a zombie would do."""
    stepper.score(stream, 100)
    stream.commit()


def read_and_commit(stream: Stream) -> None:
    """All that a member would do that does not know it is one no more."""
    stream.read(time.monotonic() + 10)
    stream.commit()


def transactional(deployment: Deployment) -> Producer:
    """A producer of events with transactions."""
    bootstrap = deployment.settings.kafka.bootstrap_servers
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": deployment.model})
    producer.init_transactions(30)
    return producer


def position(stream: Stream, topic: str) -> int | None:
    """Where the first partition of a topic stands."""
    return next((p.next_offset for p in stream.positions() if (p.topic, p.partition) == (topic, 0)), None)
