"""A short soak; ``python -m tests.soak`` makes long ones."""

from __future__ import annotations

from collections.abc import Callable

import redis as redis_client

from tests.integration.deployment import Deployment
from tests.soak import SLICES, soak


def test_memory_stays_flat_under_load_and_flips(
    deploy_with_registry: Callable[..., Deployment], redis: redis_client.Redis
) -> None:
    deployment = deploy_with_registry()
    deployment.push(redis, "v1")
    redis.set(deployment.keys.champion, "v1")
    peaks = soak(deployment, 300_000)
    # Buffers have found their size after the first half; 16 MiB is a tenth of what a worker has.
    assert peaks[-1] - peaks[SLICES // 2] < 16 * 2**20, [f"{peak / 2**20:.0f} MiB" for peak in peaks]
