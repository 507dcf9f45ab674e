"""Fixtures of the monitor's tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.conftest import SharedKafka, SharedRedis
from tests.monitor.stage import Stage


@pytest.fixture
def set_up(kafka: SharedKafka, redis_server: SharedRedis, redis: Redis, tmp_path: Path) -> Callable[..., Stage]:
    """Makes a stage on the shared Kafka and the shared Redis-compatible server, which it finds empty."""

    def make(**arguments: Any) -> Stage:
        return Stage(tmp_path, kafka.bootstrap, redis_server.url, **arguments)

    return make
