"""A Valkey server for all tests of the registry, and fresh ones for those that hurt it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import settings

from sandbox import Valkey
from scorer.registry.client import connect
from scorer.registry.keys import Keys
from scorer.registry.lastgood import LastGood
from tests.registry.rounds import Clock, Setup

# A machine that is busy with other things makes an example slow, not wrong.
settings.register_profile("registry", deadline=None)
settings.load_profile("registry")


@pytest.fixture(scope="session")
def shared_server(redis_server: object) -> Iterator[Valkey]:
    """A server for all tests in here, apart from everybody else's because it is flushed and frozen.

    ``redis_server`` is asked for so that a machine that cannot run one is dealt with as everywhere.
    """
    with Valkey.start() as server:
        yield server


@pytest.fixture
def server(shared_server: Valkey) -> Valkey:
    """An empty server. Whoever freezes it must thaw it."""
    with shared_server.client() as admin:
        admin.flushall()
    return shared_server


@pytest.fixture
def own_server(new_valkey: Callable[..., Valkey]) -> Valkey:
    """An empty server of the test's own, to be killed and restarted."""
    return new_valkey()


@pytest.fixture
def client(server: Valkey) -> Iterator[redis.Redis]:
    with connect(server.url) as connected:
        yield connected


@pytest.fixture
def keys() -> Keys:
    return Keys("flights")


@pytest.fixture
def setup(client: redis.Redis, keys: Keys, tmp_path: Path) -> Setup:
    """A follower's surroundings: an empty Redis, an empty disk, a clock."""
    return Setup(client, keys, Clock(), LastGood(tmp_path / "state", keys.model))
