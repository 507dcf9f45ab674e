"""Fixtures of the integration tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SharedKafka, SharedRedis
from tests.integration.deployment import Deployment


@pytest.fixture
def deploy(kafka: SharedKafka, tmp_path: Path) -> Callable[..., Deployment]:
    """Makes a deployment on the shared Kafka, without a registry."""

    def make(**arguments: Any) -> Deployment:
        return Deployment(tmp_path, kafka.bootstrap, **arguments)

    return make


@pytest.fixture
def deploy_with_registry(kafka: SharedKafka, redis_server: SharedRedis, tmp_path: Path) -> Callable[..., Deployment]:
    """Makes a deployment on the shared Kafka and the shared Redis-compatible server."""

    def make(**arguments: Any) -> Deployment:
        return Deployment(tmp_path, kafka.bootstrap, redis_server.url, **arguments)

    return make
