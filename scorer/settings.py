"""The settings of both services: one TOML file, and for every key the environment variable ``SECTION_KEY``.

``Settings.load(text, environ)`` lists all mistakes at once. Every default is written here and nowhere else; the
descriptions are printed by ``scorer settings`` and are the reference.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType
from typing import Any, Literal, Self, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from scorer.errors import SettingsError
from scorer.setting_values import (
    LONGEST_NAME,
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
)

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
    model_config = ConfigDict(frozen=True, extra="forbid")


class Kafka(Section):
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
    events: Topic = Field("", description="Where events come from; default MODEL.events.", validate_default=False)
    retry: Topic = Field("", description="Where replayed dead letters come from; default MODEL.retry.")
    predictions: Topic = Field("", description="Where predictions go; default MODEL.predictions.")
    dead_letters: Topic = Field("", description="Where events go that cannot be scored; default MODEL.dead-letters.")
    audit: Topic = Field("", description="Who changed what, and what each scorer did; default MODEL.audit.")
    labels: Topic = Field("", description="Where labels come from; default MODEL.labels.")


class Schemas(Section):
    framing: Literal["confluent", "bare"] = Field(
        "confluent", description="How records are framed: a zero byte and a 4-byte schema id before the data, or bare."
    )
    events: dict[int, Path] = Field(
        {}, description="Schema id = Avro schema file, for every schema that events may bear. Bare framing: one, id 0."
    )
    prediction_id: int = Field(1001, ge=0, description="The schema id in the frame of predictions.")
    audit_id: int = Field(1002, ge=0, description="The schema id in the frame of audit records.")
    label_id: int = Field(1003, ge=0, description="The schema id in the frame of labels.")


class Redis(Section):
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


class Settings(Section):
    """All settings of the scorer, checked and frozen. ``load`` reads them; the monitor's settings extend them."""

    scorer: Scorer
    kafka: Kafka = Kafka()
    redis: Redis = Redis()
    schemas: Schemas = Schemas()
    topics: Topics = Topics()

    @model_validator(mode="before")
    @classmethod
    def _named_after_the_model(cls, values: Any) -> Any:
        """Topics and group that are not named bear the model's name."""
        scorer, topics = values.get("scorer"), values.get("topics", {})
        if not isinstance(scorer, dict) or not isinstance(topics, dict):
            return values
        model = scorer.get("model", "")
        named = {name: f"{model}.{name.replace('_', '-')}" for name in Topics.model_fields}
        return {
            **values,
            "topics": named | without_empty(topics),
            "scorer": {"group": f"{model}.scorer"} | without_empty(scorer, "group"),
        }

    @model_validator(mode="after")
    def _fit_together(self) -> Settings:
        wrong = [*self._misfits()]
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    def _misfits(self) -> Iterator[str]:
        """What is wrong with several keys together."""
        scorer, schemas = self.scorer, self.schemas
        if not schemas.events:
            yield 'schemas.events names no schema: say which file describes the events, e.g. {1 = "event.avsc"}'
        elif schemas.framing == "bare" and set(schemas.events) != {0}:
            yield "schemas.events must be exactly one file with the id 0, because bare records bear no id"
        if scorer.commit_ms * 2 > scorer.transaction_timeout_ms:
            yield "scorer.transaction_timeout_ms must be at least twice scorer.commit_ms"
        room = LONGEST_NAME - len(f"-{scorer.workers - 1}")
        if len(scorer.instance) > room:
            yield (
                f"scorer.instance has {len(scorer.instance)} characters; with {scorer.workers} workers, each of which "
                f"appends its number, it may have {room}"
            )
        roles: dict[str, list[str]] = {}
        for role, topic in self.topics.model_dump().items():
            roles.setdefault(topic, []).append(f"topics.{role}")
        for topic, sharing in roles.items():
            if len(sharing) > 1:
                yield f"{' and '.join(sharing)} are the same topic, {topic}; each needs one of its own"

    @classmethod
    def load(cls, file: Path | None, environ: Mapping[str, str]) -> Self:
        """Read ``file`` (TOML; ``None``: there is none) overlaid by ``environ``. SettingsError lists all mistakes.

        Paths in the file are relative to it; paths in the environment to the working directory.
        """
        values = {} if file is None else _read(file)
        for section, keys in _keys(cls).items():
            table = values.setdefault(section, {})
            for key, annotation in keys.items():
                text = environ.get(f"{section}_{key}".upper())
                if text is not None and isinstance(table, dict):
                    table[key] = _from_text(text, annotation)
        known = {
            section: table for section, table in values.items() if section in cls.model_fields or section != "monitor"
        }
        try:
            return cls.model_validate(known)
        except ValidationError as error:
            source = "the environment" if file is None else f"{file} and the environment"
            mistakes = _mistakes(error)
            lines = mistakes if len(mistakes) == 1 else [f"{len(mistakes)} mistakes", *mistakes]
            raise SettingsError(f"{source}: " + "\n  ".join(lines)) from None


def without_empty(table: dict[str, Any], *keys: str) -> dict[str, Any]:
    """``table`` without those of its keys, or without any, that are empty: an empty text stands for the default."""
    return {key: value for key, value in table.items() if value != "" or (keys and key not in keys)}


def describe(settings: type[Settings]) -> list[tuple[str, str, str, str]]:
    """Every key as (key, environment variable, default, description), in the order of the sections."""
    rows = []
    for section, keys in _keys(settings).items():
        model = settings.model_fields[section].annotation
        for key in keys:
            field = model.model_fields[key]  # type: ignore[union-attr]  # sections are models
            default = "required" if field.is_required() else json.dumps(field.get_default(), default=_plain)
            rows.append((f"{section}.{key}", f"{section}_{key}".upper(), default, field.description or ""))
    return rows


def _plain(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return "" if value == Path() else str(value)


def _keys(settings: type[Settings]) -> dict[str, dict[str, Any]]:
    """The keys of each section, with their types."""
    sections = {name: field.annotation for name, field in settings.model_fields.items()}
    return {
        name: {key: field.annotation for key, field in section.model_fields.items()}
        for name, section in sections.items()
        if isinstance(section, type) and issubclass(section, Section)
    }


def _from_text(text: str, annotation: Any) -> object:
    """A table is written as JSON in the environment; everything else is for pydantic to read."""
    if get_origin(annotation) is dict:
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return text
    return None if text == "" and NoneType in get_args(annotation) else text


def _read(file: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: is not TOML: {error}") from None
    schemas, scorer = values.get("schemas"), values.get("scorer")
    if isinstance(schemas, dict) and isinstance(schemas.get("events"), dict):
        schemas["events"] = {key: file.parent / str(path) for key, path in schemas["events"].items()}
    if isinstance(scorer, dict) and "state_directory" in scorer:
        scorer["state_directory"] = file.parent / str(scorer["state_directory"])
    return values


def _mistakes(error: ValidationError) -> list[str]:
    """Each mistake as ``section.key: what is wrong``; never the value, which may be a secret."""
    mistakes = error.errors(include_input=False, include_url=False)
    lines = []
    for mistake in mistakes:
        where = ".".join(str(part) for part in mistake["loc"])
        key = ".".join(part for part in mistake["loc"] if isinstance(part, str))
        # What concerns several keys, or is said by the client, too, names them by itself.
        lines += [text if text.startswith(key) else f"{where}: {text}" for text in _in_words(mistake).split("\n")]
    return lines


def _in_words(mistake: ErrorDetails) -> str:
    """What is wrong; where pydantic speaks of its own matters, in ours."""
    if mistake["type"] == "missing":
        variable = "_".join(str(part) for part in mistake["loc"]).upper()
        return f"is required; set it in the file, or as {variable} in the environment"
    if mistake["type"] == "extra_forbidden":
        return "there is no such key; 'scorer settings' lists them all"
    return mistake["msg"].removeprefix("Value error, ")
