"""Kafka: whether it can be reached, and whether the topics are what the promises need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from confluent_kafka.admin import AdminClient

from scorer.checks.finding import Finding, failed
from scorer.errors import ScorerError, StreamError
from scorer.settings import Settings
from scorer.stream import clients, topics
from scorer.stream.asking import Heard, asking
from scorer.stream.clients import Properties
from scorer.stream.topics import TopicFacts

_SECONDS = 10.0


def check(settings: Settings) -> Iterator[Finding]:
    """The brokers, then each topic."""
    heard = Heard()
    what = f"reach Kafka at {settings.kafka.bootstrap_servers}"
    try:
        with asking(what, heard):
            properties: Properties = {**clients.common(settings, "scorer-check"), "error_cb": heard}
            heard.client = client = AdminClient(properties)
            metadata = client.list_topics(timeout=_SECONDS)
            found = topics.describe(client, topics.wanted(settings))
    except ScorerError as error:
        yield failed("kafka", error)
        yield Finding("topics", "skipped", "not checked, because Kafka cannot be reached")
        return
    count = len(metadata.brokers)
    yield Finding("kafka", "ok", f"{count} broker{'' if count == 1 else 's'} at {settings.kafka.bootstrap_servers}")
    for name in topics.wanted(settings):
        yield from _topic(settings, name, found)


def _topic(settings: Settings, name: str, found: Mapping[str, TopicFacts]) -> Iterator[Finding]:
    facts = found.get(name)
    if facts is None:
        text = f"{name} is missing, or this user may not see it"
        yield Finding("topics", "failed", text, "make it: scorer topics create", StreamError.exit_code)
        return
    problems = [*_problems(settings, facts, found)]
    yield from problems
    if not problems:
        parts = "1 partition" if facts.partitions == 1 else f"{facts.partitions} partitions"
        kept = "the last record of each key" if facts.deletes else "all"
        text = f"{name} has {parts}, takes records of {facts.max_bytes:,} bytes, keeps {kept}"
        if facts.retention_ms is None:
            text = f"{name} has {facts.partitions} partitions; this user may not see how long it keeps records"
        yield Finding("topics", "ok", text)


def _problems(settings: Settings, facts: TopicFacts, found: Mapping[str, TopicFacts]) -> Iterator[Finding]:
    names, name = settings.topics, facts.name
    lost = topics.loses(settings, facts)
    if lost is not None and facts.cleanup is not None and "compact" in facts.cleanup and name != names.verdicts:
        text = f"{name} is compacted: it deletes {facts.deletes}, and refuses records without a key"
        yield Finding("topics", "failed", text, "set its cleanup.policy to delete", StreamError.exit_code)
    elif lost is not None:
        text = f"{name} deletes {lost}, {_WHY.get(_role(settings, name), 'whoever still needs them')}"
        advice = "set its retention.ms and retention.bytes to -1, unless that is what you want"
        yield Finding("topics", "warning", text, advice)
    if name == names.events and facts.partitions < settings.scorer.workers:
        text = f"{name} has {facts.partitions} partitions for {settings.scorer.workers} workers: some stay idle"
        yield Finding("topics", "warning", text, "add partitions, or lower scorer.workers")
    events = found.get(names.events)
    if events is not None and name in (names.dead_letters, names.retry) and facts.max_bytes < events.max_bytes:
        text = f"{name} takes records of {facts.max_bytes:,} bytes, {events.name} of {events.max_bytes:,}"
        what = "cut, and cannot be replayed" if name == names.dead_letters else "not replayed"
        advice = f"raise its max.message.bytes: a larger event that cannot be scored is {what}"
        yield Finding("topics", "warning", text, advice)


def _role(settings: Settings, name: str) -> str:
    return next((role for role, topic in settings.topics.model_dump().items() if topic == name), "")


_WHY = {
    "events": "scored or not; an event bears the time at which it happened, not that at which it arrived",
    "retry": "scored or not",
    "dead_letters": "replayed or not",
    "labels": "joined or not",
    "audit": "but 'scorer champion rollback' and every later question need them",
    "predictions": "read or not",
}
