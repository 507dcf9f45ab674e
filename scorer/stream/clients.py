"""What the Kafka clients are told: the settings that the promises rest on, and those that the operator passes on."""

from __future__ import annotations

import logging
from typing import Any

from scorer.settings import Settings
from scorer.stream.assignment import eager

Properties = dict[str, Any]

LOGGER = logging.getLogger("scorer.kafka")


def common(settings: Settings, client: str) -> Properties:
    """Properties of every client; ``client`` names it in the broker's logs."""
    return {
        "bootstrap.servers": settings.kafka.bootstrap_servers,
        "client.id": client,
        # A broker that was restarted should be found again within a second, not ten.
        "reconnect.backoff.max.ms": 1_000,
        "allow.auto.create.topics": False,
        **settings.kafka.properties,
        "logger": LOGGER,
    }


def identity(settings: Settings, slot: int) -> str:
    """The name of one worker: unique among the living, the same after a restart."""
    return f"{settings.scorer.instance}-{slot}"


def consumer(settings: Settings, slot: int) -> Properties:
    """Properties of a worker's consumer."""
    scorer = settings.scorer
    properties = {
        # Throughput first, all of it for the operator to change.
        "fetch.queue.backoff.ms": 10,
        "queued.min.messages": 2 * scorer.batch_events,
        "queued.max.messages.kbytes": 4 * scorer.batch_bytes >> 10,
        **common(settings, identity(settings, slot)),
        "group.id": scorer.group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "isolation.level": "read_committed",
        "auto.offset.reset": "error",
        "enable.partition.eof": True,
        "max.poll.interval.ms": max(scorer.max_poll_interval_ms, scorer.session_timeout_ms),
    }
    if scorer.protocol == "consumer":
        properties["group.protocol"] = "consumer"
    else:
        properties |= {
            "partition.assignment.strategy": "range" if eager(scorer) else "cooperative-sticky",
            "session.timeout.ms": scorer.session_timeout_ms,
            "heartbeat.interval.ms": max(scorer.session_timeout_ms // 6, 100),
        }
    if scorer.membership == "static":
        properties["group.instance.id"] = identity(settings, slot)
    return properties


def reader(settings: Settings, client: str, group: str, queued_bytes: int) -> Properties:
    """Properties of a command's consumer, which assigns its partitions by hand and reads up to their ends."""
    return {
        "queued.max.messages.kbytes": queued_bytes >> 10,
        **common(settings, client),
        "group.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "isolation.level": "read_committed",
        "auto.offset.reset": "earliest",
        "enable.partition.eof": True,
        "fetch.wait.max.ms": 20,
    }


def producer(settings: Settings, slot: int, smallest_limit: int) -> Properties:
    """Properties of a worker's producer, with or without transactions.

    ``smallest_limit`` is the least max.message.bytes of the topics that it writes to: a batch counts as one message
    there, while the client's own limit must not stand in the way of what the topics take.
    """
    scorer = settings.scorer
    properties = {
        "linger.ms": 5,
        "compression.type": "lz4",
        "batch.size": min(1 << 20, smallest_limit),
        "message.max.bytes": 1_000_000_000,
        "queue.buffering.max.messages": max(4 * scorer.batch_events, 10_000),
        "queue.buffering.max.kbytes": 4 * scorer.batch_bytes >> 10,
        **common(settings, identity(settings, slot)),
        "acks": "all",
        "enable.idempotence": True,
    }
    if scorer.delivery == "exactly-once":
        properties |= {
            "transactional.id": f"{scorer.group}.{identity(settings, slot)}",
            "transaction.timeout.ms": scorer.transaction_timeout_ms,
        }
    return properties
