"""One way to say what went wrong with Kafka, for whoever asks it something once: commands and checks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from confluent_kafka import KafkaError, KafkaException

from scorer.errors import ScorerError, SettingsError, StreamBroken

T = TypeVar("T")

PAUSE_SECONDS = 0.1

# What the client reports while it is still trying.
PASSING = {
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._TRANSPORT,
    KafkaError._RESOLVE,
    KafkaError._TIMED_OUT,
}

_ELECTION = {
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
}

_DENIED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
}


class Polled(Protocol):
    """A client of any kind."""

    def poll(self, timeout: float) -> object:
        """Serve what waits for the client, its ``error_cb`` too."""


class Heard:
    """A client's ``error_cb``: remembers why there is no connection, which a call that times out does not say.

    ``client`` is that client, once it is there.
    """

    def __init__(self) -> None:
        self.client: Polled | None = None
        self._last = ""

    def __call__(self, error: KafkaError) -> None:
        """Called by the client, from within its own calls."""
        if error.code() != KafkaError._ALL_BROKERS_DOWN:
            self._last = error.str()

    def last(self) -> str:
        """The latest complaint, empty where there was none."""
        if self.client is not None:
            self.client.poll(0)
        return self._last


def patiently(question: Callable[[], T], seconds: float) -> T:
    """The answer to ``question``, which is asked again, for so long, while a leader is elected or found."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return question()
        except KafkaException as error:
            if error.args[0].code() not in _ELECTION or time.monotonic() >= deadline:
                raise
            time.sleep(PAUSE_SECONDS)


@contextmanager
def asking(what: str, heard: Heard | None = None) -> Iterator[None]:
    """Turn what the client raises inside the block into SettingsError or StreamBroken.

    ``what`` is what was tried, as in "cannot ``read the audit topic``"; ``heard`` is the client's ``error_cb``.
    """
    last = Heard() if heard is None else heard
    try:
        yield
    except KafkaException as error:
        raise explained(what, error.args[0], last.last()) from error
    except TimeoutError as error:
        raise StreamBroken(f"cannot {what}: {_silence(last.last())}") from error


def explained(what: str, error: KafkaError, heard: str = "") -> ScorerError:
    """What an error of the client means, and what to do about it."""
    text = error.str().strip()
    if error.code() == KafkaError._INVALID_ARG:
        return SettingsError(f"kafka.properties: {text}")
    if error.code() in PASSING:
        return StreamBroken(f"cannot {what}: {_silence(heard or text)}")
    if error.code() in _DENIED:
        return StreamBroken(f"cannot {what}: {text}; give this user the right to")
    return StreamBroken(f"cannot {what}: {error.name()}: {text}")


def _silence(why: str) -> str:
    text = f"no broker answers ({why})" if why else "no broker answered in time"
    return f"{text}; see kafka.bootstrap_servers and kafka.properties"
