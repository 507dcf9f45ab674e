"""Fixtures of the monitor's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from sandbox import Valkey
from tests.conftest import SharedKafka, SharedRedis
from tests.monitor.stage import Stage


@pytest.fixture
def set_up(kafka: SharedKafka, redis_server: SharedRedis, redis: Redis, tmp_path: Path) -> Callable[..., Stage]:
    """Makes a stage on the shared Kafka and the shared Redis-compatible server, which it finds empty."""

    def make(**arguments: Any) -> Stage:
        return Stage(tmp_path, kafka.bootstrap, redis_server.url, **arguments)

    return make


@pytest.fixture(scope="session")
def own_registry(redis_server: object) -> Iterator[Valkey]:
    """A server apart from everybody else's, because it is flushed and frozen; ``redis_server`` says where none runs."""
    with Valkey.start() as server:
        yield server


@pytest.fixture
def registry(own_registry: Valkey) -> Valkey:
    """An empty server. Whoever freezes it must thaw it."""
    with own_registry.client() as admin:
        admin.flushall()
    return own_registry
