"""A stage on the Kafka and the Redis that all tests share, and benchmarks that do as little as they can."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis import Redis

from bench.effort import Effort
from bench.stage import Stage
from sandbox.services import Services
from tests.conftest import SharedKafka, SharedRedis


@pytest.fixture
def effort() -> Effort:
    """Just enough to run."""
    return Effort(rounds=1, events=2_000, seconds=0.5, warm=0.1, least=0.0)


@pytest.fixture
def stage(kafka: SharedKafka, redis_server: SharedRedis, redis: Redis, tmp_path: Path) -> Stage:
    """A model with its version in Redis; ``redis`` leaves nothing of it behind."""
    return Stage(Services(kafka.bootstrap, redis_server.url, None, None), tmp_path)
