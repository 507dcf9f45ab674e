"""Fixtures for every test that needs a real Kafka or a real Redis-compatible server.

======================  ==========================================================================================
``kafka``               the Kafka that all tests share; ``kafka.bootstrap``
``topic``               makes a topic of the test's own: ``topic(partitions=4, config={"cleanup.policy": "compact"})``
``admin``               an ``AdminClient`` for the shared Kafka
``redis_server``        the server that all tests share; ``redis_server.url``
``redis``               a client for it, on an empty database
``new_kafka``           starts a cluster for this test alone, to be stopped, killed, frozen: ``new_kafka(brokers=3)``
``new_valkey``          the same for a server: ``new_valkey(settings={"user": [...]}, sentinel=True)``
======================  ==========================================================================================

The shared ones are those that ``KAFKA_BOOTSTRAP_SERVERS`` and ``REDIS_URL`` name, else they are started when the first
test asks for them. Where this machine cannot run them, the tests are skipped, which the summary says loudly; with
``CI=true`` that is a failure.

``make test`` runs test files beside each other, each of its processes with services of its own; of a Redis that is
named, the first takes that database and each further one the next.
"""

from __future__ import annotations

import os
import re
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from redis import Redis

from sandbox import Kafka, Unavailable, Valkey
from sandbox.services import KAFKA, REDIS

T = TypeVar("T")

_CANNOT = "cannot run on this machine"

_LONG = [
    "chaos/test_chaos.py",
    "integration/test_tree.py",
    "demo/test_demo.py",
    "rows/test_surroundings.py",
    "monitor/test_run.py",
    "monitor/alerts/test_dispatcher.py",
    "importers/test_cases.py",
    "sandbox/test_kafka.py",
    "monitor/outcomes/test_writing.py",
    "integration/test_replay.py",
    "conformance/test_conformance.py",
    "monitor/store/test_orders.py",
]
"""The files that take longest, begun first so that none of them runs alone at the end; waiting beside calculating."""


@dataclass(frozen=True)
class SharedKafka:
    """The Kafka that all tests use. It has no ``stop``: a test that breaks a broker starts its own."""

    bootstrap: str


@dataclass(frozen=True)
class SharedRedis:
    """The server that all tests use; each test finds its database empty."""

    url: str


class MakeTopic(Protocol):
    """Makes a topic with a name of its own and returns the name; it is deleted after the test."""

    def __call__(self, partitions: int = 1, config: Mapping[str, str] | None = None) -> str: ...


def _start(name: str, start: Callable[[], T]) -> T:
    """Start a service, or end the test as the rules say where that cannot be."""
    try:
        return start()
    except Unavailable as error:
        reason = f"a real {name} {_CANNOT}: {error}"
        if os.environ.get("CI", "").lower() in {"true", "1"}:
            pytest.fail(f"{reason}\nUnder CI=true that is a failure.", pytrace=False)
        pytest.skip(reason)


def pytest_configure() -> None:
    """A shell starts background jobs with Ctrl-C ignored, which the processes that are tried with it would inherit."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if url := os.environ.get(REDIS):
        os.environ[REDIS] = _own_database(url, int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; the others keep their order."""
    here = Path(__file__).parent
    place = {here / file: number for number, file in enumerate(_LONG)}
    assert all(file.is_file() for file in place), f"a file of {_LONG} is there no more"
    items.sort(key=lambda item: place.get(item.path, len(place)))


def _own_database(url: str, process: int) -> str:
    """Tests delete what their database holds, so no two processes may use the same one."""
    parts = urlsplit(url)
    return parts._replace(path=f"/{int(parts.path.strip('/') or 0) + process}").geturl() if process else url


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in capitals what was not tested."""
    reasons = [str(report.longrepr) for report in terminalreporter.getreports("skipped")]
    reasons = [reason for reason in reasons if _CANNOT in reason]
    if reasons:
        terminalreporter.section("NOT TESTED", sep="!", red=True, bold=True)
        count = len(reasons)
        terminalreporter.line(f"{count} tests did NOT run, so nothing is known about what they test.", red=True)
        for reason in sorted({reason.partition("Skipped: ")[2].rstrip("')") or reason for reason in reasons}):
            terminalreporter.line(reason)


@pytest.fixture(scope="session")
def kafka() -> Iterator[SharedKafka]:
    """The Kafka that all tests share."""
    if bootstrap := os.environ.get(KAFKA):
        yield SharedKafka(bootstrap)
        return
    with _start("Kafka", Kafka.start) as cluster:
        yield SharedKafka(cluster.bootstrap)


@pytest.fixture(scope="session")
def admin(kafka: SharedKafka) -> AdminClient:
    """An admin client for the shared Kafka."""
    return AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})


@pytest.fixture
def topic(admin: AdminClient, request: pytest.FixtureRequest) -> Iterator[MakeTopic]:
    """A maker of topics that keep everything for ever, however old its timestamp, unless ``config`` says otherwise."""
    made: list[str] = []
    stem = re.sub(r"[^\w.-]+", "-", request.node.name)[:60]

    def make(partitions: int = 1, config: Mapping[str, str] | None = None) -> str:
        name = f"{stem}-{uuid.uuid4().hex[:8]}"
        wanted = NewTopic(name, partitions, -1, config={"retention.ms": "-1"} | dict(config or {}))
        admin.create_topics([wanted])[name].result(30)
        made.append(name)
        _await_leaders(admin, name, partitions)
        return name

    yield make
    if made:
        for done in admin.delete_topics(made).values():
            done.exception(30)  # a test may have deleted it


def _await_leaders(admin: AdminClient, name: str, partitions: int) -> None:
    pause, deadline = threading.Event(), time.monotonic() + 30
    while True:
        known = admin.list_topics(name, timeout=10).topics[name].partitions
        if len(known) == partitions and all(partition.leader >= 0 for partition in known.values()):
            return
        assert time.monotonic() < deadline, f"topic {name} has no leaders: {known}"
        pause.wait(0.01)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[SharedRedis]:
    """The Redis-compatible server that all tests share."""
    if url := os.environ.get(REDIS):
        with Redis.from_url(url) as client:
            keys = client.dbsize()
        assert not keys, f"{REDIS} names a database with {keys} keys; the tests would delete them. Choose an empty one."
        yield SharedRedis(url)
        return
    with _start("Valkey", Valkey.start) as server:
        yield SharedRedis(server.url)


@pytest.fixture
def redis(redis_server: SharedRedis) -> Iterator[Redis]:
    """A client that answers with bytes, on an empty database."""
    with Redis.from_url(redis_server.url) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def new_kafka() -> Iterator[Callable[..., Kafka]]:
    """``Kafka.start`` with the same arguments; every cluster is closed after the test."""
    started: list[Kafka] = []

    def start(**arguments: Any) -> Kafka:
        started.append(_start("Kafka", lambda: Kafka.start(**arguments)))
        return started[-1]

    yield start
    for cluster in reversed(started):
        cluster.close()


@pytest.fixture
def new_valkey() -> Iterator[Callable[..., Valkey]]:
    """``Valkey.start`` with the same arguments; every server is closed after the test."""
    started: list[Valkey] = []

    def start(**arguments: Any) -> Valkey:
        started.append(_start("Valkey", lambda: Valkey.start(**arguments)))
        return started[-1]

    yield start
    for server in reversed(started):
        server.close()
