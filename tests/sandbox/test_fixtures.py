"""The fixtures that all tests use: what they give, and what they say where the services cannot run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource
from redis import Redis

from tests.conftest import MakeTopic, SharedKafka, SharedRedis
from tests.sandbox.support import ROOT, environment

NOWHERE = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": ""}
NEEDS_KAFKA = f"{__file__}::test_a_topic_of_ones_own"


def run_pytest(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment(**variables), capture_output=True, text=True, check=False, timeout=300
    )


def test_a_topic_of_ones_own(topic: MakeTopic, admin: AdminClient) -> None:
    name, other = topic(partitions=3), topic(config={"cleanup.policy": "compact"})
    assert name.startswith("test_a_topic_of_ones_own-")
    assert name != other
    assert len(admin.list_topics(name, timeout=30).topics[name].partitions) == 3
    resource = ConfigResource(ConfigResource.Type.TOPIC, other)
    found = admin.describe_configs([resource])[resource].result(30)
    assert (found["cleanup.policy"].value, found["retention.ms"].value) == ("compact", "-1")


@pytest.mark.parametrize("turn", [1, 2])
def test_the_database_is_empty_each_time(redis: Redis, redis_server: SharedRedis, turn: int) -> None:
    assert redis.dbsize() == 0
    redis.set("key", turn)
    with Redis.from_url(redis_server.url) as other:
        assert other.get("key") == str(turn).encode()


def test_named_services_are_used_and_topics_deleted(kafka: SharedKafka, admin: AdminClient) -> None:
    done = run_pytest(NEEDS_KAFKA, KAFKA_BOOTSTRAP_SERVERS=kafka.bootstrap)
    assert done.returncode == 0, done.stdout
    assert not [name for name in admin.list_topics(timeout=30).topics if name.startswith("test_a_topic_of_ones_own")]


def test_a_database_that_is_not_empty_is_not_flushed(redis: Redis, redis_server: SharedRedis) -> None:
    redis.set("precious", "value")
    done = run_pytest(f"{__file__}::test_the_database_is_empty_each_time", REDIS_URL=redis_server.url)
    assert done.returncode == 1
    assert "1 keys; the tests would delete them" in done.stdout
    assert redis.get("precious") == b"value"


def test_where_kafka_cannot_run_the_summary_says_so_loudly(tmp_path: Path) -> None:
    done = run_pytest(NEEDS_KAFKA, __file__ + "::test_what_runs_anywhere", SANDBOX_CACHE=str(tmp_path), **NOWHERE)
    assert done.returncode == 0, done.stdout
    assert "!! NOT TESTED !!" in done.stdout
    assert "1 tests did NOT run" in done.stdout
    assert "a real Kafka cannot run on this machine" in done.stdout
    assert "1 passed, 1 skipped" in done.stdout


def test_where_kafka_cannot_run_ci_fails(tmp_path: Path) -> None:
    done = run_pytest(NEEDS_KAFKA, SANDBOX_CACHE=str(tmp_path), CI="true", **NOWHERE)
    assert done.returncode == 1, done.stdout
    assert "a real Kafka cannot run on this machine" in done.stdout
    assert "1 error" in done.stdout


def test_what_runs_anywhere() -> None:
    """Nothing: the runs above need a test that passes."""
