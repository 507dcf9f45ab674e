"""What the topics must be like: how many partitions, how long records are kept, how large they may be."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from scorer.errors import StreamBroken
from scorer.settings import Settings
from scorer.stream import clients

LOGGER = logging.getLogger(__name__)

REQUEST_SECONDS = 10.0
DEFAULT_MAX_BYTES = 1_048_588  # Kafka's own default of max.message.bytes

# Records bear the times of their events, which may be years old: time-based retention would delete them at once.
KEPT = {"retention.ms": "-1"}


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """What the broker says of a topic."""

    name: str
    partitions: int
    max_bytes: int


def admin(settings: Settings) -> AdminClient:
    """A client for asking about, and making, topics."""
    return AdminClient(clients.common(settings, "scorer-admin"))


def wanted(settings: Settings) -> dict[str, dict[str, str]]:
    """Every topic of the deployment, with the configuration that it should have."""
    topics = settings.topics
    names = (topics.events, topics.retry, topics.predictions, topics.dead_letters, topics.labels, topics.audit)
    return {name: dict(KEPT) for name in names}


def create(settings: Settings, partitions: int, replication: int) -> dict[str, str]:
    """Make the topics that are missing; return for each ``created``, ``exists``, or why it could not be made."""
    outcome = {}
    new = [NewTopic(name, partitions, replication, config=config) for name, config in wanted(settings).items()]
    client = admin(settings)  # its requests end with it
    for name, future in client.create_topics(new, request_timeout=REQUEST_SECONDS).items():
        try:
            future.result(REQUEST_SECONDS)
            outcome[name] = "created"
        except KafkaException as error:
            known = error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS
            outcome[name] = "exists" if known else f"failed: {error.args[0].str()}"
    return outcome


def describe(client: AdminClient, names: Iterable[str]) -> Mapping[str, TopicFacts]:
    """Facts about those of the topics that exist. Raises StreamBroken when no broker answers."""
    names = list(names)
    try:
        metadata = client.list_topics(timeout=REQUEST_SECONDS).topics
    except KafkaException as error:
        raise StreamBroken(f"no broker answers: {error.args[0].str()}; see kafka.bootstrap_servers") from error
    present = {name: metadata[name] for name in names if name in metadata and metadata[name].error is None}
    limits = _limits(client, present)
    return {name: TopicFacts(name, len(topic.partitions), limits[name]) for name, topic in present.items()}


def _limits(client: AdminClient, names: Iterable[str]) -> dict[str, int]:
    """max.message.bytes of each topic; Kafka's default where this user may not ask."""
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    if not resources:
        return {}
    limits = {}
    for resource, future in client.describe_configs(resources, request_timeout=REQUEST_SECONDS).items():
        try:
            entry = future.result(REQUEST_SECONDS)["max.message.bytes"]
            limits[resource.name] = int(entry.value or DEFAULT_MAX_BYTES)
        except KafkaException as error:
            LOGGER.warning("%s: max.message.bytes is taken to be the default: %s", resource.name, error.args[0].str())
            limits[resource.name] = DEFAULT_MAX_BYTES
    return limits
