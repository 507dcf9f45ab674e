"""A member that dies while it hands over partitions leaves none of them behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import redis as redis_client

from tests.integration.deployment import Deployment, until
from tests.integration.tree import Tree


def test_no_partition_is_left_behind(
    deploy_with_registry: Callable[..., Deployment],
    redis: redis_client.Redis,
    tmp_path: Path,
) -> None:
    """A static member comes back before anybody misses it: the group must not be left half balanced."""
    deployment = deploy_with_registry()
    deployment.push(redis, "v1")
    redis.set(deployment.keys.champion, "v1")
    tokens = tmp_path / "tokens"
    tokens.mkdir()
    armed = {"module": "tests.chaos.points", "variables": {"CHAOS_TOKENS": str(tokens)}}
    with Tree(deployment, **armed) as elder:  # type: ignore[arg-type]
        deployment.send(40)
        deployment.await_committed(40)
        token = tokens / "release 1"
        token.touch()
        with Tree(deployment, instance=f"{deployment.model}-second", **armed) as second:  # type: ignore[arg-type]
            until(lambda: not token.exists(), "no partition is handed over")
            until(lambda: "ended by SIGKILL" in elder.text() + second.text(), "nobody is killed")
            for partition in range(4):
                deployment.send(10, partition=partition)
            deployment.await_committed(80)
    deployment.assert_exactly_once()
