"""What the topics must be like: how many partitions, how long records are kept, how large they may be."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType, TopicMetadata

from scorer.errors import StreamBroken
from scorer.settings import Settings
from scorer.stream import clients
from scorer.stream.asking import Heard, asking

LOGGER = logging.getLogger(__name__)

REQUEST_SECONDS = 10.0
DENIED = {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED}
DEFAULT_MAX_BYTES = 1_048_588  # Kafka's own default of max.message.bytes

# Records bear the times of their events, which may be years old: time-based retention would delete them at once.
KEPT = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
LAST_KEPT = {"cleanup.policy": "compact"}


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """What the broker says of a topic. What this user may not ask is ``None``, or Kafka's default of ``max_bytes``.

    ``retention_ms`` and ``retention_bytes`` are -1 where nothing is deleted for its age or size.
    """

    name: str
    partitions: int
    max_bytes: int
    replicas: int = 1
    retention_ms: int | None = None
    retention_bytes: int | None = None
    cleanup: str | None = None

    @property
    def deletes(self) -> str | None:
        """Which records are deleted one day, scored or not, in words; ``None`` where all are kept, or nobody knows."""
        if self.cleanup is not None and "compact" in self.cleanup:
            return "all but the newest record of each key"
        if self.cleanup is not None and "delete" not in self.cleanup:
            return None
        if self.retention_ms is not None and self.retention_ms >= 0:
            return f"records of {self.retention_ms / 86_400_000:.3g} days or older"
        if self.retention_bytes is not None and self.retention_bytes >= 0:
            return f"the oldest records of a partition of more than {self.retention_bytes:,} bytes"
        return None


def admin(settings: Settings) -> AdminClient:
    """A client for asking about, and making, topics."""
    return AdminClient(clients.common(settings, "scorer-admin"))


def wanted(settings: Settings) -> dict[str, dict[str, str]]:
    """Every topic of the deployment, with the configuration that it should have."""
    topics = settings.topics
    names = (topics.events, topics.retry, topics.predictions, topics.dead_letters, topics.labels, topics.audit)
    return {**{name: dict(KEPT) for name in names}, topics.verdicts: dict(LAST_KEPT)}


def loses(settings: Settings, facts: TopicFacts) -> str | None:
    """Which records a topic deletes although it should keep them, in words; that of the verdicts is to be compacted."""
    return None if facts.cleanup == wanted(settings)[facts.name]["cleanup.policy"] == "compact" else facts.deletes


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
        except TimeoutError:
            outcome[name] = f"failed: no answer within {REQUEST_SECONDS:.0f} s"
    return outcome


@dataclass(frozen=True, slots=True)
class StreamTopics:
    """The topics that a stream reads and writes."""

    events: TopicFacts
    retry: TopicFacts
    predictions: TopicFacts
    dead_letters: TopicFacts
    audit: TopicFacts

    @property
    def smallest_limit(self) -> int:
        """The least max.message.bytes of the output topics."""
        return min(topic.max_bytes for topic in (self.predictions, self.dead_letters, self.audit))


def of_stream(settings: Settings) -> StreamTopics:
    """The facts that a stream needs. Raises StreamBroken when no broker answers, or a topic is missing."""
    names = {field.name: getattr(settings.topics, field.name) for field in fields(StreamTopics)}
    heard = Heard()
    client = AdminClient(clients.common(settings, "scorer-admin") | {"error_cb": heard})
    heard.client = client
    facts = describe(client, names.values(), heard)
    missing = [name for name in names.values() if name not in facts]
    if missing:
        raise StreamBroken(f"topics are missing: {', '.join(missing)}; make them with: scorer topics create")
    return StreamTopics(**{role: facts[name] for role, name in names.items()})


def describe(client: AdminClient, names: Iterable[str], heard: Heard | None = None) -> Mapping[str, TopicFacts]:
    """Facts about those of the topics that exist. Raises StreamBroken when no broker answers, with what the client's
    ``error_cb`` has ``heard``: a wrong password looks like silence, too."""
    names = list(names)
    with asking("ask about the topics", heard):
        metadata = client.list_topics(timeout=REQUEST_SECONDS).topics
    present = {name: metadata[name] for name in names if name in metadata and metadata[name].error is None}
    configured = _configured(client, present)
    return {name: _facts(topic, configured[name]) for name, topic in present.items()}


def _facts(topic: TopicMetadata, configured: Mapping[str, str]) -> TopicFacts:
    replicas = min((len(partition.replicas) for partition in topic.partitions.values()), default=0)

    def number(key: str) -> int | None:
        return int(configured[key]) if configured.get(key) else None

    return TopicFacts(
        str(topic.topic),
        len(topic.partitions),
        number("max.message.bytes") or DEFAULT_MAX_BYTES,
        replicas,
        number("retention.ms"),
        number("retention.bytes"),
        configured.get("cleanup.policy"),
    )


def _configured(client: AdminClient, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """The configuration of each topic; nothing where this user may not ask. StreamBroken where nobody answers: a
    limit that is guessed too high would make transactions fail for ever."""
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    if not resources:
        return {}
    found: dict[str, dict[str, str]] = {}
    for resource, future in client.describe_configs(resources, request_timeout=REQUEST_SECONDS).items():
        try:
            entries = future.result(REQUEST_SECONDS)
            found[resource.name] = {key: entry.value for key, entry in entries.items() if entry.value is not None}
        except KafkaException as error:
            cause = error.args[0]
            if cause.code() not in DENIED:
                raise StreamBroken(f"the configuration of {resource.name} is unknown: {cause.str()}") from error
            LOGGER.warning("%s: max.message.bytes is taken to be the default: %s", resource.name, cause.str())
            found[resource.name] = {}
        except TimeoutError as error:
            raise StreamBroken(f"the configuration of {resource.name} is unknown: no answer in time") from error
    return found
