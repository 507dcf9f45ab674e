"""What is made of the brokers' answers about topics."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from scorer.errors import StreamBroken
from scorer.stream.topics import DEFAULT_MAX_BYTES, describe


class Admin:
    """One whose broker knows the topic, and fails to tell its configuration."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def list_topics(self, **_: object) -> object:
        """One topic, ``t``, with one partition."""
        partition = SimpleNamespace(replicas=[0])
        return SimpleNamespace(topics={"t": SimpleNamespace(topic="t", error=None, partitions={0: partition})})

    def describe_configs(self, resources: list[Any], **_: object) -> dict[Any, Future[Any]]:
        """It fails."""
        future: Future[Any] = Future()
        future.set_exception(self._error)
        return dict.fromkeys(resources, future)


def test_who_may_not_ask_is_given_kafkas_default() -> None:
    denied = Admin(KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)))
    facts = describe(cast(AdminClient, denied), ["t"])["t"]
    assert (facts.max_bytes, facts.retention_ms) == (DEFAULT_MAX_BYTES, None)


@pytest.mark.parametrize("error", [TimeoutError(), KafkaException(KafkaError(KafkaError._TIMED_OUT))])
def test_a_limit_that_nobody_tells_is_not_guessed(error: Exception) -> None:
    with pytest.raises(StreamBroken, match="the configuration of t is unknown"):
        describe(cast(AdminClient, Admin(error)), ["t"])
