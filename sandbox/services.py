"""Kafka and Valkey for a program that does not care whose they are: those that the environment names, else new ones."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.kafka import Kafka
from sandbox.valkey import Valkey

KAFKA = "KAFKA_BOOTSTRAP_SERVERS"
REDIS = "REDIS_URL"


@dataclass(frozen=True)
class Services:
    """Addresses to use. ``kafka`` and ``valkey`` are there only if the sandbox started them, so they may be stopped."""

    bootstrap: str
    redis_url: str
    kafka: Kafka | None
    valkey: Valkey | None

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead another program to these services."""
        return {KAFKA: self.bootstrap, REDIS: self.redis_url}


@contextlib.contextmanager
def services(
    environment: Mapping[str, str], *, brokers: int | None = None, data: Path | None = None
) -> Iterator[Services]:
    """What ``KAFKA_BOOTSTRAP_SERVERS`` and ``REDIS_URL`` name; what is not named is started, and stopped at the end.

    ``brokers`` and ``data`` (subdirectories ``kafka`` and ``valkey``) are as in ``Kafka.start``. Errors as there.
    """
    bootstrap, redis_url = environment.get(KAFKA), environment.get(REDIS)
    with contextlib.ExitStack() as stack:
        kafka = valkey = None
        if not redis_url:
            valkey = stack.enter_context(Valkey.start(data=data and data / "valkey"))
            redis_url = valkey.url
        if not bootstrap:
            kafka = stack.enter_context(Kafka.start(brokers=brokers, data=data and data / "kafka"))
            bootstrap = kafka.bootstrap
        yield Services(bootstrap, redis_url, kafka, valkey)
