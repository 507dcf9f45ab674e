"""Dead letters made for tests, and what came of them in the retry topic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from confluent_kafka import KafkaException, Message
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from scorer.stream.dead_letters import Header, Headers
from tests.integration.deployment import Deployment, until


class Sent(NamedTuple):
    """What a dead letter holds."""

    value: bytes | None
    key: bytes | None
    headers: tuple[Header, ...]
    partition: int


def ours(place: str, attempt: int = 1, **more: str) -> tuple[Header, ...]:
    """The headers that a scorer gives the dead letter of the event at ``place``."""
    topic, partition, offset = place.rsplit("-", 2)
    facts = {
        "source.topic": topic,
        "source.partition": partition,
        "source.offset": offset,
        "source.time": "1700000000000",
        "code": "utf8",
        "reason": "invalid UTF-8 at byte 9",
        "attempt": str(attempt),
        "origin": place,
    } | {name.replace("_", "."): text for name, text in more.items()}
    return tuple((f"scorer.{name}", text.encode()) for name, text in facts.items())


def letters(deployment: Deployment, count: int, attempt: int = 1) -> list[Sent]:
    """Write so many dead letters, each of an event of its own; some without key, value, or headers of their own."""
    events = deployment.settings.topics.events
    made = []
    for number in range(count):
        carried: tuple[Header, ...] = (("trace", b"%d" % number), ("trace", None)) if number % 3 else ()
        value = None if number % 7 == 3 else b"value %d" % number
        key = None if number % 5 == 4 else b"key %d" % number
        place = f"{events}-{number % 4}-{deployment.sent + number}"
        made.append(Sent(value, key, (*carried, *ours(place, attempt)), number % 4))
    deployment.sent += count
    write(deployment, made)
    return made


def write(deployment: Deployment, made: Sequence[Sent]) -> None:
    """Write these dead letters."""
    for one in made:
        deployment.producer.produce(
            deployment.settings.topics.dead_letters, one.value, one.key, one.partition, headers=list(one.headers)
        )
    assert deployment.producer.flush(30) == 0


def retried(deployment: Deployment) -> list[Message]:
    """Everything in the retry topic."""
    return deployment.read(deployment.settings.topics.retry)


def origins(deployment: Deployment) -> Counter[str]:
    """How often the event of each origin is in the retry topic."""
    return Counter(header(message, "scorer.origin") for message in retried(deployment))


def header(message: Message, name: str) -> str:
    """A header of a message, as text."""
    return text(message.headers() or [], name)


def origin(one: Sent) -> str:
    """The first place of the event that a letter is about."""
    return text(one.headers, "scorer.origin")


def text(headers: Headers | Sequence[Header], name: str) -> str:
    """One of these headers, as text."""
    value = dict(headers)[name]
    assert isinstance(value, bytes)
    return value.decode()


def once(made: Sequence[Sent]) -> Counter[str]:
    """Each of these events one time, as ``origins`` counts."""
    return Counter(map(origin, made))


def settled(deployment: Deployment) -> Deployment:
    """Wait until the brokers themselves know who leads each partition, which they hear last."""
    topics = list(deployment.settings.topics.model_dump().values())

    def known() -> bool:
        try:
            deployment.ends(*topics)
        except KafkaException:
            return False
        return True

    until(known, "a topic has no leader that knows it")
    return deployment


def configure(deployment: Deployment, topic: str, key: str, value: str) -> None:
    """Set one property of a topic, and wait until the broker says so."""
    entry = ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    [future] = deployment.admin.incremental_alter_configs([resource]).values()
    future.result(30)

    def known() -> bool:
        [answer] = deployment.admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
        return bool(answer.result(30)[key].value == value)

    until(known, f"{topic} does not have {key} = {value}")
