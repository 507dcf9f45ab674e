"""The sections of the settings. Every default is written here and nowhere else; the descriptions are the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from scorer.settings.values import (
    Address,
    Milliseconds,
    Name,
    Names,
    PublicKeys,
    RedisUrl,
    Seconds,
    Sentinels,
    Share,
    Topic,
)  # fmt: skip

# What the promises rest on, and what has a key of its own. Passing one of these through to librdkafka would break a
# promise, or would have no effect, silently.
PROTECTED = {
    "acks": "a prediction counts once all in-sync replicas have it",
    "auto.offset.reset": "set scorer.start and scorer.on_lost_offsets instead",
    "enable.auto.commit": "offsets are committed together with the predictions",
    "enable.auto.offset.store": "offsets are committed together with the predictions",
    "enable.idempotence": "without it, a retried request doubles predictions",
    "enable.partition.eof": "the end of a partition tells a stalled one from a drained one",
    "group.id": "set scorer.group instead",
    "group.instance.id": "it is made of scorer.instance and the worker's slot",
    "group.protocol": "set scorer.protocol instead",
    "heartbeat.interval.ms": "it is a sixth of scorer.session_timeout_ms",
    "isolation.level": "events of aborted transactions must not be scored",
    "max.poll.interval.ms": "set scorer.max_poll_interval_ms instead",
    "partition.assignment.strategy": "it follows from scorer.membership, so that no partition is left behind",
    "session.timeout.ms": "set scorer.session_timeout_ms instead",
    "transaction.timeout.ms": "set scorer.transaction_timeout_ms instead",
    "transactional.id": "it is made of scorer.instance and the worker's slot",
}


class Section(BaseModel):
    """Some keys: frozen, and none that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Kafka(Section):
    """How Kafka is reached."""

    bootstrap_servers: str = Field("localhost:9092", description="Kafka brokers, host:port, comma-separated.")
    properties: dict[str, str] = Field(
        {},
        description="librdkafka properties of all clients (TLS, SASL …); one that breaks a promise, or has its own key "
        "here, is refused.",
    )

    @model_validator(mode="before")
    @classmethod
    def _texts(cls, values: Any) -> Any:
        """TOML numbers and booleans are as good as librdkafka's texts."""
        properties = values.get("properties") if isinstance(values, dict) else None
        if not isinstance(properties, dict):
            return values
        texts = {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in properties.items()}
        return {**values, "properties": texts}

    @model_validator(mode="after")
    def _promises(self) -> Kafka:
        broken = [f"{key} ({why})" for key, why in PROTECTED.items() if key in self.properties]
        if broken:
            raise ValueError(f"kafka.properties may not set {'; '.join(broken)}")
        return self


class Topics(Section):
    """The names of the topics."""

    events: Topic = Field("", description="Where events come from; default MODEL.events.", validate_default=False)
    retry: Topic = Field("", description="Where replayed dead letters come from; default MODEL.retry.")
    predictions: Topic = Field("", description="Where predictions go; default MODEL.predictions.")
    dead_letters: Topic = Field("", description="Where events go that cannot be scored; default MODEL.dead-letters.")
    audit: Topic = Field("", description="Who changed what, and what each scorer did; default MODEL.audit.")
    labels: Topic = Field("", description="Where labels come from; default MODEL.labels.")
    verdicts: Topic = Field("", description="Where the monitor's verdicts and alarms go; default MODEL.verdicts.")


class Schemas(Section):
    """How events and predictions are written."""

    framing: Literal["confluent", "bare"] = Field(
        "confluent", description="How records are framed: a zero byte and a 4-byte schema id before the data, or bare."
    )
    events: dict[int, Path] = Field(
        {}, description="Schema id = Avro schema file, for every schema that events may bear. Bare framing: one, id 0."
    )
    prediction_id: int = Field(1001, ge=0, description="The schema id in the frame of predictions.")
    audit_id: int = Field(1002, ge=0, description="The schema id in the frame of audit records.")
    label_id: int = Field(1003, ge=0, description="The schema id in the frame of labels.")
    verdict_id: int = Field(1004, ge=0, description="The schema id in the frame of verdicts.")


class Redis(Section):
    """How the registry is reached."""

    url: RedisUrl = Field(
        SecretStr("redis://localhost:6379/0"),
        description="redis://, rediss:// or unix:// address; may hold user and password.",
    )
    sentinels: Sentinels = Field(
        (), description="Sentinels, host:port, comma-separated; redis.url then gives user, password, database."
    )
    sentinel_master: str = Field("mymaster", description="The name under which the sentinels know the primary.")
    sentinel_username: str | None = Field(None, description="The user at the sentinels, where they want one.")
    sentinel_password: SecretStr | None = Field(None, description="The password at the sentinels, where they want one.")
    prefix: Name = Field("scorer", description="The first part of every key.")
    timeout_seconds: Seconds = Field(1.0, description="How long to wait for an answer before Redis counts as away.")
    poll_seconds: Seconds = Field(0.5, description="How often the pointers are read; a wake-up only makes it sooner.")


class Scorer(Section):
    """What is scored, and how."""

    model: Name = Field(description="The model that this deployment serves.")
    id_field: str | None = Field(
        None, description="The event field that is the event's id; else its key, else topic-partition-offset."
    )
    time_field: str | None = Field(
        None, description="The timestamp field that is the event's time; else the broker's timestamp."
    )
    carried: Names = Field((), description="Event fields that are copied to the prediction, for segments.")
    sensitive: Names = Field((), description="Event fields whose values are masked wherever a person reads them.")
    public_keys: PublicKeys = Field(
        (),
        description="Only versions that one of these keys has signed may score (scorer keys new). None: all may.",
    )
    min_serial: int = Field(0, ge=0, description="Versions with a lower serial may not score, not even in a rollback.")
    instance: Name = Field(
        "scorer-0",
        description="The name of this process tree; unique in the group, stable over restarts (the pod's name).",
    )
    group: str = Field("", description="The consumer group; default MODEL.scorer.")
    workers: int = Field(1, ge=1, le=256, description="Consumer processes under one parent.")
    delivery: Literal["exactly-once", "at-least-once"] = Field(
        "exactly-once", description="What a crash may do: nothing, or double."
    )
    membership: Literal["static", "dynamic"] = Field(
        "static",
        description="static: a restarted worker has its partitions back at once; dynamic: it leaves at once.",
    )
    protocol: Literal["classic", "consumer"] = Field(
        "classic", description="The group protocol; consumer is KIP-848, brokers from 4.0."
    )
    session_timeout_ms: Milliseconds = Field(
        6_000, ge=1_000, description="After this a silent worker loses its partitions."
    )
    transaction_timeout_ms: Milliseconds = Field(
        10_000, ge=1_000, description="After this the broker aborts a silent worker's transaction."
    )
    max_poll_interval_ms: Milliseconds = Field(
        300_000, ge=1_000, description="After this a worker that is busy with one batch loses its partitions."
    )
    commit_ms: Milliseconds = Field(100, description="Commit when this has passed since the transaction's first event.")
    drained_commit_ms: Milliseconds = Field(
        20, description="Commit a drained input when this has passed since the last commit."
    )
    batch_events: int = Field(10_000, ge=1, le=1_000_000, description="Most events in one batch.")
    batch_bytes: int = Field(16 << 20, ge=1 << 16, description="Aimed-at most bytes of events in one batch.")
    start: Literal["earliest", "latest"] = Field(
        "earliest", description="Where a group begins that has never committed."
    )
    on_lost_offsets: Literal["stop", "earliest", "latest"] = Field(
        "stop",
        description="When committed offsets lie outside what the topic holds: stop and say so, or go on from there.",
    )
    max_dead_letter_share: Share = Field(
        0.5, description="Stop before committing when more of the last 10,000 events than this are dead letters."
    )
    max_attempts: int = Field(3, ge=1, le=100, description="How often one event may be replayed from the dead letters.")
    stall_seconds: Seconds = Field(
        30.0, description="A partition with events waiting that makes no progress for this long is stalled."
    )
    shutdown_seconds: Seconds = Field(20.0, description="After SIGTERM, finish, commit and leave within this time.")
    state_directory: Path = Field(
        Path("state"), description="Where the last good versions are kept for a start without Redis."
    )
    http: Address = Field(
        "127.0.0.1:8080", description="host:port of /health, /ready and /metrics; port 0 picks a free one."
    )
    log: Literal["text", "json"] = Field("text", description="Log lines for people or for machines.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least important lines that are logged."
    )
