"""One way to say what went wrong with Kafka, for whoever asks it something once: commands and checks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaError, KafkaException

from scorer.errors import ScorerError, SettingsError, StreamBroken

# What the client reports while it is still trying.
PASSING = {
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._TRANSPORT,
    KafkaError._RESOLVE,
    KafkaError._TIMED_OUT,
}

_DENIED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
}


class Heard:
    """A client's ``error_cb``: remembers why there is no connection, which a call that times out does not say."""

    def __init__(self) -> None:
        self.last = ""

    def __call__(self, error: KafkaError) -> None:
        """Called by the client, from within its own calls."""
        if error.code() != KafkaError._ALL_BROKERS_DOWN:
            self.last = error.str()


@contextmanager
def asking(what: str, heard: Heard | None = None) -> Iterator[None]:
    """Turn what the client raises inside the block into SettingsError or StreamBroken.

    ``what`` is what was tried, as in "cannot ``read the audit topic``"; ``heard`` is the client's ``error_cb``.
    """
    last = Heard() if heard is None else heard
    try:
        yield
    except KafkaException as error:
        raise explained(what, error.args[0], last.last) from error
    except TimeoutError as error:
        raise StreamBroken(f"cannot {what}: {_silence(last.last)}") from error


def explained(what: str, error: KafkaError, heard: str = "") -> ScorerError:
    """What an error of the client means, and what to do about it."""
    if error.code() == KafkaError._INVALID_ARG:
        return SettingsError(f"kafka.properties: {error.str()}")
    if error.code() in PASSING:
        return StreamBroken(f"cannot {what}: {_silence(heard or error.str())}")
    if error.code() in _DENIED:
        return StreamBroken(f"cannot {what}: {error.str()}; give this user the right to")
    return StreamBroken(f"cannot {what}: {error.name()}: {error.str()}")


def _silence(why: str) -> str:
    text = f"no broker answers ({why})" if why else "no broker answered in time"
    return f"{text}; see kafka.bootstrap_servers and kafka.properties"
