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

TROUBLED_SECONDS = 30.0

_FINAL = {KafkaError._FATAL, KafkaError._FENCED, KafkaError.FENCED_INSTANCE_ID}


def passing(error: KafkaError) -> bool:
    """Whether the client mends this by itself."""
    return error.retriable() or error.code() in _PASSING


def beyond_repair(error: KafkaError) -> bool:
    """Whether this client will never read again."""
    return error.fatal() or error.code() in _FINAL


def final(error: KafkaError, untroubled: float) -> StreamError:
    """The error of a client beyond repair, told apart by whether somebody else has taken its name.

    A client whose session ended while no broker answered takes its own name anew; a heartbeat that it sends late is
    then answered as if it were a rival's. So within ``TROUBLED_SECONDS`` of trouble with a broker (``untroubled``
    seconds ago) a fence proves nothing: a new process finds out. A rival would fence that one, too.
    """
    if "fenced" not in error.str().lower() and "FENCED" not in error.name():
        return StreamBroken(f"{error.name()}: {error.str()}")
    if untroubled < TROUBLED_SECONDS:
        return StreamBroken(
            f"this client may have fenced itself when its session ended without a broker, {untroubled:.0f} s ago: "
            f"{error.str()}"
        )
    return fenced(error)
