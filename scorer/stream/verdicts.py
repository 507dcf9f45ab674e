"""What an error of the consuming client means for its worker."""

from __future__ import annotations

from confluent_kafka import KafkaError

from scorer.errors import StreamBroken, StreamError
from scorer.stream.transaction import fenced

# What librdkafka reports while it is recovering by itself.
_PASSING = {
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._TRANSPORT,
    KafkaError._RESOLVE,
    KafkaError._TIMED_OUT,
    KafkaError._MAX_POLL_EXCEEDED,
    KafkaError._UNKNOWN_TOPIC,
    KafkaError._UNKNOWN_PARTITION,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
}

_FINAL = {KafkaError._FATAL, KafkaError._FENCED, KafkaError.FENCED_INSTANCE_ID}


def passing(error: KafkaError) -> bool:
    """Whether the client mends this by itself."""
    return error.retriable() or error.code() in _PASSING


def beyond_repair(error: KafkaError) -> bool:
    """Whether this client will never read again."""
    return error.fatal() or error.code() in _FINAL


def final(error: KafkaError) -> StreamError:
    """The error of a client beyond repair, told apart by whether somebody else has taken its name."""
    if "fenced" in error.str().lower() or "FENCED" in error.name():
        return fenced(error)
    return StreamBroken(f"{error.name()}: {error.str()}")
