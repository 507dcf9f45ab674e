"""The command ``sandbox``, as people and other programs run it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from redis import Redis

from sandbox.lock import pinned
from sandbox.services import KAFKA, REDIS, services
from tests.sandbox.support import await_true, descendants, environment, is_gone

COMMAND = [sys.executable, "-m", "sandbox.cli"]


class Up:
    """``sandbox up`` in a process of its own, with its temporary files in ``directory``."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.directory = directory
        self.process = subprocess.Popen(
            [*COMMAND, "up", "--json", *options],
            env=environment(TMPDIR=str(directory)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        self.facts = json.loads(line)
        self.started = descendants(self.process.pid)

    def assert_gone(self) -> None:
        for pid in self.started:
            await_true(partial(is_gone, pid), f"process {pid} is gone")
        await_true(lambda: not list(self.directory.glob("sandbox-*")), "no temporary directory is left")

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def up(tmp_path: Path, kafka: object, redis_server: object) -> Iterator[Callable[..., Up]]:
    """Starts ``sandbox up``; the shared services stand for a machine that can run them."""
    made: list[Up] = []

    def start(*options: str) -> Up:
        made.append(Up(tmp_path, *options))
        return made[-1]

    yield start
    for one in made:
        one.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_runs_until_it_is_told_to_end(up: Callable[..., Up], number: int) -> None:
    one = up()
    admin = AdminClient({"bootstrap.servers": one.facts["bootstrap"]})
    assert len(admin.list_topics(timeout=30).brokers) == 1
    with Redis.from_url(one.facts["redis_url"]) as client:
        client.ping()
    assert len(one.started) == 4  # two services, each with its keeper
    assert all(Path(log).read_text() for log in one.facts["logs"])
    one.process.send_signal(number)
    assert one.process.wait(60) == 0
    one.assert_gone()


def test_a_killed_up_leaves_nothing(up: Callable[..., Up]) -> None:
    one = up("--brokers", "3")
    assert len(one.started) == 8
    one.process.kill()
    one.assert_gone()


def test_up_ends_when_a_service_does(up: Callable[..., Up]) -> None:
    one = up()
    with Redis.from_url(one.facts["redis_url"]) as client:
        os.kill(client.info("server")["process_id"], signal.SIGKILL)
    _, error = one.process.communicate(timeout=60)
    assert one.process.returncode == 1
    assert "Valkey ended with exit code 137" in error
    one.assert_gone()


def test_up_keeps_a_directory_and_its_addresses(up: Callable[..., Up], tmp_path: Path) -> None:
    one = up("--data", str(tmp_path / "data"))
    with Redis.from_url(one.facts["redis_url"]) as client:
        client.set("key", "value")
    one.process.send_signal(signal.SIGINT)
    assert one.process.wait(60) == 0
    other = up("--data", str(tmp_path / "data"))
    assert other.facts == one.facts
    with Redis.from_url(other.facts["redis_url"]) as client:
        assert client.get("key") == b"value"
    other.process.kill()
    other.assert_gone()
    assert up("--data", str(tmp_path / "data")).facts == one.facts


def test_up_says_for_people_where_the_services_are(tmp_path: Path, kafka: object, redis_server: object) -> None:
    process = subprocess.Popen(
        [*COMMAND, "up"], env=environment(TMPDIR=str(tmp_path)), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    process.stdout.close()
    exported = dict(line.split("export ")[1].strip().split("=") for line in lines if "export " in line)
    assert exported.keys() == {KAFKA, REDIS}
    assert any(exported[KAFKA] in line for line in lines if line.startswith("Kafka"))


def test_fetch_says_what_is_there(kafka: object) -> None:
    done = subprocess.run([*COMMAND, "fetch", "--json"], env=environment(), capture_output=True, check=True)
    facts = json.loads(done.stdout)
    assert facts["jars"] == len(pinned())
    assert facts["bytes"] == sum(artefact.size for artefact in pinned())
    assert facts["startup_cache"] is True


def test_a_wrong_option_is_explained(tmp_path: Path) -> None:
    done = subprocess.run([*COMMAND, "up", "--brokers", "0"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_services_that_the_environment_names_are_used() -> None:
    named = {KAFKA: "elsewhere:9092", REDIS: "redis://elsewhere:6379/0"}
    with services(named) as found:
        assert (found.bootstrap, found.redis_url) == (named[KAFKA], named[REDIS])
        assert (found.kafka, found.valkey) == (None, None)
        assert found.environment == named


def test_a_service_that_is_not_named_is_started(redis_server: object) -> None:
    with services({KAFKA: "elsewhere:9092"}) as found:
        assert found.kafka is None
        assert found.valkey
        with Redis.from_url(found.redis_url) as client:
            assert client.ping()
        pid = found.valkey.pid
    assert is_gone(pid)
